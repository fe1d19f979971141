"""One request, spoken of in five ways: notebooks, sessions, responses and the names of the moment are shared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import fenrir
from fenrir import BackgroundTasks, Depends, Fenrir, Request, bottle, falcon, fastapi, flask, sanic
from fenrir.bottle import HTTPResponse as BottleResponse
from fenrir.compat import to_thread
from fenrir.fastapi.responses import JSONResponse
from fenrir.testing import Client

Register = Callable[[Fenrir, str, Callable[[], Any]], None]


# --------------------------------------------------------------------- a handler of each dialect that returns a value
def native(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    app.get(path, name=path)(lambda: call())


def by_fastapi(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    async def handler() -> Any:
        return call()

    app.fastapi.get(path, name=path)(handler)


def by_flask(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    app.flask.add_url_rule(path, path.strip("/").replace("/", "_"), lambda: call())


def by_falcon(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    class Resource:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> Any:
            value = call()
            if hasattr(value, "__reply__"):
                return value
            resp.media = value
            return None

    app.add_route(path, Resource())


def by_sanic(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    async def handler(request: sanic.Request) -> Any:
        value = call()
        return value if hasattr(value, "__reply__") else sanic.json(value)

    app.sanic.add_route(handler, path, name=path.strip("/").replace("/", "_"))


def by_bottle(app: Fenrir, path: str, call: Callable[[], Any]) -> None:
    app.bottle.get(path, callback=lambda: call())


HANDLERS: dict[str, Register] = {
    "native": native,
    "fastapi": by_fastapi,
    "flask": by_flask,
    "falcon": by_falcon,
    "sanic": by_sanic,
    "bottle": by_bottle,
}


def names() -> dict[str, Any]:
    """Return what every name of the moment says of this request."""
    return {
        "g": fenrir.g.mark,
        "flask.g": flask.g.mark,
        "session": fenrir.session["mark"],
        "flask.session": flask.session["mark"],
        "request": fenrir.request.path,
        "flask.request": flask.request.path,
        "bottle.request": bottle.request.path,
        "app": fenrir.current_app.engine is flask.current_app.engine,
    }


def right(path: str) -> dict[str, Any]:
    """Return what `names` must return."""
    return {
        "g": "m",
        "flask.g": "m",
        "session": "m",
        "flask.session": "m",
        "request": path,
        "flask.request": path,
        "bottle.request": path,
        "app": True,
    }


def mark() -> None:
    """Leave the mark that `names` looks for."""
    flask.g.mark = "m"
    flask.session["mark"] = "m"


# ---------------------------------------------------------------------------------------------- names
@pytest.mark.parametrize("dialect", HANDLERS)
def test_names_of_the_moment_in_every_handler(app: Fenrir, door: str, dialect: str) -> None:
    """`request`, `g`, `session` and `current_app` of every module work in the handlers of every dialect."""
    app.before_request(mark)
    HANDLERS[dialect](app, "/here", names)
    with Client(app, door=door) as client:
        assert client.get("/here").json() == right("/here")


def test_names_in_every_hook(app: Fenrir, door: str) -> None:
    """They work in the hooks of every dialect, before and after."""
    seen: dict[str, Any] = {}

    class Component:
        def process_request(self, req: Any, resp: Any) -> None:
            mark()
            seen["process_request"] = names()

        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            seen["process_response"] = names()

    @app.middleware("http")
    async def wrap(request: Any, call_next: Any) -> Any:
        seen["wrap"] = fenrir.request.path
        response = await call_next(request)
        seen["wrap out"] = names()
        return response

    app.add_middleware(Component())
    app.before_request(lambda: seen.__setitem__("before_request", names()))
    app.teardown_request(lambda exc: seen.__setitem__("teardown_request", names()))
    app.on_request(lambda request: seen.__setitem__("on_request", names()))
    app.on_response(lambda request, response: seen.__setitem__("on_response", names()))
    app.hook("before_request")(lambda: seen.__setitem__("bottle before", names()))
    app.hook("after_request")(lambda: seen.__setitem__("bottle after", names()))

    @app.after_request
    def after(response: Any) -> Any:
        seen["after_request"] = names()
        return response

    app.get("/x")(lambda: "x")
    with Client(app, door=door) as client:
        client.get("/x")
    assert seen.pop("wrap") == "/x"
    assert len(seen) == 10
    assert all(value == right("/x") for value in seen.values()), seen


def test_names_in_dependencies_tasks_threads_streams_and_mounts(app: Fenrir, door: str) -> None:
    """They work wherever code of a request runs, also after the response."""
    seen: dict[str, Any] = {}
    app.before_request(mark)

    def dependency() -> Iterator[dict[str, Any]]:
        yield names()
        seen["dependency after the response"] = names()

    async def named_task() -> None:
        seen["app.add_task"] = names()

    def pieces() -> Iterator[str]:
        seen["stream"] = names()
        yield "piece"

    @app.get("/x")
    async def handler(tasks: BackgroundTasks, given: Any = Depends(dependency)) -> Any:
        seen["dependency"] = given
        seen["to_thread"] = await to_thread(names)
        tasks.add_task(lambda: seen.__setitem__("BackgroundTasks", names()))
        app.add_task(named_task(), name="named")
        return pieces()

    def wsgi(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("content-type", "application/json")])
        return [json.dumps(names()).encode()]

    app.mount_wsgi("/legacy", wsgi)
    with Client(app, door=door) as client:
        client.get("/x")
        assert client.get("/legacy/deep").json() == right("/legacy/deep")
    assert len(seen) == 6
    assert all(value == right("/x") for value in seen.values()), seen


def test_nothing_is_left_for_the_next_request(app: Fenrir, door: str) -> None:
    """The next request begins with an empty notebook."""
    for dialect, register in HANDLERS.items():
        register(app, f"/{dialect}", lambda: {"new": "old" not in fenrir.g and not fenrir.g.__setitem__("old", 1)})
    with Client(app, door=door) as client:
        for dialect in (*HANDLERS, *HANDLERS):
            assert client.get(f"/{dialect}").json() == {"new": True}
    with pytest.raises(RuntimeError, match="no request here"):
        fenrir.request.path  # noqa: B018


# ------------------------------------------------------------------------------------ notebooks and sessions
def test_one_notebook_under_all_its_names(app: Fenrir, door: str) -> None:
    """`g`, `request.state`, `request.ctx` and `req.context` are one object, as far as each spelling goes."""

    class Component:
        def process_request(self, req: Any, resp: Any) -> None:
            req.context.falcon = "falcon"

    @app.middleware("http")
    async def wrap(request: fastapi.Request, call_next: Any) -> Any:
        request.state.fastapi = "fastapi"
        response = await call_next(request)
        response.headers["x-notes"] = ",".join(sorted(fenrir.g))
        return response

    app.add_middleware(Component())
    app.before_request(lambda: setattr(flask.g, "flask", "flask"))

    @app.on_request
    def on_request(request: sanic.Request) -> None:
        request.ctx.sanic = "sanic"

    @app.get("/x")
    def handler(request: Request) -> Any:
        request.state.native = request.ctx.sanic
        assert request.state is request.ctx is request.g
        return {name: fenrir.g[name] for name in ("falcon", "fastapi", "flask", "sanic")}

    class Resource:
        def on_get(self, req: Any, resp: Any) -> None:
            resp.media = [req.context.fastapi, req.context.falcon, req.context.flask, req.context.sanic]

    app.add_route("/falcon", Resource())
    with Client(app, door=door) as client:
        response = client.get("/x")
        every = ["falcon", "fastapi", "flask", "sanic"]
        assert sorted(response.json()) == every
        assert response.headers["x-notes"].split(",") == sorted([*every, "native"])
        assert client.get("/falcon").json() == ["fastapi", "falcon", "flask", "sanic"]


def test_one_notebook_per_application(app: Fenrir, door: str) -> None:
    """`app.state` and `app.ctx` are one object, for listeners and handlers of every dialect."""

    @app.before_server_start
    async def open_database(application: Fenrir) -> None:
        application.ctx.database = "open"

    @app.fastapi.get("/fastapi")
    async def by_fastapi(request: fastapi.Request) -> Any:
        return request.app.state.database

    @app.sanic.get("/sanic")
    async def by_sanic(request: sanic.Request) -> Any:
        return sanic.text(request.app.ctx.database)

    app.get("/native")(lambda: fenrir.current_app.state.database)
    with Client(app, door=door) as client:
        assert [client.get(path).text for path in ("/native", "/fastapi", "/sanic")] == ["open", '"open"', "open"]
    assert app.state is app.ctx


@pytest.mark.parametrize("dialect", HANDLERS)
def test_session_set_in_a_hook_is_read_everywhere(app: Fenrir, door: str, dialect: str) -> None:
    """A session written by a Flask hook is read by the handlers of every dialect, and comes back."""

    @app.before_request
    def count() -> None:
        flask.session["count"] = flask.session.get("count", 0) + 1

    HANDLERS[dialect](app, "/count", lambda: {"count": fenrir.session["count"]})
    with Client(app, door=door) as client:
        first = client.get("/count")
        assert first.json() == {"count": 1}
        assert "HttpOnly" in first.headers["set-cookie"]
        assert "Cookie" in first.headers["vary"]
        assert client.get("/count").json() == {"count": 2}


@pytest.mark.parametrize("dialect", HANDLERS)
def test_session_set_in_a_handler_is_saved(app: Fenrir, door: str, dialect: str) -> None:
    """A session written in a handler of any dialect is read by the next one."""
    HANDLERS[dialect](app, "/set", lambda: {"old": fenrir.session.setdefault("by", dialect)})
    app.flask.add_url_rule("/get", "get", lambda: {"by": flask.session["by"]})
    with Client(app, door=door) as client:
        client.get("/set")
        assert client.get("/get").json() == {"by": dialect}


# ------------------------------------------------------------------------------------------------- responses
@pytest.mark.parametrize("dialect", HANDLERS)
def test_a_header_set_through_one_view_is_seen_through_the_others(app: Fenrir, door: str, dialect: str) -> None:
    """Every dialect's response is a view of one reply."""
    seen: list[Any] = []

    class Component:
        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            seen.append(resp.get_header("x-flask"))
            resp.set_header("x-falcon", "falcon")

    @app.middleware("http")
    async def wrap(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        seen.append([response.headers.get(f"x-{name}") for name in ("flask", "falcon", "sanic", "bottle")])
        response.headers["x-wrap"] = "wrap"
        return response

    @app.hook("after_request")
    def bottle_after() -> None:
        seen.append(bottle.response.get_header("x-sanic"))
        bottle.response.set_header("x-bottle", "bottle")

    @app.on_response
    def sanic_after(request: Any, response: Any) -> None:
        seen.append(response.headers.get("x-falcon"))
        response.headers["x-sanic"] = "sanic"

    app.add_middleware(Component())

    @app.after_request
    def flask_after(response: flask.Response) -> flask.Response:
        response.headers["X-Flask"] = "flask"
        return response

    HANDLERS[dialect](app, "/x", lambda: {"a": 1})
    with Client(app, door=door) as client:
        response = client.get("/x")
    assert response.json() == {"a": 1}
    assert seen == ["flask", "falcon", "sanic", ["flask", "falcon", "sanic", "bottle"]]
    assert [response.headers[f"x-{name}"] for name in ("flask", "falcon", "sanic", "bottle", "wrap")] == [
        "flask",
        "falcon",
        "sanic",
        "bottle",
        "wrap",
    ]


def _falcon_response() -> Any:
    response = falcon.Response()
    response.status = 203
    response.set_header("x-made", "made")
    response.text = "body"
    return response


RESPONSES: dict[str, Callable[[], Any]] = {
    "fenrir": lambda: fenrir.Response("body", 203, {"x-made": "made"}),
    "fastapi": lambda: fastapi.Response("body", 203, {"x-made": "made"}),
    "flask": lambda: flask.Response("body", 203, {"x-made": "made"}),
    "falcon": _falcon_response,
    "sanic": lambda: sanic.HTTPResponse("body", 203, {"x-made": "made"}),
    "bottle": lambda: BottleResponse("body", 203, {"x-made": "made"}),
}


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("dialect", HANDLERS)
def test_every_response_from_every_handler(app: Fenrir, door: str, dialect: str, response: str) -> None:
    """A response object of any dialect may be returned from a handler of any other (rule 10)."""
    HANDLERS[dialect](app, "/x", RESPONSES[response])
    with Client(app, door=door) as client:
        answer = client.get("/x")
    assert (answer.status_code, answer.headers["x-made"], answer.text) == (203, "made", "body")


@pytest.mark.parametrize("response", RESPONSES)
def test_every_response_from_every_hook(app: Fenrir, door: str, response: str) -> None:
    """A hook that answers may do so with a response of any dialect, and the handler is not called."""
    hooks: dict[str, Callable[[Fenrir], Any]] = {
        "before_request": lambda app: app.before_request(RESPONSES[response]),
        "on_request": lambda app: app.on_request(lambda request: RESPONSES[response]()),
        "after_request": lambda app: app.after_request(lambda _: RESPONSES[response]()),
        "on_response": lambda app: app.on_response(lambda request, _: RESPONSES[response]()),
    }
    for name, install in hooks.items():
        one = Fenrir(__name__, static_folder=None)
        install(one)
        one.get("/x")(lambda: JSONResponse({"handler": True}))
        with Client(one, door=door) as client:
            answer = client.get("/x")
        assert (answer.status_code, answer.headers["x-made"], answer.text) == (203, "made", "body"), name


CLASSES = {
    "fenrir": fenrir.Request,
    "fastapi": fastapi.Request,
    "flask": flask.Request,
    "falcon": falcon.Request,
    "sanic": sanic.Request,
    "bottle": bottle.LocalRequest,
}


@pytest.mark.parametrize("dialect", CLASSES)
def test_the_annotation_names_the_request_class(app: Fenrir, door: str, dialect: str) -> None:
    """Your annotation names the request class that you get (rule 3), in a handler and in a dependency."""

    def dependency(given: Any) -> Any:
        return given

    def handler(given: Any, also: Any = Depends(dependency)) -> Any:
        return [isinstance(given, CLASSES[dialect]), given is also, given.method]

    handler.__annotations__["given"] = dependency.__annotations__["given"] = CLASSES[dialect]
    app.get("/x")(handler)
    with Client(app, door=door) as client:
        assert client.get("/x").json() == [True, True, "GET"]


def test_none_is_the_given_response_or_no_content(door: str) -> None:
    """What a hook wrote on the response does not turn `None` into 200; a response that the handler was given does."""
    app = Fenrir(__name__)

    class Stamp:
        def process_request(self, req: Any, resp: Any) -> None:
            resp.set_header("x-stamp", "1")

    app.add_middleware(Stamp())

    @app.delete("/gone")
    async def gone() -> None:
        return None

    @app.delete("/told")
    async def told(request: Any, response: Any) -> None:
        response.headers["x-told"] = "1"

    with Client(app, door=door) as client:
        nothing, answer = client.delete("/gone"), client.delete("/told")
    assert (nothing.status_code, nothing.headers.get("x-stamp"), nothing.content) == (204, "1", b"")
    assert (answer.status_code, answer.headers.get("x-stamp"), answer.headers.get("x-told")) == (200, "1", "1")
