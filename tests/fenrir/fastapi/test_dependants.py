"""Packages look at a route's dependant and change it; the route does what was changed, as upstream's does."""

import copy
import functools
import importlib
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture(params=["fastapi", "fenrir.fastapi"])
def package(request: pytest.FixtureRequest) -> SimpleNamespace:
    def module(name: str) -> Any:
        return importlib.import_module(f"{request.param}{name}")

    return SimpleNamespace(
        fastapi=module(""),
        reading=module(".dependencies.utils"),
        models=module(".dependencies.models"),
        requests=module(".requests"),
        TestClient=module(".testclient").TestClient,
    )


def replying(call: Any, log: list[Any]) -> Any:
    @functools.wraps(call)
    async def wrapped(**values: Any) -> Any:
        log.append(sorted(values))
        return {"wrapped": await call(**values)}

    return wrapped


def test_a_wrapped_call_at_any_time(package: SimpleNamespace) -> None:
    app, log = package.fastapi.FastAPI(), []

    @app.get("/{number}")
    async def double(number: int, q: str = "q") -> Any:
        return [number * 2, q]

    client = package.TestClient(app)
    assert client.get("/2").json() == [4, "q"]
    route = app.routes[-1]
    route.dependant.call = replying(double, log)
    assert client.get("/2").json() == {"wrapped": [4, "q"]}
    assert log == [["number", "q"]]
    assert client.get("/x").status_code == 422
    assert app.openapi()["paths"]["/{number}"]["get"]["parameters"][1]["name"] == "q"


def test_a_connection_under_a_name_of_the_package(package: SimpleNamespace) -> None:
    app = package.fastapi.FastAPI()

    @app.get("/")
    def index(connection: package.requests.HTTPConnection) -> Any:
        return connection.url.path

    @app.get("/other")
    async def other() -> Any:
        raise AssertionError("replaced")

    async def path(**given: Any) -> Any:
        return list(given), given["_it"].url.path

    assert app.routes[-2].dependant.http_connection_param_name == "connection"
    dependant = app.routes[-1].dependant
    assert dependant.http_connection_param_name is None
    dependant.http_connection_param_name = "_it"
    dependant.call = path
    client = package.TestClient(app)
    assert client.get("/").json() == "/"
    assert client.get("/other").json() == [["_it"], "/other"]


def test_names_of_what_is_given(package: SimpleNamespace) -> None:
    fastapi = package.fastapi

    async def handler(
        a: fastapi.Request,
        b: fastapi.Response,
        c: fastapi.BackgroundTasks,
        d: importlib.import_module(fastapi.__name__ + ".security").SecurityScopes,  # type: ignore[name-defined]
    ) -> None:
        """Take everything."""

    found = package.reading.get_dependant(path="/", call=handler)
    names = ("request", "response", "background_tasks", "security_scopes", "websocket", "http_connection")
    assert [getattr(found, f"{name}_param_name") for name in names] == ["a", "b", "c", "d", None, None]


def test_dependencies_before_and_behind(package: SimpleNamespace) -> None:
    app, order = package.fastapi.FastAPI(), []

    def noting(name: str) -> Any:
        def dependency() -> str:
            order.append(name)
            return name

        return dependency

    Depends = package.fastapi.Depends

    @app.get("/", dependencies=[Depends(noting("declared"))])
    def index(own: str = Depends(noting("own"))) -> str:
        return own

    client = package.TestClient(app)
    client.get("/")
    assert order == ["declared", "own"]
    dependencies = app.routes[-1].dependant.dependencies
    for index_, name in ((0, "first"), (len(dependencies) + 1, "last")):
        made = package.reading.get_parameterless_sub_dependant(depends=Depends(noting(name)), path="/")
        dependencies.insert(index_, made)
    order.clear()
    client.get("/")
    assert order[:2] == ["first", "declared"]
    assert sorted(order) == ["declared", "first", "last", "own"]


