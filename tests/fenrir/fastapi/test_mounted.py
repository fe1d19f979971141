"""Requests below mounts: URLs, root paths, applications and routers are upstream's, on both doors."""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from asteri.exchange import Doors
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, quiet

both_doors = pytest.mark.parametrize("door", DOORS)


class Modules(NamedTuple):
    """What an application is written against."""

    fastapi: Any
    routing: Any
    static: Any
    templating: Any
    starlette: Any
    responses: Any


def modules(fastapi: str, starlette: str) -> Modules:
    return Modules(
        importlib.import_module(fastapi),
        importlib.import_module(f"{starlette}.routing"),
        importlib.import_module(f"{starlette}.staticfiles"),
        importlib.import_module(f"{starlette}.templating"),
        importlib.import_module(f"{starlette}.applications"),
        importlib.import_module(f"{starlette}.responses"),
    )


NAMES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("home", {}), ("leaf", {"n": 3}), ("sub:leaf", {"n": 3}), ("sub", {"path": "/x"}), ("sub:inner:leaf", {"n": 4}),
    ("inner:leaf", {"n": 4}), ("inner", {"path": "y"}), ("included", {}), ("sub:included", {}), ("socket", {}),
    ("sub:socket", {}), ("static", {"path": "a.css"}), ("sub:static", {"path": "/a.css"}), ("group:leaf", {"n": 1}),
    ("openapi", {}), ("swagger_ui_html", {}), ("nothing", {}), ("leaf", {}), ("toolkit:leaf", {"n": 2}),
)  # fmt: skip


def seen(app_names: dict[int, str], connection: Any) -> dict[str, Any]:
    """Return all that a request says of the place where it is."""
    scope = connection.scope
    route = scope.get("route")
    router = scope.get("router")
    names: dict[str, str] = {}
    for name, params in NAMES:
        try:
            names[f"{name} {params}"] = str(connection.url_for(name, **params))
        except Exception as exc:
            names[f"{name} {params}"] = type(exc).__name__
    return {
        "url": str(connection.url),
        "base": str(connection.base_url),
        "app": app_names.get(id(connection.app)),
        "scope app": app_names.get(id(scope["app"])),
        "router": app_names.get(id(router)),
        "root_path": scope["root_path"],
        "app_root_path": scope.get("app_root_path"),
        "path": scope["path"],
        "raw_path": scope.get("raw_path", b"").decode(),
        "params": dict(connection.path_params),
        "route": getattr(route, "path", None),
        "endpoint": getattr(scope.get("endpoint"), "__name__", type(scope.get("endpoint")).__name__),
        "names": names,
    }


def build(m: Modules, folder: Path, how: str) -> Any:
    names: dict[int, str] = {}
    templates = m.templating.Jinja2Templates(directory=str(folder))

    def fill(app: Any, name: str) -> Any:
        names[id(app)] = name
        names[id(app.router)] = f"{name}.router"

        @app.get("/")
        async def home(request: m.fastapi.Request) -> Any:
            return seen(names, request)

        @app.get("/early")
        async def early(request: m.fastapi.Request) -> Any:  # before anybody asks for the scope
            found = [str(request.url), str(request.base_url), names.get(id(request.app)), request.path_params]
            return [*found, str(request.url_for("home")), str(request.url_for("home"))]

        @app.get("/leaf/{n}")
        def leaf(n: int, request: m.fastapi.Request) -> Any:
            return seen(names, request)

        @app.get("/page")
        async def page(request: m.fastapi.Request) -> Any:
            return templates.TemplateResponse(request, "page.html")

        @app.websocket("/socket")
        async def socket(websocket: m.fastapi.WebSocket) -> None:
            await websocket.accept()
            await websocket.send_json(seen(names, websocket))
            await websocket.close()

        router = m.fastapi.APIRouter()

        @router.get("/included")
        async def included(request: m.fastapi.Request) -> Any:
            return seen(names, request)

        app.include_router(router, prefix="/group")
        app.mount("/static", m.static.StaticFiles(directory=str(folder)), name="static")
        return app

    async def leaf(request: Any) -> Any:
        return m.responses.JSONResponse(seen(names, request))

    outer = fill(m.fastapi.FastAPI(), "outer")
    inner = fill(m.fastapi.FastAPI(), "inner")
    sub = fill(m.fastapi.FastAPI(), "sub")
    if how == "fixed":
        sub.root_path = "/fixed"
    if how == "router":
        shared = m.fastapi.APIRouter()
        shared.mount("/inner", inner, name="inner")
        sub.include_router(shared)
    else:
        sub.mount("/inner", inner, name="inner")
    outer.mount("/sub", sub, name=None if how == "nameless" else "sub")
    outer.mount("/two/deep", inner, name="deep")
    toolkit = m.starlette.Starlette(routes=[m.routing.Route("/leaf/{n:int}", leaf, name="leaf")])
    names[id(toolkit)], names[id(toolkit.router)] = "toolkit", "toolkit.router"
    outer.mount("/toolkit", toolkit, name="toolkit")
    sub.mount("/toolkit", toolkit, name="toolkit")
    outer.router.routes.append(
        m.routing.Mount("/group2", routes=[m.routing.Route("/leaf/{n}", leaf, name="leaf")], name="group")
    )
    if how == "middleware":

        @sub.middleware("http")
        async def around(request: m.fastapi.Request, call_next: Any) -> Any:
            before = [str(request.url), str(request.base_url), names.get(id(request.app)), request.scope["root_path"]]
            response = await call_next(request)
            response.headers["x-before"] = repr(before)
            return response

    return outer


