"""The published interface between a server and an application: one page, with its laws.

An *exchange* is one request and its one response; a *channel* is one WebSocket connection. A server that
offers the direct door (`__asteri__`) hands these to the application; the same objects exist over plain ASGI
(`fenrir.core.doors.asgi`) and in memory (`fenrir.testing`), and `tests/contract` holds all of them to the laws.

Laws of an exchange
    1. Exactly one of `respond` and `begin` is called. A second answer raises `AnswerError`.
    2. Returning without an answer is a logged 500, given by the server.
    3. `respond` never blocks and never awaits; the bytes sent are those at the call.
    4. `HEAD` writes no body and keeps the content-length; 204 and 304 write no body.
    5. Request header names are lower-case. Response header names may have any case; a name or value that could
       split a response raises `ValueError` before anything is written.
    6. A response without `content-length` gets one from `respond`, and is framed by the server from `begin`.
    7. `Sink.write` awaits back-pressure. After a disconnect `write`, `finish` and `read` raise `Disconnected`.
    8. A stream that ends without `finish` was aborted: no client can take it for complete.
    9. Pipelined requests are answered in order; nothing of one exchange is visible in the next.
   10. Every exchange runs in its own copy of the worker's base context.

A *tuple* of headers is immutable, so a server may serialise it once and reuse the bytes: pass constant headers as
tuples, changing ones as lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

__all__ = [
    "AnswerError",
    "Channel",
    "ChannelClosed",
    "Connection",
    "DirectApp",
    "Disconnected",
    "Doors",
    "Exchange",
    "HeaderPairs",
    "Headers",
    "Sink",
]

HeaderPairs = Sequence[tuple[bytes, bytes]]
"""Response headers: names and values as they go on the wire. Set-Cookie may repeat."""


class Disconnected(OSError):
    """The peer is gone: nothing more can be read from it or written to it."""


class AnswerError(RuntimeError):
    """An exchange was answered twice, or a finished stream was written to."""


class ChannelClosed(Exception):
    """The WebSocket is closed.

    Attributes:
        code: the close code of RFC 6455 §7.4 (1005 when the peer sent none, 1006 when it vanished).
        reason: the peer's reason, possibly empty.
    """

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Connection:
    """What all exchanges of one connection share.

    Attributes:
        scheme: "http" or "https".
        client: peer's (host, port), None on a Unix socket.
        server: local (host, port); (path, None) on a Unix socket.
        http_version: "1.0", "1.1" or "2".
        root_path: prefix that a proxy has removed, without a trailing slash.
        tls: the TLS object of the transport, or None.
    """

    scheme: str = "http"
    client: tuple[str, int] | None = None
    server: tuple[str, int | None] | None = None
    http_version: str = "1.1"
    root_path: str = ""
    tls: Any = None


class Headers(Protocol):
    """Request headers, in order of arrival, decoded (latin-1) only when asked for."""

    @property
    def raw(self) -> Sequence[tuple[bytes, bytes]]:
        """All fields; names lower-case."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a field. `name` must be lower-case."""

    def getall(self, name: str) -> list[str]:
        """Return all values of a field in order, or an empty list. `name` must be lower-case."""

    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over (name, value), repeated names included."""

    def __len__(self) -> int: ...


class Sink(Protocol):
    """The body of a streamed response."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece and wait until the peer has room for more.

        Raises:
            Disconnected: the peer is gone.
            AnswerError: the stream was finished, or is longer than its content-length.
        """

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        """End the body. Raises `AnswerError` when it is shorter than its content-length."""

    def abort(self) -> None:
        """Cut the connection, so that the peer knows that the body is incomplete."""


class Exchange(Protocol):
    """One request and its one response. See the laws at the top of this file."""

    method: str
    path: str  # percent-decoded once, as UTF-8 with surrogateescape; always begins with "/" (or is "*")
    raw_path: bytes  # as it arrived, without the query
    query: bytes  # without "?"
    buffered: bytes | None  # the whole body (b"" when there is none) if it has already arrived; None: use read()
    app: Any  # one slot for the application; the server never looks at it

    @property
    def connection(self) -> Connection:
        """What all exchanges of this connection share."""

    @property
    def headers(self) -> Headers:
        """The fields of the request."""

    @property
    def gone(self) -> bool:
        """The peer is gone: what is written now reaches nobody."""

    async def read(self, limit: int = 65536) -> bytes:
        """Return up to `limit` bytes of the body, b"" at its end.

        Reading asks for the body if the client waits for `100 Continue`.

        Raises:
            Disconnected: the body will never be complete.
        """

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the rest of the body."""

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        """Answer with head and body in one write."""

    def begin(self, status: int, headers: HeaderPairs) -> Sink:
        """Start a streamed answer."""

    def inform(self, status: int, headers: HeaderPairs) -> None:
        """Send an interim 1xx response (103 Early Hints), before the answer."""

    async def drain(self) -> None:
        """Return when the answer was handed to the transport (at once on a server's own exchange)."""

    async def disconnected(self) -> None:
        """Return when the peer is gone."""


class Channel(Protocol):
    """One WebSocket connection, not yet accepted."""

    path: str
    raw_path: bytes
    query: bytes
    app: Any

    @property
    def connection(self) -> Connection:
        """What the connection is."""

    @property
    def headers(self) -> Headers:
        """The fields of the handshake request."""

    @property
    def subprotocols(self) -> Sequence[str]:
        """What the client offered, in its order of preference."""

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        """Complete the handshake."""

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        """Answer the handshake with an HTTP response instead."""

    async def receive(self) -> str | bytes:
        """Return the next message: str for text, bytes for binary.

        Raises:
            ChannelClosed: the connection is closed, with the peer's code.
        """

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send one message, waiting for back-pressure. Raises `ChannelClosed`."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; before `accept`, reject it with 403. A second close does nothing."""


class Doors(NamedTuple):
    """What an application gives to a server that speaks the direct interface."""

    http: Callable[[Exchange], Awaitable[None] | None]
    """Called in a fresh context. None (the answer is already written) and an `asteri.pending` need no task."""
    websocket: Callable[[Channel], Awaitable[None]]


@runtime_checkable
class DirectApp(Protocol):
    """An application that a server may call without ASGI."""

    def __asteri__(self, version: int) -> Doors | None:
        """Return the doors for interface `version` (1), once per worker after lifespan startup; None: use ASGI."""
