"""`@before` and `@after` around handlers of every dialect: what the action sees, and what of it reaches the answer."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import fenrir.falcon as falcon
from fenrir import DeclarationError, Fenrir, Response, WebSocket
from fenrir.bottle import HTTPError as BottleError
from fenrir.bottle import HTTPResponse as BottleResponse
from fenrir.core.threads import in_worker
from fenrir.fastapi import Response as FastAPIResponse
from fenrir.flask import make_response
from fenrir.flask.views import MethodView
from fenrir.sanic import response as sanic
from fenrir.testing import Client

DIALECTS = ("native", "fastapi", "flask", "sanic", "bottle")
MODES = ("def", "async")
Decorate = Callable[[Any], Any]


def handler_of(dialect: str, mode: str, calls: list[str]) -> Any:
    """Return a handler with a path value, which notes that it was called and answers "plain"."""

    def plain(name: str) -> Any:
        calls.append(name)
        return "plain"

    async def awaited(name: str) -> Any:
        return plain(name)

    def answer(request: Any, name: str) -> Any:
        return sanic.text(plain(name))

    async def answer_async(request: Any, name: str) -> Any:
        return sanic.text(plain(name))

    if dialect == "sanic":
        return answer if mode == "def" else answer_async
    return plain if mode == "def" else awaited


def register(app: Fenrir, dialect: str, handler: Any) -> None:
    """Register a handler for GET /<name>."""
    if dialect == "native":
        app.get("/{name}")(handler)
    elif dialect == "fastapi":
        app.fastapi.get("/{name}")(handler)
    elif dialect == "flask":
        app.flask.route("/<name>")(handler)
    elif dialect == "sanic":
        app.sanic.get("/<name>")(handler)
    else:
        app.bottle.get("/<name>")(handler)


@pytest.fixture(params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    """Return the door through which requests go."""
    return str(request.param)


@pytest.fixture
def app() -> Fenrir:
    """Return an empty application."""
    return Fenrir(__name__, static_folder=None)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Return the colour of the handler."""
    return str(request.param)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Return the dialect of the handler."""
    return str(request.param)


@pytest.fixture
def get(app: Fenrir, dialect: str, mode: str, door: str) -> Iterator[Any]:
    """Return a function that decorates the handler and asks for /ada; it also returns the names it was called with."""
    opened: list[Client] = []

    def ask(*decorators: Decorate) -> tuple[Any, list[str]]:
        calls: list[str] = []
        handler = handler_of(dialect, mode, calls)
        for decorate in reversed(decorators):
            handler = decorate(handler)
        register(app, dialect, handler)
        client = Client(app, door=door, raise_server_exceptions=False)
        opened.append(client.__enter__())
        return client.get("/ada", headers={"x-asked": "yes"}), calls

    yield ask
    for client in opened:
        client.__exit__(None, None, None)


def tag(req: Any, resp: Any, resource: Any, params: Any, *more: Any, **named: Any) -> None:
    """Note all that the action was given."""
    resp.set_header("x-before", f"{req.path} {req.get_header('x-asked')} {resource} {params} {more} {named}")
    resp.set_cookie("seen", "1", secure=False)
    resp.append_header("x-order", f"in-{more[0] if more else ''}")


async def tag_async(req: Any, resp: Any, resource: Any, params: Any, *more: Any, **named: Any) -> None:
    """Do as `tag`."""
    tag(req, resp, resource, params, *more, **named)


@pytest.mark.parametrize("action", [tag, tag_async])
def test_before_gets_views_and_its_headers_reach_the_answer(get: Any, action: Any) -> None:
    answer, calls = get(falcon.before(action, "a", b=2))
    assert answer.status_code == 200
    assert answer.text.strip('"') == "plain"
    assert calls == ["ada"]
    assert answer.headers.getall("x-before") == ["/ada yes None {'name': 'ada'} ('a',) {'b': 2}"]
    assert len(answer.headers.getall("set-cookie")) == 1
    assert answer.headers["set-cookie"].startswith("seen=1;")


@pytest.mark.parametrize("action", [tag, tag_async])
def test_actions_stack_as_they_are_written(get: Any, action: Any) -> None:
    answer, _ = get(falcon.before(action, "first"), falcon.before(action, "second"))
    assert answer.headers["x-order"] == "in-first, in-second"


def test_changed_parameters_do_not_reach_the_handler(get: Any) -> None:
    def change(req: Any, resp: Any, resource: Any, params: Any) -> None:
        params["name"] = "eve"

    assert get(falcon.before(change))[1] == ["ada"]


@pytest.mark.parametrize("kind", MODES)
def test_complete_answers_instead_of_the_handler(get: Any, kind: str) -> None:
    def stop(req: Any, resp: Any, resource: Any, params: Any) -> None:
        resp.status = 202
        resp.media = {"stopped": True}
        resp.set_header("x-stopped", "1")
        resp.complete = True

    async def stop_async(*given: Any) -> None:
        stop(*given)

    answer, calls = get(falcon.before(stop if kind == "def" else stop_async))
    assert (answer.status_code, answer.json(), calls) == (202, {"stopped": True}, [])
    assert answer.headers.getall("x-stopped") == ["1"]
    assert answer.headers.getall("content-type") == ["application/json"]


def test_a_body_without_complete_is_nothing(get: Any) -> None:
    def write(req: Any, resp: Any, resource: Any, params: Any) -> None:
        resp.text = "ignored"
        resp.content_type = "text/ignored"

    answer, calls = get(falcon.before(write))
    assert answer.text.strip('"') == "plain"
    assert len(answer.headers.getall("content-type")) == 1
    assert answer.headers["content-type"] != "text/ignored"
    assert calls == ["ada"]


def test_headers_of_the_handler_win(app: Fenrir, door: str) -> None:
    @app.flask.route("/flask")
    @falcon.before(lambda req, resp, resource, params: resp.set_header("x-who", "action"))
    def of_flask() -> Any:
        return "answer", {"X-Who": "handler"}

    with Client(app, door=door) as client:
        assert client.get("/flask").headers.getall("x-who") == ["handler"]


def test_websockets(app: Fenrir, door: str) -> None:
    def guard(req: Any, resp: Any, resource: Any, params: Any) -> None:
        if params["name"] == "eve":
            raise falcon.HTTPForbidden

    @app.fastapi.websocket("/{name}")
    @falcon.before(guard)
    async def talk(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        await websocket.send_text(f"hello {name}")
        await websocket.close()

    with Client(app, door=door) as client:
        with client.websocket("/ada") as session:
            assert session.receive() == "hello ada"
        with client.websocket("/eve") as session:
            assert session.rejected is not None


@pytest.mark.parametrize("kind", MODES)
def test_an_error_answers_in_the_look_of_the_route(get: Any, app: Fenrir, kind: str, dialect: str) -> None:
    def deny(req: Any, resp: Any, resource: Any, params: Any) -> None:
        resp.set_header("x-why", "no badge")
        raise falcon.HTTPForbidden(description="no badge", headers={"x-error": "1"})

    async def deny_async(*given: Any) -> None:
        deny(*given)

    answer, calls = get(falcon.before(deny if kind == "def" else deny_async))
    assert (answer.status_code, calls) == (403, [])
    assert (answer.headers["x-why"], answer.headers["x-error"]) == ("no badge", "1")
    look = {
        "native": "application/json",
        "fastapi": "application/json",
        "flask": "text/html",
        "sanic": "text/plain",
        "bottle": "text/html",
    }
    assert answer.headers["content-type"].startswith(look[dialect])
    assert "no badge" in answer.text


def test_http_status_answers(get: Any) -> None:
    def elsewhere(req: Any, resp: Any, resource: Any, params: Any) -> None:
        raise falcon.HTTPFound("/login")

    answer, calls = get(falcon.before(elsewhere))
    assert (answer.status_code, answer.headers["location"], calls) == (302, "/login", [])


@pytest.mark.parametrize("kind", MODES)
def test_after_adds_headers(get: Any, kind: str) -> None:
    def done(req: Any, resp: Any, resource: Any, name: str) -> None:
        resp.append_header("x-after", f"{name} {resource}")
        resp.set_cookie("done", "1")

    async def done_async(*given: Any) -> None:
        done(*given)

    action = done if kind == "def" else done_async
    answer, _ = get(falcon.after(action, "outer"), falcon.after(action, "inner"))
    assert answer.text.strip('"') == "plain"
    assert answer.headers["x-after"] == "inner None, outer None"
    assert len(answer.headers.getall("set-cookie")) == 1


def test_after_does_not_run_when_the_handler_fails(app: Fenrir, door: str) -> None:
    called: list[str] = []

    @app.get("/fails")
    @falcon.after(lambda req, resp, resource: called.append("after"))
    def fails() -> None:
        raise LookupError

    with Client(app, door=door, raise_server_exceptions=False) as client:
        assert client.get("/fails").status_code == 500
    assert not called


def test_after_sees_and_changes_a_response_that_the_handler_returned(app: Fenrir, door: str) -> None:
    def change(req: Any, resp: Any, resource: Any) -> None:
        resp.set_header("x-saw", f"{resp.status_code} {resp.get_header('x-own')} {resp.data!r}")
        resp.status = 202
        resp.data = b"changed"

    @app.fastapi.get("/fastapi")
    @falcon.after(change)
    def of_fastapi() -> Any:
        return FastAPIResponse("own", 201, {"x-own": "1"})

    @app.flask.route("/flask")
    @falcon.after(change)
    def of_flask() -> Any:
        made = make_response("own", 201)
        made.headers["x-own"] = "1"
        return made

    @app.sanic.get("/sanic")
    @falcon.after(change)
    async def of_sanic(request: Any) -> Any:
        return sanic.text("own", 201, {"x-own": "1"})

    with Client(app, door=door) as client:
        for path in ("/fastapi", "/flask", "/sanic"):
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (202, "changed")
            assert answer.headers["x-saw"] == "201 1 b'own'"
            assert answer.headers["content-length"] == "7"


def test_a_bottle_response_is_rendered_by_bottle(app: Fenrir, door: str) -> None:
    def note(req: Any, resp: Any, resource: Any) -> None:
        resp.set_header("x-after", "1")

    @app.bottle.get("/pieces")
    @falcon.after(note)
    def pieces() -> Any:
        return BottleResponse(iter([b"a", b"b"]), 201)

    @app.bottle.get("/error")
    @falcon.after(note)
    def error() -> Any:
        return BottleError(404, "gone away")

    with Client(app, door=door) as client:
        answer = client.get("/pieces")
        assert (answer.status_code, answer.text, answer.headers["x-after"]) == (201, "ab", "1")
        answer = client.get("/error")
        assert answer.status_code == 404
        assert "gone away" in answer.text
        assert answer.headers["x-after"] == "1"


def test_a_status_counts_where_the_dialect_has_a_response_under_construction(get: Any, dialect: str) -> None:
    def accept(req: Any, resp: Any, resource: Any, params: Any) -> None:
        resp.status = falcon.HTTP_202

    assert get(falcon.before(accept))[0].status_code == (202 if dialect == "native" else 200)


def test_native_handlers_share_their_response_with_actions(app: Fenrir, door: str) -> None:
    def first(req: Any, resp: Any, resource: Any, params: Any) -> None:
        resp.set_header("x-order", "before")

    def last(req: Any, resp: Any, resource: Any) -> None:
        resp.append_header("x-order", f"after {resp.status_code}")
        resp.status = 203

    @app.get("/")
    @falcon.before(first)
    @falcon.after(last)
    def index(response: Response) -> Any:
        response.headers["x-order"] += ", handler"
        response.status_code = 201
        return "made"

    with Client(app, door=door) as client:
        answer = client.get("/")
    assert (answer.status_code, answer.text, answer.headers["x-order"]) == (203, "made", "before, handler, after 201")


@pytest.mark.parametrize("kind", MODES)
def test_each_runs_where_its_colour_belongs(app: Fenrir, door: str, kind: str, mode: str) -> None:
    on_loop: dict[str, bool] = {}

    def here(name: str) -> None:
        on_loop[name] = not in_worker()

    def action(req: Any, resp: Any, resource: Any, params: Any) -> None:
        here("action")

    async def action_async(req: Any, resp: Any, resource: Any, params: Any) -> None:
        here("action")

    def handler(request: Any) -> Any:
        here("handler")
        return sanic.text("answer")

    async def handler_async(request: Any) -> Any:
        return handler(request)

    guard = falcon.before(action if kind == "def" else action_async)
    app.sanic.get("/")(guard(handler if mode == "def" else handler_async))
    with Client(app, door=door) as client:
        assert client.get("/").text == "answer"
    # Sanic's `def` handlers are on the loop, unless they have to wait for the loop.
    assert on_loop["handler"] is (mode == "async" or kind == "def")
    assert on_loop["action"] is (kind == "async" or mode == "def")


def test_inline_can_not_wait(app: Fenrir) -> None:
    def answer() -> str:
        return "answer"

    app.get("/plain", inline=True)(falcon.before(tag)(answer))
    with pytest.raises(DeclarationError, match=r"test_falcon_hooks_foreign\.py:\d+: inline=True promises"):
        app.get("/waits", inline=True)(falcon.before(tag_async)(answer))


def test_methods_of_views(app: Fenrir, door: str) -> None:
    class View(MethodView):
        @falcon.before(tag, "view")
        def get(self, name: str) -> str:
            return f"hello {name}"

    app.flask.add_url_rule("/<name>", view_func=View.as_view("view"))
    with Client(app, door=door) as client:
        answer = client.get("/ada")
    assert (answer.text, answer.headers["x-order"]) == ("hello ada", "in-view")


def test_sinks(app: Fenrir, door: str) -> None:
    @falcon.before(tag, "sink")
    @falcon.before(lambda req, resp, resource, params: setattr(resp, "content_type", "text/plain"))
    @falcon.after(lambda req, resp, resource: resp.append_header("x-order", "out"))
    def sink(req: Any, resp: Any, **params: Any) -> None:
        resp.text = "sink"

    app.falcon.add_sink(sink, "/sink")
    with Client(app, door=door) as client:
        answer = client.get("/sink/x")
    assert (answer.text, answer.headers["x-order"]) == ("sink", "in-sink, out")
    assert answer.headers["content-type"] == "text/plain"


# ---------------------------------------------------------------------- decided when it is written
def test_signature_and_colour_stay() -> None:
    def plain(name: str, *, size: int = 3) -> str:
        """Say something."""
        return name

    async def awaited(name: str) -> str:
        return name

    for action in (tag, tag_async):
        for decorate in (falcon.before(action), falcon.after(action)):
            around, around_async = decorate(plain), decorate(awaited)
            assert inspect.signature(around) == inspect.signature(plain)
            assert (around.__name__, around.__doc__) == ("plain", "Say something.")
            assert not inspect.iscoroutinefunction(around)
            assert inspect.iscoroutinefunction(around_async)


def refused(match: str) -> Any:
    """Expect the refusal of a declaration in this file."""
    return pytest.raises(DeclarationError, match=rf"test_falcon_hooks_foreign\.py:\d+: .*{match}")


def test_generators_are_refused() -> None:
    def pieces() -> Iterator[bytes]:
        yield b""

    async def pieces_async() -> AsyncIterator[bytes]:
        yield b""

    for handler in (pieces, pieces_async):
        with refused("is a generator function"):
            falcon.before(tag)(handler)


def test_what_could_be_two_things_is_refused() -> None:
    def on_get(request: Any) -> None:
        """Be a handler with the name of a responder."""

    def handler(self: Any, request: Any, response: Any) -> None:
        """Be no method, and yet have a self."""

    for function in (on_get, handler):
        with refused("could be a responder or another handler"):
            falcon.before(tag)(function)


def test_a_class_without_responders_is_refused() -> None:
    with refused("has no responders, so this would guard nothing"):

        @falcon.before(tag)
        class View(MethodView):
            def get(self) -> str:
                return "unguarded"


def test_responders_are_told_by_names_or_by_place(app: Fenrir, door: str) -> None:
    def shared(this: Any, req: Any, resp: Any) -> None:
        resp.text = type(this).__name__

    class Resource:
        on_get = falcon.before(lambda req, resp, resource, params: resp.set_header("x", type(resource).__name__))(
            shared
        )

        @falcon.before(lambda req, resp, resource, params: resp.set_header("x", type(resource).__name__))
        def on_put(self, request: Any, response: Any) -> None:
            response.text = "put"

    app.add_route("/", Resource())
    with Client(app, door=door) as client:
        for answer in (client.get("/"), client.put("/")):
            assert answer.headers["x"] == "Resource"