PATHS = (
    "/", "/early", "/leaf/1?q=1", "/page", "/group/included", "/static/page.html", "/sub", "/sub/", "/sub/early",
    "/sub/leaf/2", "/sub/leaf/x", "/sub/page", "/sub/group/included", "/sub/static/page.html", "/sub/inner/",
    "/sub/inner/early", "/sub/inner/leaf/3", "/sub/inner/page", "/sub/inner/group/included", "/two/deep/",
    "/two/deep/leaf/4", "/two/deep/page", "/toolkit/leaf/5", "/sub/toolkit/leaf/6", "/group2/leaf/7",
    "/sub/nothing", "/sub/inner/nothing", "/sub/leaf/2/", "/sub/inner/leaf/2/", "/sub/group",
    "/sub/inner/leaf/%C3%A9", "/sub/in%6eer/leaf/3",
)  # fmt: skip
SOCKETS = ("/socket", "/sub/socket", "/sub/inner/socket", "/two/deep/socket")
WAYS = ("plain", "router", "nameless", "middleware", "fixed")


def answers(app: Any, door: str) -> list[Any]:
    found: list[Any] = []
    with Client(app, door=door, base_url="http://host:8000", raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        for path in PATHS:
            response = client.get(path)
            said = response.json() if response.headers.get("content-type") == "application/json" else response.text
            found.append((path, response.status_code, said, response.headers.get("x-before")))
        for path in SOCKETS:
            with client.websocket(path) as session:
                found.append((path, "refused" if session.rejected else json.loads(session.receive())))
    return found


class Rooted:
    """An application behind a server that was told a root path."""

    def __init__(self, app: Any, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    def __asteri__(self, version: int) -> Doors:
        doors: Doors = self.app.__asteri__(version)
        return Doors(lambda x: doors.http(self._moved(x)), lambda x: doors.websocket(self._moved(x)))

    def _moved(self, exchange: Any) -> Any:
        exchange.connection = replace(exchange.connection, root_path=self.root_path)
        return exchange

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            root = self.root_path
            scope = {
                **scope,
                "root_path": root,
                "path": root + scope["path"],
                "raw_path": root.encode() + scope["raw_path"],
            }
        await self.app(scope, receive, send)


@both_doors
@pytest.mark.parametrize("how", WAYS)
def test_a_mounted_application_sees_what_upstreams_sees(how: str, door: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ url_for('home') }} {{ url_for('leaf', n=1) }} {{ request.url }}")
    expected = answers(quiet(build(modules("fastapi", "starlette"), tmp_path, how)), "asgi")
    actual = answers(build(modules("fenrir.fastapi", "fenrir.starlette"), tmp_path, how), door)
    for theirs, ours in zip(expected, actual, strict=True):
        assert ours == theirs


@both_doors
def test_the_servers_root_path_stays_in_front(door: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ url_for('home') }} {{ request.url }}")
    expected = answers(Rooted(quiet(build(modules("fastapi", "starlette"), tmp_path, "plain")), "/proxy"), "asgi")
    actual = answers(Rooted(build(modules("fenrir.fastapi", "fenrir.starlette"), tmp_path, "plain"), "/proxy"), door)
    for theirs, ours in zip(expected, actual, strict=True):
        assert ours == theirs


def sharing(m: Modules) -> Any:
    app, sub = m.fastapi.FastAPI(), m.fastapi.FastAPI()

    @app.middleware("http")
    async def note(request: m.fastapi.Request, call_next: Any) -> Any:
        request.state.user = "ada"
        request.scope["session"] = {"n": 1}
        response = await call_next(request)
        response.headers["x-note"] = repr(getattr(request.state, "back", None))
        return response

    @sub.get("/read")
    async def read(request: m.fastapi.Request) -> Any:
        request.state.back = "told"
        return [request.state.user, request.session]

    app.mount("/sub", sub)
    return app


@both_doors
def test_what_middleware_notes_is_seen_below_a_mount(door: str) -> None:
    for package, toolkit, through in (("fastapi", "starlette", "asgi"), ("fenrir.fastapi", "fenrir.starlette", door)):
        with Client(sharing(modules(package, toolkit)), door=through) as client:  # type: ignore[arg-type]
            answer = client.get("/sub/read")
        assert (answer.json(), answer.headers.get("x-note")) == (["ada", {"n": 1}], "'told'")
