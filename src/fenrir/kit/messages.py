"""Flashed messages: kept in the session until they are shown, usually on the page after a redirect.

They have the key and form of Flask's, so that they also survive between a real Flask and us.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fenrir.kit.sessions import session_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["flash", "flashed_messages"]

_KEY = "_flashes"


def flash(c: RequestContext, message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows messages."""
    session = session_of(c)
    # Read and set as a whole: a change inside the list would not be noticed.
    session[_KEY] = [*session.get(_KEY, []), (category, message)]


def _taken(c: RequestContext) -> list[tuple[str, str]]:
    session = session_of(c)
    return [(category, text) for category, text in session.pop(_KEY)] if _KEY in session else []


def flashed_messages(c: RequestContext, categories: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Take the messages out of the session and return (category, message), only of some categories if any are named.

    Within one request every call sees the same messages.
    """
    messages: list[tuple[str, str]] = c.note("flashed messages", _taken)
    wanted = set(categories)
    return [pair for pair in messages if pair[0] in wanted] if wanted else list(messages)
