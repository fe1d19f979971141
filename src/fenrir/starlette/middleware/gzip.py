"""Compression of answers.

Whether an answer is compressed is known when the first piece of its body is there: until then its head is held back.
What would not become smaller, or is not ours to change, passes untouched: media that are compressed already, streams of
events, a part of a resource, an answer with a coding. For a client without gzip only `Vary` is added where others would
get something else.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply, close_stream
from fenrir.core.threads import to_thread
from fenrir.starlette.concurrency import iterate_in_threadpool
from fenrir.starlette.datastructures import Headers, MutableHeaders
from fenrir.starlette.middleware._hook import CallNext
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["DEFAULT_EXCLUDED_CONTENT_TYPES", "GZipMiddleware", "GZipResponder", "IdentityResponder"]

DEFAULT_EXCLUDED_CONTENT_TYPES = (
    "application/grpc",
    "application/gzip",
    "application/x-gzip",
    "application/zip",
    "audio/*",
    "font/woff",
    "font/woff2",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/event-stream",
    "video/*",
)

_IN_A_THREAD = 128 * 1024


class GZipMiddleware:
    """Compresses answers for clients that accept gzip.

    Args:
        minimum_size: in bytes; what is smaller, and complete in one piece, is sent as it is.
        thread_minimum_size: pieces from this size on are compressed in a thread.
        exclude_content_types: media types, or `type/*`, that are sent as they are.
    """

    __wrap_replaces__ = ("__call__",)

    def __init__(
        self,
        app: ASGIApp,
        minimum_size: int = 500,
        compresslevel: int = 9,
        thread_minimum_size: int = _IN_A_THREAD,
        *,
        exclude_content_types: tuple[str, ...] = DEFAULT_EXCLUDED_CONTENT_TYPES,
    ) -> None:
        self.app = app
        self.minimum_size = minimum_size
        self.compresslevel = compresslevel
        self.thread_minimum_size = thread_minimum_size
        self.exclude_content_types = _media_types(exclude_content_types)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await self.responder(Headers(scope=scope))(scope, receive, send)

    async def __wrap__(self, c: RequestContext, call_next: CallNext) -> Reply:
        reply = (await call_next()).copy()
        await self.responder(Headers.over(c.http.headers)).change(reply)
        return reply

    def responder(self, request_headers: Mapping[str, str]) -> IdentityResponder:
        """Return what answers one request."""
        if "gzip" not in request_headers.get("accept-encoding", ""):
            return IdentityResponder(self.app, self.minimum_size, exclude_content_types=self.exclude_content_types)
        return GZipResponder(
            self.app,
            self.minimum_size,
            compresslevel=self.compresslevel,
            thread_minimum_size=self.thread_minimum_size,
            exclude_content_types=self.exclude_content_types,
        )


class IdentityResponder:
    """Answers one request without changing the body; the base of those that change it."""

    content_encoding: str | None = None

    def __init__(
        self,
        app: ASGIApp,
        minimum_size: int,
        *,
        exclude_content_types: tuple[str, ...] = DEFAULT_EXCLUDED_CONTENT_TYPES,
    ) -> None:
        self.app = app
        self.minimum_size = minimum_size
        self.exclude_content_types = _media_types(exclude_content_types)
        self.send: Send = _unattached
        self._head: Message | None = None  # held back
        self._passing = False  # the rest is sent as it is

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.send = send
        await self.app(scope, receive, self.send_with_compression)

    def is_untouchable(self, status: int, headers: Headers) -> bool:
        """Say whether an answer has to be sent as it is."""
        media_type = _media_type(headers.get("content-type", ""))
        names = {media_type, f"{media_type.partition('/')[0]}/*"}
        if media_type.startswith("application/grpc+"):
            names.add("application/grpc")
        # A range (206) is one of the identity: compressing it would be a range of something else.
        return status == 206 or "content-encoding" in headers or not names.isdisjoint(self.exclude_content_types)

    async def send_with_compression(self, message: Message) -> None:
        """Send a message of the application."""
        kind = message["type"]
        if kind == "http.response.start":
            message.setdefault("headers", [])
            self._passing = self.is_untouchable(message["status"], Headers(raw=message["headers"]))
            if not self._passing:
                self._head = message
                return
        elif kind == "http.response.body" and not self._passing:
            body, more = message.get("body", b""), message.get("more_body", False)
            if self._head is not None:
                await self._first(self._head, message, body, more)
                return
            message["body"] = await self.apply_compression(body, more_body=more)
        elif kind == "http.response.pathsend" and self._head is not None:
            await self.send(self._head)
            self._head, self._passing = None, True
        await self.send(message)

    async def _first(self, head: Message, message: Message, body: bytes, more: bool) -> None:
        self._head = None
        if len(body) < self.minimum_size and not more:
            self._passing = True
        else:
            made = await self.apply_compression(body, more_body=more)
            headers = MutableHeaders(scope=head)  # a list of its own: the response may be sent again
            headers.add_vary_header("Accept-Encoding")
            if made != body and self.content_encoding is not None:
                headers["Content-Encoding"] = self.content_encoding
                # The length is known when there is no more, and nothing that follows the body.
                if more or head.get("trailers", False):
                    del headers["Content-Length"]
                else:
                    headers["Content-Length"] = str(len(made))
                message["body"] = made
        await self.send(head)
        await self.send(message)

    async def change(self, reply: Reply) -> None:
        """Change an answer that is there as a value, as `send_with_compression` changes its messages."""
        headers = MutableHeaders(raw=reply.headers.raw)
        stream, body = reply.stream, reply.body
        if self.is_untouchable(reply.status, headers) or (stream is None and len(body) < self.minimum_size):
            return
        headers.add_vary_header("Accept-Encoding")
        if self.content_encoding is None:
            return
        if stream is not None:
            reply.stream = _Changed(self, stream)
            del headers["Content-Length"]
        else:
            reply.body = await self.apply_compression(body, more_body=False)
        headers["Content-Encoding"] = self.content_encoding

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        """Return what is sent for a piece of the body; the last one ends the stream."""
        return body


class GZipResponder(IdentityResponder):
    """Answers one request with a compressed body."""

    content_encoding = "gzip"

    def __init__(
        self,
        app: ASGIApp,
        minimum_size: int,
        compresslevel: int = 9,
        *,
        thread_minimum_size: int = _IN_A_THREAD,
        exclude_content_types: tuple[str, ...] = DEFAULT_EXCLUDED_CONTENT_TYPES,
    ) -> None:
        super().__init__(app, minimum_size, exclude_content_types=exclude_content_types)
        self.compresslevel = compresslevel
        self.thread_minimum_size = thread_minimum_size
        self._compressor: zlib._Compress | None = None

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        """Return the compressed piece, at once, so that a stream stays one."""
        if len(body) >= self.thread_minimum_size:
            return await to_thread(self._compress, body, more_body)
        return self._compress(body, more_body)

    def _compress(self, body: bytes, more: bool) -> bytes:
        if self._compressor is None:
            self._compressor = zlib.compressobj(self.compresslevel, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        return self._compressor.compress(body) + self._compressor.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)


class _Changed:
    """A stream whose pieces a responder changes."""

    def __init__(self, responder: IdentityResponder, stream: AsyncIterable[bytes] | Iterable[bytes]) -> None:
        self._responder = responder
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream = self._stream
        change = self._responder.apply_compression
        async for piece in stream if isinstance(stream, AsyncIterable) else iterate_in_threadpool(stream):
            yield await change(piece, more_body=True)
        yield await change(b"", more_body=False)

    async def aclose(self) -> None:
        """Close the stream itself, whether it was read or not."""
        await close_stream(self._stream)


async def _unattached(message: Message) -> None:
    raise RuntimeError("send awaitable not set")


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _media_types(content_types: Iterable[str]) -> tuple[str, ...]:
    return tuple(_media_type(content_type) for content_type in content_types)
