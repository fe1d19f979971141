"""Views and middleware that speak WebSocket themselves, over the socket in their environ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from asteri.exchange import ChannelClosed
from fenrir import WebSocket
from fenrir.flask import Flask, request
from fenrir.testing import Client


class Talk:
    """One conversation over the socket of an environ, as a library for such views has it."""

    def __init__(self, environ: dict[str, Any], *protocols: str) -> None:
        self.socket = environ["werkzeug.socket"]
        fields = [f"{k[5:].replace('_', '-')}: {v}" for k, v in environ.items() if k.startswith("HTTP_")]
        self.protocol = ServerProtocol(subprotocols=protocols or None)  # type: ignore[arg-type]
        self.protocol.receive_data("\r\n".join([f"GET {environ['PATH_INFO']} HTTP/1.1", *fields, "", ""]).encode())
        (handshake,) = self.protocol.events_received()
        answer = self.protocol.accept(handshake)  # type: ignore[arg-type]
        answer.headers["X-One"] = "1"
        self.protocol.send_response(answer)
        self.flush()

    def flush(self) -> None:
        self.socket.sendall(b"".join(self.protocol.data_to_send()))

    def frames(self) -> Iterator[Frame]:
        """Give the client's frames until it closes or is gone."""
        while data := self.socket.recv(65536):
            self.protocol.receive_data(data)
            self.flush()
            yield from (event for event in self.protocol.events_received() if isinstance(event, Frame))


def answers(environ: dict[str, Any], seen: list[Any]) -> None:
    """Say everything back; `parts` in two frames after a ping, `leave` closes."""
    talk = Talk(environ, *(("b", "a") if "HTTP_SEC_WEBSOCKET_PROTOCOL" in environ else ()))
    for frame in talk.frames():
        seen.append((frame.opcode, bytes(frame.data)[:20]))
        if frame.opcode is Opcode.BINARY:
            talk.protocol.send_binary(frame.data)
        elif frame.opcode is Opcode.TEXT and frame.data == b"parts":
            talk.protocol.send_ping(b"?")
            talk.protocol.send_text(b"one ", fin=False)
            talk.protocol.send_continuation(b"two", fin=True)
        elif frame.opcode is Opcode.TEXT and frame.data == b"leave":
            talk.protocol.send_close(4001, "enough")
        elif frame.opcode is Opcode.TEXT and frame.data == b"fail":
            raise ValueError("in the middle")
        elif frame.opcode is Opcode.TEXT:
            talk.protocol.send_text(b"echo " + bytes(frame.data))
        talk.flush()


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def app(seen: list[Any]) -> Flask:
    made = Flask(__name__)

    def talk(room: str) -> str:
        if room == "closed":
            return "not today", 403  # type: ignore[return-value]
        if room == "broken":
            raise ValueError("before the answer")
        seen.append((room, request.args.get("q"), request.scheme))
        if room != "picky":
            answers(request.environ, seen)
        if room == "picky":
            Talk(request.environ, "only-this")
        raise ConnectionError  # the socket has had its answer

    made.add_url_rule("/talk/<room>", view_func=talk, websocket=True)
    return made


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_a_view_talks(app: Flask, seen: list[Any], door: Any) -> None:
    with Client(app, door=door) as client:
        session = client.websocket("/talk/green?q=1", subprotocols=["a", "c"])
        assert session.accepted_subprotocol == "a"
        session.send("x")
        assert session.receive() == "echo x"
        for size in (0, 125, 126, 65535, 65536, 200_000):
            session.send(bytes(size))
            assert session.receive() == bytes(size)
        session.send("parts")
        assert session.receive() == "one two"
        session.send("leave")
        with pytest.raises(ChannelClosed) as closed:
            session.receive()
        assert (closed.value.code, closed.value.reason) == (4001, "enough")
    assert seen[0] == ("green", "1", "http")
    assert (Opcode.PONG, b"?") in seen


def test_the_view_learns_how_the_client_left(app: Flask, seen: list[Any]) -> None:
    with Client(app) as client:
        client.websocket("/talk/green").close(4000, "bye")
    assert seen[-1] == (Opcode.CLOSE, (4000).to_bytes(2) + b"bye")


def test_a_view_that_fails_in_the_middle(app: Flask) -> None:
    with Client(app) as client:
        session = client.websocket("/talk/green")
        session.send("fail")
        with pytest.raises(ChannelClosed) as closed:
            session.receive()
        assert closed.value.code == 1011


@pytest.mark.parametrize(
    ("path", "status", "body"), [("/talk/closed", 403, b"not today"), ("/talk/broken", 500, None), ("/none", 404, None)]
)
def test_an_answer_over_wsgi_refuses(app: Flask, path: str, status: int, body: bytes | None) -> None:
    with Client(app) as client:
        rejected = client.websocket(path).rejected
        assert rejected is not None and rejected[0] == status
        assert body is None or rejected[2] == body


def test_an_answer_over_the_socket_refuses(app: Flask) -> None:
    with Client(app) as client:
        rejected = client.websocket("/talk/picky").rejected
        assert rejected is not None and rejected[0] == 400
        assert b"subprotocol" in rejected[2]


def test_middleware_talks_and_leaves_the_rest_to_the_application(app: Flask, seen: list[Any]) -> None:
    inner: Callable[..., Any] = app.wsgi_app

    def middleware(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/events":
            answers(environ, seen)
            return []
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]

    @app.get("/page")
    def page() -> str:
        return "page"

    with Client(app) as client:
        session = client.websocket("/events")
        session.send("x")
        assert session.receive() == "echo x"
        session.close()
        session = client.websocket("/talk/green")
        session.send("y")
        assert session.receive() == "echo y"
        session.close()
        rejected = client.websocket("/page").rejected
        assert rejected is not None and rejected[0] == 400  # it is no place for WebSockets, as upstream says
        assert client.get("/page").text == "page"


def test_an_application_with_websockets_of_the_engine_keeps_them() -> None:
    app = Flask(__name__)

    @app.websocket("/own")
    async def own(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("own")

    with Client(app) as client:
        assert client.websocket("/own").receive() == "own"
