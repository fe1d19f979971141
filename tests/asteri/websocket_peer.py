"""Both ends of a WebSocket: a server in the test's own loop, and a client that says exactly what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from asteri.exchange import Channel, ChannelClosed, Connection
from asteri.protocol import wheel_cy, ws
from asteri.protocol.ws_limits import WebSocketLimits

from .forms import family

__all__ = [
    "DEFLATE",
    "HANDSHAKE",
    "MASK",
    "Door",
    "Fields",
    "Peer",
    "connected",
    "current",
    "deflated",
    "echo",
    "echo_on",
    "masked",
    "serving",
    "upgrade_request",
]

Door = Callable[[Channel], Awaitable[None]]
MASK = b"\x9a\x01\xf3\x42"
current: list[str | None] = [None]  # the form that `serving` uses; None: whatever is imported


def masked(opcode: int, payload: bytes = b"", fin: bool = True, rsv: int = 0, mask: bytes = MASK) -> bytes:
    head = bytes((opcode | (0x80 if fin else 0) | rsv << 4,))
    length = len(payload)
    if length < 126:
        head += bytes((0x80 | length,))
    elif length < 65536:
        head += bytes((0x80 | 126,)) + length.to_bytes(2, "big")
    else:
        head += bytes((0x80 | 127,)) + length.to_bytes(8, "big")
    pad = (mask * (length // 4 + 1))[:length]
    return head + mask + bytes(a ^ b for a, b in zip(payload, pad, strict=True))


def deflated(text: bytes) -> bytes:
    c = zlib.compressobj(wbits=-15)
    return (c.compress(text) + c.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Fields:
    """Request headers as `asteri.exchange.Headers` has them."""

    def __init__(self, *raw: tuple[bytes, bytes]) -> None:
        self.raw = raw

    def getall(self, name: str) -> list[str]:
        return [v.decode("latin-1") for k, v in self.raw if k == name.encode()]

    def get(self, name: str, default: str | None = None) -> str | None:
        return next(iter(self.getall(name)), default)

    def __contains__(self, name: object) -> bool:
        return any(k.decode() == name for k, _ in self.raw)

    def __iter__(self) -> Any:
        return ((k.decode(), v.decode("latin-1")) for k, v in self.raw)

    def __len__(self) -> int:
        return len(self.raw)


@dataclass
class RequestHead:
    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Fields


class Handover(asyncio.Protocol):
    """Reads one request head and hands the transport over, as HTTP/1.1 does."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no instance of it

    def data_received(self, data: bytes) -> None:
        self.data += data
        block, end, leftover = self.data.partition(b"\r\n\r\n")
        if not end:
            return
        line, *lines = block.split(b"\r\n")
        method, target, _ = line.split(b" ")
        path, _, query = target.partition(b"?")
        pairs = [(k.lower(), v.strip()) for k, _, v in (text.partition(b":") for text in lines)]
        server = self.server
        protocol = server.modules["ws"].WebSocketProtocol(
            loop=asyncio.get_running_loop(),
            transport=self.transport,
            wheel=server.wheel,
            head=RequestHead(method.decode(), path.decode(), path, query, Fields(*pairs)),
            leftover=leftover,
            door=server.door,
            limits=server.limits,
            base_context=server.context,
            connections=server.connections,
            connection=Connection(),
        )
        self.transport.set_protocol(protocol)
        server.last = protocol


class Server:
    def __init__(self, door: Door, limits: WebSocketLimits) -> None:
        self.door = door
        self.limits = limits
        self.context = contextvars.Context()
        self.modules = {"ws": ws, "wheel_cy": wheel_cy} if current[0] is None else family(current[0])
        self.wheel = self.modules["wheel_cy"].TimerWheel(asyncio.get_running_loop(), 0.01)
        self.connections: set[Any] = set()
        self.last: Any
        self.port = 0

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    async def settled(self) -> None:
        """Wait until no connection and no task of one is left."""
        async with asyncio.timeout(5):
            while self.connections:  # noqa: ASYNC110 - the set is the worker's, who does not wait for it either
                await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def serving(door: Door, **limits: Any) -> AsyncIterator[Server]:
    server = Server(door, WebSocketLimits(**limits))
    listener = await asyncio.get_running_loop().create_server(lambda: Handover(server), "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
        await server.settled()
    finally:
        listener.close()
        server.wheel.close()


class Peer:
    """A client that says exactly what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> tuple[int, bytes]:
        first, length = await self.reader.readexactly(2)
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        elif length == 127:
            length = int.from_bytes(await self.reader.readexactly(8), "big")
        assert length < 1 << 30
        return first, await self.reader.readexactly(length)

    async def closed(self) -> tuple[int, str]:
        """Return the server's close frame, which must be the last thing that it says."""
        while True:
            first, payload = await self.frame()
            if first == 0x88:
                assert await self.reader.read() == b""
                return int.from_bytes(payload[:2], "big"), payload[2:].decode()


DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
HANDSHAKE = (
    b"GET /chat?a=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)


@contextlib.asynccontextmanager
async def connected(server: Server, extra: bytes = b"", data: bytes = b"", status: int = 101) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 20)
    try:
        writer.write(HANDSHAKE % extra + data)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        yield Peer(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def upgrade_request() -> RequestHead:
    """Return the head of a plain handshake, as HTTP/1.1 gives it."""
    fields = [tuple(line.split(b": ")) for line in (HANDSHAKE % b"").split(b"\r\n")[1:] if line]
    return RequestHead("GET", "/chat", b"/chat", b"a=1", Fields(*((k.lower(), v) for k, v in fields)))


async def echo(channel: Channel) -> None:
    await channel.accept()
    await echo_on(channel)


async def echo_on(channel: Channel) -> None:
    with contextlib.suppress(ChannelClosed):
        while True:
            await channel.send(await channel.receive())
