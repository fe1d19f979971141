"""What registration decides, refuses and says (paradigms rules 2, 11 to 16, 22, 29), with the user's own line."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from fenrir import APIRouter, Blueprint, DeclarationError, Fenrir, MethodView, Request, falcon, fastapi, flask, sanic
from fenrir.sanic.views import HTTPMethodView
from fenrir.testing import Client


def here(lines: int = 0) -> str:
    """Return file:line of the caller, some lines further."""
    frame = inspect.currentframe()
    assert frame is not None and frame.f_back is not None
    return f"test_registering.py:{frame.f_back.f_lineno + lines}"


def handler() -> str:
    return "handled"


# ---------------------------------------------------------------------- refused at once
def test_an_ambiguous_path_names_the_line_and_both_readings(app: Fenrir) -> None:
    """`<int:path>` is Flask's int or Sanic's path (rule 11)."""
    with pytest.raises(DeclarationError) as caught:
        place = here(1)
        app.get("/<int:path>")(lambda path: path)
    message = str(caught.value)
    assert message.startswith(place)
    for word in ("Flask", "Sanic", "'{path:int}'", "app.flask"):
        assert word in message


def test_angles_in_either_order_where_one_side_is_known(app: Fenrir, door: str) -> None:
    """On a bare application either order is read, as long as only one side names a type (rule 11)."""
    for path in ("/a/<int:n>", "/b/<n:int>", "/c/{n:int}"):
        app.get(path, name=path)(lambda n: {"n": n})
    app.get("/text/<word>", name="text")(lambda word: word)
    with Client(app, door=door) as client:
        for path in ("/a/7", "/b/7", "/c/7"):
            assert client.get(path).json() == {"n": 7}
        assert client.get("/a/x").status_code == 404
        assert client.get("/text/x").text == "x"


def test_a_type_in_the_path_is_404_and_one_on_the_argument_is_422(app: Fenrir, door: str) -> None:
    """Whether the route matches, or whether the request is valid (rule 12)."""

    @app.get("/path/{n:int}")
    def by_path(n: int) -> Any:
        return {"n": n}

    @app.get("/argument/{n}")
    def by_argument(n: int) -> Any:
        return {"n": n}

    with Client(app, door=door) as client:
        assert client.get("/path/x").status_code == 404
        invalid = client.get("/argument/x")
        assert (invalid.status_code, invalid.json()["detail"][0]["loc"]) == (422, ["path", "n"])


def test_an_unknown_option_names_the_dialect_that_knows_it(app: Fenrir) -> None:
    """Options are typed keywords; those of a dialect are named with its door (rule 13)."""
    for option, value, door in (("strict_slashes", True, "flask"), ("version", 1, "sanic"), ("apply", [], "bottle")):
        with pytest.raises(TypeError, match=rf"{option}.*{door}.*use app\.{door}"):
            app.get("/x", **{option: value})(handler)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no option 'respones'"):
        app.get("/x", respones={})(handler)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        app.flask.get("/x", response_model=int)(handler)
    with pytest.raises(TypeError):
        app.fastapi.get("/x", strict_slashes=True)(handler)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        app.sanic.get("/x", response_model=int)(lambda request: None)


def test_synonyms_exclude_each_other(app: Fenrir, door: str) -> None:
    """`method` and `methods`, `name` and `endpoint` are one thing (rule 14)."""
    with pytest.raises(TypeError, match="methods= and method="):
        app.route("/x", method="GET", methods=["POST"])(handler)
    with pytest.raises(TypeError, match="name= and endpoint="):
        app.route("/x", name="a", endpoint="b")(handler)
    with pytest.raises(TypeError, match="says the method already"):
        app.get("/x", methods=["POST"])
    app.route("/one", method="post", endpoint="one")(handler)
    with Client(app, door=door) as client:
        assert client.post(app.url_for("one")).text == "handled"


def test_add_route_takes_its_arguments_in_either_order(app: Fenrir, door: str) -> None:
    """The string is the path (rule 15), for functions, resources and views."""

    class Resource:
        def on_get(self, req: Any, resp: Any) -> None:
            resp.text = "resource"

        def on_get_item(self, req: Any, resp: Any, n: int) -> None:
            resp.text = f"item {n + 1}"

    app.add_route("/a", handler, name="a")
    app.add_route(handler, "/b", name="b")
    app.add_route("/r", Resource())
    app.add_route(Resource(), "/s")
    app.add_route("/r/{n:int}", Resource(), suffix="item")
    with Client(app, door=door) as client:
        answers = [client.get(path).text for path in ("/a", "/b", "/r", "/s", "/r/1")]
    assert answers == ["handled", "handled", "resource", "resource", "item 2"]
    with pytest.raises(DeclarationError, match=re.escape(here(1))):
        app.add_route(handler, handler)


def test_middleware_is_named_by_its_shape(app: Fenrir) -> None:
    """The word in the brackets is the shape (rule 16)."""
    with pytest.raises(DeclarationError, match=r'"http", "request" and "response"'):
        app.middleware("websocket")
    with pytest.raises(TypeError, match="at least one middleware method"):
        app.add_middleware(object())


def test_a_shape_that_says_two_things_or_nothing_is_refused(app: Fenrir) -> None:
    """A class with verbs needs a base class or `on_` (rule 2)."""

    class Verbs:
        def get(self) -> str:
            return "?"

    class Both(Verbs):
        def on_get(self, req: Any, resp: Any) -> None: ...

    with pytest.raises(DeclarationError, match=r"MethodView.*HTTPMethodView.*on_get") as caught:
        place = here(1)
        app.route("/x")(Verbs)
    assert str(caught.value).startswith(place)
    with pytest.raises(DeclarationError, match=r"app\.falcon\.add_route"):
        app.route("/x")(Both)
    with pytest.raises(DeclarationError, match="no handler"):
        app.route("/x")(7)


def test_an_argument_that_nothing_gives_is_refused(app: Fenrir) -> None:
    """What is left over is an error at import time, with the handler's line (rule 1)."""

    class Opaque:
        pass

    with pytest.raises(DeclarationError, match=r"test_registering.py:\d+: .*'thing'"):

        @app.get("/x")
        def wrong(thing: Opaque) -> None: ...

    with pytest.raises(DeclarationError, match="inline=True"):

        @app.get("/y", inline=True)
        async def not_inline() -> None: ...


