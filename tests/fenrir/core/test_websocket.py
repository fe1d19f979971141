"""WebSocket routes: dependencies, and what an exception does to the channel."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from asteri.exchange import ChannelClosed
from fenrir.core.binding import Node
from fenrir.core.context import current
from fenrir.core.declare import Mode
from fenrir.core.errors import BadRequest, NotFound
from fenrir.core.websocket import ChannelError

from .neutral import App, manager, reply

Log = list[Any]


def socket(app: App, handler: Any, path: str = "/ws", **more: Any) -> None:
    app.route(path, handler, methods=(), websocket=True, takes="c", **more)


async def echo(c: Any, *_: Any) -> None:
    await c.channel.accept()
    while True:
        await c.channel.send(await c.channel.receive())


def test_a_conversation(app: App, door: str) -> None:
    socket(app, echo)
    with app.client(door) as client, client.websocket("/ws") as session:
        for message in ("text", b"bytes"):
            session.send(message)
            assert session.receive() == message


def test_values_of_the_path_and_the_current_request(app: App, door: str) -> None:
    async def handler(c: Any, id: int) -> None:
        assert current.get() is c
        await c.channel.accept("chat", [(b"X-Id", str(id).encode())])
        await c.channel.close(4000, "bye")

    socket(app, handler, "/ws/{id:int}")
    with app.client(door) as client:
        with client.websocket("/ws/5", subprotocols=["chat"]) as session:
            assert session.accepted_subprotocol == "chat"
            with pytest.raises(ChannelClosed) as closed:
                session.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "bye")


def test_no_route(app: App, door: str) -> None:
    app.route("/http", dict)
    socket(app, echo)
    with app.client(door) as client:
        for path in ("/nowhere", "/http"):
            refused = client.websocket(path).rejected
            assert refused is not None and (refused[0], refused[2]) == (404, b"Not Found")
        assert client.get("/ws").status_code == client.options("/ws").status_code == 404


def test_a_path_for_both(app: App, door: str) -> None:
    app.route("/ws", dict)
    socket(app, echo)
    with app.client(door) as client:
        assert client.get("/ws").status_code == 200
        assert client.post("/ws").headers["allow"] == client.options("/ws").headers["allow"] == "GET, HEAD, OPTIONS"
        assert client.websocket("/ws").rejected is None


def test_returning_without_an_answer_refuses(app: App, door: str) -> None:
    async def silent(c: Any) -> None:
        """Gives no answer."""

    socket(app, silent)
    with app.client(door) as client:
        refused = client.websocket("/ws").rejected
    assert refused is not None and refused[0] == 403


def test_returning_closes(app: App, door: str) -> None:
    async def brief(c: Any) -> None:
        await c.channel.accept()

    socket(app, brief)
    with app.client(door) as client, client.websocket("/ws") as session, pytest.raises(ChannelClosed) as closed:
        session.receive()
    assert closed.value.code == 1000


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize(
    ("exc", "status", "code"), [(NotFound("gone"), 404, 1008), (ChannelError(4001, "own"), 403, 4001)]
)
def test_exceptions_that_say_how_to_end(
    app: App, door: str, accept: bool, exc: Exception, status: int, code: int
) -> None:
    async def fails(c: Any) -> None:
        if accept:
            await c.channel.accept()
        raise exc

    socket(app, fails)
    with app.client(door) as client:
        session = client.websocket("/ws")
        if accept:
            with pytest.raises(ChannelClosed) as closed:
                session.receive()
            assert closed.value.code == code
        else:
            assert session.rejected is not None and session.rejected[0] == status


def test_an_unhandled_exception_is_logged_and_reaches_the_server(
    app: App, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(c: Any) -> None:
        raise KeyError("x")

    socket(app, fails)
    with app.client(door) as client, pytest.raises(KeyError):
        client.websocket("/ws")
    assert caplog.records[0].getMessage() == "unhandled KeyError in GET /ws (WS /ws)"


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
def test_error_handlers_of_every_mode(app: App, door: str, mode: Mode) -> None:
    log: Log = []

    def plain(c: Any, exc: Exception) -> Any:
        log.append(repr(exc))

    async def awaited(c: Any, exc: Exception) -> Any:
        log.append(repr(exc))
        await c.channel.close(4002)

    async def fails(c: Any) -> None:
        await c.channel.accept()
        raise KeyError("x")

    app.on_error(KeyError, mode)(awaited if mode is Mode.LOOP else plain)
    socket(app, fails)
    with app.client(door) as client, client.websocket("/ws") as session, pytest.raises(ChannelClosed) as closed:
        session.receive()
    assert log == ["KeyError('x')"] and closed.value.code == (4002 if mode is Mode.LOOP else 1000)


def test_an_error_handler_that_raises(app: App, door: str) -> None:
    def handler(c: Any, exc: Exception) -> Any:
        raise BadRequest("second")

    async def fails(c: Any) -> None:
        raise KeyError("x")

    app.on_error(KeyError)(handler)
    socket(app, fails)
    with app.client(door) as client:
        refused = client.websocket("/ws").rejected
    assert refused is not None and refused[0] == 400 and b"second" in refused[2]


def test_an_answer_of_an_error_handler_refuses(app: App, door: str) -> None:
    app.on_error(KeyError)(lambda c, exc: reply(418, b"teapot"))

    async def fails(c: Any) -> None:
        raise KeyError("x")

    socket(app, fails)
    with app.client(door) as client:
        refused = client.websocket("/ws").rejected
    assert refused is not None and (refused[0], refused[2]) == (418, b"teapot")


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("ending", ["returns", "raises", "client leaves"])
def test_dependencies_live_as_long_as_the_channel(app: App, door: str, ending: str, swallows: bool) -> None:
    log: Log = []

    @asynccontextmanager
    async def awaited() -> AsyncIterator[str]:
        try:
            yield "a"
        except Exception as exc:
            log.append(f"saw {type(exc).__name__}")
            if not swallows:
                raise
        finally:
            log.append("exit")

    @contextmanager
    def plain() -> Iterator[str]:
        yield threading.current_thread().name

    async def handler(c: Any, first: str, second: str, third: str) -> None:
        await c.channel.accept()
        assert (first, second.startswith("fenrir-"), third) == ("a", True, "x")
        if ending == "client leaves":
            await c.channel.receive()
        if ending == "raises":
            raise NotFound
        log.append("returns")

    socket(app, handler, nodes=[manager(awaited), manager(plain), Node(lambda: "x", Mode.THREAD)])
    with app.client(door) as client, client.websocket("/ws") as session:
        session.close(1001)
    seen = {"returns": "returns", "raises": "saw NotFound", "client leaves": "saw ChannelClosed"}[ending]
    assert log == [seen, "exit"]
