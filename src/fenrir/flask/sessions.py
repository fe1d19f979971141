"""Sessions as Flask's users and extensions know them: the session object, and the interface that keeps it somewhere.

`app.session_interface` opens a session at the beginning of a request and saves it at the end. The stock interface keeps
it in a signed cookie; signing, the format and the session object are those of `kit.sessions`, which all dialects share.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from fenrir.flask.incidental import incidental
from fenrir.flask.json.tag import TaggedJSONSerializer
from fenrir.kit.sessions import Session, SignedCookies
from fenrir.kit.sessions.signed import sha1 as _lazy_sha1
from fenrir.kit.sessions.signed import signing_serializer

if TYPE_CHECKING:
    from fenrir.flask.app import Flask
    from fenrir.flask.request import Request
    from fenrir.flask.response import Response
    from fenrir.kit.sessions.signed import URLSafeTimedSerializer

__all__ = [
    "NullSession",
    "SecureCookieSession",
    "SecureCookieSessionInterface",
    "SessionInterface",
    "SessionMixin",
    "session_json_serializer",
]

session_json_serializer = TaggedJSONSerializer()
"""What the stock interface writes its data with; `register` adds types."""


class SessionMixin(MutableMapping[str, Any]):
    """What a session has beside being a dictionary.

    Attributes:
        new: the client had none; not every implementation knows.
        modified: it has to be saved.
        accessed: something looked at it, so the response depends on the cookie.
    """

    new = False
    modified = True
    accessed = False

    @property
    def permanent(self) -> bool:
        """Outlive the browser: kept under the key `_permanent`."""
        return cast(bool, self.get("_permanent", False))

    @permanent.setter
    def permanent(self, value: bool) -> None:
        self["_permanent"] = bool(value)


class SecureCookieSession(Session, SessionMixin):
    """A session that lives in a signed cookie; it is read when it is first used.

    A value that is changed in place (`session["cart"].append(7)`) is not noticed: set `session.modified = True`.
    """

    new = False

    def __init__(self, initial: Any = None, writable: bool = True) -> None:
        super().__init__(initial, writable)

    def __repr__(self) -> str:
        # SECURITY: values are not shown, a session often holds credentials.
        return f"<{type(self).__name__} {', '.join(map(str, self.peek())) or 'empty'}>"


class NullSession(SecureCookieSession):
    """The session of an application without a secret key: empty, and it says what is missing when it is written."""

    def __init__(self, initial: Any = None) -> None:
        super().__init__(initial, writable=False)

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._write()
        raise AssertionError  # pragma: no cover - the line above raises

    popitem = _fail


class SessionInterface:
    """How sessions are opened and saved; a subclass needs `open_session` and `save_session`.

    Attributes:
        null_session_class: of sessions that could not be opened.
        pickle_based: sessions may hold any object.
    """

    null_session_class: type[NullSession] = NullSession
    pickle_based = False

    def make_null_session(self, app: Flask) -> NullSession:
        """Return the session to be used when none could be opened."""
        return self.null_session_class()

    def is_null_session(self, obj: object) -> bool:
        """Say whether a session is a stand-in, which is not saved."""
        return isinstance(obj, self.null_session_class)

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name of the cookie."""
        return cast(str, app.config["SESSION_COOKIE_NAME"])

    def get_cookie_domain(self, app: Flask) -> str | None:
        """Return the domain of the cookie; without one only the very host gets it back."""
        return cast("str | None", app.config["SESSION_COOKIE_DOMAIN"])

    def get_cookie_path(self, app: Flask) -> str:
        """Return the path of the cookie: its own, or that of the application."""
        return cast(str, app.config["SESSION_COOKIE_PATH"] or app.config["APPLICATION_ROOT"])

    def get_cookie_httponly(self, app: Flask) -> bool:
        """Say whether scripts can not read the cookie."""
        return cast(bool, app.config["SESSION_COOKIE_HTTPONLY"])

    def get_cookie_secure(self, app: Flask) -> bool:
        """Say whether the cookie is sent over HTTPS only."""
        return cast(bool, app.config["SESSION_COOKIE_SECURE"])

    def get_cookie_samesite(self, app: Flask) -> str | None:
        """Return `Strict`, `Lax` or None."""
        return cast("str | None", app.config["SESSION_COOKIE_SAMESITE"])

    def get_cookie_partitioned(self, app: Flask) -> bool:
        """Say whether the cookie has a store for each site that embeds this one."""
        return cast(bool, app.config["SESSION_COOKIE_PARTITIONED"])

    def get_expiration_time(self, app: Flask, session: SessionMixin) -> datetime | None:
        """Return when the cookie of a permanent session expires, None for others."""
        return datetime.now(UTC) + app.permanent_session_lifetime if session.permanent else None

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Say whether the response sets the cookie: it was modified, or is permanent and kept alive."""
        return session.modified or (session.permanent and app.config["SESSION_REFRESH_EACH_REQUEST"])

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        """Return the session of a request, None if it can not be had."""
        raise NotImplementedError

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Keep a session; called for each response unless the session is a stand-in."""
        raise NotImplementedError


class SecureCookieSessionInterface(SessionInterface):
    """Keeps sessions in signed cookies.

    Attributes:
        salt: sets this use of the key apart from others.
        digest_method, key_derivation: of itsdangerous.
        serializer: has `dumps` and `loads`.
        session_class: made of a dictionary, or of nothing.
    """

    salt: str | bytes = "cookie-session"
    digest_method: Callable[..., Any] = staticmethod(_lazy_sha1)
    key_derivation = "hmac"
    serializer: Any = session_json_serializer
    session_class: type[Any] = SecureCookieSession

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and opens the cookies, None without a key."""
        if not app.secret_key:
            return None
        return signing_serializer(
            app.secret_key,
            app.config["SECRET_KEY_FALLBACKS"] or (),
            self.salt,
            self.serializer,
            self.digest_method,
            self.key_derivation,
        )

    def open_session(self, app: Flask, request: Request) -> Any:
        """Return the session of a request, None without a key."""
        signing = self.get_signing_serializer(app)
        if signing is None:
            return None
        value = request.cookies.get(self.get_cookie_name(app))
        if not value:
            return self.session_class()
        lifetime = app.permanent_session_lifetime.total_seconds()
        cookies = SignedCookies.over(signing)
        if issubclass(self.session_class, SecureCookieSession):
            return self.session_class(lambda: cookies.read(value, lifetime))  # when it is first used
        return self.session_class(cookies.read(value, lifetime) or {})

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set or delete the cookie, as far as it is needed, and say in `Vary` that the response depends on it."""
        accessed = session.accessed
        if accessed:
            response.vary.add("Cookie")
        try:
            self._save(app, session, response)
        finally:
            session.accessed = accessed  # saving is no use

    def _save(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session and not self.should_set_cookie(app, session):
            return
        name = self.get_cookie_name(app)
        attributes: dict[str, Any] = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
            "partitioned": self.get_cookie_partitioned(app),
        }
        if session:
            signing = self.get_signing_serializer(app)
            assert signing is not None  # the session would be a stand-in otherwise
            expires = self.get_expiration_time(app, session)
            response.set_cookie(name, SignedCookies.over(signing).write(dict(session)), expires=expires, **attributes)
        elif session.modified:
            response.delete_cookie(name, **attributes)
        else:
            return
        response.vary.add("Cookie")


__getattr__ = incidental(__name__)
