"""WebSocket routes through both doors."""

import importlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest

from asteri.exchange import ChannelClosed
from fenrir.fastapi import Depends, FastAPI, Header, HTTPException, WebSocket, WebSocketDisconnect, WebSocketException
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS

pytestmark = pytest.mark.parametrize("door", DOORS)


def application(log: list[Any]) -> FastAPI:
    app = FastAPI()

    async def session(token: Annotated[str | None, Header()] = None) -> AsyncIterator[str]:
        if token == "bad":
            raise WebSocketException(1008, "bad token")
        yield token or "nobody"
        log.append("closed")

    @app.websocket("/echo/{room}")
    async def echo(websocket: WebSocket, room: str, n: int = 1, user: str = Depends(session)) -> None:
        await websocket.accept("chat" if "chat" in websocket.headers.get("sec-websocket-protocol", "") else None)
        await websocket.send_json([room, n, user, websocket.url.path])
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect as gone:
            log.append(gone.code)

    @app.websocket("/bytes")
    async def binary(ws: WebSocket) -> None:
        await ws.accept()
        async for data in ws.iter_bytes():
            await ws.send_bytes(data[::-1])
        log.append("over")

    @app.websocket("/refuse")
    async def refuse(ws: WebSocket) -> None:
        raise HTTPException(401, "who?")

    @app.websocket("/early")
    async def early(ws: WebSocket) -> None:
        await ws.send_text("before accept")

    @app.websocket("/mine")
    async def mine(ws: WebSocket) -> None:
        await ws.accept()
        raise KeyError("x")

    @app.exception_handler(KeyError)
    async def on_key(ws: WebSocket, exc: KeyError) -> None:
        log.append("handled")
        await ws.close(4000, "key")

    return app


def test_messages_go_both_ways(door: Any) -> None:
    log: list[Any] = []
    with Client(application(log), door=door) as client:
        with client.websocket("/echo/a?n=3", headers={"token": "me"}) as session:
            assert session.receive() == '["a",3,"me","/echo/a"]'
            session.send("hello")
            assert session.receive() == "hello"
            session.close(1001)
        with client.websocket("/bytes") as session:
            session.send(b"abc")
            assert session.receive() == b"cba"
            session.close()
    assert set(log) == {1001, "closed", "over"}


@pytest.mark.parametrize("path, headers", [("/echo/a?n=x", {}), ("/echo/a", {"token": "bad"})])
def test_a_refusal_before_accept_is_an_http_answer(door: Any, path: str, headers: dict[str, str]) -> None:
    with (
        Client(application([]), door=door) as client,
        pytest.raises(ChannelClosed),
        client.websocket(path, headers=headers) as session,
    ):
        session.receive()


def test_an_exception_handler_may_close(door: Any) -> None:
    log: list[Any] = []
    with (
        Client(application(log), door=door) as client,
        client.websocket("/mine") as session,
        pytest.raises(ChannelClosed) as closed,
    ):
        session.receive()
    assert closed.value.code == 4000 and log == ["handled"]


def test_http_exception_refuses_the_handshake(door: Any) -> None:
    with (
        Client(application([]), door=door) as client,
        pytest.raises(ChannelClosed),
        client.websocket("/refuse") as session,
    ):
        session.receive()


def test_sending_needs_accept(door: Any) -> None:
    with (
        Client(application([]), door=door) as client,
        pytest.raises((RuntimeError, ChannelClosed)),
        client.websocket("/early") as session,
    ):
        session.receive()


def raising(package: str, toolkit: str) -> Any:
    fastapi = importlib.import_module(package)
    routing = importlib.import_module(f"{toolkit}.routing")
    exceptions = importlib.import_module(f"{toolkit}.exceptions")

    async def late(websocket: Any) -> None:
        await websocket.accept()
        raise exceptions.WebSocketException(4001, "no")

    async def early(websocket: Any) -> None:
        raise exceptions.WebSocketException(4001, "no")

    async def answered(websocket: Any) -> None:
        raise exceptions.HTTPException(403, "no")

    async def own(websocket: Any) -> None:
        raise ZeroDivisionError

    async def handler(websocket: Any, exc: Exception) -> None:
        await websocket.close(4005, "zero")

    app, sub = fastapi.FastAPI(), fastapi.FastAPI()
    app.add_exception_handler(ZeroDivisionError, handler)
    for owner in (app, sub):
        for path, endpoint in (("/late", late), ("/early", early), ("/answered", answered), ("/own", own)):
            owner.router.routes.append(routing.WebSocketRoute(path, endpoint))
    app.mount("/sub", sub)
    return app


def test_what_routes_of_the_toolkit_raise_is_handled(door: Any) -> None:
    def answers(app: Any, door: Any) -> list[Any]:
        found: list[Any] = []
        with Client(app, door=door) as client:
            for path in ("/late", "/early", "/answered", "/own"):
                for where in (path, f"/sub{path}"):
                    with client.websocket(where) as session:
                        try:
                            found.append((where, session.rejected or session.receive()))
                        except ChannelClosed as closed:
                            found.append((where, closed.code, closed.reason))
        return found

    ours = answers(raising("fenrir.fastapi", "fenrir.starlette"), door)
    assert ours == answers(raising("fastapi", "starlette"), "asgi")
    assert ("/late", 4001, "no") in ours
