"""What a single native route has for itself: middleware, error handlers, a deadline, its client's leaving."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fenrir import Fenrir, HTTPException
from fenrir.core.declare import DeclarationError
from fenrir.fastapi import Depends, Request
from fenrir.fastapi.middleware import Middleware
from fenrir.fastapi.responses import JSONResponse, PlainTextResponse, Response
from fenrir.starlette.middleware.base import BaseHTTPMiddleware
from fenrir.starlette.middleware.cors import CORSMiddleware
from fenrir.testing import Client, MemoryExchange

from ..contract.implementations import IMPLEMENTATIONS, serving


def noting(name: str, log: list[str]) -> Any:
    async def dispatch(request: Request, call_next: Any) -> Response:
        log.append(f"{name} in")
        response: Response = await call_next(request)
        log.append(f"{name} out {response.status_code}")
        response.headers[f"x-{name}"] = "1"
        return response

    return dispatch


@pytest.mark.parametrize("blocking", [False, True])
def test_middleware_of_a_route(app: Fenrir, door: str, blocking: bool) -> None:
    log: list[str] = []
    app.middleware("http")(noting("app", log))
    app.before_request(lambda: log.append("before"))

    class Noting(BaseHTTPMiddleware):
        def __init__(self, app: Any, name: str) -> None:
            super().__init__(app, noting(name, log))

    def opened() -> Any:
        log.append("opened")
        yield
        log.append("closed")

    def plain(x: int) -> int:
        log.append("handler")
        if not x:
            raise HTTPException(status_code=404)
        return x

    async def awaited(x: int) -> int:
        return plain(x)

    around = [noting("first", log), Middleware(Noting, "second")]
    app.get("/with/{x}", middleware=around, dependencies=[Depends(opened)])(plain if blocking else awaited)
    app.get("/without")(lambda: "plain")
    with Client(app, door=door) as client:  # type: ignore[arg-type]
        answer = client.get("/with/3")
        assert (answer.status_code, answer.json(), answer.headers["x-first"]) == (200, 3, "1")
        assert log == [
            "app in", "first in", "second in", "before", "opened", "handler",
            "second out 200", "first out 200", "app out 200", "closed",
        ]  # fmt: skip
        assert client.get("/with/0").headers["x-second"] == "1"  # an error is an answer here
        assert log[-3:] == ["second out 404", "first out 404", "app out 404"]
        assert "x-first" not in client.get("/without").headers


def test_middleware_may_answer_refuse_and_ask_again(app: Fenrir, door: str) -> None:
    closed: list[int] = []

    async def around(request: Request, call_next: Any) -> Response:
        kind = request.query_params.get("kind")
        if kind == "mine":
            return PlainTextResponse("mine")
        if kind == "refuse":
            raise HTTPException(status_code=418)
        if kind == "again":
            await call_next(request)
        answer: Response = await call_next(request)
        if kind == "break":
            raise KeyError("late")
        return answer

    def opened() -> Any:
        yield
        closed.append(1)

    key = {KeyError: lambda request, exc: JSONResponse(f"key {exc}", 409)}
    cors = Middleware(CORSMiddleware, allow_origins=["https://a.example"])

    @app.get("/", middleware=[cors, around], exception_handlers=key, dependencies=[Depends(opened)])
    async def handler() -> str:
        return "handler"

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        answer = client.get("/", headers={"origin": "https://a.example"})
        assert (answer.text, answer.headers["access-control-allow-origin"]) == ("handler", "https://a.example")
        assert client.get("/?kind=mine").text == "mine"
        assert client.get("/?kind=refuse").status_code == 418
        assert closed == [1]
        assert client.get("/?kind=again").text == "handler"
        assert closed == [1] * 3
        assert client.get("/?kind=break").json() == "key 'late'"
        assert closed == [1] * 4


@pytest.mark.parametrize("blocking", [False, True])
def test_the_nearest_error_handler_answers(app: Fenrir, door: str, blocking: bool) -> None:
    app.exception_handler(LookupError)(lambda request, exc: JSONResponse(f"app {exc!r}"))

    async def awaited(request: Request, exc: Exception) -> JSONResponse:
        return JSONResponse([request.url.path, type(exc).__name__])

    def called(request: Request, exc: Exception) -> JSONResponse:
        return JSONResponse([request.url.path, type(exc).__name__])

    handler = called if blocking else awaited

    def fail(what: str) -> None:
        raise {"key": KeyError(1), "index": IndexError(2), "404": HTTPException(status_code=404)}[what]

    async def fail_on_loop(what: str) -> None:
        fail(what)

    app.get("/route/{what}", exception_handlers={KeyError: handler, 404: handler})(fail if blocking else fail_on_loop)
    app.get("/other/{what}")(fail)
    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/route/key").json() == ["/route/key", "KeyError"]
        assert client.get("/route/404").json()[0] == "/route/404"
        assert client.get("/route/index").json() == "app IndexError(2)"
        assert client.get("/other/key").json() == "app KeyError(1)"


class ASGIOnly:
    def __init__(self, app: Any) -> None:
        self.app = app


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"middleware": [Middleware(ASGIOnly)]}, "ASGIOnly is ASGI middleware"),
        ({"middleware": [ASGIOnly]}, r"write Middleware\(ASGIOnly, ...\)"),
        ({"exception_handlers": {"404": print}}, "'404' is neither an exception class nor a status"),
        ({"timeout": -1}, "timeout=-1"),
    ],
)
def test_what_can_not_stand_around_a_route_is_refused_at_its_line(app: Fenrir, options: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        app.get("/", **options)(lambda: None)
    assert str(caught.value).startswith("test_single_routes.py:")


def test_a_deadline(app: Fenrir, door: str) -> None:
    log: list[str] = []

    async def note(request: Request, call_next: Any) -> Response:
        try:
            answer: Response = await call_next(request)
        except asyncio.CancelledError:
            log.append("middleware")
            raise
        return answer

    @app.get("/", timeout=0.01, middleware=[note], exception_handlers={504: lambda r, e: JSONResponse("late", 504)})
    async def handler() -> None:
        await asyncio.Event().wait()

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/").json() == "late"
    assert log == ["middleware"]


@pytest.mark.parametrize("form", IMPLEMENTATIONS)
def test_a_client_that_leaves(form: str) -> None:
    async def main() -> None:
        app = Fenrir(__name__, cancel_on_disconnect=True)
        waits, ended = asyncio.Event(), asyncio.Event()
        log: list[str] = []

        async def wait() -> None:
            waits.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append("cancelled")
                ended.set()
                raise

        app.get("/native", middleware=[noting("m", log)])(wait)
        app.fastapi.get("/fastapi")(wait)

        @app.sanic.get("/sanic")
        async def sanic(request: Any) -> None:
            await wait()

        async with serving(form, app.engine.http) as server:
            for path in (b"/native", b"/fastapi", b"/sanic"):
                peer = await server.connect()
                await peer.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
                async with asyncio.timeout(10):
                    await waits.wait()
                    peer.reset()
                    await ended.wait()
                waits.clear()
                ended.clear()
        assert log == ["m in", *["cancelled"] * 3]

    asyncio.run(main())


def test_one_route_may_go_on() -> None:
    async def main() -> None:
        app = Fenrir(__name__, cancel_on_disconnect=True)
        exchange = MemoryExchange("GET", "/")
        log: list[str] = []

        @app.get("/", cancel_on_disconnect=False)
        async def handler() -> None:
            exchange.disconnect()
            await asyncio.sleep(0.02)
            log.append("done")

        serving = app.engine.http(exchange)  # type: ignore[arg-type]
        assert serving is not None
        await serving
        assert log == ["done"]

    asyncio.run(main())
