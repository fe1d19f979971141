"""Who is asking: the name in the session, or HTTP Basic authentication. Kept in `g`, for every paradigm."""

from __future__ import annotations

import secrets
from functools import wraps
from typing import Any

import shop

from fenrir import current_app, g
from fenrir.flask import abort, redirect, request, session, url_for

__all__ = ["check_form", "find_user", "form_key", "login_required"]


def find_user() -> None:
    """Put the person who asks into `g.user`, None for a stranger (a Flask `before_request`)."""
    g.user = None
    given = request.authorization
    name: str | None = session.get("user")
    if given is not None and given.type == "basic":
        with current_app.ctx.database.read() as c:
            g.user = shop.login(c, given.username or "", given.password or "")
    elif name is not None:
        with current_app.ctx.database.read() as c:
            g.user = shop.person(c, name)


def login_required(view: Any) -> Any:
    """Send strangers to the first page (decorates a Flask view)."""

    @wraps(view)
    def guarded(**values: Any) -> Any:
        if g.user is None:
            return redirect(url_for("pages.shelf"), 303)
        return view(**values)

    return guarded


def form_key() -> str:
    """Return the key that a form of this session has to send back."""
    if "form key" not in session:
        session["form key"] = secrets.token_urlsafe(16)
    return str(session["form key"])


def check_form() -> None:
    """Refuse a form that another site made (a `before_request` of the pages)."""
    if request.method == "POST" and not secrets.compare_digest(request.form.get("key", ""), form_key()):
        abort(403, "This form has expired: go back, reload the page and try again.")
