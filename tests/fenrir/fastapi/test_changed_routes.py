"""Routes that packages change from outside, at start-up or while requests come: what upstream sees is seen."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS, quiet

both_doors = pytest.mark.parametrize("door", DOORS)


class Modules(NamedTuple):
    fastapi: Any
    routing: Any
    reading: Any
    responses: Any
    toolkit: Any


def modules(name: str, starlette: str) -> Modules:
    parts = (name, f"{name}.routing", f"{name}.dependencies.utils", f"{name}.responses", f"{starlette}.routing")
    return Modules(*map(importlib.import_module, parts))


class Small(BaseModel):
    a: int


noted: list[str] = []


def note(q: int = 5) -> None:
    noted.append(f"note {q}")


def named() -> str:
    return "dependency"


def inner() -> str:
    return "inner"


async def other(x: int = 0) -> dict[str, int]:
    return {"other": x}


def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap as a careless package does: without a signature."""

    async def around(*args: Any, **kwargs: Any) -> Any:
        made = call(*args, **kwargs)
        return {"wrapped": await made if inspect.isawaitable(made) else made}

    return around


def build(m: Modules) -> Any:
    app = m.fastapi.FastAPI()

    @app.get("/plain")
    async def plain(x: int = 1) -> Any:
        return {"plain": x}

    @app.get("/thread")
    def thread(x: int = 1) -> Any:
        return {"thread": x}

    @app.get("/named")
    async def depends(d: str = m.fastapi.Depends(named)) -> Any:
        return d

    @app.get("/noted", dependencies=[m.fastapi.Depends(note)])
    async def notes() -> Any:
        return {}

    @app.get("/filtered", response_model=Small)
    async def filtered() -> Any:
        return {"a": 1, "b": 2}

    @app.websocket("/socket")
    async def socket(websocket: m.fastapi.WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("socket")
        await websocket.close()

    router = app.inner = m.fastapi.APIRouter()

    @router.get("/inner")
    async def included(d: str = m.fastapi.Depends(inner)) -> Any:
        return d

    app.include_router(router, prefix="/p")

    async def toolkit(request: Any) -> Any:
        return m.responses.PlainTextResponse("toolkit")

    app.router.routes.append(m.toolkit.Route("/toolkit", toolkit))
    app.mount("/mount", m.responses.PlainTextResponse("mount"), name="mount")
    return app


def of(app: Any, name: str) -> Any:
    return next(route for route in app.routes if getattr(route, "name", None) == name)


def added(m: Modules, route: Any) -> Any:
    return m.reading.get_parameterless_sub_dependant(depends=m.fastapi.Depends(note), path=route.path_format)


def remade(m: Modules, route: Any) -> None:
    route.app = m.routing.request_response(route.get_route_handler())


def endpoint(m: Modules, app: Any) -> None:
    of(app, "plain").endpoint = other


def endpoint_and_call(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.endpoint = route.dependant.call = wrapped(route.dependant.call)


def call(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.dependant.call = wrapped(route.dependant.call)


def call_of_a_thread(m: Modules, app: Any) -> None:
    route = of(app, "thread")
    former = route.dependant.call
    route.dependant.call = lambda **values: {"sync": former(**values)}


def call_of_a_dependency(m: Modules, app: Any) -> None:
    of(app, "depends").dependant.dependencies[0].call = lambda: "swapped"


def dependency_after(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.dependant.dependencies.append(added(m, route))


def dependency_before_with_app(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.dependant.dependencies.insert(0, added(m, route))
    remade(m, route)


def dependencies_gone(m: Modules, app: Any) -> None:
    of(app, "notes").dependant.dependencies.clear()


def dependencies_listed(m: Modules, app: Any) -> None:
    of(app, "plain").dependencies.append(m.fastapi.Depends(note))


def another_dependant(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.dependant = m.reading.get_dependant(path=route.path_format, call=other)
    remade(m, route)


def no_model(m: Modules, app: Any) -> None:
    route = of(app, "filtered")
    route.response_model = route.response_field = None
    remade(m, route)


def path(m: Modules, app: Any) -> None:
    of(app, "plain").path = "/new"


def path_and_expression(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.path = "/new"
    route.path_regex, route.path_format, route.param_convertors = m.toolkit.compile_path("/new")


def methods(m: Modules, app: Any) -> None:
    of(app, "plain").methods = {"POST"}


def another_app(m: Modules, app: Any) -> None:
    of(app, "plain").app = m.responses.PlainTextResponse("else")


def app_around(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    former = route.app

    async def around(scope: Any, receive: Any, send: Any) -> None:
        noted.append("around")
        await former(scope, receive, send)

    route.app = around


def removed(m: Modules, app: Any) -> None:
    app.router.routes.remove(of(app, "plain"))


def reassigned(m: Modules, app: Any) -> None:
    app.router.routes = [route for route in app.router.routes if getattr(route, "name", "") != "plain"]


def put_before(m: Modules, app: Any) -> None:
    async def first(request: Any) -> Any:
        return m.responses.PlainTextResponse("first")

    app.router.routes.insert(0, m.toolkit.Route("/plain", first))


def default(m: Modules, app: Any) -> None:
    app.router.default = m.responses.PlainTextResponse("nothing here", 404)


def no_redirects(m: Modules, app: Any) -> None:
    app.router.redirect_slashes = False


def overrides(m: Modules, app: Any) -> None:
    app.dependency_overrides[named] = app.dependency_overrides[inner] = lambda: "override"


def another_overrides(m: Modules, app: Any) -> None:
    app.dependency_overrides = {named: lambda: "override", inner: lambda: "override"}


def inner_added(m: Modules, app: Any) -> None:
    app.inner.get("/late")(lambda: "late")


def inner_call(m: Modules, app: Any) -> None:
    route = app.inner.routes[0]
    route.dependant.call = wrapped(route.dependant.call)


def inner_app(m: Modules, app: Any) -> None:
    app.inner.routes[0].app = m.responses.PlainTextResponse("else")


def socket_endpoint(m: Modules, app: Any) -> None:
    of(app, "socket").endpoint = other


def socket_call(m: Modules, app: Any) -> None:
    async def answer(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text("another")
        await websocket.close()

    of(app, "socket").dependant.call = answer


def socket_app(m: Modules, app: Any) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "an application's"})
        await send({"type": "websocket.close"})

    of(app, "socket").app = answer


def toolkit_app(m: Modules, app: Any) -> None:
    of(app, "toolkit").app = m.responses.PlainTextResponse("else")


def mounted_app(m: Modules, app: Any) -> None:
    of(app, "mount").app = m.responses.PlainTextResponse("else")


def own_document(m: Modules, app: Any) -> None:
    app.openapi = lambda: {"own": 1}


def described(m: Modules, app: Any) -> None:
    route = of(app, "plain")
    route.summary, route.tags, route.deprecated = "Summary", ["tag"], True
    of(app, "thread").include_in_schema = False
    app.openapi_schema = None


CHANGES = (
    endpoint, endpoint_and_call, call, call_of_a_thread, call_of_a_dependency, dependency_after,
    dependency_before_with_app, dependencies_gone, dependencies_listed, another_dependant, no_model, path,
    path_and_expression, methods, another_app, app_around, removed, reassigned, put_before, default, no_redirects,
    overrides, another_overrides, inner_added, inner_call, inner_app, socket_endpoint, socket_call, socket_app,
    toolkit_app, mounted_app, own_document, described,
)  # fmt: skip
PATHS = (
    "/plain", "/plain?x=3&q=7", "/plain/", "/new", "/thread", "/named", "/noted", "/filtered", "/p/inner", "/p/late",
    "/toolkit", "/mount/x", "/nothing",
)  # fmt: skip


def answers(client: Client) -> list[Any]:
    found: list[Any] = []
    for sent, where in [*(("GET", where) for where in PATHS), ("POST", "/plain")]:
        noted.clear()
        answer = client.request(sent, where)
        found.append((sent, where, answer.status_code, answer.text, list(noted)))
    with client.websocket("/socket") as session:
        found.append(session.receive())
    return found


def changed(m: Modules, door: str, change: Callable[[Modules, Any], None], late: bool) -> list[Any]:
    app = build(m)
    served = quiet(app) if m.fastapi.__name__ == "fastapi" else app
    if not late:
        change(m, app)
    with Client(served, door=door, raise_server_exceptions=False) as client:  # type: ignore[arg-type]
        if late:
            answers(client)
            change(m, app)
        found = answers(client)
        if change in (own_document, described):
            found.append(client.get("/openapi.json").json())
        return found


@both_doors
@pytest.mark.parametrize("late", [False, True], ids=["at start-up", "while requests come"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_upstream_sees_is_seen(change: Callable[[Modules, Any], None], late: bool, door: str) -> None:
    expected = changed(modules("fastapi", "starlette"), "asgi", change, late)
    actual = changed(modules("fenrir.fastapi", "fenrir.starlette"), door, change, late)
    for theirs, ours in zip(expected, actual, strict=True):
        assert ours == theirs


def test_an_expression_of_another_path_is_obeyed_over_asgi() -> None:
    m = modules("fenrir.fastapi", "fenrir.starlette")
    app = build(m)
    of(app, "plain").path_regex = m.toolkit.compile_path("/new")[0]
    assert app.__asteri__(1) is None
    with Client(app, door="asgi") as client:
        assert (client.get("/plain").status_code, client.get("/new").json()) == (404, {"plain": 1})
