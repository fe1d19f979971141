"""What a single route has for itself: middleware, error handlers, a deadline, its client's leaving."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from fenrir.core.declare import DeclarationError
from fenrir.fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fenrir.fastapi.middleware import Middleware
from fenrir.fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from fenrir.fastapi.routing import APIRoute
from fenrir.starlette.middleware.base import BaseHTTPMiddleware
from fenrir.starlette.middleware.cors import CORSMiddleware
from fenrir.starlette.middleware.gzip import GZipMiddleware
from fenrir.starlette.middleware.sessions import SessionMiddleware
from fenrir.starlette.routing import Host, Router
from fenrir.starlette.testclient import TestClient
from fenrir.testing import Client, MemoryExchange

CallNext = Callable[[Request], Awaitable[Response]]
WAYS = ("direct", "asgi", "router")  # the last: a route that no table can hold makes the application try them in order


def serving(app: FastAPI, way: str) -> Client:
    if way == "router":
        app.router.routes.append(Host("other.example", app=Router()))
    return Client(app, door="asgi" if way == "router" else way, raise_server_exceptions=False)  # type: ignore[arg-type]


def noting(name: str, log: list[str]) -> Any:
    async def dispatch(request: Request, call_next: CallNext) -> Response:
        log.append(f"{name} in")
        response = await call_next(request)
        log.append(f"{name} out")
        response.headers[f"x-{name}"] = "1"
        return response

    return dispatch


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", ["application", "router"])
def test_middleware_of_a_route_is_the_innermost(place: str, way: str) -> None:
    log: list[str] = []
    app, router = FastAPI(), APIRouter()
    app.middleware("http")(noting("app", log))
    router.middleware("http")(noting("router", log))

    def opened() -> Iterator[int]:
        log.append("opened")
        yield 1
        log.append("closed")

    class Noting(BaseHTTPMiddleware):
        def __init__(self, app: Any, name: str) -> None:
            super().__init__(app, noting(name, log))

    owner: Any = app if place == "application" else router

    @owner.get("/with", middleware=[noting("first", log), Middleware(Noting, "second")])
    async def read(_: int = Depends(opened)) -> str:
        log.append("handler")
        return "read"

    @owner.get("/without")
    async def plain() -> str:
        return "plain"

    app.include_router(router)
    with serving(app, way) as client:
        answer = client.get("/with")
        assert (answer.status_code, answer.json()) == (200, "read")
        between = ["router in"] if place == "router" else []
        assert log == [
            "app in", *between, "first in", "second in", "opened", "handler",
            "second out", "first out", *(["router out"] if between else []), "app out", "closed",
        ]  # fmt: skip
        assert {"x-app", "x-first", "x-second"} <= {name for name, _ in answer.headers.items()}
        log.clear()
        assert client.get("/without").json() == "plain"
        assert "first in" not in log and log[0] == "app in"


@pytest.mark.parametrize("way", WAYS)
def test_the_nearest_error_handler_answers(way: str) -> None:
    app, router = FastAPI(), APIRouter(prefix="/r")

    def answering(name: str) -> Any:
        def answer(request: Request, exc: Exception) -> JSONResponse:
            return JSONResponse([name, type(exc).__name__, request.url.path], 499)

        return answer

    async def awaited(request: Request, exc: Exception) -> PlainTextResponse:
        return PlainTextResponse("awaited")

    app.add_exception_handler(LookupError, answering("app"))
    router.add_exception_handler(LookupError, answering("router"))

    @router.get("/{what}", exception_handlers={KeyError: answering("route"), 404: awaited})
    def read(what: str) -> None:
        raise {"key": KeyError(), "index": IndexError(), "404": HTTPException(404), "403": HTTPException(403)}[what]

    @router.get("/last/one", exception_handlers={500: answering("last")})
    def last() -> None:
        raise IndexError

    @router.get("/other/{what}")
    def other(what: str) -> None:
        raise KeyError(what)

    app.include_router(router, prefix="/a")

    @app.get("/key")
    async def outside() -> None:
        raise KeyError

    with serving(app, way) as client:
        assert client.get("/a/r/key").json() == ["route", "KeyError", "/a/r/key"]
        assert client.get("/a/r/index").json() == ["router", "IndexError", "/a/r/index"]
        assert client.get("/a/r/404").text == "awaited"
        assert client.get("/a/r/last/one").json() == ["last", "IndexError", "/a/r/last/one"]
        assert client.get("/a/r/403").json() == {"detail": "Forbidden"}
        assert client.get("/a/r/other/x").json() == ["router", "KeyError", "/a/r/other/x"]
        assert client.get("/key").json() == ["app", "KeyError", "/key"]


@pytest.mark.parametrize("way", WAYS)
def test_what_middleware_of_a_route_may_do(way: str) -> None:
    app = FastAPI()

    async def refuse(request: Request, call_next: CallNext) -> Response:
        if request.query_params.get("refuse"):
            raise HTTPException(418, "refused")
        if request.query_params.get("answer"):
            return PlainTextResponse("mine")
        try:
            return await call_next(request)
        except KeyError:
            return PlainTextResponse("caught", 409)

    @app.post("/{x}", middleware=[refuse])
    async def read(x: int, request: Request) -> Any:
        if not x:
            raise KeyError

        async def pieces() -> Any:
            yield await request.body()
            yield b"!"

        return StreamingResponse(pieces())

    with serving(app, way) as client:
        assert client.post("/1", content=b"body").text == "body!"
        assert client.post("/0").text == "caught"
        assert client.post("/1?answer=1").text == "mine"
        assert client.post("/1?refuse=1").json() == {"detail": "refused"}
        assert client.post("/x").status_code == 422


@pytest.mark.parametrize("way", WAYS)
def test_classes_that_need_no_asgi(way: str) -> None:
    app = FastAPI()
    cors = Middleware(CORSMiddleware, allow_origins=["https://a.example"])

    @app.get("/big", middleware=[cors, Middleware(GZipMiddleware, minimum_size=10)])
    async def big() -> str:
        return "x" * 1000

    @app.get("/session", middleware=[Middleware(SessionMiddleware, secret_key="secret")])
    async def session(request: Request) -> int:
        request.session["seen"] = request.session.get("seen", 0) + 1
        seen: int = request.session["seen"]
        return seen

    with serving(app, way) as client:
        answer = client.get("/big", headers={"origin": "https://a.example", "accept-encoding": "gzip"})
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        assert answer.headers["content-encoding"] == "gzip" and len(answer.content) < 100
        assert [client.get("/session").json() for _ in range(3)] == [1, 2, 3]


def test_every_way_to_declare_a_route_takes_them() -> None:
    log: list[str] = []
    around: Any = {"middleware": [noting("m", log)], "exception_handlers": {KeyError: lambda r, e: JSONResponse("key")}}

    async def fail() -> None:
        raise KeyError

    class Own(APIRoute):
        """A class of a user."""

    app = FastAPI(routes=[APIRoute("/route", fail, **around)])
    app.router.route_class = Own
    app.api_route("/api", methods=["GET"], **around)(fail)
    app.add_api_route("/added", fail, **around)
    app.get("/plain")(fail)
    router = APIRouter(prefix="/router")
    router.get("/get", **around)(fail)
    router.add_api_route("/added", fail, **around)
    app.include_router(router)
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in ("/route", "/api", "/added", "/router/get", "/router/added"):
            answer = client.get(path)
            assert (answer.json(), answer.headers["x-m"]) == ("key", "1"), path
        assert client.get("/plain").status_code == 500
        assert client.get("/openapi.json").status_code == 200


class ASGIOnly:
    """A class that nobody can run without ASGI."""

    def __init__(self, app: Any) -> None:
        self.app = app


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"middleware": [Middleware(ASGIOnly)]}, "ASGIOnly is ASGI middleware"),
        ({"middleware": [ASGIOnly]}, r"write Middleware\(ASGIOnly, ...\)"),
        ({"middleware": ["name"]}, "not 'name'"),
        ({"exception_handlers": {"404": print}}, "'404' is neither an exception class nor a status"),
        ({"exception_handlers": {404: "name"}}, "'name' can not be called"),
        ({"timeout": 0}, "timeout=0: it is a number of seconds above zero"),
        ({"timeout": "5"}, "timeout='5'"),
    ],
)
def test_what_can_not_stand_around_a_route_is_refused_at_its_line(options: Any, message: str) -> None:
    app = FastAPI()
    with pytest.raises(DeclarationError, match=message) as caught:
        app.get("/", **options)(lambda: None)
    assert caught.value.source is not None and caught.value.source.file == __file__
    assert str(caught.value).startswith("test_single_routes.py:")


def slow(log: list[str]) -> Any:
    async def handler() -> None:
        log.append("waits")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    return handler


@pytest.mark.parametrize("way", WAYS)
def test_a_deadline_of_a_router_and_of_an_application(way: str) -> None:
    log: list[str] = []
    app = FastAPI(timeout=0.02)
    inner, outer = APIRouter(prefix="/inner", timeout=60), APIRouter(prefix="/outer")

    async def own(request: Request, exc: Exception) -> PlainTextResponse:
        return PlainTextResponse(f"own {type(exc).__name__} {getattr(exc, 'status_code', 0)}", 504)

    app.get("/app")(slow(log))
    inner.get("/route", timeout=0.01)(slow(log))
    outer.get("/own", exception_handlers={504: own})(slow(log))

    @inner.get("/long")
    async def long() -> str:
        await asyncio.sleep(0.06)
        return "long"

    outer.include_router(inner)
    app.include_router(outer)
    with serving(app, way) as client:
        assert client.get("/app").json() == {"detail": "Gateway Timeout"}
        assert client.get("/outer/inner/route").status_code == 504
        assert client.get("/outer/inner/long").json() == "long"
        assert client.get("/outer/own").text == "own HTTPException 504"
    assert log == ["waits", "cancelled"] * 3
    with pytest.raises(DeclarationError, match="timeout=-1"):
        APIRouter(timeout=-1)
    with pytest.raises(DeclarationError, match="timeout=-1"):
        app.include_router(APIRouter(), timeout=-1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", ["route", "router", "application", "inclusion", "nowhere"])
def test_a_client_that_leaves(where: str, way: str) -> None:
    async def main() -> None:
        log: list[str] = []
        seen: list[str] = []
        says: Any = {"cancel_on_disconnect": True}
        app = FastAPI(**(says if where in ("application", "nowhere") else {}))
        router = APIRouter(**(says if where == "router" else {}))

        async def opened() -> Any:
            try:
                yield
            finally:
                await asyncio.sleep(0)
                log.append("left")

        async def own(request: Request, exc: Exception) -> PlainTextResponse:
            seen.append(f"{type(exc).__name__} {getattr(exc, 'status_code', 0)}")
            return PlainTextResponse("nobody reads this")

        option = says if where == "route" else {"cancel_on_disconnect": False} if where == "nowhere" else {}
        exchange = MemoryExchange("POST", "/x", body=b"{}", headers=[(b"content-type", b"application/json")])

        @router.post("/x", dependencies=[Depends(opened)], exception_handlers={499: own}, **option)
        async def handler(body: dict[str, Any]) -> str:
            log.append("waits")
            exchange.disconnect()
            try:
                await asyncio.sleep(0.05 if where == "nowhere" else 20)
            except asyncio.CancelledError:
                log.append("cancelled")
                raise
            log.append("done")
            return "done"

        app.include_router(router, **(says if where == "inclusion" else {}))
        serving(app, way)
        serving(app, way)
        await serve(app, exchange, way)
        if where == "nowhere":
            assert log == ["waits", "done", "left"] and not seen
        else:
            assert log == ["waits", "cancelled", "left"] and seen == ["HTTPException 499"]

    asyncio.run(main())


@pytest.mark.parametrize("way", WAYS)
def test_whoever_is_watched_loses_nothing_of_his_body(way: str) -> None:
    app, inner = FastAPI(cancel_on_disconnect=True), FastAPI(cancel_on_disconnect=True)

    @app.post("/whole")
    async def whole(request: Request) -> int:
        return len(await request.body())

    @app.post("/stream")
    @inner.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        async def pieces() -> Any:
            async for piece in request.stream():
                yield piece

        return StreamingResponse(pieces())

    @app.post("/gone")
    async def gone(request: Request) -> list[Any]:
        return [await request.is_disconnected(), len(await request.body())]

    app.mount("/inner", inner)
    with serving(app, way) as client:
        assert client.post("/whole", content=b"x" * 300_000).json() == 300_000
        assert len(client.post("/stream", content=b"x" * 300_000).content) == 300_000
        assert len(client.post("/inner/stream", content=b"x" * 300_000).content) == 300_000
        assert client.post("/gone", content=b"x").json()[0] is False


async def serve(app: FastAPI, exchange: MemoryExchange, door: str) -> None:
    if door == "direct":
        doors = app.__asteri__(1)
        assert doors is not None
        serving = doors.http(exchange)  # type: ignore[arg-type]
        assert serving is not None
        await serving
        return
    given = False

    async def receive() -> Any:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": b"{}", "more_body": False}
        await exchange.disconnected()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        """Drop it, as a server does whose client has left."""

    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "POST",
        "path": "/x", "raw_path": b"/x", "root_path": "", "query_string": b"", "scheme": "http",
        "headers": list(exchange.headers.raw),
    }  # fmt: skip
    await app(scope, receive, send)
