"""Contexts: in requests, made by hand, in threads and in streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any
from unittest import mock

import flask as upstream
import pytest

from fenrir import flask as ours
from fenrir.core.application import Application
from fenrir.flask import (
    Flask,
    after_this_request,
    copy_current_request_context,
    current_app,
    g,
    has_app_context,
    has_request_context,
    request,
    session,
    stream_with_context,
    url_for,
)
from fenrir.flask._dialect import DIALECT
from fenrir.flask.door import FlaskDoor
from fenrir.flask.globals import request_ctx
from fenrir.testing import Client


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    made.secret_key = "k"

    @made.route("/user/<int:n>", methods=["GET", "POST"])
    def user(n: int) -> str:
        return f"user {n}"

    return made


def both(run: Any) -> tuple[Any, Any]:
    """Return what a function of the package gives with each of them."""
    return run(upstream), run(ours)


@pytest.mark.parametrize("package", [upstream, ours])
def test_a_test_may_put_another_request_in_place_and_take_it_back(package: Any) -> None:
    app = package.Flask(__name__)
    with app.test_request_context("/here") as context:
        with mock.patch.object(context, "request") as stand_in:
            stand_in.path = "/there"
            assert package.request.path == "/there"
        assert package.request.path == "/here"


def test_the_request_of_the_engine_can_be_replaced_as_well(app: Flask) -> None:
    @app.get("/seen")
    def seen() -> list[str]:
        with mock.patch.object(request_ctx, "request") as stand_in:
            stand_in.path = "/there"
            inside = request.path
        return [inside, request.path]

    with Client(app) as client:
        assert client.get("/seen").json() == ["/there", "/seen"]


def test_outside_of_everything() -> None:
    assert not has_request_context() and not has_app_context()
    assert not request and not g and not current_app
    with pytest.raises(RuntimeError, match="Working outside of request context"):
        request.path  # noqa: B018
    with pytest.raises(RuntimeError, match="Working outside of request context"):
        session["a"] = 1
    for use in (lambda: g.x, lambda: current_app.name, lambda: url_for("x")):
        with pytest.raises(RuntimeError, match="Working outside of application context"):
            use()
    for function in (after_this_request, copy_current_request_context, stream_with_context):
        with pytest.raises(RuntimeError, match="when a request context is active"):
            function(iter([]) if function is stream_with_context else lambda: None)


def test_an_application_context(app: Flask) -> None:
    ended: list[Any] = []
    app.teardown_appcontext(lambda exc: ended.append(exc))
    with app.app_context() as context:
        assert current_app._get_current_object() is app  # type: ignore[attr-defined]
        assert has_app_context() and not has_request_context()
        g.x = 1
        assert context.g.x == 1 and "x" in g and g.pop("x") == 1 and g.get("x", 2) == 2 and g.setdefault("y", 3) == 3
        with app.app_context():
            assert "y" not in g
        with pytest.raises(RuntimeError, match="SERVER_NAME"):
            url_for("user", n=1)
    app.config["SERVER_NAME"] = "example.org:8000"
    with app.app_context():
        assert url_for("user", n=1) == "http://example.org:8000/user/1"
        assert url_for("user", n=1, _external=False) == "/user/1"
    assert ended == [None, None, None] and not has_app_context()
    with pytest.raises(KeyError), app.app_context():
        raise KeyError
    assert isinstance(ended[-1], KeyError)


def test_a_request_made_by_hand() -> None:
    def run(flask: Any) -> Any:
        app = flask.Flask("x")
        app.secret_key = "k"
        ended: list[Any] = []
        app.teardown_request(lambda exc: ended.append(repr(exc)))

        @app.before_request
        def before() -> Any:
            flask.g.hook = True
            return "stop" if "stop" in flask.request.args else None

        @app.route("/user/<int:n>", methods=["GET", "POST"])
        def user(n: int) -> str:
            return ""

        seen: list[Any] = []
        with app.test_request_context("/user/7?a=1", method="POST", data={"f": "x"}, headers={"X-A": "1"}):
            r = flask.request
            seen += [r.endpoint, r.view_args, r.args["a"], r.form["f"], r.method, r.headers["x-a"], r.url, r.host]
            seen += [flask.url_for("user", n=1), flask.url_for("user", n=1, _external=True), "hook" in flask.g]
            seen += [app.preprocess_request(), flask.g.hook]
            flask.session["n"] = 1
            seen += [dict(flask.session), r.environ["PATH_INFO"], r.environ["HTTP_X_A"], r.environ["REQUEST_METHOD"]]
        with app.test_request_context("/user/7?stop"):
            seen.append(app.make_response(app.preprocess_request()).get_data(as_text=True))
        with app.test_request_context("/nowhere"):
            seen += [flask.request.endpoint, type(flask.request.routing_exception).__name__]
        with app.test_request_context("/user/1", json={"a": 1}):
            seen += [flask.request.method, flask.request.json, flask.request.is_json]
        with app.test_request_context(path="/", base_url="https://example.org/root/"):
            seen += [flask.request.url, flask.request.script_root, flask.request.is_secure]
        try:
            with app.test_request_context("/user/1"):
                raise KeyError("x")
        except KeyError:
            pass
        return seen, ended

    theirs, mine = both(run)
    assert mine == theirs


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_hooks_view_and_teardown_share_thread_and_notebook(app: Flask, door: Any) -> None:
    seen: list[tuple[str, int, Any]] = []

    def note(name: str) -> None:
        seen.append((name, threading.get_ident(), g.get("n")))

    @app.before_request
    def before() -> None:
        g.n = request.view_args["n"] if request.view_args else None
        note("before")

    @app.after_request
    def after(response: Any) -> Any:
        note("after")
        return response

    @app.teardown_request
    def teardown(exc: Any) -> None:
        note("teardown")

    @app.get("/thread/<int:n>")
    def view(n: int) -> str:
        note("view")
        return ""

    client = Client(app, door=door)
    client.get("/thread/5")
    client.close()
    assert [name for name, _, _ in seen] == ["before", "view", "after", "teardown"]
    assert len({thread for _, thread, _ in seen}) == 1
    assert {n for _, _, n in seen} == {5}


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_threads_and_streams_keep_the_request(app: Flask, door: Any) -> None:
    @app.get("/thread")
    def thread() -> str:
        got: list[str] = []

        @copy_current_request_context
        def work() -> None:
            got.append(request.path)

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        return got[0]

    @app.get("/stream")
    def stream() -> Any:
        @stream_with_context
        def pieces() -> Iterator[str]:
            yield request.path
            yield str(session.get("x"))

        return pieces(), {"X-A": "1"}

    client = Client(app, door=door)
    assert client.get("/thread").text == "/thread"
    answer = client.get("/stream")
    assert (answer.text, answer.headers["x-a"]) == ("/streamNone", "1")
    client.close()


def test_a_view_that_changes_its_arguments_by_a_hook(app: Flask) -> None:
    @app.before_request
    def change() -> None:
        if request.view_args:
            request.view_args["n"] = 99

    client = app.test_client()
    assert client.get("/user/1").text == "user 99"


def test_a_view_is_exchanged_in_view_functions(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/user/1").text == "user 1"

    async def other(n: int) -> str:
        return f"other {n}"

    app.view_functions["user"] = other
    assert client.get("/user/1").text == "other 1"


def test_flask_on_an_engine_that_is_not_its_own() -> None:
    engine = Application(DIALECT, "host")
    door = FlaskDoor(engine, engine.scope)
    engine.facade = object()
    door.secret_key = "k"

    @door.get("/x")
    def x() -> str:
        session["n"] = 1
        g.n = 2
        return f"{current_app.name} {request.path} {url_for('x')}"

    client = Client(engine)
    answer = client.get("/x")
    assert answer.text == "fenrir /x /x" and "session=" in answer.headers["set-cookie"]
    client.close()
    with pytest.raises(Exception, match="a Flask door already"):
        FlaskDoor(engine, engine.scope)


def test_nothing_is_left_behind(app: Flask) -> None:
    @app.get("/leak")
    def leak() -> str:
        before = (g.get("x"), session.get("x"))
        g.x = 1
        return str(before)

    client = app.test_client(use_cookies=False)
    assert {client.get("/leak").text for _ in range(20)} == {"(None, None)"}
    assert not has_app_context()


def test_teardown_of_a_stream_can_reset_what_a_hook_set(app: Flask) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    seen: list[str] = []

    @app.before_request
    def begin() -> None:
        g.token = variable.set("in a request")

    @app.teardown_request
    def end(exc: BaseException | None) -> None:
        seen.append(request.path)
        variable.reset(g.token)

    @app.get("/pieces")
    def pieces() -> Any:
        return ours.Response(stream_with_context(name for name in (variable.get(), request.path)))

    client = app.test_client()
    assert client.get("/pieces").text == "in a request/pieces"
    assert (seen, variable.get()) == (["/pieces"], "unset")
    with client.get("/pieces"):
        assert seen == ["/pieces"]  # somebody may still read it
    assert (seen, variable.get()) == (["/pieces"] * 2, "unset")