def test_in_a_lifespan_and_in_an_inclusion(package: SimpleNamespace) -> None:
    log: list[Any] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        for route in app.routes:
            for one in route.effective_candidates() if hasattr(route, "effective_candidates") else [route]:
                if getattr(one, "dependant", None) is not None:
                    one.dependant.call = replying(one.dependant.call, log)
        yield

    router = package.fastapi.APIRouter(prefix="/in")

    @router.get("/side")
    async def side() -> Any:
        return "in"

    app = package.fastapi.FastAPI(lifespan=lifespan)

    @app.get("/out")
    async def out() -> Any:
        return "out"

    app.include_router(router)
    with package.TestClient(app) as client:
        assert client.get("/out").json() == {"wrapped": "out"}
        assert client.get("/in/side").json() == {"wrapped": "in"}
    assert log == [[], []]


def test_a_websocket(package: SimpleNamespace) -> None:
    app = package.fastapi.FastAPI()

    @app.websocket("/{name}")
    async def talk(websocket: package.fastapi.WebSocket, name: str) -> None:
        raise AssertionError("replaced")

    async def other(websocket: Any, name: str, _it: Any) -> None:
        await websocket.accept()
        await websocket.send_json([name, _it.path_params])
        await websocket.close()

    dependant = app.routes[-1].dependant
    assert (dependant.websocket_param_name, [field.name for field in dependant.path_params]) == ("websocket", ["name"])
    dependant.call = other
    dependant.http_connection_param_name = "_it"
    with package.TestClient(app).websocket_connect("/me") as session:
        assert session.receive_json() == ["me", {"name": "me"}]


def test_a_copy_is_nobodys(package: SimpleNamespace) -> None:
    app = package.fastapi.FastAPI()

    @app.get("/")
    def index(q: int = 1) -> int:
        return q

    copied = copy.deepcopy(app.routes[-1].dependant)
    copied.call = None
    copied.dependencies.append(copied)
    assert copied.query_params[0].name == "q"
    assert package.TestClient(app).get("/").json() == 1


def test_a_copied_router_has_dependants_of_its_own(package: SimpleNamespace) -> None:
    router = package.fastapi.APIRouter()

    @router.get("/")
    async def index() -> str:
        return "original"

    def told(text: str) -> Any:
        async def call() -> str:
            return text

        return call

    first = router.routes[0]
    assert first.dependant.call is index
    copied = copy.deepcopy(router)
    copied.routes[0].endpoint = copied.routes[0].dependant.call = told("copy")
    answers = []
    for one in (router, copied):
        app = package.fastapi.FastAPI()
        app.include_router(one)
        answers.append(package.TestClient(app).get("/").json())
    assert answers == ["original", "copy"]


def test_flat_parameters_and_their_values(package: SimpleNamespace) -> None:
    fastapi = package.fastapi

    def page(size: int = fastapi.Query(ge=1), x_trace: str = fastapi.Header("none")) -> None:
        """Take a page."""

    def handler(key: str, tags: list[str] = fastapi.Query([]), page: None = fastapi.Depends(page)) -> None:
        """Take a key."""

    dependant = package.reading.get_dependant(path="/{key}", call=handler)
    flat = package.reading.get_flat_params(dependant)
    assert [(field.alias, field.field_info.in_.value) for field in flat] == [
        ("key", "path"),
        ("tags", "query"),
        ("size", "query"),
        ("x-trace", "header"),
    ]
    values = importlib.import_module(fastapi.__name__ + ".datastructures")
    fields = [*dependant.query_params, *dependant.dependencies[0].query_params]
    take = package.reading.request_params_to_args
    assert take(fields, values.QueryParams("tags=a&tags=b&size=3")) == ({"tags": ["a", "b"], "size": 3}, [])
    _, errors = take(fields, values.QueryParams("size=0"))
    assert [(error["type"], error["loc"]) for error in errors] == [("greater_than_equal", ("query", "size"))]
    headers = values.Headers({"X-Trace": "7"})
    assert take(dependant.dependencies[0].header_params, headers) == ({"x_trace": "7"}, [])
