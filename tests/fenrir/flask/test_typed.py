"""Typed views of a bare Flask application: what a signature asks for beyond its URL, through every door."""

import asyncio
import importlib
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

import fenrir
from fenrir import BackgroundTasks, DeclarationError, Depends, Fenrir, Form, Header, Path, Query, UploadFile
from fenrir.fastapi.security import OAuth2PasswordBearer
from fenrir.flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    request,
    session,
)
from fenrir.flask.views import MethodView, View
from fenrir.kit.validation import RequestValidationError
from fenrir.testing import Client

pytestmark = pytest.mark.parametrize("door", ["wsgi", "direct", "asgi"])


class Item(BaseModel):
    name: str
    price: float = 1


class Shop(BaseModel):
    items: list[Item]


class Reach:
    """One application through one door."""

    def __init__(self, client: Any, *, wsgi: bool) -> None:
        self._client = client
        self._wsgi = wsgi

    def __call__(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return the status, and the body as JSON where it is that."""
        if self._wsgi:
            if files := options.pop("files", None):
                given = {name: (io.BytesIO(content), file) for name, (file, content) in files.items()}
                options["data"] = {**options.pop("data", {}), **given}
            with self._client.open(path, method=method, **options) as answer:
                return answer.status_code, answer.get_json() if answer.is_json else answer.get_data(as_text=True)
        answer = self._client.request(method, path, **options)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.status_code, answer.json() if is_json else answer.text


@contextmanager
def reach(app: Any, door: str) -> Iterator[Reach]:
    if door == "wsgi":
        yield Reach(app.test_client(), wsgi=True)
    else:
        with Client(app, door=door) as client:
            yield Reach(client, wsgi=False)


def hook(app: Flask, hooked: bool) -> None:
    """Let something stand around the views, so that they take the whole way."""
    if hooked:
        app.before_request(lambda: None)


@pytest.mark.parametrize("hooked", [False, True])
def test_values_are_validated_and_injected(door: str, hooked: bool) -> None:
    app = Flask(__name__)
    hook(app, hooked)
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @shop.post("/items/<int:number>")
    def make(number: int, item: Item, note: str = "none", agent: Annotated[str | None, Header()] = None) -> Any:
        return {"number": number, "item": item.model_dump(), "note": note, "agent": agent}, 201

    @shop.get("/checked/<number>")
    async def checked(number: Annotated[int, Path(gt=3)], q: Annotated[list[int], Query()]) -> Any:
        return {"number": number, "q": q}

    @app.get("/demanded")
    def demanded(q: int) -> Any:
        return {"q": q}

    app.register_blueprint(shop)
    with reach(app, door) as ask:
        assert ask("POST", "/shop/items/3?note=x", json={"name": "a"}, headers={"agent": "me"}) == (
            201,
            {"number": 3, "item": {"name": "a", "price": 1.0}, "note": "x", "agent": "me"},
        )
        status, answer = ask("POST", "/shop/items/3", json={"price": "dear"})
        assert status == 422
        assert [error["loc"] for error in answer["detail"]] == [["body", "name"], ["body", "price"]]
        assert ask("POST", "/shop/items/x", json={"name": "a"})[0] == 404
        assert ask("GET", "/shop/checked/4?q=1&q=2") == (200, {"number": 4, "q": [1, 2]})
        status, answer = ask("GET", "/shop/checked/2?q=x")
        assert [error["loc"] for error in answer["detail"]] == [["path", "number"], ["query", "q", 0]]
        assert ask("GET", "/demanded?q=7") == (200, {"q": 7})
        assert ask("GET", "/demanded")[1]["detail"][0]["type"] == "missing"


def test_the_answer_to_invalid_values_is_that_of_a_fenrir_application(door: str) -> None:
    def view(item: Item, q: Annotated[int, Query()]) -> str:
        return "never"

    bare = Flask(__name__)
    bare.post("/")(view)
    native = Fenrir(__name__)
    native.post("/")(view)
    for body in (b'{"price": "x"}', b"{", b""):
        with reach(bare, door) as ask, Client(native) as client:
            expected = client.post("/?q=x", content=body, headers={"content-type": "application/json"})
            answer = ask("POST", "/?q=x", **{("data" if door == "wsgi" else "content"): body},
                         headers={"content-type": "application/json"})  # fmt: skip
            assert answer == (422, expected.json())


@pytest.mark.parametrize("hooked", [False, True])
def test_error_handlers_see_invalid_values(door: str, hooked: bool) -> None:
    def app_with(key: Any) -> Flask:
        app = Flask(__name__)
        hook(app, hooked)

        @app.post("/item")
        def view(item: Item) -> str:
            return "never"

        @app.errorhandler(key)
        def mine(error: Any) -> Any:
            return {"where": error.errors()[0]["loc"], "code": error.code}, 418

        return app

    for key in (422, RequestValidationError, HTTPException, Exception):
        with reach(app_with(key), door) as ask:
            assert ask("POST", "/item", json={}) == (418, {"where": ["body", "name"], "code": 422})


@pytest.mark.parametrize("hooked", [False, True])
def test_dependencies_run_in_the_contexts_of_the_request(door: str, hooked: bool) -> None:
    app = Flask(__name__)
    app.secret_key = "k"
    hook(app, hooked)

    def member(current: Request, wanted: int = 0) -> int:
        g.thread = threading.get_ident()
        g.seen = (current.path, request.path, current_app.name, session.get("x"))
        return wanted

    async def on_the_loop(found: Annotated[int, Depends(member)]) -> int:
        asyncio.get_running_loop()
        g.doubled = found * 2
        return g.doubled

    @app.get("/plain")
    def plain(one: Annotated[int, Depends(member)], two: Annotated[int, Depends(on_the_loop)]) -> Any:
        return {"one": one, "two": two, "g": g.doubled, "same": g.thread == threading.get_ident(), "seen": g.seen}

    @app.get("/async")
    async def awaited(one: Annotated[int, Depends(member)], two: Annotated[int, Depends(on_the_loop)]) -> Any:
        asyncio.get_running_loop()
        return {"one": one, "two": two, "g": g.doubled, "seen": g.seen}

    @app.get("/refused")
    def refused(token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="t"))]) -> Any:
        return token

    @app.get("/aborted")
    def aborted(nothing: Annotated[None, Depends(lambda: abort(409))]) -> str:
        return "never"

    with reach(app, door) as ask:
        seen = ["/plain", "/plain", app.name, None]
        expected = {"one": 3, "two": 6, "g": 6, "same": True, "seen": seen}
        assert ask("GET", "/plain?wanted=3") == (200, expected)
        status, answer = ask("GET", "/async?wanted=4")
        assert (status, answer["two"], answer["g"]) == (200, 8, 8)
        assert ask("GET", "/refused")[0] == 401
        assert ask("GET", "/refused", headers={"authorization": "Bearer x"}) == (200, "x")
        assert ask("GET", "/aborted")[0] == 409


@pytest.mark.parametrize("kind", ["plain", "async"])
@pytest.mark.parametrize("hooked", [False, True])
def test_what_is_opened_is_closed_before_teardown(door: str, hooked: bool, kind: str) -> None:
    app = Flask(__name__)
    log: list[Any] = []
    if hooked:
        app.teardown_request(lambda exc: log.append("teardown"))

    def opened(fail: str = "") -> Iterator[str]:
        g.mine = "g"
        try:
            yield "opened"
        except ValueError as exc:
            log.append(str(exc))
            raise
        finally:
            log.append(f"closed {g.mine}")

    async def async_opened() -> AsyncIterator[str]:
        home = asyncio.current_task()
        try:
            yield "async"
        finally:
            log.append(asyncio.current_task() is home)

    def early() -> Iterator[None]:
        yield
        log.append("early")

    def view(
        one: Annotated[str, Depends(opened)],
        two: Annotated[str, Depends(async_opened)],
        three: Annotated[None, Depends(early, scope="function")],
        fail: str = "",
    ) -> Any:
        log.append("view")
        after_this_request(lambda response: log.append("after") or response)
        if fail:
            raise ValueError(fail)
        return f"{one} {two}"

    async def awaited(
        one: Annotated[str, Depends(opened)],
        two: Annotated[str, Depends(async_opened)],
        three: Annotated[None, Depends(early, scope="function")],
        fail: str = "",
    ) -> Any:
        return view(one, two, three, fail)

    app.get("/", endpoint="view")(view if kind == "plain" else awaited)

    @app.errorhandler(ValueError)
    def failed(exc: ValueError) -> str:
        log.append("handled")
        return "handled"

    with reach(app, door) as ask:
        assert ask("GET", "/") == (200, "opened async")
        if hooked:  # else nobody's code stands between the view and the end
            assert log == ["view", "early", "after", True, "closed g", "teardown"]
        assert (log.count(True), log.count("closed g")) == (1, 1)
        log.clear()
        assert ask("GET", "/?fail=so") == (200, "handled")
        assert log == ["view", True, "so", "closed g", "handled", "after"] + ["teardown"] * hooked


def test_places_and_other_kinds_of_dependencies(door: str) -> None:
    app = Flask(__name__)
    inside: list[int] = []
    most: list[int] = []

    async def counted() -> AsyncIterator[str]:
        inside.append(1)
        most.append(len(inside))
        await asyncio.sleep(0.005)
        try:
            yield "counted"
        finally:
            inside.pop()

    async def called() -> str:
        return "called"

    class Page:
        def __init__(self, limit: int = 10) -> None:
            self.limit = limit

    @app.get("/places")
    def places(
        one: Annotated[str, Depends(counted, max_concurrency=2)],
        two: Annotated[str, Depends(called, max_concurrency=1)],
    ) -> str:
        return f"{one} {two}"

    @app.get("/page")
    def page(found: Annotated[Page, Depends()]) -> str:
        return str(found.limit)

    with reach(app, door) as ask:
        assert ask("GET", "/page?limit=3") == (200, "3")
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda: answers.append(ask("GET", "/places"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [(200, "counted called")] * 8
        assert max(most) <= 2 and inside == []


def test_made_once_for_the_application(door: str) -> None:
    app = Flask(__name__)
    log: list[str] = []

    def pool() -> Iterator[list[int]]:
        log.append("made")
        yield []
        log.append("left")

    @app.get("/")
    def view(found: Annotated[list[int], Depends(pool, scope="app")]) -> str:
        found.append(1)
        return str(len(found))

    if door == "wsgi":  # nothing starts an application there
        app.testing = True
        with reach(app, door) as ask, pytest.raises(RuntimeError, match="this one has not started"):
            ask("GET", "/")
        return
    with reach(app, door) as ask:
        assert [ask("GET", "/")[1] for _ in range(2)] == ["1", "2"]
    assert log == ["made", "left"]


def test_an_error_while_closing_is_raised_after_the_other_teardowns(door: str) -> None:
    app = Flask(__name__)
    app.testing = True
    log: list[str] = []
    app.teardown_request(lambda exc: log.append("teardown"))

    def broken() -> Iterator[None]:
        yield
        raise RuntimeError("while closing")

    @app.get("/")
    def view(nothing: Annotated[None, Depends(broken)]) -> str:
        return "done"

    with reach(app, door) as ask, pytest.raises(RuntimeError, match="while closing"):
        ask("GET", "/")
    assert log == ["teardown"]


@pytest.mark.parametrize("hooked", [False, True])
def test_forms_files_and_tasks(door: str, hooked: bool) -> None:
    app = Flask(__name__)
    hook(app, hooked)
    done: list[str] = []

    @app.post("/")
    def upload(file: UploadFile, title: Annotated[str, Form()], tasks: BackgroundTasks) -> Any:
        tasks.add_task(done.append, title)
        text = file.file.read().decode()
        return {"title": title, "name": file.filename, "text": text, "same": request.files["file"].filename}

    with reach(app, door) as ask:
        files = {"file": ("a.txt", b"abc")}
        assert ask("POST", "/", data={"title": "T"}, files=files) == (
            200,
            {"title": "T", "name": "a.txt", "text": "abc", "same": "a.txt"},
        )
        assert ask("POST", "/", data={"title": "T"})[0] == 422
    assert done == ["T"]


def test_the_limits_of_flask_hold(door: str) -> None:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 20

    @app.post("/")
    async def view(item: Item) -> Any:
        return item

    with reach(app, door) as ask:
        assert ask("POST", "/", json={"name": "a"})[0] == 200
        assert ask("POST", "/", json={"name": "a" * 20})[0] == 413


def test_models_are_written(door: str) -> None:
    app = Flask(__name__)

    @app.get("/shop")
    def shop(q: Annotated[int, Query()]) -> Shop:
        return {"items": [{"name": "a", "price": q, "secret": 1}]}  # type: ignore[return-value]

    @app.get("/item")
    def item(q: Annotated[int, Query()]) -> Any:
        return Item(name="b", price=q), 203, {"x-more": "yes"}

    @app.get("/text")
    def text(q: Annotated[int, Query()]) -> Item | str:
        return "text"

    @app.get("/made")
    def made(q: Annotated[int, Query()]) -> tuple[Item, int] | Response:
        return Response("none") if q == 0 else (Item(name="made"), 201)

    with reach(app, door) as ask:
        assert ask("GET", "/shop?q=2") == (200, {"items": [{"name": "a", "price": 2.0}]})
        assert ask("GET", "/item?q=3") == (203, {"name": "b", "price": 3.0})
        assert ask("GET", "/text?q=3") == (200, "text")
        assert ask("GET", "/made?q=3") == (201, {"name": "made", "price": 1.0})
        assert ask("GET", "/made?q=0") == (200, "none")
    content = app.openapi()["paths"]["/made"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Item"}


def test_methods_of_view_classes(door: str) -> None:
    app = Flask(__name__)

    def guard(key: Annotated[str, Header()]) -> None:
        g.key = key

    class Items(MethodView):
        def get(self, number: int, q: Annotated[int, Query()]) -> Any:
            return {"number": number, "q": q, "key": g.key}

        async def put(self, number: int, item: Item, five: Annotated[int, Depends(lambda: 5)]) -> Any:
            return {"item": item.name, "five": five}

        def delete(self, number: int) -> str:
            return "gone"

    class One(View):
        def dispatch_request(self, q: Annotated[int, Query()] = 2) -> str:
            return str(q)

    app.add_url_rule("/items/<int:number>", view_func=Items.as_view("items"), dependencies=[Depends(guard)])
    app.add_url_rule("/one", view_func=One.as_view("one"))
    key = {"key": "k"}
    with reach(app, door) as ask:
        assert ask("GET", "/items/3?q=1", headers=key) == (200, {"number": 3, "q": 1, "key": "k"})
        assert ask("GET", "/items/3?q=1")[1]["detail"][0]["loc"] == ["header", "key"]
        assert ask("GET", "/items/3?q=x", headers=key)[0] == 422
        assert ask("PUT", "/items/3", json={"name": "a"}, headers=key) == (200, {"item": "a", "five": 5})
        assert ask("DELETE", "/items/3", headers=key) == (200, "gone")
        assert ask("PATCH", "/items/3", headers=key)[0] == 405
        assert ask("GET", "/one") == (200, "2")
        assert ask("GET", "/one?q=x")[0] == 422


def test_decorated_views_are_typed_by_their_markers(door: str) -> None:
    app = Flask(__name__)

    def giving(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def given(**values: Any) -> Any:
            return view(**{"item": Item(name="given"), **values})

        return given

    @app.get("/given")
    @giving
    def old(item: Item) -> str:
        return item.name

    @app.get("/marked")
    @giving
    def new(item: Annotated[Item, Depends(lambda: Item(name="injected"))], q: Annotated[int, Query()] = 1) -> str:
        return f"{item.name} {q}"

    @app.get("/rest/<one>/<two>")
    def rest(two: str, q: Annotated[int, Query()], **others: str) -> Any:
        return {"two": two, "q": q, "others": others}

    with reach(app, door) as ask:
        assert ask("GET", "/given") == (200, "given")
        assert ask("GET", "/marked?q=4") == (200, "injected 4")
        assert ask("GET", "/rest/1/2?q=3") == (200, {"two": "2", "q": 3, "others": {"one": "1"}})


def test_what_hooks_put_among_the_values_wins(door: str) -> None:
    app = Flask(__name__)

    @app.url_value_preprocessor
    def change(endpoint: str | None, values: dict[str, Any] | None) -> None:
        assert values is not None
        if endpoint == "language":
            values["language"] = values.pop("code").upper()
        elif request.args.get("by") == "hook":
            values["item"] = Item(name="of the hook")

    @app.get("/in/<code>")
    def language(language: str, q: Annotated[int, Query()] = 1) -> str:
        return f"{language} {q}"

    @app.post("/item")
    def item(item: Item) -> str:
        return item.name

    with reach(app, door) as ask:
        assert ask("GET", "/in/de?q=4") == (200, "DE 4")
        assert ask("GET", "/in/de?q=x")[0] == 422
        assert ask("POST", "/item?by=hook") == (200, "of the hook")
        assert ask("POST", "/item", json={"name": "sent"}) == (200, "sent")
        assert ask("POST", "/item", json={})[0] == 422


def test_an_exchanged_view_and_overridden_dependencies(door: str) -> None:
    app = Flask(__name__)

    def real() -> str:
        return "real"

    @app.get("/")
    def view(item: Annotated[str, Depends(real)], q: int = 1) -> str:
        return f"{item} {q}"

    before = app.view_functions["view"]

    @wraps(before)
    def watched(**values: Any) -> str:
        return f"watched {before(**values)}"

    with reach(app, door) as ask:
        assert ask("GET", "/?q=2") == (200, "real 2")
        app.dependency_overrides[real] = lambda: "override"
        assert ask("GET", "/") == (200, "override 1")
        app.view_functions["view"] = watched
        assert ask("GET", "/?q=3") == (200, "watched override 3")
        app.dependency_overrides.clear()
        assert ask("GET", "/?q=x")[0] == 422


def test_extensions_call_what_they_find(door: str) -> None:
    app = Flask(__name__)

    @app.get("/one", endpoint="view")
    @app.get("/two/<int:q>", endpoint="view")
    async def view(q: int, item: Annotated[int, Depends(lambda: 5)]) -> str:
        return f"{q} {item}"

    def dispatch() -> Any:
        rule = request.url_rule
        assert rule is not None
        return app.ensure_sync(app.view_functions[rule.endpoint])(**(request.view_args or {}))

    app.dispatch_request = dispatch  # type: ignore[method-assign]
    with reach(app, door) as ask:
        assert ask("GET", "/two/3") == (200, "3 5")
    with app.test_request_context("/two/4"):
        assert app.view_functions["view"](q=4) == "4 5"
        assert app.view_functions["view"](5, 6) == "5 6"
    assert app.view_functions["view"].__name__ == "view"
    assert asyncio.run(app.view_functions["view"](7, item=8)) == "7 8"


# ------------------------------------------------------------- what must not change
def old_application(flask: Any) -> Any:
    """Return an application whose views are annotated for people and type checkers."""
    app = flask.Flask("old")

    @app.route("/")
    @app.route("/page/<int:page>")
    def index(page: int = 1) -> str:
        return f"{type(page).__name__} {page}"

    @app.route("/text/<value>")
    def text(value: int) -> str:
        return f"{type(value).__name__} {value}"

    @app.route("/float/<int:value>")
    def number(value: float) -> str:
        return f"{type(value).__name__} {value}"

    @app.route("/default", defaults={"value": "not a number"})
    def default(value: int) -> str:
        return f"{type(value).__name__} {value}"

    @app.route("/unknown/<value>")
    def unknown(value: "Unknown") -> "Nowhere":  # type: ignore[name-defined] # noqa: F821
        return str(value)

    @app.route("/model/<value>")
    def model(value: Item) -> str:
        return str(value)

    @app.route("/optional")
    def optional(item: Item | None = None, q: int = 3) -> str:
        return f"{item} {q}"

    @app.url_value_preprocessor
    def give(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "given":
            values["item"] = "of the hook"
            values["other"] = object

    @app.route("/given")
    def given(item: Item, other: type) -> str:
        return f"{item} {other.__name__}"

    @app.route("/odd")
    def odd(value: 5, other: object()) -> str:  # type: ignore[valid-type]
        return "never"

    @app.route("/missing")
    def missing(value) -> str:  # type: ignore[no-untyped-def]
        return "never"

    return app


def test_annotations_of_old_views_mean_nothing(door: str) -> None:
    theirs = old_application(importlib.import_module("flask")).test_client()
    ours = old_application(fenrir.flask)  # type: ignore[attr-defined]
    paths = [
        "/",
        "/?page=x",
        "/page/3",
        "/text/x",
        "/float/3",
        "/default",
        "/default?value=3",
        "/unknown/x",
        "/model/x",
    ]
    with reach(ours, door) as ask:
        for path in [*paths, "/optional", "/optional?q=x&item=y", "/given", "/given?item=1", "/missing", "/odd"]:
            answer = theirs.get(path)
            assert ask("GET", path) == (answer.status_code, answer.get_data(as_text=True)), path


def test_mistakes_are_found_when_they_are_made(door: str) -> None:
    app = Flask(__name__)
    with pytest.raises(DeclarationError, match=r"test_typed\.py"):

        @app.get("/<number>")
        def view(number: Annotated[int, Query()]) -> str:
            return ""

    class Wrong(MethodView):
        def get(self, number: Annotated[int, Query()]) -> str:
            return ""

    with pytest.raises(DeclarationError, match="Cannot use `Query` for path param 'number'"):
        app.add_url_rule("/wrong/<number>", view_func=Wrong.as_view("wrong"))

    def local() -> None: ...

    with pytest.raises(DeclarationError, match="can not be evaluated"):

        @app.get("/local")
        def unseen(nothing: "Annotated[None, Depends(local)]") -> str:
            return ""

    with pytest.raises(TypeError):
        app.get("/x", response_model=Item)(lambda: "")


# -------------------------------------------------------- beside other dialects
def test_typed_views_beside_other_dialects(door: str) -> None:
    app = Fenrir(__name__)
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    def opened() -> Iterator[str]:
        yield request.path

    @shop.post("/<int:number>")
    def make(number: int, item: Item, path: Annotated[str, Depends(opened)], q: int = 1) -> Item:
        return Item(name=f"{item.name} {path} {number}", price=q)

    @shop.get("/async")
    async def awaited(q: Annotated[int, Query()], path: Annotated[str, Depends(opened)]) -> Any:
        return {"q": q, "path": path}, 203

    app.register_blueprint(shop)

    @app.flask.errorhandler(422)
    def invalid(error: Any) -> Any:
        return {"where": error.errors()[0]["loc"]}, 422

    with reach(app, "direct" if door == "wsgi" else door) as ask:
        assert ask("POST", "/shop/3?q=2", json={"name": "a"}) == (200, {"name": "a /shop/3 3", "price": 2.0})
        assert ask("POST", "/shop/3", json={}) == (422, {"where": ["body", "name"]})
        assert ask("GET", "/shop/async?q=4") == (203, {"q": 4, "path": "/shop/async"})
    assert app.openapi()["paths"]["/shop/{number}"]["post"]["requestBody"]["required"]
