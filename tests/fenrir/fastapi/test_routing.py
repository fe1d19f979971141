"""Routers, routes and inclusions: the same application from both packages, through both doors."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from fenrir.core.declare import DeclarationError
from fenrir.fastapi import APIRouter, Depends, FastAPI, Request
from fenrir.fastapi.dependencies.utils import get_parameterless_sub_dependant
from fenrir.fastapi.exceptions import FastAPIError
from fenrir.fastapi.responses import JSONResponse, PlainTextResponse
from fenrir.fastapi.routing import APIRoute, APIWebSocketRoute, Match, iter_route_contexts, request_response
from fenrir.starlette.routing import NoMatchFound, Route, Router
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, Package, Sent, compare, get, post

pytestmark = pytest.mark.filterwarnings("ignore")


def routing_of(p: Package) -> Any:
    name = "starlette" if p.main.__name__ == "fastapi" else "fenrir.starlette"
    return importlib.import_module(f"{name}.routing")


def included(p: Package) -> Any:
    f = p.main

    def outer() -> str:
        return "outer"

    leaf = f.APIRouter(prefix="/leaf", tags=["leaf"])

    @leaf.get("/{number}")
    def read(number: int, request: f.Request) -> Any:
        scope = request.scope
        context = scope["fastapi"]["effective_route_context"]
        return [number, scope["route"].path, context.path, sorted(context.tags), len(context.dependencies)]

    @leaf.post("/")
    def write() -> str:
        return "written"

    branch = f.APIRouter(prefix="/branch", dependencies=[f.Depends(outer)])
    branch.include_router(leaf, prefix="/a", tags=["a"])
    branch.include_router(leaf, prefix="/b", deprecated=True)
    app = f.FastAPI()
    app.include_router(branch, prefix="/api")
    app.include_router(leaf)

    @leaf.get("/late/{number}")  # after both inclusions
    def late(number: int) -> int:
        return -number

    return app


@pytest.mark.parametrize("door", DOORS)
def test_inclusions_as_upstream(door: str) -> None:
    paths = [
        "/api/branch/a/leaf/1",
        "/api/branch/b/leaf/2",
        "/leaf/3",
        "/leaf/x",
        "/api/branch/a/leaf/late/4",
        "/a/leaf/1",
    ]
    requests = [
        *map(get, paths),
        post("/api/branch/b/leaf/"),
        post("/leaf/"),
        Sent("PUT", "/leaf/"),
        get("/openapi.json"),
    ]
    compare(included, requests, door)


def plain(p: Package) -> Any:
    f, routing = p.main, routing_of(p)
    responses = p.responses

    async def hello(request: Any) -> Any:
        return responses.PlainTextResponse(f"hello {request.path_params.get('name', '-')}")

    class Endpoint:
        def __init__(self, scope: Any, receive: Any, send: Any) -> None:
            self.ends = scope, receive, send

        def __await__(self) -> Any:
            return responses.PlainTextResponse("endpoint")(*self.ends).__await__()

    app = f.FastAPI(
        routes=[
            routing.Route("/hello/{name}", hello, name="hello"),
            routing.Route("/endpoint", Endpoint),
            routing.Mount("/below", routes=[routing.Route("/x", hello), routing.Route("/{name}/y", hello)]),
        ]
    )
    app.add_route("/added", hello, methods=["POST"])
    router = f.APIRouter()
    router.add_route("/plain", hello)
    router.mount("/static", routing.Router(routes=[routing.Route("/{name}", hello)]))
    app.include_router(router, prefix="/in")
    return app


@pytest.mark.parametrize("door", DOORS)
def test_routes_of_the_toolkit_as_upstream(door: str) -> None:
    paths = ["/hello/bob", "/hello/a/b", "/endpoint", "/below/x", "/below/q/y", "/below/none", "/added", "/in/plain"]
    requests = [*map(get, paths), Sent("HEAD", "/hello/bob"), post("/added"), post("/endpoint"), get("/in/static/z")]
    compare(plain, requests, door, ignore=["allow"])


def deciding(p: Package) -> Any:
    """Build an application whose routes no table of paths can hold."""
    f, routing = p.main, routing_of(p)
    inner = f.FastAPI()

    @inner.get("/y")
    def y(request: f.Request) -> Any:
        return [request.path_params, request.scope["root_path"]]

    class Beta(importlib.import_module(f"{f.__name__}.routing").APIRoute):  # type: ignore[misc]
        def matches(self, scope: Any) -> Any:
            match, added = super().matches(scope)
            if dict(scope["headers"]).get(b"x-beta") is None:
                return routing.Match.NONE, {}
            return match, added

    beta = f.APIRouter(route_class=Beta)

    @beta.get("/version")
    def new() -> str:
        return "beta"

    app = f.FastAPI()
    app.include_router(beta)
    app.mount("/tenants/{tenant}", inner)
    app.host("api.example.org", inner)

    @app.get("/version")
    def old(q: int = 0) -> str:
        return f"stable {q}"

    @app.get("/boom")
    def boom() -> None:
        raise f.HTTPException(418, "boom")

    return app


def test_routes_that_decide_by_themselves_as_upstream() -> None:
    requests = [
        get("/version"),
        get("/version", headers={"x-beta": "1"}),
        get("/version?q=x"),
        get("/tenants/acme/y"),
        get("/y", headers={"host": "api.example.org"}),
        get("/boom"),
        get("/none"),
        post("/version"),
        get("/version/"),
    ]
    compare(deciding, requests, "asgi", ignore=["location"])


def around(p: Package) -> Any:
    f = p.main
    routing = importlib.import_module(f"{f.__name__}.routing")
    log: list[str] = []

    class Upper(f.Request):  # type: ignore[misc]
        async def body(self) -> bytes:
            return (await super().body()).upper()

    class Noting(routing.APIRoute):  # type: ignore[misc]
        def get_route_handler(self) -> Callable[..., Any]:
            handler = super().get_route_handler()

            async def handle(request: Any) -> Any:
                if request.method != "GET":
                    request = Upper(request.scope, request.receive)
                try:
                    response = await handler(request)
                except p.exceptions.RequestValidationError as exc:
                    raise f.HTTPException(409, [len(exc.errors()), (await request.body()).decode()]) from exc
                response.headers["x-a"] = f"{type(response).__name__} {len(log)}"
                return response

            return handle

    def dependency() -> Any:
        log.append("in")
        yield "d"
        log.append("out")

    router = f.APIRouter(route_class=Noting, prefix="/r")

    @router.post("/text")
    def text(body: str = f.Body(media_type="text/plain"), d: str = f.Depends(dependency)) -> Any:
        return [body, d]

    @router.post("/json/{n}")
    async def json(n: int, data: dict[str, int]) -> Any:
        return {"n": n, **data}

    @router.get("/log")
    def read_log() -> Any:
        return p.responses.PlainTextResponse(" ".join(log))

    app = f.FastAPI()
    app.include_router(router, prefix="/in")
    return app


@pytest.mark.parametrize("door", DOORS)
def test_classes_that_stand_around_routes_as_upstream(door: str) -> None:
    requests = [
        post("/in/r/text", content=b'"hi"', headers={"content-type": "application/json"}),
        post("/in/r/json/3", content=b'{"a": 1}', headers={"content-type": "application/json"}),
        post("/in/r/json/x", content=b'{"a": "q"}', headers={"content-type": "application/json"}),
        get("/in/r/log"),
    ]
    compare(around, requests, door)


@pytest.mark.parametrize("door", DOORS)
def test_a_view_class_may_give_its_methods_their_signature_afterwards(door: str) -> None:
    router = APIRouter(prefix="/view")

    class View:
        def __init__(self, q: int = 0) -> None:
            self.q = q

        @router.get("/{i}")
        def read(self, i: int) -> Any:
            return [self.q, i]

    (route,) = router.routes
    assert isinstance(route, APIRoute)
    router.routes.remove(route)
    signature = inspect.signature(route.endpoint)
    first, *others = signature.parameters.values()
    route.endpoint.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            first.replace(default=Depends(View), kind=inspect.Parameter.KEYWORD_ONLY),
            *(part.replace(kind=inspect.Parameter.KEYWORD_ONLY) for part in others),
        ]
    )
    views = APIRouter(routes=[route])
    app = FastAPI()
    app.include_router(views)
    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/view/3?q=7").json() == [7, 3]


@pytest.mark.parametrize("door", DOORS)
def test_a_route_may_be_given_another_application(door: str) -> None:
    app = FastAPI()
    calls: list[str] = []

    def noted() -> None:
        calls.append("noted")

    @app.get("/again")
    def again() -> str:
        return "again"

    @app.get("/other")
    def other() -> str:
        return "never"

    again_route, other_route = app.routes[-2:]
    assert isinstance(again_route, APIRoute)
    assert isinstance(other_route, APIRoute)
    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/again").json() == "again"
        again_route.dependencies.append(Depends(noted))  # for who looks at it, as upstream
        added = get_parameterless_sub_dependant(depends=Depends(noted), path=again_route.path_format)
        again_route.dependant.dependencies.append(added)
        again_route.app = request_response(again_route.get_route_handler())
        assert client.get("/again").json() == "again"
    assert calls == ["noted"]
    other_route.app = PlainTextResponse("replaced")
    with Client(app, door="asgi") as client:
        assert client.get("/other").text == "replaced"


@pytest.mark.parametrize("door", DOORS)
def test_the_list_of_routes_is_the_truth(door: str) -> None:
    app = FastAPI()

    @app.get("/a")
    def a() -> str:
        return "a"

    def b(request: Request) -> PlainTextResponse:
        return PlainTextResponse("b")

    with Client(app, door=door) as client:  # type: ignore[arg-type]
        assert client.get("/a").json() == "a"
        app.router.routes.append(Route("/b", b))
        assert client.get("/b").text == "b"
        app.router.routes[:] = [route for route in app.routes if getattr(route, "path", "") != "/a"]
        assert client.get("/a").status_code == 404
        app.router.routes = [APIRoute("/c", a)]
        assert (client.get("/b").status_code, client.get("/c").json()) == (404, "a")


def test_a_router_is_an_application() -> None:
    router = APIRouter()

    @router.get("/q/{x}")
    def q(x: int) -> int:
        return x

    app = FastAPI()
    app.mount("/r", router)
    app.mount("/n", Router(routes=[*router.routes]))
    with Client(app, door="asgi") as client:
        assert client.get("/r/q/4").json() == 4
        assert client.get("/n/q/5").json() == 5
        assert client.get("/r/q/x").status_code == 422
        assert client.get("/r/none").status_code == 404


def test_names_and_contexts() -> None:
    router = APIRouter(prefix="/r")

    @router.get("/{x}", name="read")
    def read(x: int) -> None: ...

    @router.websocket("/ws/{x}", name="ws")
    async def ws() -> None: ...

    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")
    assert app.url_path_for("read", x=3) == "/one/r/3"
    assert app.routes[1].url_path_for("read", x=3) == "/two/r/3"
    with pytest.raises(NoMatchFound):
        app.url_path_for("read")
    paths = [(context.path, context.name, context.methods) for context in iter_route_contexts(app.routes)]
    assert paths == [
        ("/one/r/{x}", "read", {"GET"}),
        ("/one/r/ws/{x}", "ws", None),
        ("/two/r/{x}", "read", {"GET"}),
        ("/two/r/ws/{x}", "ws", None),
    ]
    assert isinstance(router.routes[1], APIWebSocketRoute)
    assert app.routes[0].matches({"type": "http", "method": "GET", "path": "/one/r/1"})[0] is Match.FULL


def _in_itself() -> None:
    router = APIRouter()
    router.include_router(router)


def _in_a_circle() -> None:
    outer, inner = APIRouter(), APIRouter()
    outer.include_router(inner)
    inner.include_router(outer)


def _empty() -> None:
    router = APIRouter()
    router.get("")(lambda: None)
    FastAPI().include_router(router)


@pytest.mark.parametrize(
    ("mistake", "error", "text"),
    [
        (_in_itself, AssertionError, "Cannot include the same APIRouter"),
        (_in_a_circle, AssertionError, "already includes this router"),
        (_empty, FastAPIError, "Prefix and path cannot be both empty"),
        (lambda: APIRouter(prefix="x"), AssertionError, "must start with '/'"),
        (lambda: APIRouter(prefix="/x/"), AssertionError, "must not end with '/'"),
        (lambda: APIRoute("/", "x"), AssertionError, "An endpoint must be a callable"),  # type: ignore[arg-type]
        (lambda: FastAPI(max_body_size=-1), ValueError, "non-negative"),
        (lambda: FastAPI().get("/{a}/{a}")(lambda a: None), ValueError, "Duplicated param name a at path"),
        (lambda: FastAPI().get("/{a:no}")(lambda a: None), AssertionError, "Unknown path convertor 'no'"),
    ],
)
def test_mistakes_are_upstreams(mistake: Callable[[], object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        mistake()
    if error is AssertionError and "convertor" not in text:
        assert isinstance(caught.value, DeclarationError)
        assert caught.value.source is not None
        assert caught.value.source.file == __file__


def test_a_replaced_factory_of_handlers_stands_around_every_route(monkeypatch: pytest.MonkeyPatch) -> None:
    from fenrir.fastapi import routing

    original = routing.get_request_handler
    calls: list[str] = []

    def noting(*args: Any, **kwargs: Any) -> Any:
        dependant = kwargs["dependant"]
        endpoint = dependant.call

        def call(**values: Any) -> Any:
            calls.append(endpoint.__name__)
            return endpoint(**values)

        dependant.call = call
        return original(*args, **kwargs)

    monkeypatch.setattr(routing, "get_request_handler", noting)
    app = FastAPI()

    @app.get("/{x}")
    def read(x: int) -> JSONResponse:
        return JSONResponse(x)

    with Client(app) as client:
        assert [client.get("/1").json(), client.get("/2").json()] == [1, 2]
    assert calls == ["read", "read"]


@pytest.mark.parametrize("door", DOORS)
def test_a_route_that_comes_again_is_reported_at_the_start_only(door: str, caplog: pytest.LogCaptureFixture) -> None:
    app, sub = FastAPI(), FastAPI()
    app.mount("/sub", sub)
    client = Client(app, door=door)  # type: ignore[arg-type]
    for _ in range(2):  # as tests do that declare on an application of their module
        app.get("/test")(lambda: "test")
        sub.get("/below")(lambda: "below")
        assert client.get("/test").json() == "test"
    assert not caplog.records
    with Client(app, door=door):  # type: ignore[arg-type]
        assert [record.getMessage().split()[1] for record in caplog.records] == ["/test", "/below"]
