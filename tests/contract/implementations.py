"""Every implementation of an exchange behind one face: requests go in as bytes, answers come out.

The exchange over ASGI is served by this server's own ASGI gateway. The one in memory has no connection, so `MemoryPeer`
reads the requests; laws about connections and framing do not apply to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asteri.exchange import Disconnected
from fenrir.core.doors.asgi import ASGIExchange
from fenrir.testing import MemoryExchange

from ..asteri.forms import FORMS, family
from ..asteri.serving import Handler
from ..asteri.serving import serving as serving_asteri

__all__ = ["IMPLEMENTATIONS", "serving"]

IMPLEMENTATIONS = (*FORMS, "asgi", "memory")


@contextlib.asynccontextmanager
async def serving(form: str, app: Handler, **options: Any) -> AsyncIterator[Any]:
    """Serve a handler of exchanges in one of the implementations."""
    if form == "memory":
        server = MemoryServer(app)
        try:
            yield server
        finally:
            await server.close()
    elif form == "asgi":
        async with serving_asteri(
            "interpreted", family("interpreted")["asgi"].asgi_doors(over_asgi(app)), **options
        ) as asteri:
            yield asteri
    else:
        async with serving_asteri(form, app, **options) as asteri:
            yield asteri


def over_asgi(app: Handler) -> Any:
    """Return an ASGI application that hands exchanges to the handler, as the framework's ASGI door does."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        exchange = ASGIExchange(scope, receive, send)
        serving = app(exchange)
        if serving is not None:
            await serving
        with contextlib.suppress(Disconnected):
            await exchange.drain()

    return application


class MemoryServer:
    def __init__(self, app: Handler) -> None:
        self.app = app
        self.tasks: list[asyncio.Task[None]] = []

    async def connect(self) -> MemoryPeer:
        return MemoryPeer(self)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class MemoryPeer:
    """A client whose bytes become exchanges as soon as the head of a request is there."""

    def __init__(self, server: MemoryServer) -> None:
        self.server = server
        self.buffer = b""
        self.exchanges: list[MemoryExchange] = []
        self.serving: list[asyncio.Task[None]] = []

    async def send(self, data: bytes) -> None:
        self.buffer += data
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.split(b"\r\n")
        method, target, _ = first.split(b" ")
        headers = [(name.lower(), value) for name, _, value in (line.partition(b": ") for line in lines)]
        if dict(headers).get(b"transfer-encoding") == b"chunked":
            if not rest.endswith(b"0\r\n\r\n"):
                return
            body: Any = chunks(rest)
        else:
            length = int(dict(headers).get(b"content-length", b"0"))
            body = rest if len(rest) == length else iter([rest])
        self.buffer = b""
        path, _, query = target.partition(b"?")
        exchange = MemoryExchange(method.decode(), path.decode(), query, headers, body)
        self.exchanges.append(exchange)
        task = asyncio.ensure_future(self._serve(exchange))
        self.serving.append(task)
        self.server.tasks.append(task)

    async def _serve(self, exchange: MemoryExchange) -> None:
        serving = self.server.app(exchange)
        if serving is not None:
            await serving

    async def answer(self, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        exchange = self.exchanges.pop(0)
        with contextlib.suppress(LookupError):
            await asyncio.wait_for(self.serving.pop(0), 5)
        if not exchange.complete:
            raise asyncio.IncompleteReadError(b"".join(exchange.pieces), None)
        assert exchange.status is not None and exchange.answer_headers is not None
        headers = {name.decode(): value.decode("latin-1") for name, value in exchange.answer_headers}
        return exchange.status, headers, b"".join(exchange.pieces)

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        await self.send(data)
        return await self.answer()

    async def until(self, end: bytes) -> bytes:
        while not b"".join(self.exchanges[-1].pieces).endswith(end):
            self.exchanges[-1].arrived.clear()
            await asyncio.wait_for(self.exchanges[-1].arrived.wait(), 5)
        return b"".join(self.exchanges[-1].pieces)

    async def rest(self) -> bytes:
        return b""

    def reset(self) -> None:
        self.exchanges[-1].disconnect()


def chunks(data: bytes) -> Iterator[bytes]:
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if length:
            yield data[:length]
        data = data[length + 2 :]
