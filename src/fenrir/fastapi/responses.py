"""Response classes: views of a reply. What is set on a response is set on the reply under it, in every dialect.

A response that is made by hand holds a reply of its own; `Response.over` is a view of one that exists already, as hooks
are shown it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from fenrir.core.context import current
from fenrir.core.reply import Reply
from fenrir.http.cookies import cookie_header
from fenrir.http.headers import MutableHeaders
from fenrir.http.json import dumps
from fenrir.kit.files import content_disposition, file_reply, guess_media_type
from fenrir.kit.sse import event_bytes, event_stream
from fenrir.kit.validation.encoder import jsonable_encoder

__all__ = [
    "EventSourceResponse",
    "FileResponse",
    "HTMLResponse",
    "JSONResponse",
    "ORJSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
    "UJSONResponse",
]

Content = str | bytes | memoryview
ContentStream = AsyncIterable[Content] | Iterable[Content]
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

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        self._begin(status_code, headers, media_type, background)
        self.body = self.render(content)

    def _begin(
        self, status: int, headers: Mapping[str, str] | None, media_type: str | None, background: Background | None
    ) -> None:
        self._reply = Reply(int(status), MutableHeaders(headers or ()), background=background)
        if media_type is not None:
            self.media_type = media_type
        kind = self.media_type
        if kind is not None:
            if kind.startswith("text/") and "charset=" not in kind.lower():
                kind += f"; charset={self.charset}"
            self._reply.headers.setdefault("content-type", kind)

    @classmethod
    def over(cls, reply: Reply) -> Self:
        """Return a view of a reply that exists."""
        view = cls.__new__(cls)
        view._reply = reply
        return view

    def __reply__(self) -> Reply:
        return self._reply

    def render(self, content: Any) -> Any:
        """Return the content as bytes; subclasses have their own ways."""
        if content is None:
            return b""
        if isinstance(content, (bytes, memoryview)):
            return bytes(content)
        return content.encode(self.charset)

    @property
    def status_code(self) -> int:
        """The status."""
        return self._reply.status

    @status_code.setter
    def status_code(self, status: int) -> None:
        self._reply.status = int(status)

    @property
    def headers(self) -> MutableHeaders:
        """The headers, Set-Cookie included."""
        return self._reply.headers

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as they are sent."""
        return self._reply.headers.raw

    @property
    def body(self) -> bytes:
        """The whole body; empty for a stream."""
        return self._reply.body

    @body.setter
    def body(self, body: bytes) -> None:
        self._reply.body = bytes(body)

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
        if isinstance(expires, int):
            import time

            expires = int(time.time()) + expires
        field = cookie_header(
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
        self._reply.headers.add("set-cookie", field)

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

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI application."""
        reply = self.__reply__()
        headers = list(reply.headers.raw)
        if reply.stream is None and reply.status not in (204, 304) and reply.status >= 200:
            headers = [pair for pair in headers if pair[0] != b"content-length"]
            headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.stream is not None:
            async for piece in _pieces(reply.stream):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if reply.stream is not None else reply.body})
        if reply.background is not None:
            await reply.background()


async def _pieces(stream: AsyncIterable[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(stream, AsyncIterable):
        async for piece in stream:
            yield piece
    else:
        from fenrir.fastapi.concurrency import iterate_in_threadpool

        async for piece in iterate_in_threadpool(stream):
            yield piece


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


class ORJSONResponse(JSONResponse):
    """As `JSONResponse`, which uses orjson by itself when it is installed."""


class UJSONResponse(JSONResponse):
    """As `JSONResponse`."""


class RedirectResponse(Response):
    """A redirect, with 307 by default."""

    def __init__(
        self,
        url: Any,
        status_code: int = 307,
        headers: Mapping[str, str] | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(b"", status_code, headers, None, background)
        self.headers["location"] = quote(str(url), safe=":/%#?=@[]!$&'()*+,;")


class StreamingResponse(Response):
    """A response whose body comes in pieces, from an async iterable or (in a worker thread) from a plain one."""

    def __init__(
        self,
        content: ContentStream,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        self._begin(status_code, headers, media_type, background)
        self.body_iterator = content

    @property
    def body_iterator(self) -> Any:
        """The pieces; also of a response that has its body as a whole."""
        if self._reply.stream is None:
            return _one(self._reply.body)
        return _pieces(self._reply.stream)

    @body_iterator.setter
    def body_iterator(self, content: ContentStream) -> None:
        self._reply.body = b""
        self._reply.headers.remove("content-length")
        self._reply.stream = (
            _encoded(content, self.charset)
            if isinstance(content, AsyncIterable)
            else _encoded_here(content, self.charset)
        )


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _as_bytes(piece: Content, charset: str) -> bytes:
    return piece.encode(charset) if isinstance(piece, str) else bytes(piece)


async def _encoded(content: AsyncIterable[Content], charset: str) -> AsyncIterator[bytes]:
    try:
        async for piece in content:
            yield _as_bytes(piece, charset)
    finally:
        close = getattr(content, "aclose", None)
        if close is not None:
            await close()


def _encoded_here(content: Iterable[Content], charset: str) -> Iterator[bytes]:
    try:
        for piece in content:
            yield _as_bytes(piece, charset)
    finally:
        close = getattr(content, "close", None)
        if close is not None:
            close()


class EventSourceResponse(StreamingResponse):
    """Server-Sent Events: events, values that become the data of one, or text and bytes as they are."""

    media_type = "text/event-stream"

    def __init__(
        self,
        content: AsyncIterable[Any] | Iterable[Any],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        self._begin(status_code, headers, media_type, background)
        self.headers.setdefault("cache-control", "no-cache")
        self.headers.setdefault("x-accel-buffering", "no")
        self._reply.stream = event_stream(content, encode=self._encode)

    @staticmethod
    def _encode(item: Any) -> bytes:
        if isinstance(item, str):
            return item.encode()
        return event_bytes(item, lambda value: dumps(jsonable_encoder(value)))


class FileResponse(Response):
    """A file, sent with ETag and Last-Modified; ranges and conditions of the request are honoured.

    Attributes:
        path: of the file, opened when the response is sent.
        filename: under which a browser saves it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
        filename: str | None = None,
        stat_result: os.stat_result | None = None,
        content_disposition_type: str = "attachment",
    ) -> None:
        self.path = path
        self.filename = filename
        self.stat_result = stat_result
        self._begin(status_code, headers, media_type or guess_media_type(filename or os.fspath(path)), background)
        self.headers.setdefault("accept-ranges", "bytes")
        if filename is not None:
            self.headers.setdefault("content-disposition", content_disposition(filename, content_disposition_type))

    def __reply__(self) -> Reply:
        own = self._reply
        if own.stream is None:
            request = current.get().http
            try:
                made = file_reply(
                    self.path,
                    method=request.method,
                    request=request.headers,
                    status=own.status,
                    headers=own.headers.raw,
                    stat_result=self.stat_result,
                )
            except FileNotFoundError as exc:
                raise RuntimeError(f"File at path {Path(self.path)} does not exist.") from exc
            except IsADirectoryError as exc:
                raise RuntimeError(f"File at path {Path(self.path)} is not a file.") from exc
            own.status, own.headers, own.body, own.stream = made.status, made.headers, made.body, made.stream
        return own
