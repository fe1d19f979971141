"""What packages for FastAPI do to routes from outside."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from fenrir.fastapi import Depends, FastAPI
from fenrir.fastapi.dependencies.utils import (
    _get_body_field,
    _get_flat_body_params,
    get_dependant,
    get_parameterless_sub_dependant,
    lenient_issubclass,
)
from fenrir.fastapi.routing import APIRoute, APIRouter, request_response
from fenrir.starlette.applications import Starlette
from fenrir.starlette.middleware.exceptions import ExceptionMiddleware
from fenrir.starlette.responses import PlainTextResponse
from fenrir.starlette.routing import Mount, Route
from fenrir.testing import Client

both_doors = pytest.mark.parametrize("door", ("direct", "asgi"))


@both_doors
def test_a_mount_lacks_its_slash(door: Any) -> None:
    inner = [Route("/", lambda request: PlainTextResponse("inner"))]
    for redirects, expected in ((True, 307), (False, 404)):
        app = FastAPI(redirect_slashes=redirects)
        app.mount("/sub", FastAPI(routes=inner))
        app.router.routes.append(Mount("/more", routes=inner))
        app.mount("/", FastAPI(routes=[Route("/root", lambda request: PlainTextResponse("root"))]))
        with Client(app, door=door) as client:
            for path in ("/sub", "/more"):
                response = client.get(f"{path}?a=1")
                assert response.status_code == expected
                if redirects:
                    assert (response.headers["location"] or "").endswith(f"{path}/?a=1")
                assert client.get(f"{path}/").text == "inner"
            assert client.get("/root").text == "root"


@both_doors
def test_a_signature_that_comes_later(door: Any) -> None:
    """Decorators of classes let a method's `self` be a dependency when its route exists already."""
    router = APIRouter()

    @router.get("/value")
    def value(self, more: int = 1) -> int:  # type: ignore[no-untyped-def]
        return int(self) + more

    def three() -> int:
        return 3

    signature = inspect.signature(value)
    first, *others = signature.parameters.values()
    replaced = [first.replace(default=Depends(three)), *others]
    value.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in replaced]
    )
    app = FastAPI()
    app.include_router(router)
    with Client(app, door=door) as client:
        assert client.get("/value?more=4").json() == 7


def test_a_dependency_that_is_added_later() -> None:
    app = FastAPI()
    seen: list[int] = []

    @app.get("/{n}")
    def root(n: int) -> int:
        return n

    def note(n: int, extra: int = 5) -> None:
        seen.append(n + extra)

    route = next(route for route in app.routes if isinstance(route, APIRoute) and route.endpoint is root)
    depends = Depends(note)
    route.dependencies.append(depends)
    child = get_parameterless_sub_dependant(depends=depends, path=route.path_format)
    assert [value.alias for value in child.query_params] == ["extra"]
    route.dependant.dependencies.append(child)
    route.body_field = _get_body_field(
        body_params=_get_flat_body_params(route.dependant), name="", embed_body_fields=route._embed_body_fields
    )
    route.app = request_response(route.get_route_handler())
    with Client(app, door="asgi") as client:
        assert client.get("/2?extra=1").json() == 2
    assert seen == [3] and route.body_field is None


def test_a_callable_is_described() -> None:
    def call(n: int, q: str, inner: Any = Depends(lambda a: a)) -> None: ...

    found = get_dependant(path="/{n}", call=call, name="x")
    assert [value.alias for value in found.path_params] == ["n"] and [value.alias for value in found.query_params] == [
        "q"
    ]
    assert found.name == "x" and len(found.dependencies) == 1
    assert lenient_issubclass(bool, int) and not lenient_issubclass(3, int) and not lenient_issubclass(list[int], list)


def test_replaced_methods_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integrations put their own functions on the toolkit's classes."""
    called: list[str] = []

    def watch(cls: Any, name: str) -> None:
        original = getattr(cls, name)

        async def watching(self: Any, *args: Any) -> None:
            called.append(cls.__name__)
            await original(self, *args)

        monkeypatch.setattr(cls, name, watching)

    for cls, name in ((Starlette, "__call__"), (ExceptionMiddleware, "__call__"), (APIRoute, "handle")):
        watch(cls, name)
    app = FastAPI()

    @app.get("/{n}")
    def root(n: int) -> int:
        return n

    assert app.__asteri__(1) is None
    with Client(app, door="asgi") as client:
        called.clear()
        assert client.get("/2").json() == 2
    assert called == ["Starlette", "ExceptionMiddleware", "APIRoute"]


def test_a_route_class_sees_the_whole_response() -> None:
    seen: list[Any] = []

    class Looking(APIRoute):
        def get_route_handler(self) -> Any:
            handle = super().get_route_handler()

            async def look(request: Any) -> Any:
                response = await handle(request)
                seen.append((response.body, response.headers.get("content-length")))
                return response

            return look

    app = FastAPI()
    app.router.route_class = Looking
    app.get("/value")(lambda: [1])
    app.get("/nothing", status_code=204)(lambda: None)
    with Client(app, door="asgi") as client:
        assert client.get("/value").json() == [1] and client.get("/nothing").content == b""
    assert seen == [(b"[1]", "3"), (b"", None)]
