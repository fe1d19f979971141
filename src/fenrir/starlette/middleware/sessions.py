"""Sessions in a signed cookie, in upstream's format: what a real Starlette has written is read here, and back."""

from __future__ import annotations

from typing import Any, Literal, Self

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.kit.sessions.signed import SignedJSON
from fenrir.starlette._exchange import put_in_scope, scope_entry
from fenrir.starlette.datastructures import MutableHeaders, Secret
from fenrir.starlette.middleware._hook import CallNext
from fenrir.starlette.requests import HTTPConnection, Request
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Session", "SessionMiddleware"]


class Session(dict[str, Any]):
    """What is remembered of one client.

    A value that is changed in place is not noticed: call `mark_modified`.

    Attributes:
        accessed: it was asked for; the answer depends on the cookie.
        modified: it was written.
    """

    accessed: bool = False
    modified: bool = False

    def mark_accessed(self) -> None:
        """Note that the answer depends on it."""
        self.accessed = True

    def mark_modified(self) -> None:
        """Note that it has to be sent."""
        self.accessed = self.modified = True

    def __setitem__(self, key: str, value: Any) -> None:
        self.mark_modified()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.mark_modified()
        super().__delitem__(key)

    def clear(self) -> None:
        self.mark_modified()
        super().clear()

    def pop(self, key: str, *default: Any) -> Any:
        if key in self:
            self.mark_modified()
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self.mark_modified()
        return item

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self.mark_modified()
        return super().setdefault(key, default)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self.mark_modified()
        super().update(*args, **kwargs)

    def __ior__(self, other: Any) -> Self:  # type: ignore[override, misc]
        self.mark_modified()
        return super().__ior__(other)


class SessionMiddleware:
    """Gives `request.session`, a dictionary that is kept in a cookie: its reader can read it, but not change it.

    Args:
        max_age: in seconds; None is as long as the browser runs.
        https_only: the cookie is sent over encrypted connections only.
    """

    __wrap_replaces__ = ("__call__",)

    def __init__(
        self,
        app: ASGIApp,
        secret_key: str | Secret,
        session_cookie: str = "session",
        max_age: int | None = 14 * 24 * 60 * 60,
        path: str = "/",
        same_site: Literal["lax", "strict", "none"] = "lax",
        https_only: bool = False,
        domain: str | None = None,
        partitioned: bool = False,
    ) -> None:
        self.app = app
        self.signer = SignedJSON(str(secret_key))
        self.session_cookie = session_cookie
        self.max_age = max_age
        self.path = path
        flags = ["httponly", f"samesite={same_site}"]
        if https_only:
            flags.append("secure")
        if domain is not None:
            flags.append(f"domain={domain}")
        if partitioned:
            flags.append("partitioned")
        self.security_flags = "; ".join(flags)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        known, scope["session"] = self.load(HTTPConnection(scope).cookies)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                # The application may have put another session into the scope.
                self.save(scope["session"], known, MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, send_with_cookie)

    async def __wrap__(self, c: RequestContext, call_next: CallNext) -> Reply:
        request: Request = Request.of(c)
        known, session = self.load(request.cookies)
        put_in_scope(c, "session", session)
        reply = (await call_next()).copy()
        self.save(scope_entry(c, "session"), known, MutableHeaders(raw=reply.headers.raw))
        return reply

    def load(self, cookies: dict[str, str]) -> tuple[bool, Session]:
        """Return whether there was a valid session, and the session."""
        text = cookies.get(self.session_cookie)
        data = self.signer.read(text, self.max_age) if text is not None else None
        return (False, Session()) if data is None else (True, Session(data))

    def save(self, session: Session, known: bool, headers: MutableHeaders) -> None:
        """Put into an answer what the session demands: `Vary`, and the cookie to set or to delete."""
        if session.accessed:
            headers.add_vary_header("Cookie")
        if session.modified and session:
            lifetime = f"Max-Age={self.max_age}; " if self.max_age is not None else ""
            headers.append("Set-Cookie", self._cookie(self.signer.write(session), lifetime))
        elif session.modified and known:
            headers.append("Set-Cookie", self._cookie("null", "expires=Thu, 01 Jan 1970 00:00:00 GMT; "))

    def _cookie(self, value: str, lifetime: str) -> str:
        return f"{self.session_cookie}={value}; path={self.path}; {lifetime}{self.security_flags}"