def test_two_handlers_of_one_name_are_refused_with_both_lines(app: Fenrir) -> None:
    """One table of names for all dialects; a duplicate stops the start (rule 22)."""
    first = here(1)
    app.get("/a", name="taken")(handler)
    second = here(1)
    app.flask.add_url_rule("/b", "taken", lambda: "other")
    with pytest.raises(DeclarationError) as caught:
        app.openapi()
    assert str(caught.value).startswith(second)
    assert first in str(caught.value)


def test_two_routes_for_one_request_are_reported(app: Fenrir, caplog: pytest.LogCaptureFixture) -> None:
    """Dialects that meet on one path and method are reported or refused, with both lines (rule 23)."""
    first = here(1)
    app.get("/same/{a}")(lambda a: "native")
    second = here(1)
    app.flask.get("/same/<b>", endpoint="flask")(lambda b: "flask")
    app.openapi()
    [report] = app.engine.frozen.reports
    assert first in report and second in report and "never reached" in report
    assert not caplog.records
    with Client(app):
        assert report in caplog.text


# ---------------------------------------------------------------------- shapes, verbs
def test_every_shape_of_handler(app: Fenrir, door: str) -> None:
    """Functions, partials, callables, MethodView, HTTPMethodView and resources, as classes and as instances."""

    class Callable_:
        def __call__(self) -> str:
            return "callable"

    @app.route("/method-view/<int:n>")
    class Shelf(MethodView):
        def get(self, n: int) -> str:
            return f"shelf {n} {flask.request.method}"

        def post(self, n: int) -> Any:
            return "posted", 201

    @app.route("/http-method-view")
    class Desk(HTTPMethodView):
        async def get(self, request: sanic.Request) -> Any:
            return sanic.text("desk")

        def put(self, request: sanic.Request) -> Any:
            return sanic.text("put")

    @app.route("/resource")
    class Thing:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.media = {"thing": True}

        async def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
            resp.status = 204

    def value(of: str) -> str:
        return of

    app.get("/partial", name="partial")(functools.partial(value, of="partial"))
    app.get("/callable", name="callable")(Callable_())
    with Client(app, door=door) as client:
        assert client.get("/method-view/3").text == "shelf 3 GET"
        assert client.post("/method-view/3").status_code == 201
        assert client.get("/http-method-view").text == "desk"
        assert client.put("/http-method-view").text == "put"
        assert client.get("/resource").json() == {"thing": True}
        assert client.delete("/resource").status_code == 204
        assert client.get("/partial").text == "partial"
        assert client.get("/callable").text == "callable"
        for path in ("/method-view/3", "/http-method-view", "/resource"):
            assert client.patch(path).status_code == 405
            assert client.head(path).status_code == 200
            assert "GET" in client.options(path).headers["allow"]


