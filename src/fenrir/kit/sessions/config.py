"""How an application keeps its sessions.

The configuration lives at `engine.extensions["fenrir.sessions"]`: a `SessionConfig`, or a function returning one for
applications whose settings may change after they were made (Flask's `app.config`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fenrir.kit.sessions.session import Session
from fenrir.kit.sessions.signed import SignedCookies, tagged_json

if TYPE_CHECKING:
    from fenrir.core.application import Application

__all__ = ["KEY", "SessionConfig", "config_of", "configure_sessions"]

KEY = "fenrir.sessions"

Key = str | bytes


@dataclass(frozen=True, kw_only=True)
class SessionConfig:
    """Keys, cookie and lifetime of sessions.

    Attributes:
        secret_key: signs cookies; without it a session is empty and can not be written.
        fallbacks: older keys that still open cookies, the newest first.
        lifetime: of a permanent session; also the age after which any cookie is refused.
        refresh_each_request: send the cookie of a permanent session again, so that it lives on.
        private: add `Cache-Control: private` to a response that sets the cookie.
        salt: sets this use of the key apart from others.
        serializer: has `dumps` and `loads` for the data.
        session_class: of the session.
        max_size: bytes of a cookie above which a warning is logged; 0: never.
    """

    # SECURITY: keys never appear in a repr, a log or an error page.
    secret_key: Key | None = field(default=None, repr=False)
    fallbacks: tuple[Key, ...] = field(default=(), repr=False)
    cookie_name: str = "session"
    domain: str | None = None
    path: str = "/"
    httponly: bool = True
    secure: bool = False
    samesite: str | None = "lax"
    partitioned: bool = False
    lifetime: timedelta = timedelta(days=31)
    refresh_each_request: bool = True
    private: bool = True
    salt: str | bytes = "cookie-session"
    serializer: Any = tagged_json
    session_class: type[Session] = Session
    max_size: int = 4093  # what browsers keep of one cookie, name and attributes included

    @cached_property
    def cookies(self) -> SignedCookies | None:
        """What signs and opens the cookies, or None without a key."""
        if not self.secret_key:
            return None
        return SignedCookies(self.secret_key, self.fallbacks, self.salt, self.serializer)


_NONE = SessionConfig()


def configure_sessions(engine: Application, config: SessionConfig | Callable[[], SessionConfig]) -> None:
    """Set how an application keeps its sessions."""
    engine.extensions[KEY] = config


def config_of(engine: Application) -> SessionConfig:
    """Return how an application keeps its sessions now; without a key if nobody said."""
    config: SessionConfig | Callable[[], SessionConfig] = engine.extensions.get(KEY, _NONE)
    return config if isinstance(config, SessionConfig) else config()
