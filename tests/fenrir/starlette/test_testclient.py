"""The test client against applications of plain ASGI, on both loops."""

from __future__ import annotations

from typing import Any, Literal

import pytest

import fenrir.fastapi.testclient
from fenrir.starlette.testclient import TestClient, WebSocketDenialResponse
from fenrir.starlette.types import Receive, Scope, Send
from fenrir.starlette.websockets import WebSocketDisconnect

BACKENDS: tuple[Literal["asyncio", "trio"], ...] = ("asyncio", "trio")


class App:
    """Echoes; `/boom` raises, `/deny` and `/close` refuse the handshake."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await getattr(self, scope["type"])(scope, receive, send)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        for event in ("startup", "shutdown"):
            assert await receive() == {"type": f"lifespan.{event}"}
            scope["state"]["seen"] = event
            self.log.append(event)
            await send({"type": f"lifespan.{event}.complete"})

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        if scope["path"] == "/boom":
            raise ValueError("boom")
        cookie = dict(scope["headers"]).get(b"cookie", b"")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"a=1")]})
        await send({"type": "http.response.body", "body": message["body"] + cookie})
        if scope["path"] == "/late":
            raise ValueError("late")

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "websocket.connect"}
        if scope["path"] == "/deny":
            await send({"type": "websocket.http.response.start", "status": 418, "headers": [(b"a", b"b")]})
            await send({"type": "websocket.http.response.body", "body": b"no"})
        elif scope["path"] == "/close":
            await send({"type": "websocket.close", "code": 4000, "reason": "why"})
        else:
            await send({"type": "websocket.accept", "subprotocol": scope["subprotocols"][-1]})
            while (message := await receive())["type"] != "websocket.disconnect":
                await send({"type": "websocket.send", "text": message["text"] * 2})
            await send({"type": "websocket.send", "text": f"left {message['code']}"})


def test_one_class_has_both_names() -> None:
    assert fenrir.fastapi.testclient.TestClient is TestClient


@pytest.mark.parametrize("backend", BACKENDS)
def test_requests_of_a_block_share_cookies_and_a_lifespan(backend: Literal["asyncio", "trio"]) -> None:
    app = App()
    with TestClient(app, backend=backend) as client:
        assert client.post("/", content=b"x").content == b"x"
        assert client.post("/", content=b"x").content == b"xa=1"
        assert client.app_state == {"seen": "startup"}
    assert app.log == ["startup", "shutdown"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_exception_reaches_the_test(backend: Literal["asyncio", "trio"]) -> None:
    client = TestClient(App(), backend=backend)
    for path in ("boom", "late"):
        with pytest.raises(ValueError, match=path):
            client.get(f"/{path}")
    quiet = TestClient(App(), backend=backend, raise_server_exceptions=False)
    assert quiet.get("/boom").status_code == 500
    assert quiet.get("/late").status_code == 200


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_websocket(backend: Literal["asyncio", "trio"]) -> None:
    client = TestClient(App(), backend=backend)
    with client.websocket_connect("/ws", subprotocols=["one", "two"]) as session:
        assert session.accepted_subprotocol == "two"
        session.send_text("ab")
        assert session.receive_text() == "abab"
        session.close(4001)
        assert session.receive_text() == "left 4001"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_refused_websocket(backend: Literal["asyncio", "trio"]) -> None:
    client = TestClient(App(), backend=backend)
    with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/deny"):
        pass
    assert (denied.value.status_code, denied.value.content, denied.value.headers["a"]) == (418, b"no", "b")
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/close"):
        pass
    assert (closed.value.code, closed.value.reason) == (4000, "why")


def test_the_protocol_is_checked() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.body", "body": b""})

    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return None

    with pytest.raises(AssertionError, match=r'without "http\.response\.start"'):
        TestClient(app).get("/")
    with pytest.raises(AssertionError, match="did not receive any response"):
        TestClient(silent).get("/")
    with pytest.raises(AssertionError, match="without a word"), TestClient(silent):
        pass


def test_an_application_of_the_second_version() -> None:
    def app(scope: Scope) -> Any:
        async def instance(receive: Receive, send: Send) -> None:
            await App()(scope, receive, send)

        return instance

    assert TestClient(app).post("/", content=b"x").content == b"x"  # type: ignore[arg-type]
