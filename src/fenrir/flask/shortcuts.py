"""What views call: responses, redirects, URLs and messages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from markupsafe import escape

from fenrir.core.context import current
from fenrir.flask.ctx import stream_with_context
from fenrir.flask.exceptions import abort
from fenrir.flask.globals import current_app, request
from fenrir.flask.response import Response
from fenrir.kit import messages

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "make_response",
    "redirect",
    "stream_with_context",
    "url_for",
]


def get_debug_flag() -> bool:
    """Say whether `FLASK_DEBUG` asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG", "")
    return bool(value) and value.lower() not in ("0", "false", "no")


def make_response(*args: Any) -> Response:
    """Return the response that a value would be if a view returned it; several arguments are a tuple."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Return the URL of an endpoint; see `Flask.url_for`."""
    return current_app.url_for(
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )


_LOCATION_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def redirect(location: str, code: int = 302, Response: type[Response] | None = None) -> Response:
    """Return a redirect to a place; `url_for` makes places of the application.

    SECURITY: a place that came from the client must be checked first (`fenrir.http.url.is_safe_redirect`).
    """
    cls = Response or (current_app.response_class if current_app else _Response)
    shown = escape(location)
    response = cls(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{shown}">{shown}</a>. If not, click the link.\n',
        code,
        mimetype="text/html",
    )
    response.headers["Location"] = quote(location, safe=_LOCATION_SAFE)
    return response


_Response = Response


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows messages."""
    messages.flash(_current(), message, category)


def get_flashed_messages(with_categories: bool = False, category_filter: Iterable[str] = ()) -> Any:
    """Take the messages out of the session: texts, or (category, text)."""
    found = messages.flashed_messages(_current(), category_filter)
    return found if with_categories else [text for _, text in found]


def _current() -> Any:
    request._get_current_object()  # type: ignore[attr-defined]  # words the error when there is no request
    return current.get()
