"""Exchanges and channels in memory: what a server would hand to an application, made by a test.

They keep the laws of `asteri.exchange`; `tests/contract` holds them to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from asteri.exchange import AnswerError, ChannelClosed, Connection, Disconnected, HeaderPairs
from fenrir.core.doors.asgi import ASGIHeaders

__all__ = ["MemoryChannel", "MemoryExchange"]

Pairs = Sequence[tuple[bytes, bytes]]


def _checked(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    for name, value in headers:
        if not name or any(byte in name + value for byte in b"\r\n\0"):
            raise ValueError(f"header {name!r} has characters that could split the response")
    return [(name.lower(), value) for name, value in headers]


class MemoryExchange:
    """One request and its answer, in memory.

    Args:
        body: all of it, or pieces that arrive one by one (the exchange is then not buffered).

    Attributes:
        status, answer_headers: of the answer, None before it.
        pieces: the body that was sent, piece by piece.
        complete: the answer ended as it should.
        informed: interim responses, (status, headers).
    """

    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        query: bytes = b"",
        headers: Pairs = (),
        body: bytes | Iterable[bytes] = b"",
        *,
        raw_path: bytes | None = None,
        connection: Connection | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path if raw_path is not None else path.encode("utf-8", "surrogateescape")
        self.query = query
        self.headers = ASGIHeaders([(name.lower(), value) for name, value in headers])
        self.connection = connection or Connection(client=("127.0.0.1", 50000), server=("127.0.0.1", 80))
        self.buffered: bytes | None = body if isinstance(body, bytes) else None
        self.app: Any = None
        self._incoming = iter([body] if isinstance(body, bytes) else body)
        self._rest = b""
        self.status: int | None = None
        self.answer_headers: list[tuple[bytes, bytes]] | None = None
        self.pieces: list[bytes] = []
        self.complete = False
        self.aborted = False
        self.informed: list[tuple[int, list[tuple[bytes, bytes]]]] = []
        self._gone = asyncio.Event()
        self.arrived = asyncio.Event()  # set at every piece, for clients that read a stream

    def disconnect(self) -> None:
        """Leave, as a client does."""
        self._gone.set()

    async def read(self, limit: int = 65536) -> bytes:
        while not self._rest:
            if self._gone.is_set():
                raise Disconnected("the client left before the end of its request")
            piece = next(self._incoming, None)
            if piece is None:
                return b""
            await asyncio.sleep(0)
            self._rest = piece
        piece, self._rest = self._rest[:limit], self._rest[limit:]
        return piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    def _start(self, status: int, headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
        if self.status is not None:
            raise AnswerError("this exchange has been answered already")
        checked = _checked(headers)
        self.status = status
        self.answer_headers = checked
        return checked

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        checked = self._start(status, headers)
        if status >= 200 and status != 204 and all(name != b"content-length" for name, _ in checked):
            checked.append((b"content-length", str(len(body)).encode()))
        if self.method != "HEAD" and status not in (204, 304) and body:
            self.pieces.append(bytes(body))
        self.complete = True
        self.arrived.set()

    def begin(self, status: int, headers: HeaderPairs) -> MemorySink:
        checked = self._start(status, headers)
        self.arrived.set()
        return MemorySink(self, next((int(value) for name, value in checked if name == b"content-length"), None))

    def inform(self, status: int, headers: HeaderPairs) -> None:
        self.informed.append((status, _checked(headers)))

    async def drain(self) -> None:
        return None

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    async def disconnected(self) -> None:
        await self._gone.wait()


class MemorySink:
    """The body of a streamed answer, in memory."""

    def __init__(self, exchange: MemoryExchange, declared: int | None) -> None:
        self._exchange = exchange
        self._left = declared

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        exchange = self._exchange
        if exchange.complete or exchange.aborted:
            raise AnswerError("this stream is finished")
        if exchange._gone.is_set():
            raise Disconnected("the client left")
        if exchange.method != "HEAD" and len(data):
            if self._left is not None:
                self._left -= len(data)
                if self._left < 0:
                    raise AnswerError("the body is longer than its content-length")
            exchange.pieces.append(bytes(data))
            exchange.arrived.set()
        await asyncio.sleep(0)

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        exchange = self._exchange
        if exchange._gone.is_set():
            raise Disconnected("the client left")
        if self._left and exchange.method != "HEAD":
            raise AnswerError("the body is shorter than its content-length")
        exchange.complete = True
        exchange.arrived.set()

    def abort(self) -> None:
        self._exchange.aborted = True
        self._exchange.arrived.set()


class MemoryChannel:
    """One WebSocket connection, in memory: the test puts messages in and takes them out.

    Attributes:
        accepted: (subprotocol, headers) once accepted.
        rejected: (status, headers, body) if refused.
        closed: (code, reason) once the application closed.
    """

    def __init__(
        self,
        path: str = "/",
        query: bytes = b"",
        headers: Pairs = (),
        subprotocols: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> None:
        self.method = "GET"
        self.path = path
        self.raw_path = path.encode("utf-8", "surrogateescape")
        self.query = query
        self.headers = ASGIHeaders([(name.lower(), value) for name, value in headers])
        self.connection = connection or Connection(client=("127.0.0.1", 50000), server=("127.0.0.1", 80))
        self.subprotocols = tuple(subprotocols)
        self.buffered = b""
        self.app: Any = None
        self.incoming: asyncio.Queue[str | bytes | ChannelClosed] = asyncio.Queue()
        self.outgoing: asyncio.Queue[str | bytes | ChannelClosed] = asyncio.Queue()
        self.accepted: tuple[str | None, list[tuple[bytes, bytes]]] | None = None
        self.rejected: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        self.closed: ChannelClosed | None = None
        self.answered = asyncio.Event()

    def _check(self) -> None:
        if self.closed is not None:
            raise ChannelClosed(self.closed.code, self.closed.reason)

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        self._check()
        if self.answered.is_set():
            raise AnswerError("this channel has been answered already")
        self.accepted = (subprotocol, _checked(headers))
        self.answered.set()

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        if self.answered.is_set():
            raise AnswerError("this channel has been answered already")
        self.rejected = (status, _checked(headers), body)
        self.closed = ChannelClosed(1006)
        self.answered.set()

    async def receive(self) -> str | bytes:
        self._check()
        if self.accepted is None:
            raise AnswerError("accept the channel before receiving")
        message = await self.incoming.get()
        if isinstance(message, ChannelClosed):
            self.closed = message
            self._check()
            raise message
        return message

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        self._check()
        if self.accepted is None:
            raise AnswerError("accept the channel before sending")
        await self.outgoing.put(data if isinstance(data, str) else bytes(data))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self.closed is not None:
            return
        if self.accepted is None:
            await self.reject(403)
            return
        self.closed = ChannelClosed(code, reason)
        await self.outgoing.put(self.closed)