def test_decorators_hand_the_function_back(app: Fenrir) -> None:
    """`route` and the verbs return what they were given, in every dialect (rule 13)."""

    def own(request: Any = None) -> str:
        return "x"

    for number, decorate in enumerate((app.get, app.fastapi.get, app.flask.get, app.sanic.get, app.bottle.get)):
        register: Callable[..., Any] = decorate
        options = {"endpoint": f"e{number}"} if decorate == app.flask.get else {"name": f"n{number}"}
        assert register(f"/{number}", **options)(own) is own
    for hook in (app.before_request, app.after_request, app.teardown_request, app.on_request, app.on_response):
        assert hook(own) is own


# ---------------------------------------------------------------------- routers and mounts
def library(dialect: str) -> Any:
    """Return a router of a dialect with one route /books/<n> named `books`."""
    if dialect == "fastapi":
        router = APIRouter(prefix="/fastapi")

        @router.get("/books/{n}")
        async def books(n: int) -> Any:
            return {"n": n}

        return router
    if dialect == "flask":
        blueprint = Blueprint("shelves", __name__, url_prefix="/flask")
        blueprint.get("/books/<int:n>", endpoint="books")(lambda n: {"n": n})
        return blueprint
    group = sanic.Blueprint("racks", url_prefix="/sanic")

    @group.get("/books/<n:int>", name="books")
    async def sanic_books(request: Any, n: int) -> Any:
        return sanic.json({"n": n})

    return group


@pytest.mark.parametrize("method", ["include", "include_router", "register_blueprint", "blueprint"])
def test_include_takes_every_router(app: Fenrir, door: str, method: str) -> None:
    """`include`, or any upstream's spelling, takes routers of every dialect (rule 29)."""
    for dialect in ("fastapi", "flask", "sanic"):
        getattr(app, method)(library(dialect))
    with Client(app, door=door) as client:
        for dialect in ("fastapi", "flask", "sanic"):
            assert client.get(f"/{dialect}/books/3").json() == {"n": 3}
    with pytest.raises(DeclarationError, match="no router of any dialect"):
        app.include(object())


def test_url_for_reaches_every_dialect(app: Fenrir, door: str) -> None:
    """One table of names, `router.handler` (rule 22), from `app.url_for` and from Flask's."""
    for dialect in ("fastapi", "flask", "sanic"):
        app.include(library(dialect))
    app.get("/native/{n:int}", name="native")(lambda n: "x")
    app.bottle.route("/bottle/<n:int>", name="bottle", callback=lambda n: "x")
    app.get("/urls")(lambda: [flask.url_for(name, n=3) for name in ("books", "shelves.books", "native", "bottle")])
    paths = {
        "books": "/fastapi/books/3",
        "shelves.books": "/flask/books/3",
        "racks.books": "/sanic/books/3",
        "native": "/native/3",
        "bottle": "/bottle/3",
    }
    assert {name: app.url_for(name, n=3) for name in paths} == paths
    assert app.url_for("native", n=3, page=2) == "/native/3?page=2"
    with pytest.raises(LookupError, match=r"did you mean .*'native'"):
        app.url_for("nativ", n=3)
    with pytest.raises(LookupError, match="also needs n"):
        app.url_for("native")
    with Client(app, door=door) as client:
        assert client.get("/urls").json() == ["/fastapi/books/3", "/flask/books/3", "/native/3", "/bottle/3"]


def test_hooks_of_a_router_cover_only_its_own_routes(app: Fenrir, door: str) -> None:
    """Hooks of the application cover all its routes, hooks of a router its own (rule 17)."""
    trace: list[str] = []
    blueprint, group = library("flask"), library("sanic")
    blueprint.before_request(lambda: trace.append("blueprint"))
    group.middleware("request")(lambda request: trace.append("group"))
    app.before_request(lambda: trace.append("app"))
    for router in (library("fastapi"), blueprint, group):
        app.include(router)
    with Client(app, door=door) as client:
        for dialect, own in (("fastapi", []), ("flask", ["blueprint"]), ("sanic", ["group"])):
            trace.clear()
            client.get(f"/{dialect}/books/3")
            assert trace == ["app", *own]


