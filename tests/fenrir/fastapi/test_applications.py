"""The application: error handlers, middleware, mounts, lifespans, deadlines; as upstream where upstream has them."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fenrir.core.declare import DeclarationError
from fenrir.fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fenrir.fastapi.middleware import Middleware
from fenrir.fastapi.responses import JSONResponse, PlainTextResponse
from fenrir.fastapi.testclient import TestClient
from fenrir.starlette.applications import Starlette
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, Package, Sent, compare, get, post

pytestmark = pytest.mark.filterwarnings("ignore")


def failing(p: Package) -> Any:
    f = p.main

    class Base(Exception):
        pass

    class Derived(Base):
        pass

    app = f.FastAPI()

    @app.exception_handler(Base)
    async def base(request: Any, exc: Exception) -> Any:
        return p.responses.JSONResponse({"handled": type(exc).__name__, "path": request.url.path}, 418)

    @app.exception_handler(404)
    def missing(request: Any, exc: Any) -> Any:
        return p.responses.PlainTextResponse(f"no {exc.detail}", 404)

    @app.exception_handler(ZeroDivisionError)
    def converted(request: Any, exc: Any) -> Any:
        raise f.HTTPException(409, "converted")

    @app.exception_handler(Exception)
    def last(request: Any, exc: Any) -> Any:
        return p.responses.PlainTextResponse(f"last {type(exc).__name__}", 500)

    @app.get("/derived")
    async def derived() -> None:
        raise Derived

    @app.get("/zero")
    def zero() -> float:
        return 1 / 0

    @app.get("/mine")
    def mine() -> None:
        raise f.HTTPException(404, "mine", headers={"x-a": "1"})

    @app.get("/key")
    async def key() -> None:
        raise KeyError("k")

    @app.get("/http")
    async def http(status: int) -> None:
        raise f.HTTPException(status, {"a": [1]}, headers={"x-a": "2"})

    sub = f.FastAPI()

    @sub.get("/base")
    def sub_base() -> None:
        raise Base

    @sub.get("/http")
    def sub_http() -> None:
        raise f.HTTPException(404, "sub")

    app.mount("/sub", sub)
    return app


@pytest.mark.parametrize("door", DOORS)
def test_error_handlers_as_upstream(door: str) -> None:
    paths = ["/derived", "/zero", "/mine", "/key", "/none", "/http?status=204", "/http?status=403", "/http?status=x"]
    requests = [*map(get, paths), post("/key"), get("/sub/http"), get("/sub/none")]
    compare(failing, requests, door)


def test_an_exception_goes_through_the_middleware_as_upstream() -> None:
    seen: list[str] = []
    app = FastAPI()

    class Noting:
        def __init__(self, app: Any, name: str) -> None:
            self.app = app
            self.name = name

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            try:
                await self.app(scope, receive, send)
            except KeyError:
                seen.append(self.name)
                raise
            if scope["type"] == "http":
                seen.append(f"{self.name} {scope['route'].path}")

    app.add_middleware(Noting, name="inner")

    @app.middleware("http")
    async def function(request: Request, call_next: Any) -> Any:
        try:
            return await call_next(request)
        except KeyError:
            seen.append("function")
            raise

    app.add_middleware(Noting, name="outer")

    @app.get("/boom/{x}")
    def boom(x: int) -> int:
        if x:
            raise KeyError(x)
        return x

    client = TestClient(app)
    assert client.get("/boom/0").json() == 0
    with pytest.raises(KeyError):
        client.get("/boom/1")
    assert seen == ["inner /boom/{x}", "outer /boom/{x}", "inner", "function", "outer"]
    assert TestClient(app, raise_server_exceptions=False).get("/boom/1").text == "Internal Server Error"
    with pytest.raises(RuntimeError, match="after an application has started"):
        app.add_middleware(Noting, name="late")


@pytest.mark.parametrize("door", DOORS)
def test_a_function_of_middleware_sees_the_exception(door: str) -> None:
    app = FastAPI()

    @app.middleware("http")
    async def function(request: Request, call_next: Any) -> Any:
        try:
            return await call_next(request)
        except KeyError as exc:
            return PlainTextResponse(f"caught {exc}", 409)

    @app.get("/")
    def root() -> None:
        raise KeyError("k")

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert (client.get("/").status_code, client.get("/").text) == (409, "caught 'k'")


def test_an_application_is_starlettes() -> None:
    app = FastAPI(middleware=[Middleware(_Header)], extra_of_mine=1)
    assert isinstance(app, Starlette)
    assert app.extra == {"extra_of_mine": 1}
    assert app.__asteri__(1) is None
    app.add_route("/", lambda request: PlainTextResponse("plain"))
    stack = app.build_middleware_stack()
    assert TestClient(stack).get("/").headers["x-mine"] == "1"  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="only 'http' is known"):
        app.middleware("https")


class _Header:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def add(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-mine", b"1")]
            await send(message)

        await self.app(scope, receive, add)


def test_a_stack_of_the_users_own() -> None:
    app = FastAPI()
    kinds: list[str] = []
    build = app.build_middleware_stack

    def own() -> Any:
        inner = build()

        async def call(scope: Any, receive: Any, send: Any) -> None:
            kinds.append(scope["type"])
            await inner(scope, receive, send)

        return call

    app.build_middleware_stack = own  # type: ignore[method-assign]
    assert app.__asteri__(1) is None
    with TestClient(app) as client:
        assert client.get("/none").status_code == 404
    assert kinds == ["lifespan", "http"]


def mounted(p: Package) -> Any:
    f = p.main
    sub = f.FastAPI(title="Sub")

    @sub.get("/x", name="x")
    def x(request: f.Request) -> Any:  # type: ignore[name-defined]
        scope = request.scope
        return [scope["root_path"], scope["path"], request.url.path, str(request.base_url)]

    app = f.FastAPI()
    app.mount("/sub", sub, name="sub")

    @app.get("/url")
    def url(request: f.Request) -> Any:  # type: ignore[name-defined]
        return str(request.url_for("sub:x"))

    return app


@pytest.mark.parametrize("door", DOORS)
def test_an_application_in_another_one_as_upstream(door: str) -> None:
    requests = [get("/url"), get("/sub/none"), Sent("POST", "/sub/x"), get("/sub/openapi.json")]
    compare(mounted, requests, door)


def test_what_a_mounted_application_sees_over_asgi_is_upstreams() -> None:
    compare(mounted, [get("/sub/x")], "asgi")


@pytest.mark.parametrize("door", DOORS)
def test_lifespans_of_routers_are_inside_the_applications(door: str) -> None:
    log: list[str] = []

    def lifespan(name: str) -> Any:
        @asynccontextmanager
        async def live(app: FastAPI) -> AsyncIterator[dict[str, str]]:
            log.append(f"{name} up")
            yield {name: name, "last": name}
            log.append(f"{name} down")

        return live

    inner = APIRouter(lifespan=lifespan("inner"))
    outer = APIRouter(lifespan=lifespan("outer"))
    outer.include_router(inner)
    app = FastAPI(lifespan=lifespan("app"))
    app.include_router(outer)

    @app.get("/")
    def root(request: Request) -> Any:
        return [request.state.inner, request.state.outer, request.state.app, request.state.last]

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/").json() == ["inner", "outer", "app", "app"]
    assert log == ["app up", "outer up", "inner up", "inner down", "outer down", "app down"]


@pytest.mark.parametrize("door", DOORS)
def test_a_deadline_cancels_the_work_and_runs_its_cleanup(door: str) -> None:
    log: list[str] = []
    app = FastAPI()

    async def opened() -> AsyncIterator[None]:
        try:
            yield
        finally:
            log.append("closed")

    @app.get("/slow", timeout=0.01)
    async def slow(_: None = Depends(opened)) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    @app.get("/quick", timeout=60)
    async def quick(_: None = Depends(opened)) -> str:
        await asyncio.sleep(0)
        return "quick"

    @app.get("/own", timeout=60)
    async def own() -> None:
        raise TimeoutError

    @app.exception_handler(TimeoutError)
    def timed_out(request: Request, exc: TimeoutError) -> JSONResponse:
        return JSONResponse("own", 408)

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        answer = client.get("/slow")
        assert (answer.status_code, answer.json()) == (504, {"detail": "Gateway Timeout"})
        assert log == ["cancelled", "closed"]
        assert client.get("/quick").json() == "quick"
        assert client.get("/own").status_code == 408


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("door", DOORS)
def test_what_nobody_handles(door: str, debug: bool) -> None:
    app = FastAPI(debug=debug)

    @app.get("/")
    def root() -> None:
        raise KeyError("secret")

    with Client(app, door=door, raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        answer = client.get("/")
        assert answer.status_code == 500
        assert ("secret" in answer.text) is debug
        page = client.get("/", headers={"accept": "text/html"})
        assert ("<html" in page.text) is debug


def test_websockets_are_refused_as_upstream() -> None:
    def build(name: str) -> Any:
        f = importlib.import_module(name)
        app = f.FastAPI()

        @app.websocket("/code")
        async def code(websocket: f.WebSocket) -> None:  # type: ignore[name-defined]
            raise f.WebSocketException(1008, "no")

        @app.websocket("/http")
        async def http(websocket: f.WebSocket) -> None:  # type: ignore[name-defined]
            raise f.HTTPException(401, "no")

        @app.websocket("/open")
        async def opened(websocket: f.WebSocket) -> None:  # type: ignore[name-defined]
            await websocket.accept()
            raise f.WebSocketException(4000, "after")

        return importlib.import_module(f"{name}.testclient").TestClient(app)

    def outcome(client: Any, path: str) -> Any:
        try:
            with client.websocket_connect(path) as session:
                return session.receive_text()
        except Exception as exc:
            return type(exc).__name__, getattr(exc, "code", None), getattr(exc, "reason", None)

    ours, theirs = build("fenrir.fastapi"), build("fastapi")
    for path in ("/code", "/open", "/none"):
        assert outcome(ours, path) == outcome(theirs, path), path
    assert outcome(ours, "/http")[0] == outcome(theirs, "/http")[0] == "WebSocketDenialResponse"


def test_an_uncaught_disconnect_of_a_websocket_is_raised_over_asgi() -> None:
    app = FastAPI()

    @app.websocket("/")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await websocket.send_text(await websocket.receive_text())

    with pytest.raises(Exception, match="1000"), TestClient(app).websocket_connect("/") as session:
        session.send_text("x")
        assert session.receive_text() == "x"


@pytest.mark.parametrize("door", DOORS)
def test_a_router_has_middleware_and_error_handlers_of_its_own(door: str) -> None:
    log: list[str] = []
    outer, inner = APIRouter(prefix="/outer"), APIRouter(prefix="/inner")

    def noting(name: str) -> Any:
        async def dispatch(request: Request, call_next: Any) -> Any:
            log.append(f"{name} in")
            response = await call_next(request)
            log.append(f"{name} out")
            response.headers[f"x-{name}"] = "1"
            return response

        return dispatch

    outer.middleware("http")(noting("outer"))
    inner.middleware("http")(noting("inner"))

    @inner.exception_handler(KeyError)
    def key(request: Request, exc: KeyError) -> PlainTextResponse:
        return PlainTextResponse(f"inner {exc}", 409)

    @outer.exception_handler(422)
    async def invalid(request: Request, exc: Any) -> PlainTextResponse:
        return PlainTextResponse(f"outer {len(exc.errors())}", 400)

    def opened() -> Any:
        log.append("opened")
        yield 1
        log.append("closed")

    @inner.get("/{x}")
    def read(x: int, _: int = Depends(opened)) -> int:
        if not x:
            raise KeyError(x)
        return x

    @outer.get("/plain")
    def plain() -> str:
        return "plain"

    outer.include_router(inner)
    app = FastAPI()
    app.include_router(outer)

    @app.get("/key")
    def outside() -> None:
        raise KeyError("outside")

    with Client(app, door=door, raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        answer = client.get("/outer/inner/3")
        assert (answer.json(), answer.headers["x-outer"], answer.headers["x-inner"]) == (3, "1", "1")
        assert log == ["outer in", "inner in", "opened", "inner out", "outer out", "closed"]
        assert client.get("/outer/inner/0").text == "inner 0"
        assert client.get("/outer/inner/x").text == "outer 1"
        assert "x-inner" not in client.get("/outer/plain").headers
        assert client.get("/key").status_code == 500
        assert "x-outer" not in client.get("/none").headers
