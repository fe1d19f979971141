"""Flashed messages: kept in the session until they are shown, usually on the page after a redirect."""

from __future__ import annotations

from collections.abc import Iterable

from fenrir.flask.globals import current_app, request_ctx, session
from fenrir.flask.signals import message_flashed

__all__ = ["flash", "get_flashed_messages"]


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows messages."""
    # Read and set as a whole: a session that lives elsewhere does not notice a change inside a list.
    flashes = session.get("_flashes", [])
    flashes.append((category, message))
    session["_flashes"] = flashes
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    message_flashed.send(app, _async_wrapper=app.ensure_sync, message=message, category=category)


def get_flashed_messages(
    with_categories: bool = False, category_filter: Iterable[str] = ()
) -> list[str] | list[tuple[str, str]]:
    """Take the messages out of the session; within one request every call returns the same.

    Args:
        with_categories: return (category, message) instead of messages.
        category_filter: return only those of some categories.
    """
    flashes = request_ctx.flashes
    if flashes is None:
        flashes = [(category, text) for category, text in session.pop("_flashes")] if "_flashes" in session else []
        request_ctx.flashes = flashes
    if category_filter:
        flashes = [pair for pair in flashes if pair[0] in category_filter]
    return flashes if with_categories else [pair[1] for pair in flashes]