def test_mounts_take_asgi_and_wsgi(app: Fenrir, door: str) -> None:
    """`mount` tells the two apart, the prefix is fixed text, and an own route wins over a mount (rule 29)."""

    def wsgi(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("content-type", "text/plain")])
        return [f"wsgi {environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"asgi {scope['root_path']} {scope['path']}".encode()})

    inner = Fenrir("inner", static_folder=None, docs_url=None, redoc_url=None, openapi_url=None)
    inner.get("/x")(lambda request: f"inner {request.path}")
    old = flask.Flask("old", static_folder=None)
    old.get("/x")(lambda: f"old {flask.request.path} {flask.url_for('<lambda>')}")
    for prefix, application in (("/w", wsgi), ("/a", asgi), ("/inner", inner), ("/old", old)):
        app.mount(prefix, application)
    app.get("/w/own")(handler)
    with Client(app, door=door) as client:
        assert client.get("/w").text == "wsgi /w "
        assert client.get("/w/b/c").text == "wsgi /w /b/c"
        assert client.get("/w/own").text == "handled"
        assert client.get("/wx").status_code == 404
        assert client.get("/a/b").text == "asgi /a /a/b"
        assert client.get("/inner/x").text == "inner /x"
        assert client.get("/inner/none").json() == {"detail": "Not Found"}
        assert client.get("/old/x").text == "old /x /old/x"
    for prefix in ("/{name}", "/<name>", "relative"):
        with pytest.raises(DeclarationError, match=re.escape(here(1))):
            app.mount(prefix, wsgi)
    with pytest.raises(DeclarationError, match="is no"):
        app.mount("/seven", 7)


# ---------------------------------------------------------------------- OpenAPI
class Book(BaseModel):
    """A model for the document."""

    title: str
    pages: int = 1


def test_openapi_lists_the_routes_of_every_dialect(app: Fenrir, door: str) -> None:
    """The document is valid OpenAPI 3.1 and has every dialect's routes with their typed parameters."""
    for dialect in ("fastapi", "flask", "sanic"):
        app.include(library(dialect))

    class Books:
        def on_get(self, req: Any, resp: Any, n: int) -> None:
            """Return a book."""

        def on_put(self, req: Any, resp: Any, n: int) -> None: ...

    app.add_route("/falcon/books/{n:int}", Books())
    app.bottle.get("/bottle/books/<n:int>", callback=lambda n: "x")

    @app.post("/native/books", status_code=201)
    def create(book: Book, request: Request) -> Book:
        return book

    document = app.openapi()
    validate(document)
    paths = document["paths"]
    for dialect in ("fastapi", "flask", "sanic", "falcon", "bottle"):
        operation = paths[f"/{dialect}/books/{{n}}"]["get"]
        [parameter] = operation["parameters"]
        assert (parameter["name"], parameter["in"], parameter["schema"]["type"]) == ("n", "path", "integer"), dialect
    assert set(paths["/falcon/books/{n}"]) == {"get", "put"}
    created = paths["/native/books"]["post"]
    assert created["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Book"}
    assert "201" in created["responses"]
    assert not any(path in paths for path in ("/docs", "/redoc", "/openapi.json"))
    with Client(app, door=door) as client:
        assert client.get("/openapi.json").json() == document
        for page in ("/docs", "/redoc"):
            assert client.get(page).status_code == 200


def test_documentation_can_be_switched_off(door: str) -> None:
    """None leaves a page out."""
    bare = Fenrir(__name__, static_folder=None, docs_url=None, redoc_url=None, openapi_url=None)
    with Client(bare, door=door) as client:
        assert [client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]


def test_dependency_overrides_reach_routes_of_every_dialect(door: str) -> None:
    """The application's dependencies stand around all dialects, and overrides replace them from the next request on."""
    trace: list[str] = []

    def guard() -> None:
        trace.append("guard")

    app = Fenrir(__name__, static_folder=None, dependencies=[fastapi.Depends(guard)])
    app.get("/native")(handler)
    app.fastapi.get("/fastapi", name="f")(handler)
    app.flask.get("/flask", endpoint="fl")(handler)
    with Client(app, door=door) as client:
        for path in ("/native", "/fastapi", "/flask"):
            client.get(path)
        app.dependency_overrides[guard] = lambda: trace.append("override")
        for path in ("/native", "/fastapi", "/flask"):
            client.get(path)
    assert trace == ["guard"] * 3 + ["override"] * 3
