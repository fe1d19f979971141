"""From a request to its session and back into the response.

`session_of` notes the session in the request context, so every dialect gets the same one, and has it saved after the
last hook, when nothing of the response may change any more. A session that nobody asks for costs nothing.

The whole session is one cookie, so of two requests that change it at once the one whose response arrives last wins; the
cookie is never mixed of both. What must not be lost so belongs into a database.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fenrir.http.cookies import cookie_header, parse_cookies
from fenrir.kit.sessions.config import SessionConfig, config_of
from fenrir.kit.sessions.session import Session

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.reply import Reply

__all__ = ["open_session", "save_session", "session_of"]

log = logging.getLogger("fenrir")

NOTE = "session"


def session_of(c: RequestContext) -> Session:
    """Return the session of a request, always the same one."""
    session: Session = c.note(NOTE, _open)
    return session


def _open(c: RequestContext) -> Session:
    session = open_session(c, config_of(c.app))
    c.before_sending(_save)
    return session


def open_session(c: RequestContext, config: SessionConfig) -> Session:
    """Return a session that reads its cookie when it is first used."""

    def load() -> dict[str, Any] | None:
        if config.cookies is None:
            return None
        for header in c.exchange.headers.getall("cookie"):
            value = parse_cookies(header).get(config.cookie_name)
            if value is not None:
                return config.cookies.read(value, config.lifetime.total_seconds())
        return None

    return config.session_class(load, writable=config.cookies is not None)


def _save(c: RequestContext, reply: Reply) -> None:
    save_session(session_of(c), config_of(c.app), reply)


def save_session(session: Session, config: SessionConfig, reply: Reply) -> None:
    """Put into a reply what a session demands: `Vary`, and the cookie to set or to delete.

    Raises:
        TypeError: the session holds a value that can not be kept in a cookie.
    """
    headers = reply.headers
    if session.accessed:
        headers.vary("Cookie")
    if config.cookies is None:
        return
    data = session.peek()
    if not data:
        if session.modified:
            headers.add("set-cookie", _cookie(config, "", max_age=0, expires=datetime.fromtimestamp(0, UTC)))
            headers.vary("Cookie")
        return
    permanent = bool(data.get("_permanent"))
    if not session.modified and not (permanent and config.refresh_each_request):
        return
    expires = datetime.now(UTC) + config.lifetime if permanent else None
    cookie = _cookie(config, config.cookies.write(data), expires=expires)
    if 0 < config.max_size < len(cookie):
        log.warning("the session cookie has %d bytes; browsers drop cookies above %d", len(cookie), config.max_size)
    headers.add("set-cookie", cookie)
    headers.vary("Cookie")
    if config.private:
        headers.setdefault("cache-control", "private")


def _cookie(config: SessionConfig, value: str, *, expires: datetime | None = None, max_age: int | None = None) -> bytes:
    return cookie_header(
        config.cookie_name,
        value,
        max_age=max_age,
        expires=expires,
        path=config.path,
        domain=config.domain,
        secure=config.secure,
        httponly=config.httponly,
        samesite=config.samesite,
        partitioned=config.partitioned,
    )
