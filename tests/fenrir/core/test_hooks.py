"""Hooks and error handlers: order, early answers, and what becomes of exceptions."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest

from fenrir.core.declare import DeclarationError, Mode, Stage
from fenrir.core.errors import NotFound, StatusError

from .neutral import App, reply

MODES = ["async", "thread", "inline"]
PAIRS = list(itertools.product(MODES, MODES))


def spoken(mode: str, call: Callable[..., Any]) -> tuple[Callable[..., Any], Mode]:
    """Return a plain function in the shape of a mode."""
    if mode != "async":
        return call, Mode.THREAD if mode == "thread" else Mode.INLINE

    async def awaited(*args: Any) -> Any:
        return call(*args)

    return awaited, Mode.LOOP


@pytest.mark.parametrize(("hooks", "handler"), PAIRS)
def test_in_by_registration_and_out_in_reverse(app: App, door: str, hooks: str, handler: str) -> None:
    log: list[str] = []
    inner = app.scope("inner")
    for name, scope in (("a", None), ("b", inner), ("c", None)):
        for stage, label in ((Stage.BEFORE_HANDLER, "in"), (Stage.AFTER_HANDLER, "out"), (Stage.TEARDOWN, "end")):
            call, mode = spoken(hooks, lambda *_, text=f"{label} {name}": log.append(text))
            app.hook(stage, mode, scope)(call)
    call, mode = spoken(handler, lambda: log.append("handler") or {"x": 1})
    app.route("/inner", call, mode=mode, scope=inner)
    app.route("/outer", call, mode=mode)
    with app.client(door) as client:
        assert client.get("/inner").json() == {"x": 1}
        assert log == ["in a", "in b", "in c", "handler", "out c", "out b", "out a", "end c", "end b", "end a"]
        log.clear()
        assert client.get("/outer").json() == {"x": 1}
        assert log == ["in a", "in c", "handler", "out c", "out a", "end c", "end a"]


@pytest.mark.parametrize(("hooks", "handler"), PAIRS)
def test_an_early_answer_skips_what_is_inside(app: App, door: str, hooks: str, handler: str) -> None:
    log: list[str] = []
    for name in "abc":
        answer = reply(201, b"early") if name == "b" else None
        call, mode = spoken(hooks, lambda _, name=name, answer=answer: log.append(name) or answer)
        app.hook(Stage.BEFORE_HANDLER, mode)(call)
    call, mode = spoken(hooks, lambda c, r: log.append(f"after {r.status}"))
    app.hook(Stage.AFTER_HANDLER, mode)(call)
    call, mode = spoken(handler, lambda: log.append("handler"))
    app.route("/", call, mode=mode)
    with app.client(door) as client:
        answered = client.get("/")
    assert (answered.status_code, answered.text) == (201, "early")
    assert log == ["a", "b", "after 201"]


@pytest.mark.parametrize("hooks", MODES)
def test_hooks_around_what_no_route_took(app: App, door: str, hooks: str) -> None:
    log: list[Any] = []
    app.route("/there", dict, mode=Mode.INLINE)
    for stage in (Stage.BEFORE_HANDLER, Stage.AFTER_HANDLER, Stage.TEARDOWN):
        call, mode = spoken(hooks, lambda *_, name=stage.name: log.append(name))
        app.hook(stage, mode)(call)
        call, mode = spoken(hooks, lambda *_: log.append("only for routes"))
        app.hook(stage, mode, unrouted=False)(call)
    with app.client(door) as client:
        assert client.get("/nowhere").status_code == 404
        assert client.post("/there").headers["allow"] == "GET, HEAD, OPTIONS"
    assert log == ["BEFORE_HANDLER", "AFTER_HANDLER", "TEARDOWN"] * 2


def test_an_early_answer_for_what_no_route_took(app: App, door: str) -> None:
    app.hook(Stage.BEFORE_HANDLER)(lambda c: reply(200, b"maintenance"))
    with app.client(door) as client:
        assert client.get("/nowhere").text == "maintenance"


@pytest.mark.parametrize("mode", MODES)
def test_before_routing_answers_or_raises(app: App, door: str, mode: str) -> None:
    def before(c: Any) -> Any:
        assert c.plan is None
        if c.exchange.path == "/answer":
            return reply(202, b"before")
        if c.exchange.path == "/raise":
            raise NotFound("hidden")
        if c.exchange.path == "/bug":
            raise KeyError("bug")
        return None

    call, shape = spoken(mode, before)
    app.hook(Stage.BEFORE_ROUTING, shape)(call)
    app.hook(Stage.AFTER_HANDLER)(lambda c, r: r.headers.add("x-after", "1"))
    for path in ("/", "/answer", "/raise", "/bug"):
        app.route(path, lambda: {"handler": 1}, mode=Mode.INLINE)
    with app.client(door, raise_server_exceptions=False) as client:
        answers = [client.get(path) for path in ("/", "/answer", "/raise", "/bug", "/nowhere")]
    assert [a.status_code for a in answers] == [200, 202, 404, 500, 404]
    assert [a.headers["x-after"] for a in answers] == ["1"] * 5
    assert answers[2].text == "404 hidden"


def test_wrap_and_before_routing_belong_to_the_application(app: App) -> None:
    for stage in (Stage.WRAP, Stage.BEFORE_ROUTING):
        with pytest.raises(DeclarationError, match="register it on the application"):
            app.hook(stage, scope=app.scope("inner"))(lambda c: None)


def _wraps(app: App, log: list[str], *names: str) -> None:
    for name in names:

        async def wrap(c: Any, call_next: Any, name: str = name) -> Any:
            log.append(f"in {name}")
            answer = await call_next()
            log.append(f"out {name}")
            answer.headers.add("x-wrap", name)
            return answer

        app.hook(Stage.WRAP)(wrap)


@pytest.mark.parametrize("handler", MODES)
def test_wrap_stands_around_everything_that_answers(app: App, door: str, handler: str) -> None:
    log: list[str] = []
    _wraps(app, log, "a", "b")
    for stage in (Stage.BEFORE_ROUTING, Stage.BEFORE_HANDLER, Stage.AFTER_HANDLER, Stage.TEARDOWN):
        app.hook(stage)(lambda *_, name=stage.value: log.append(name))
    call, mode = spoken(handler, lambda: log.append("handler") or {})
    app.route("/", call, mode=mode)
    with app.client(door) as client:
        assert client.get("/").headers.getall("x-wrap") == ["b", "a"]
    assert log == [
        "in a",
        "in b",
        "before routing",
        "before handler",
        "handler",
        "after handler",
        "out b",
        "out a",
        "teardown",
    ]


@pytest.mark.parametrize("handler", MODES)
def test_wrap_sees_answers_of_errors_and_of_what_no_route_took(app: App, door: str, handler: str) -> None:
    log: list[str] = []
    _wraps(app, log, "a")

    def bug() -> None:
        raise KeyError("bug")

    call, mode = spoken(handler, bug)
    app.route("/bug", call, mode=mode)
    with app.client(door, raise_server_exceptions=False) as client:
        for path, status in (("/bug", 500), ("/nowhere", 404)):
            answer = client.get(path)
            assert (answer.status_code, answer.headers["x-wrap"]) == (status, "a")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("handler", MODES)
def test_an_exception_of_wrap_is_answered_and_teardown_runs(app: App, door: str, when: str, handler: str) -> None:
    ended: list[Any] = []

    async def wrap(c: Any, call_next: Any) -> Any:
        if when == "before":
            raise NotFound("by wrap")
        await call_next()
        raise NotFound("by wrap")

    app.hook(Stage.WRAP)(wrap)
    app.hook(Stage.TEARDOWN)(lambda c, exc: ended.append(exc))
    call, mode = spoken(handler, dict)
    app.route("/", call, mode=mode)
    with app.client(door) as client:
        assert client.get("/").text == "404 by wrap"
    assert ended == ([None] if when == "after" else [])


@pytest.mark.parametrize("handler", MODES)
def test_wrap_may_call_again(app: App, door: str, handler: str) -> None:
    ended: list[Any] = []
    calls = itertools.count()

    async def retry(c: Any, call_next: Any) -> Any:
        answer = await call_next()
        return answer if answer.status == 200 else await call_next()

    app.hook(Stage.WRAP)(retry)
    app.hook(Stage.TEARDOWN)(lambda c, exc: ended.append(exc))
    call, mode = spoken(handler, lambda: reply(503 if not next(calls) else 200))
    app.route("/", call, mode=mode)
    with app.client(door) as client:
        assert client.get("/").status_code == 200
    assert ended == [None, None]


@pytest.mark.parametrize(("hooks", "handler"), PAIRS)
def test_after_hooks_replace_and_raise(app: App, door: str, hooks: str, handler: str) -> None:
    seen: list[int] = []

    def replaces(c: Any, r: Any) -> Any:
        seen.append(r.status)
        return reply(203, b"replaced")

    def raises(c: Any, r: Any) -> Any:
        seen.append(r.status)
        raise NotFound("after")

    for act in (lambda c, r: seen.append(r.status), raises, replaces):
        call, mode = spoken(hooks, act)
        app.hook(Stage.AFTER_HANDLER, mode)(call)
    call, mode = spoken(handler, dict)
    app.route("/", call, mode=mode)
    with app.client(door) as client:
        assert client.get("/").text == "404 after"
    assert seen == [200, 203, 404]


@pytest.mark.parametrize(("hooks", "handler"), PAIRS)
def test_teardown_is_told_of_the_exception_and_all_of_it_runs(
    app: App, door: str, hooks: str, handler: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Any] = []

    def fails(c: Any, exc: Any) -> None:
        told.append(exc)
        raise RuntimeError("in teardown")

    for act in (lambda c, exc: told.append(exc), fails, lambda c, exc: told.append(exc)):
        call, mode = spoken(hooks, act)
        app.hook(Stage.TEARDOWN, mode)(call)
    bug = KeyError("bug")

    def handle() -> None:
        raise bug

    call, mode = spoken(handler, handle)
    app.route("/", call, mode=mode)
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/").status_code == 500
    assert told == [bug, bug, bug]
    errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
    assert [repr(error) for error in errors] == ["KeyError('bug')", "RuntimeError('in teardown')"]


def test_teardown_is_told_nothing_of_an_exception_that_was_handled(app: App, door: str) -> None:
    told: list[Any] = []
    app.hook(Stage.TEARDOWN)(lambda c, exc: told.append(exc))
    app.on_error(KeyError)(lambda c, exc: reply(400))

    @app.route("/")
    def bug() -> None:
        raise KeyError

    with app.client(door) as client:
        assert client.get("/").status_code == 400
    assert told == [None]


def test_an_unhandled_exception_is_logged_with_its_route(app: App, door: str, caplog: pytest.LogCaptureFixture) -> None:
    @app.route("/bug/{id:int}")
    async def bug(id: int) -> None:
        raise LookupError(id)

    with app.client(door) as client, pytest.raises(LookupError, match="5"):
        client.get("/bug/5")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "unhandled LookupError in GET /bug/5 (GET /bug/{id:int})"


def test_a_late_change_that_fails_is_an_error_like_others(app: App, door: str) -> None:
    log: list[str] = []

    def fails(c: Any, r: Any) -> None:
        raise StatusError("no store")

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append("teardown"))

    @app.route("/", takes="c")
    async def handler(c: Any) -> Any:
        c.before_sending(fails)
        c.before_sending(lambda c, r: r.headers.add("x-late", str(r.status)))
        return {}

    with app.client(door) as client:
        answer = client.get("/")
    assert (answer.status_code, answer.headers["x-late"], log) == (500, "500", ["teardown"])
