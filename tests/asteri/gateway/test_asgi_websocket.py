"""ASGI websocket events over a channel: by hand with a channel in memory, and over sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import ConnectionClosed, InvalidStatus

from asteri.exchange import Channel, ChannelClosed, Connection, HeaderPairs, Headers
from asteri.gateway.asgi_websocket import serve
from tests.asteri.websocket_peer import Fields, serving


class MemoryChannel:
    """A channel whose peer is a list of messages and then a close code."""

    path = "/chät"
    raw_path = b"/ch%C3%A4t"
    query = b"q=1"
    subprotocols: Sequence[str] = ("a", "b")

    def __init__(self, *messages: str | bytes, code: int = 1001, connection: Connection | None = None) -> None:
        self.headers: Headers = Fields((b"host", b"x"), (b"cookie", b"a=b"))
        self.connection = connection or Connection(client=("1.2.3.4", 5), server=("h", 80))
        self.app: Any = None
        self.messages = deque(messages)
        self.code = code
        self.log: list[Any] = []
        self.gone = False

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        self.log.append(("accept", subprotocol, list(headers)))

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        self.log.append(("reject", status, list(headers), body))

    async def receive(self) -> str | bytes:
        if self.messages:
            return self.messages.popleft()
        self.gone = True
        raise ChannelClosed(self.code, "why")

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        if self.gone:
            raise ChannelClosed(self.code)
        self.log.append(("send", data))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.log.append(("close", code, reason))


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_scope() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["added"] = 1
        seen.append(scope)

    state = {"db": object()}
    connection = Connection("https", ("1.2.3.4", 5), ("h", 443), root_path="/api")
    run(serve(app, MemoryChannel(connection=connection), state))
    assert state.keys() == {"db"}
    (scope,) = seen
    assert scope.pop("state") == {**state, "added": 1}
    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": "/api/chät",
        "raw_path": b"/api/ch%C3%A4t",
        "query_string": b"q=1",
        "root_path": "/api",
        "headers": [(b"host", b"x"), (b"cookie", b"a=b")],
        "client": ("1.2.3.4", 5),
        "server": ("h", 443),
        "subprotocols": ["a", "b"],
        "extensions": {"websocket.http.response": {}},
    }


def test_a_path_that_is_not_utf8_has_no_surrogates() -> None:
    paths: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])

    channel = MemoryChannel()
    channel.path = "/a\udcff"
    run(serve(app, channel, None))
    assert paths == ["/a\ufffd"]


def test_messages_and_disconnect() -> None:
    channel = MemoryChannel("text", b"data")
    got: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert "state" not in scope
        assert await receive() == {"type": "websocket.connect"}
        await send({"type": "websocket.accept", "subprotocol": "b", "headers": [[b"x", b"y"]]})
        await send({"type": "websocket.send", "text": ""})
        await send({"type": "websocket.send", "bytes": b"1", "text": None})
        got.extend([await receive() for _ in range(4)])
        with pytest.raises(OSError, match="closed"):
            await send({"type": "websocket.send", "text": "late"})
        await send({"type": "websocket.close"})

    run(serve(app, channel))
    disconnect = {"type": "websocket.disconnect", "code": 1001, "reason": "why"}
    assert got == [
        {"type": "websocket.receive", "text": "text"},
        {"type": "websocket.receive", "bytes": b"data"},
        disconnect,
        disconnect,
    ]
    assert channel.log == [("accept", "b", [(b"x", b"y")]), ("send", ""), ("send", b"1"), ("close", 1000, "")]


def test_send_to_a_peer_that_just_left() -> None:
    channel = MemoryChannel()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        channel.gone = True
        for _ in range(2):
            with pytest.raises(OSError, match="closed"):
                await send({"type": "websocket.send", "text": "late"})

    run(serve(app, channel))


def test_denial_response() -> None:
    channel = MemoryChannel()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x", b"y")]})
        with pytest.raises(RuntimeError, match="inside a denial"):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.http.response.body", "body": b"one ", "more_body": True})
        assert channel.log == []
        await send({"type": "websocket.http.response.body", "body": b"two"})
        with pytest.raises(RuntimeError, match="after the application"):
            await send({"type": "websocket.http.response.body"})

    run(serve(app, channel))
    assert channel.log == [("reject", 401, [(b"x", b"y")], b"one two")]


def test_errors_of_the_application() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(RuntimeError, match=r"before websocket\.accept"):
            await send({"type": "websocket.send", "text": "x"})
        await send({"type": "websocket.accept"})
        for message in ({}, {"text": "x", "bytes": b"x"}):
            with pytest.raises(ValueError, match="either"):
                await send({"type": "websocket.send", **message})
        with pytest.raises(RuntimeError, match=r"after websocket\.accept"):
            await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000, "reason": None})
        with pytest.raises(RuntimeError, match="after the application"):
            await send({"type": "websocket.send", "text": "x"})

    channel = MemoryChannel()
    run(serve(app, channel))
    assert channel.log[-1] == ("close", 4000, "")


def test_over_sockets() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/deny":
            await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"nothing here"})
            return
        if scope["path"] == "/close":
            await send({"type": "websocket.close"})
            assert (await receive())["type"] == "websocket.disconnect"
            return
        await send({"type": "websocket.accept", "headers": [(b"x-a", b"b")]})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        assert message == {"type": "websocket.disconnect", "code": 4001, "reason": "done"}
        with pytest.raises(OSError, match="closed"):
            await send({"type": "websocket.send", "text": "x"})

    async def door(channel: Channel) -> None:
        await serve(app, channel, {})

    async def scenario() -> None:
        async with serving(door) as server:
            async with client.connect(server.uri) as ws:
                for message in ("text", b"data"):
                    await ws.send(message)
                    assert await ws.recv() == message
                await ws.close(4001, "done")
                with pytest.raises(ConnectionClosed):
                    await ws.recv()
            for path, status, body in (("deny", 404, b"nothing here"), ("close", 403, b"")):
                with pytest.raises(InvalidStatus) as caught:
                    await client.connect(server.uri + path)
                assert (caught.value.response.status_code, caught.value.response.body) == (status, body)

    run(scenario())
