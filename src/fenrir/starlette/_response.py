"""Responses: ASGI applications that answer one request, and views of the engine's `Reply`.

A response that is made by hand holds a reply of its own; `Response.over` is a view of one that exists, as hooks are
shown it. Status, headers and body live in the reply, so that whoever changes one sees it in the other.

What is written into headers and cookies is checked: nothing can split a response (RFC 9110 §5.5).
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self, cast
from urllib.parse import quote

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.http.headers import MutableHeaders as ReplyHeaders
from fenrir.http.headers import checked_value
from fenrir.http.json import dumps
from fenrir.kit.headers import MutableHeaders, checked_pairs
from fenrir.starlette._cookies import set_cookie_value
from fenrir.starlette._exchange import run_over_exchange
from fenrir.starlette._groups import create_collapsing_task_group
from fenrir.starlette.concurrency import iterate_in_threadpool
from fenrir.starlette.requests import ClientDisconnect
from fenrir.starlette.types import Message, Receive, Scope, Send

__all__ = [
    "AsyncContentStream",
    "Background",
    "Content",
    "ContentStream",
    "HTMLResponse",
    "JSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
    "SyncContentStream",
    "denying",
    "tells_by_error",
    "until_disconnect",
]

Content = str | bytes | memoryview
SyncContentStream = Iterable[Content]
AsyncContentStream = AsyncIterable[Content]
ContentStream = AsyncContentStream | SyncContentStream
Background = Callable[[], Awaitable[None]]
SameSite = Literal["lax", "strict", "none"]


class Response:
    """An HTTP response.

    Attributes:
        media_type: of the class, when the constructor is given none.
    """

    media_type: str | None = None
    charset = "utf-8"

    _reply: Reply
    _has_body = False
    _has_status = True
    _headers: MutableHeaders | None = None
    # A class that answers by a `__call__` of its own is run by it, also when a handler returns it.
    _answers_itself: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__reply__" in cls.__dict__:
            cls._answers_itself = False
        elif not {"__call__", "stream_response", "listen_for_disconnect"}.isdisjoint(cls.__dict__):
            cls._answers_itself = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Here, as subclasses need not call __init__ (upstream's do not either).
        made = super().__new__(cls)
        made._reply = Reply(headers=ReplyHeaders.of([]))
        return made

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        # PERF: past the properties, with cached content types: 2.6 us instead of 5.5 for a PlainTextResponse (timeit).
        reply = self._reply
        reply.status = int(status_code)
        if media_type is not None:
            self.media_type = media_type
        reply.background = background
        reply._body = bytes(self.render(content))
        self._has_body = True
        self.init_headers(headers)

    @classmethod
    def over(cls, reply: Reply) -> Self:
        """Return a view of a reply that exists."""
        view = cls.__new__(cls)
        view._reply = reply
        view._has_body = reply.stream is None
        return view

    @classmethod
    def of_answer(cls, reply: Reply) -> Self:
        """Return a view of a reply that is complete: it shows the length with which the body will be sent."""
        view = cls.over(reply)
        if view._has_body and reply.run is None and reply.status >= 200 and reply.status not in (204, 304):
            reply.headers.setdefault("content-length", str(len(reply.body)))
        return view

    def __reply__(self) -> Reply:
        if self._answers_itself:
            self._reply.run = self._run
        return self._reply

    async def _run(self, c: RequestContext, exchange: Any) -> None:
        await run_over_exchange(c, self, exchange)
        self.background = None  # its own __call__ has seen to it

    def render(self, content: Any) -> bytes | memoryview:
        """Return the content as bytes; subclasses have their own ways."""
        if content is None:
            return b""
        if isinstance(content, bytes):
            return content
        if isinstance(content, memoryview):
            return content.tobytes()
        return cast(bytes, content.encode(self.charset))

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers: those given, and content-length and content-type when they are not among them."""
        reply = self._reply
        status = reply.status
        if headers is None:
            fields: list[tuple[bytes, bytes]] = []
            has_length = has_type = False
        else:
            fields = checked_pairs(headers)
            given = {name for name, _ in fields}
            has_length, has_type = b"content-length" in given, b"content-type" in given
        if self._has_body and not has_length and status >= 200 and status not in (204, 304):
            fields.append((b"content-length", b"%d" % len(reply._body)))
        kind = self.media_type
        if kind is not None and not has_type:
            fields.append(_content_type(kind, self.charset))
        self.raw_headers = fields

    @property
    def status_code(self) -> Any:
        """The status; None as long as it is left to somebody else."""
        return self._reply.status if self._has_status else None

    @status_code.setter
    def status_code(self, status: int | None) -> None:
        self._has_status = status is not None
        if status is not None:
            self._reply.status = int(status)

    @property
    def headers(self) -> MutableHeaders:
        """The headers, Set-Cookie included."""
        made = self._headers
        if made is None or made.raw is not self._reply.headers.raw:
            made = self._headers = MutableHeaders(raw=self._reply.headers.raw)
        return made

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as they are sent."""
        return self._reply.headers.raw

    @raw_headers.setter
    def raw_headers(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._reply.headers.raw = fields

    @property
    def body(self) -> bytes:
        """The whole body; a response that has none as a whole has no such attribute."""
        if not self._has_body:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'body'")
        return self._reply.body

    @body.setter
    def body(self, body: bytes | memoryview) -> None:
        self._reply.body = bytes(body)
        self._has_body = True

    @property
    def background(self) -> Background | None:
        """What is awaited after sending."""
        return self._reply.background

    @background.setter
    def background(self, task: Background | None) -> None:
        self._reply.background = task

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        expires: datetime | str | int | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Add a cookie; `expires` as a number is seconds from now."""
        cookie = set_cookie_value(
            key,
            value,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        self.raw_headers.append((b"set-cookie", cookie))

    def delete_cookie(
        self,
        key: str,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Tell the browser to forget a cookie."""
        self.set_cookie(key, "", 0, 0, path, domain, secure, httponly, samesite, partitioned)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        send = denying(scope, send)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self._reply.body})
        await self._afterwards()

    async def _afterwards(self) -> None:
        if self.background is not None:
            await self.background()


@lru_cache(maxsize=256)
def _content_type(kind: str, charset: str) -> tuple[bytes, bytes]:
    if kind.startswith("text/") and "charset=" not in kind.lower():
        kind = f"{kind}; charset={charset}"
    return b"content-type", checked_value(kind)


def denying(scope: Scope, send: Send) -> Send:
    """Return what takes the answer: to the handshake of a WebSocket it is sent as a denial."""
    if scope["type"] != "websocket":
        return send

    async def deny(message: Message) -> None:
        await send({**message, "type": f"websocket.{message['type']}"})

    return deny


def tells_by_error(scope: Scope) -> bool:
    """Say whether the server raises from `send` when the client has left (ASGI 2.4), so that nobody has to watch."""
    version: str = scope.get("asgi", {}).get("spec_version", "2.0")
    return tuple(map(int, version.split("."))) >= (2, 4)


class HTMLResponse(Response):
    """A page."""

    media_type = "text/html"


class PlainTextResponse(Response):
    """Text."""

    media_type = "text/plain"


class JSONResponse(Response):
    """A JSON value. Raises `ValueError` for NaN and infinity."""

    media_type = "application/json"

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type, background)

    def render(self, content: Any) -> bytes:
        """Return compact JSON."""
        return dumps(content)


class RedirectResponse(Response):
    """A redirect, with 307 by default."""

    def __init__(
        self,
        url: Any,
        status_code: int = 307,
        headers: Mapping[str, str] | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(content=b"", status_code=status_code, headers=headers, background=background)
        self.headers["location"] = quote(str(url), safe=":/%#?=@[]!$&'()*+,;")


class StreamingResponse(Response):
    """A response whose body comes in pieces, from an async iterable or (in a worker thread) from a plain one."""

    _iterator: AsyncContentStream | None = None  # None: of a view whose pieces nobody has touched

    def __init__(
        self,
        content: ContentStream,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        self.body_iterator = content
        self.status_code = status_code
        if media_type is not None:
            self.media_type = media_type
        self.background = background
        self.init_headers(headers)

    @property
    def body_iterator(self) -> Any:
        """The pieces, as an async iterable; also of a view of a response that has its body as a whole."""
        if self._iterator is None:
            self.body_iterator = _pieces_of(Reply(body=self._reply.body, stream=self._reply.stream))
        return self._iterator

    @body_iterator.setter
    def body_iterator(self, content: ContentStream) -> None:
        self._iterator = content if isinstance(content, AsyncIterable) else iterate_in_threadpool(content)

    def __reply__(self) -> Reply:
        reply = super().__reply__()
        if reply.run is None and self._iterator is not None:
            reply.stream = _encoded(self._iterator, self.charset)
        return reply

    async def listen_for_disconnect(self, receive: Receive) -> None:
        """Return when the client has left."""
        while (await receive())["type"] != "http.disconnect":
            pass

    async def stream_response(self, send: Send) -> None:
        """Send the head and the pieces."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.body_iterator:
            body = piece.encode(self.charset) if isinstance(piece, str) else piece
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        if scope["type"] == "websocket":
            await self.stream_response(denying(scope, send))
        elif tells_by_error(scope):
            try:
                await self.stream_response(send)
            except OSError as gone:
                raise ClientDisconnect from gone
        else:
            await until_disconnect(receive, lambda: self.stream_response(send), self.listen_for_disconnect)
        await self._afterwards()


StreamingResponse._answers_itself = False


async def until_disconnect(
    receive: Receive,
    sending: Callable[[], Awaitable[None]],
    listening: Callable[[Receive], Awaitable[None]],
) -> None:
    """Send until everything is sent or the client has left, whichever comes first."""
    async with create_collapsing_task_group() as group:

        async def send_all() -> None:
            await sending()
            group.cancel_scope.cancel()

        group.start_soon(send_all)
        await listening(receive)
        group.cancel_scope.cancel()


async def _encoded(pieces: AsyncContentStream, charset: str) -> AsyncIterable[bytes]:
    try:
        async for piece in pieces:
            yield piece.encode(charset) if isinstance(piece, str) else bytes(piece)
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


async def _pieces_of(reply: Reply) -> AsyncIterable[bytes]:
    stream = reply.stream
    if stream is None:
        yield reply.body
    elif isinstance(stream, AsyncIterable):
        async for piece in stream:
            yield piece
    else:
        async for piece in iterate_in_threadpool(stream):
            yield piece
