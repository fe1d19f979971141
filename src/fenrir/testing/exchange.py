"""Exchanges and channels in memory: what a server would hand to an application, made by a test.

They keep the laws of `asteri.exchange`; `tests/contract` holds them to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from asteri.exchange import AnswerError, ChannelClosed, Connection, Disconnected, HeaderPairs
from fenrir.core.doors.asgi import (
    ASGIHeaders,
    checked_body,
    checked_close,
    checked_head,
    checked_interim,
    checked_pairs,
)

__all__ = ["MemoryChannel", "MemoryExchange"]

Pairs = Sequence[tuple[bytes, bytes]]


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
        if limit <= 0:
            raise ValueError("limit must be positive")
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

    def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if self.status is not None:
            raise AnswerError("this exchange has been answered already")
        self.status = status
        self.answer_headers = headers

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        body = checked_body(body)
        pairs, declared = checked_head(status, headers)
        bodiless = self.method == "HEAD" or status in (204, 304)
        if declared is None:
            if status not in (204, 304):
                pairs.append((b"content-length", b"%d" % len(body)))
        elif declared != len(body) and not bodiless:
            raise ValueError(f"content-length {declared} for a body of {len(body)} bytes")
        self._start(status, pairs)
        if body and not bodiless:
            self.pieces.append(body)
        self.complete = True
        self.arrived.set()

    def begin(self, status: int, headers: HeaderPairs) -> MemorySink:
        pairs, declared = checked_head(status, headers)
        self._start(status, pairs)
        self.arrived.set()
        return MemorySink(self, declared, self.method == "HEAD" or status in (204, 304))

    def inform(self, status: int, headers: HeaderPairs) -> None:
        if self.status is not None:
            raise AnswerError("an interim response comes before the answer")
        self.informed.append((status, checked_interim(status, headers)))

    async def drain(self) -> None:
        return None

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    async def disconnected(self) -> None:
        await self._gone.wait()


class MemorySink:
    """The body of a streamed answer, in memory."""

    def __init__(self, exchange: MemoryExchange, declared: int | None, bodiless: bool) -> None:
        self._exchange = exchange
        self._left = declared
        self._bodiless = bodiless

    def _check(self) -> MemoryExchange:
        exchange = self._exchange
        if exchange.complete:
            raise AnswerError("this stream is finished")
        if exchange.aborted or exchange._gone.is_set():
            raise Disconnected("the client left")
        return exchange

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        exchange = self._check()
        piece = checked_body(data)
        if piece and not self._bodiless:
            if self._left is not None and len(piece) > self._left:
                # The client gets exactly what was promised.
                exchange.pieces.append(piece[: self._left])
                exchange.complete = True
                exchange.arrived.set()
                raise AnswerError("the body is longer than its content-length")
            if self._left is not None:
                self._left -= len(piece)
            exchange.pieces.append(piece)
            exchange.arrived.set()
        await asyncio.sleep(0)

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        exchange = self._check()
        checked_pairs(trailers)
        if self._left and not self._bodiless:
            self.abort()
            raise AnswerError(f"the body is {self._left} bytes shorter than its content-length")
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
        *,
        raw_path: bytes | None = None,
    ) -> None:
        self.method = "GET"
        self.path = path
        self.raw_path = raw_path if raw_path is not None else path.encode("utf-8", "surrogateescape")
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
        pairs = checked_pairs(headers)
        self._check()
        if self.answered.is_set():
            raise AnswerError("this channel has been answered already")
        self.accepted = (subprotocol, pairs)
        self.answered.set()

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        pairs, _ = checked_head(status, headers)
        if self.answered.is_set():
            raise AnswerError("this channel has been answered already")
        self.rejected = (status, pairs, body)
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
        await self.outgoing.put(data if isinstance(data, str) else checked_body(data))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        checked_close(code)
        if self.closed is not None:
            return
        if self.accepted is None:
            await self.reject(403)
            return
        self.closed = ChannelClosed(code, reason)
        await self.outgoing.put(self.closed)
