"""The laws of a `Channel`, run on every implementation of it.

An implementation is an entry of `IMPLEMENTATIONS`: a function that serves a door and yields a way to connect to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus

from asteri.exchange import Channel, ChannelClosed
from asteri.gateway.asgi_websocket import serve
from fenrir.core.doors.asgi import ASGIChannel
from fenrir.testing import MemoryChannel
from tests.asteri.websocket_peer import serving

Door = Callable[[Channel], Awaitable[None]]


class Session:
    """A client's end. `rejected` is the HTTP status if the handshake was refused."""

    def __init__(self, socket: client.ClientConnection | None, rejected: int | None = None) -> None:
        self.socket = socket
        self.rejected = rejected

    @property
    def ws(self) -> client.ClientConnection:
        assert self.socket is not None
        return self.socket

    async def ended(self) -> tuple[int | None, str | None]:
        """Return code and reason of the server's close frame."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self.ws.recv()
        return self.ws.close_code, self.ws.close_reason


@contextlib.asynccontextmanager
async def asteri_sockets(door: Door) -> AsyncIterator[Session]:
    async with serving(door) as server:
        try:
            socket = await client.connect(server.uri + "p%C3%A4th?q=1", subprotocols=["one", "two"])  # type: ignore[list-item]
        except InvalidStatus as refused:
            yield Session(None, refused.response.status_code)
        else:
            async with socket:
                yield Session(socket)


def over_asgi(door: Door) -> Door:
    """Return a door that serves an ASGI application, which hands its channels on as the framework does."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        channel = ASGIChannel(scope, receive, send)
        await door(channel)
        await channel.close()

    async def served(channel: Channel) -> None:
        await serve(application, channel)

    return served


@contextlib.asynccontextmanager
async def asgi_channels(door: Door) -> AsyncIterator[Session]:
    async with asteri_sockets(over_asgi(door)) as session:
        yield session


class MemorySocket:
    """The client's end of a channel in memory."""

    def __init__(self, channel: MemoryChannel, serving: asyncio.Task[None]) -> None:
        self._channel = channel
        self._serving = serving
        assert channel.accepted is not None
        self.subprotocol = channel.accepted[0]
        self.close_code: int | None = None
        self.close_reason: str | None = None

    async def send(self, message: str | bytes) -> None:
        await self._channel.incoming.put(message)

    async def recv(self) -> str | bytes:
        message = await self._channel.outgoing.get()
        if isinstance(message, ChannelClosed):
            self.close_code, self.close_reason = message.code, message.reason
            raise ConnectionClosedOK(None, None)
        return message

    async def close(self, code: int, reason: str) -> None:
        await self._channel.incoming.put(ChannelClosed(code, reason))
        await self._serving


@contextlib.asynccontextmanager
async def memory_channels(door: Door) -> AsyncIterator[Session]:
    channel = MemoryChannel("/päth", b"q=1", [(b"Host", b"a")], ["one", "two"], raw_path=b"/p%C3%A4th")

    async def serving() -> None:
        try:
            await door(channel)
        except KeyError:  # what the server owes
            await (channel.close(1011) if channel.accepted else channel.reject(500))
        await channel.close()

    task = asyncio.ensure_future(serving())
    await channel.answered.wait()
    if channel.rejected is not None:
        yield Session(None, channel.rejected[0])
    else:
        yield Session(MemorySocket(channel, task))  # type: ignore[arg-type]
    await task


IMPLEMENTATIONS = [
    pytest.param(asteri_sockets, id="asteri"),
    pytest.param(asgi_channels, id="asgi"),
    pytest.param(memory_channels, id="memory"),
]


@pytest.fixture(params=IMPLEMENTATIONS)
def connect(request: pytest.FixtureRequest) -> Any:
    return request.param


def run(scenario: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(5):
            await scenario

    asyncio.run(limited())


def test_is_a_channel_before_accept(connect: Any) -> None:
    seen: list[Any] = []

    async def door(channel: Channel) -> None:
        seen.append((channel.raw_path, channel.query, list(channel.subprotocols), channel.app))
        seen.append(all(name == name.lower() for name, _ in channel.headers.raw))
        with pytest.raises(RuntimeError):
            await channel.send("not yet")
        await channel.accept("two")
        with pytest.raises(RuntimeError):
            await channel.accept()
        with pytest.raises(RuntimeError):
            await channel.reject()

    async def scenario() -> None:
        async with connect(door) as session:
            assert session.ws.subprotocol == "two"
            assert await session.ended() == (1000, "")
        assert seen == [(b"/p%C3%A4th", b"q=1", ["one", "two"], None), True]

    run(scenario())


def test_text_is_str_and_binary_is_bytes(connect: Any) -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        assert await channel.receive() == "tëxt"
        assert await channel.receive() == b"data"
        data = bytearray(b"later changed")
        await channel.send(data)
        data[:] = b"x" * len(data)
        await channel.send(memoryview(b"view"))
        await channel.send("tëxt")
        with pytest.raises(TypeError):
            await channel.send(5)  # type: ignore[arg-type]
        await channel.close(4000, "reason")

    async def scenario() -> None:
        async with connect(door) as session:
            await session.ws.send("tëxt")
            await session.ws.send(b"data")
            assert [await session.ws.recv() for _ in range(3)] == [b"later changed", b"view", "tëxt"]
            assert await session.ended() == (4000, "reason")

    run(scenario())


def test_closed_by_the_peer(connect: Any) -> None:
    codes: list[Any] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        for act in (channel.receive, channel.receive, lambda: channel.send("x")):
            with pytest.raises(ChannelClosed) as closed:
                await act()
            codes.append((closed.value.code, closed.value.reason))
        await channel.close(4002)

    async def scenario() -> None:
        async with connect(door) as session:
            await session.ws.close(4001, "bye")
        assert codes == [(4001, "bye")] * 3

    run(scenario())


def test_closed_by_the_application(connect: Any) -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        with pytest.raises(ValueError, match="1006"):
            await channel.close(1006)
        await channel.close(4003, "first")
        await channel.close(4004, "second")
        for act in (channel.receive, lambda: channel.send("x")):
            with pytest.raises(ChannelClosed):
                await act()

    async def scenario() -> None:
        async with connect(door) as session:
            assert await session.ended() == (4003, "first")

    run(scenario())


async def returns(channel: Channel) -> None:
    """Owes an answer."""


async def closes(channel: Channel) -> None:
    await channel.close(4000)


async def rejects(channel: Channel) -> None:
    await channel.reject(404, [(b"x", b"y")], b"no")


async def splits(channel: Channel) -> None:
    with pytest.raises(ValueError, match="x"):
        await channel.reject(404, [(b"x", b"y\r\n")], b"no")
    with pytest.raises(ValueError, match="x"):
        await channel.accept(None, [(b"x\n", b"y")])
    await channel.reject(410)


@pytest.mark.parametrize(("door", "status"), [(returns, 403), (closes, 403), (rejects, 404), (splits, 410)])
def test_not_accepted(connect: Any, door: Door, status: int) -> None:
    async def scenario() -> None:
        async with connect(door) as session:
            assert session.rejected == status

    run(scenario())


@pytest.mark.parametrize("accepted", [False, True])
def test_exception_of_the_application(connect: Any, accepted: bool) -> None:
    async def door(channel: Channel) -> None:
        if accepted:
            await channel.accept()
        raise KeyError("bug")

    async def scenario() -> None:
        async with connect(door) as session:
            if accepted:
                assert (await session.ended())[0] == 1011
            else:
                assert session.rejected == 500

    run(scenario())
