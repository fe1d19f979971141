"""A server in the test's own loop and clients that speak raw bytes to it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import importlib.util
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from asteri.exchange import Channel, Doors
from asteri.protocol.timeouts import Timeouts
from asteri.wire.limits import Limits

from .forms import family

__all__ = ["LOOPS", "Peer", "Server", "run", "serving"]

Handler = Callable[[Any], Awaitable[None] | None]
PATIENCE = 5.0
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop] | None] = {"asyncio": None}
if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = importlib.import_module("uvloop").new_event_loop
current = ["asyncio"]  # set by the fixture `loop_kind`


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine on the loop of this test."""
    with asyncio.Runner(loop_factory=LOOPS[current[0]]) as runner:
        runner.run(asyncio.wait_for(main, 20))


class Peer:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def end(self) -> None:
        self.writer.write_eof()

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), PATIENCE)

    async def rest(self) -> bytes:
        """Return everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE)

    async def silent(self, seconds: float = 0.03) -> bool:
        """Tell whether nothing arrives, not even the end."""
        try:
            await asyncio.wait_for(self.reader.read(1), seconds)
        except TimeoutError:
            return True
        return False

    async def answer(self, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Return the next response: status, headers, body."""
        head = (await self.until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        status = int(first.split(" ")[1])
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        if head_only or status < 200 or status in (204, 304):
            return status, headers, b""
        if "content-length" in headers:
            return (
                status,
                headers,
                await asyncio.wait_for(self.reader.readexactly(int(headers["content-length"])), PATIENCE),
            )
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.until(b"\r\n"), 16):
                body += (await asyncio.wait_for(self.reader.readexactly(size + 2), PATIENCE))[:-2]
            await self.until(b"\r\n")
            return status, headers, body
        return status, headers, await self.rest()

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.answer()

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


class Server:
    """A listening server of one form."""

    def __init__(self, port: int, connections: set[Any], tasks: set[Any], wheel: Any) -> None:
        self.port = port
        self.connections = connections
        self.tasks = tasks
        self.wheel = wheel
        self.peers: list[Peer] = []

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        return peer


async def no_websocket(channel: Channel) -> None:
    raise AssertionError("no WebSocket in this test")


@contextlib.asynccontextmanager
async def serving(
    form: str,
    app: Handler | Doors,
    *,
    limits: Limits | None = None,
    base_context: contextvars.Context | None = None,
    **options: Any,
) -> AsyncIterator[Server]:
    """Serve a handler of exchanges, or doors; what is not a field of Timeouts is an argument of `Service`."""
    doors = app if isinstance(app, Doors) else Doors(http=app, websocket=no_websocket)
    times = {name: options.pop(name) for name in list(options) if name in Timeouts.__dataclass_fields__}
    timeouts = Timeouts(**{"tick": 0.01, "linger": 0.2, **times})
    loop = asyncio.get_running_loop()
    connections: set[Any] = set()
    tasks: set[Any] = set()
    wheel = family(form)["wheel_cy"].TimerWheel(loop, timeouts.tick)
    service = family(form)["service_cy"].Service(
        doors,
        loop,
        limits=limits,
        timeouts=timeouts,
        connections=connections,
        tasks=tasks,
        wheel=wheel,
        base_context=base_context,
        **options,
    )
    factory = family(form)["select"].protocol_factory(service)
    listener = await loop.create_server(factory, "127.0.0.1", 0)
    server = Server(listener.sockets[0].getsockname()[1], connections, tasks, wheel)
    try:
        yield server
    finally:
        listener.close()
        for connection in list(connections):
            connection.abort()
        for task in list(tasks):
            task.cancel()
        for peer in server.peers:
            peer.close()
            with contextlib.suppress(OSError):
                await peer.writer.wait_closed()
        for _ in range(3):
            await asyncio.sleep(0)
        wheel.close()
