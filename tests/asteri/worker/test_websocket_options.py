"""The options of WebSocket connections, from `Settings` to what a peer sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import ConnectionClosed, InvalidStatus

import asteri

pytestmark = pytest.mark.timing


async def echo(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def run(scenario: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(5):
            await scenario

    asyncio.run(limited())


def uri(server: Any) -> str:
    return f"ws://{server.address[0]}:{server.address[1]}/"


def test_origins() -> None:
    async def scenario() -> None:
        async with asteri.serve(echo, lifespan="off", ws_origins=["https://Good.example"]) as server:
            with pytest.raises(InvalidStatus) as caught:
                await client.connect(uri(server), origin="https://evil.example")  # type: ignore[arg-type]
            assert caught.value.response.status_code == 403
            for origin in ("https://good.example", None):
                async with client.connect(uri(server), origin=origin) as ws:  # type: ignore[arg-type]
                    await ws.send("hello")
                    assert await ws.recv() == "hello"

    run(scenario())


def test_message_size_and_compression() -> None:
    async def scenario() -> None:
        async with (
            asteri.serve(echo, lifespan="off", ws_max_message=1000, ws_deflate=False) as server,
            client.connect(uri(server)) as ws,
        ):
            assert ws.response is not None
            assert "Sec-WebSocket-Extensions" not in ws.response.headers
            await ws.send("x" * 1000)
            assert len(await ws.recv()) == 1000
            await ws.send("x" * 1001)
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1009

    run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize(("interval", "living"), [(0.1, False), (0.0, True)])
def test_pings(interval: float, living: bool) -> None:
    """The peer answers no ping: it is given up, unless none is sent."""

    async def scenario() -> None:
        async with asteri.serve(echo, lifespan="off", ws_ping_interval=interval, ws_ping_timeout=0.1) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await reader.readuntil(b"\r\n\r\n")
            try:
                if living:
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(reader.read(1), 1.5)
                else:
                    assert await reader.readexactly(8) == b"\x89\x06asteri"
                    with pytest.raises(ConnectionResetError):
                        await reader.read()
            finally:
                writer.close()

    run(scenario())
