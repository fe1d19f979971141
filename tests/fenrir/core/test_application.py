"""The application: compiled once, compiled again after late declarations, found by every door."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from typing import Any

import pytest

from asteri.exchange import DirectApp
from fenrir.core.application import Application
from fenrir.core.binding import Argument, Binding, BodyNeed, Fixed
from fenrir.core.declare import DeclarationError, Mode, Route, Stage
from fenrir.core.router import Slashes

from .neutral import App, dialect, reply


def test_it_is_a_direct_application(app: App) -> None:
    assert isinstance(app.engine, DirectApp)
    assert app.engine.__asteri__(1) is not None and app.engine.__asteri__(2) is None


def test_a_late_route_is_seen_whole_by_the_next_request(app: App, door: str) -> None:
    app.route("/first", lambda: {"n": 1}, mode=Mode.INLINE)
    with app.client(door) as client:
        assert client.get("/second").status_code == 404
        before = app.engine.frozen
        app.route("/second", lambda: {"n": 2}, mode=Mode.INLINE)
        assert client.get("/second").json() == {"n": 2}
        assert client.get("/first").json() == {"n": 1}
        assert app.engine.frozen is not before and len(before.plans) == 1


def test_a_late_hook_and_a_late_error_handler(app: App, door: str) -> None:
    app.route("/", lambda: {}["x"], mode=Mode.INLINE)
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/").status_code == 500
        app.on_error(KeyError)(lambda c, exc: reply(400))
        app.hook(Stage.AFTER_HANDLER)(lambda c, r: r.headers.add("x-after", "1"))
        answer = client.get("/")
        assert (answer.status_code, answer.headers["x-after"]) == (400, "1")


def test_a_handler_may_register_a_route(app: App, door: str) -> None:
    @app.route("/make")
    def make() -> Any:
        app.route("/made", lambda: {"made": 1})
        return {}

    with app.client(door) as client:
        assert client.get("/made").status_code == 404
        client.get("/make")
        assert client.get("/made").json() == {"made": 1}


def test_what_is_declared_while_compiling_is_not_lost() -> None:
    compiling = threading.Event()
    declared = threading.Event()
    spoken = dialect()
    renderer = spoken.renderer

    def slow(route: Route) -> Any:
        if threading.current_thread() is not threading.main_thread():
            compiling.set()
            declared.wait(2)
        return renderer(route)

    app = App(replace(spoken, renderer=slow))
    app.route("/a", dict)
    thread = threading.Thread(target=app.engine.freeze)
    thread.start()
    compiling.wait(2)
    app.route("/b", dict)
    declared.set()
    thread.join()
    assert len(app.engine.frozen.plans) == 2


def test_overrides_change_the_plans(app: App, door: str) -> None:
    def bind(overrides: Any) -> Binding:
        return Binding(arguments=(Argument("value", Fixed(overrides.get("key", "own"))),))

    app.route("/", lambda value: {"value": value})
    route: Route = replace(app.engine.routes.pop(), bind=bind)
    app.engine.add_route(route)
    overrides = app.engine.overrides
    with app.client(door) as client:

        def seen() -> str:
            return str(client.get("/").json()["value"])

        assert seen() == "own"
        overrides["key"] = "a"
        assert seen() == "a"
        overrides.update(key="b")
        assert seen() == "b"
        assert overrides.pop("key") == "b" and overrides.pop("key", None) is None
        assert seen() == "own"
        overrides.setdefault("key", "c")
        assert seen() == "c"
        del overrides["key"]
        assert seen() == "own"
        overrides["key"] = "d"
        overrides.clear()
        assert seen() == "own"


def test_one_name_for_two_handlers_is_an_error_with_both_places(app: App) -> None:
    app.route("/a", lambda: None, name="same")
    app.route("/b", lambda: None, name="same")
    with pytest.raises(DeclarationError, match=r"^test_application\.py:\d+: the name 'same' is taken") as caught:
        app.engine.freeze()
    assert "the other is at test_application.py:" in str(caught.value)
    assert caught.value.source != caught.value.other


def test_one_handler_may_have_its_name_twice(app: App) -> None:
    def handler() -> None:
        """Do nothing."""

    app.route("/a", handler, name="same")
    app.route("/b", handler, name="same")
    assert len(app.engine.frozen.names["same"]) == 2


def test_a_binding_that_can_not_be_made_is_refused_at_once(app: App) -> None:
    def bind(overrides: Any) -> Binding:
        raise DeclarationError("no such argument")

    app.route("/", dict)
    with pytest.raises(DeclarationError):
        app.engine.add_route(replace(app.engine.routes[0], bind=bind))
    assert len(app.engine.routes) == 1


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD, Mode.INLINE])
def test_methods_that_nobody_declared(app: App, door: str, mode: Mode) -> None:
    async def awaited() -> Any:
        return {"a": 1}

    app.route("/", awaited if mode is Mode.LOOP else lambda: {"a": 1}, mode=mode)
    with app.client(door) as client:
        head = client.head("/")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "8")
        options = client.options("/")
        assert (options.status_code, options.headers["allow"]) == (200, "GET, HEAD, OPTIONS")
        assert client.post("/").text == "405 Method Not Allowed"


def test_slashes_are_the_dialects(door: str) -> None:
    app = App(dialect(slashes=Slashes.REDIRECT_308))
    app.route("/a/", dict)
    with app.client(door) as client:
        answer = client.get("/a?b=c")
        assert (answer.status_code, answer.headers["location"]) == (308, "/a/?b=c")
        assert client.get("/a", follow_redirects=True).json() == {}


# -------------------------------------------------------------------- doors


class Middleware:
    def __init__(self, app: Any, name: str, log: list[str]) -> None:
        self.app, self.name, self.log = app, name, log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.log.append(self.name)
        await self.app(scope, receive, send)


def test_asgi_middleware_moves_the_application_to_the_other_door(app: App, caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    app.engine.add_middleware(Middleware, "inner", log)
    app.engine.add_middleware(Middleware, "outer", log=log)
    app.route("/", dict)
    with caplog.at_level(logging.INFO, "fenrir"):
        assert app.engine.__asteri__(1) is None
    (record,) = caplog.records
    assert "Middleware is ASGI middleware" in record.getMessage() and "test_application.py:" in record.getMessage()
    with app.client("asgi") as client:
        log.clear()
        assert client.get("/").json() == {}
    assert log[:2] == ["outer", "inner"]
    with pytest.raises(RuntimeError, match="use door='asgi'"), app.client("direct") as client:
        client.get("/")


def test_late_middleware(app: App) -> None:
    log: list[str] = []
    app.route("/", dict)
    with app.client("asgi") as client:
        client.get("/")
        app.engine.add_middleware(Middleware, "late", log)
        client.get("/")
    assert log[0] == "late"


def test_a_mistake_in_a_declaration_stops_the_start(app: App, door: str) -> None:
    app.route("/a", lambda: None, name="same")
    app.route("/b", lambda: None, name="same")
    with pytest.raises(DeclarationError), app.client(door):
        raise AssertionError("started")


def test_a_request_before_the_start_compiles(app: App) -> None:
    app.route("/", dict)

    async def main() -> None:
        client = app.async_client("direct")
        assert (await client.get("/")).json() == {}

    asyncio.run(main())


def test_what_an_application_is(app: App) -> None:
    engine = Application(app.dialect, "shop")
    assert engine.title == "shop" and engine.facade is engine and engine.scope.label == "shop"
    assert engine.frozen.plans == () and engine.frozen.reports == ()


def test_a_late_body_limit(app: App, door: str) -> None:
    binding = {"body": BodyNeed.BYTES}
    app.route("/", lambda c: c.body.decode(), mode=Mode.INLINE, methods=["POST"], takes="c", binding=binding)
    with app.client(door) as client:
        assert client.post("/", content=b"long enough").status_code == 200
        app.engine.body_limit = 4
        assert client.post("/", content=b"long enough").status_code == 413
