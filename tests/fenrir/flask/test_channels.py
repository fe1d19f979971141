"""WebSockets of Flask applications and blueprints: over the direct door, ASGI, and a real socket of Asteri."""

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

import asteri
from fenrir import DeclarationError, Depends, Fenrir, Query, WebSocket, WebSocketDisconnect
from fenrir.flask import Blueprint, Flask, abort, current_app, g, request, session, url_for
from fenrir.testing import Client


class Watched:
    """An application with WebSockets, bare or beside other dialects, and what happened."""

    def __init__(self, kind: type) -> None:
        self.log: list[Any] = []
        self.app: Any = kind(__name__)
        app = self.flask = self.app.flask if kind is Fenrir else self.app
        app.secret_key = "k"

        @app.before_request
        def before() -> None:
            self.log.append("before")

        @app.get("/login")
        def login() -> str:
            session["account"] = 7
            return "in"

        def opened() -> Iterator[str]:
            g.who = "somebody"
            try:
                yield request.args["q"]
            finally:
                self.log.append(f"closed {g.who}")

        chat = Blueprint("chat", __name__, url_prefix="/chat")

        @chat.websocket("/<int:room>")
        async def talk(
            socket: WebSocket, room: int, q: Annotated[int, Query()], text: Annotated[str, Depends(opened)]
        ) -> None:
            await socket.accept()
            await socket.send_json(
                {
                    "room": room,
                    "q": q,
                    "text": text,
                    "path": request.path,
                    "endpoint": request.endpoint,
                    "account": session.get("account"),
                    "url": url_for("chat.talk", room=1),
                    "app": current_app.name == app.name,
                }
            )
            try:
                while True:
                    await socket.send_text((await socket.receive_text()).upper())
            except WebSocketDisconnect:
                pass

        @chat.get("/<room>")
        def page(room: str) -> str:
            return room

        app.register_blueprint(chat)

        @app.websocket("/refused")
        async def refused(socket: WebSocket) -> None:
            abort(403)

        @app.websocket("/broken")
        async def broken(socket: WebSocket) -> None:
            await socket.accept()
            raise ValueError(f"{request.data!r} {request.method}")

        @app.websocket("/never")
        async def never(socket: WebSocket, nothing: Annotated[None, Depends(lambda: abort(409))]) -> None:
            self.log.append("never")


EXPECTED = {"room": 3, "q": 4, "text": "4", "path": "/chat/3", "endpoint": "chat.talk", "app": True}


@pytest.mark.parametrize("kind", [Flask, Fenrir])
@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_a_conversation(kind: type, door: str) -> None:
    watched = Watched(kind)
    with Client(watched.app, door=door) as client:
        assert client.get("/login").text == "in"
        assert watched.log == ["before"]
        with client.websocket("/chat/3?q=4") as talk:
            seen = json.loads(talk.receive())
            assert seen.pop("url").startswith("ws://") and seen == {**EXPECTED, "account": 7}
            talk.send("word")
            assert talk.receive() == "WORD"
        assert client.get("/chat/3").text == "3"
    assert watched.log == ["before", "closed somebody", "before"]


@pytest.mark.parametrize("kind", [Flask, Fenrir])
@pytest.mark.parametrize("door", ["direct", "asgi"])
@pytest.mark.parametrize(("path", "status"), [("/chat/3?q=x", 422), ("/refused", 403), ("/never", 409), ("/no", 404)])
def test_a_handshake_that_is_refused(kind: type, door: str, path: str, status: int) -> None:
    watched = Watched(kind)
    with Client(watched.app, door=door) as client:
        talk = client.websocket(path)
        assert talk.rejected is not None
        assert talk.rejected[0] == status
        if status == 422:
            assert json.loads(talk.rejected[2])["detail"][0]["loc"] == ["query", "q"]
    assert "never" not in watched.log


@pytest.mark.parametrize("wrapped", [False, True])
def test_over_a_socket(wrapped: bool, caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(Flask)
    app = watched.flask
    app.teardown_appcontext(lambda exc: watched.log.append(f"torn down {g.get('who')}"))
    if wrapped:  # WSGI middleware stands before requests, and sees no WebSocket
        before = app.wsgi_app
        app.wsgi_app = lambda environ, start_response: before(environ, start_response)

    async def talk() -> None:
        async with asteri.serve(app) as server:
            host, port = server.address
            async with connect(f"ws://{host}:{port}/chat/3?q=4") as channel:
                seen = json.loads(await channel.recv())
                assert seen.pop("url") == f"ws://{host}:{port}/chat/1"
                assert seen == {**EXPECTED, "account": None}
                await channel.send("word")
                assert await channel.recv() == "WORD"
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{host}:{port}/refused")
            assert refused.value.response.status_code == 403
            async with connect(f"ws://{host}:{port}/broken") as channel:
                with pytest.raises(ConnectionClosedError) as closed:
                    await channel.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1011
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /refused HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            answer = (await reader.read()).lower()
            assert answer.startswith(b"http/1.1 426 ") and b"address of a websocket" in answer
            writer.close()
            await writer.wait_closed()

    asyncio.run(talk())
    assert "unhandled ValueError in WS /broken" in caplog.text and "b'' GET" in caplog.text
    ended = [entry for entry in watched.log if "somebody" in entry]
    assert ended == ["closed somebody", "torn down somebody"]
    assert watched.log.count("torn down None") == 3  # two WebSockets, one request


def test_a_server_that_speaks_no_websocket_says_so() -> None:
    client = Watched(Flask).flask.test_client()
    for headers in ({}, {"Connection": "Upgrade", "Upgrade": "websocket"}):
        answer = client.get("/refused", headers=headers)
        assert (answer.status, "Upgrade" in answer.headers) == ("426 UPGRADE REQUIRED", False)
        assert "WebSocket" in answer.text
    assert client.get("/chat/3").text == "3"


def test_mistakes() -> None:
    app = Flask(__name__)
    with pytest.raises(DeclarationError, match=r"test_channels\.py:\d+: a WebSocket handler is an `async def`"):

        @app.websocket("/plain")
        def plain(socket: WebSocket) -> None: ...

    with pytest.raises(DeclarationError, match="can have no host, no subdomain"):

        @app.websocket("/sub", subdomain="x")
        async def sub(socket: WebSocket) -> None: ...

    with pytest.raises(DeclarationError, match="'unknown'"):

        @app.websocket("/argument")
        async def argument(socket: WebSocket, unknown: Watched) -> None: ...

    @app.get("/taken")
    def taken() -> str:
        return ""

    with pytest.raises(AssertionError, match="overwriting an existing endpoint function: taken"):
        app.add_websocket_rule("/other", "taken", lambda: None)
