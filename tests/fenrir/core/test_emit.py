"""The text of every shape of plan, as files. `FENRIR_UPDATE_PLANS=1` writes them anew; read the difference then."""

from __future__ import annotations

import asyncio
import linecache
import os
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fenrir.core.binding import (
    HANDLER,
    Argument,
    Binding,
    BodyNeed,
    Fixed,
    FromNode,
    Gathered,
    Given,
    Node,
    PathValue,
)
from fenrir.core.declare import Mode, Route, Stage, source_of
from fenrir.core.errors import BadRequest
from fenrir.core.pattern import braces
from fenrir.testing import MemoryExchange

from .neutral import App, converters, dialect, manager, reply

PLANS = Path(__file__).parent / "plans"


async def awaited(*args: Any, **named: Any) -> Any:
    return {"args": len(args), "named": sorted(named)}


def blocking(*args: Any, **named: Any) -> Any:
    return {"args": len(args), "named": sorted(named)}


@contextmanager
def plain_manager() -> Iterator[int]:
    yield 1


@asynccontextmanager
async def async_manager() -> AsyncIterator[int]:
    yield 2


def hooks(app: App, *modes: Mode) -> None:
    for mode in modes:
        call = awaited_none if mode is Mode.LOOP else nothing
        for stage in (Stage.BEFORE_HANDLER, Stage.AFTER_HANDLER, Stage.TEARDOWN):
            app.hook(stage, mode)(call)


def nothing(*args: Any) -> None:
    """Do nothing."""


async def awaited_none(*args: Any) -> None:
    """Do nothing."""


async def wrap(c: Any, call_next: Any) -> Any:
    return await call_next()


GATHER: dict[str, Any] = {"gather": lambda c: ((1, 2), None), "invalid": lambda c, bad: BadRequest()}
PARTS: dict[str, Any] = {"gather_head": lambda c: ((1,), None), "gather_body": lambda c: ((2,), None)}
NODES = [manager(async_manager), manager(plain_manager), Node(blocking, Mode.THREAD), Node(nothing, Mode.INLINE)]


def loop_bare(app: App) -> None:
    app.route("/{id:int}", awaited)


def inline_bare(app: App) -> None:
    app.route("/{id:int}", blocking, mode=Mode.INLINE)


def thread_bare(app: App) -> None:
    app.route("/{id:int}", blocking)


def loop_hooks(app: App) -> None:
    hooks(app, Mode.LOOP, Mode.THREAD, Mode.INLINE)
    app.route("/", awaited)


def thread_hooks(app: App) -> None:
    hooks(app, Mode.LOOP, Mode.THREAD, Mode.INLINE)
    app.route("/", blocking)


def inline_hooks(app: App) -> None:
    app.hook(Stage.BEFORE_HANDLER, Mode.INLINE)(nothing)
    app.route("/", blocking, mode=Mode.INLINE)


def loop_nodes(app: App) -> None:
    app.route("/", awaited, nodes=NODES)


def thread_nodes(app: App) -> None:
    app.route("/", blocking, nodes=[Node(awaited, Mode.LOOP), *NODES[1:]])


def mixed_nodes(app: App) -> None:
    app.route("/", blocking, nodes=NODES)


def patient_loop(app: App) -> None:
    nodes = [Node(blocking, Mode.THREAD, needs=frozenset({0})), Node(awaited, Mode.LOOP, reads_body=True)]
    app.route("/", awaited, methods=["POST"], nodes=nodes, binding={**GATHER, **PARTS, "body": BodyNeed.BYTES})


def patient_thread(app: App) -> None:
    nodes = [Node(blocking, Mode.THREAD), manager(plain_manager)]
    app.route("/", blocking, methods=["POST"], nodes=nodes, binding={**GATHER, **PARTS, "body": BodyNeed.FORM})


def limited_nodes(app: App) -> None:
    nodes = [Node(awaited, Mode.LOOP, limit=places), replace(manager(plain_manager), limit=places)]
    app.route("/", blocking, nodes=nodes)


def places() -> Any:
    return asyncio.Semaphore(1)


def loop_early(app: App) -> None:
    app.route("/", awaited, nodes=[manager(async_manager), manager(plain_manager, early=True)])


def thread_early(app: App) -> None:
    app.route("/", blocking, nodes=[manager(plain_manager, early=True)])


def loop_gather(app: App) -> None:
    app.route("/", awaited, nodes=[Node(blocking, Mode.THREAD, needs=frozenset({0}))], binding=GATHER)


def thread_gather(app: App) -> None:
    hooks(app, Mode.LOOP)
    app.route("/", blocking, nodes=[Node(awaited, Mode.LOOP), Node(blocking, Mode.THREAD)], binding=GATHER)


def loop_body(app: App) -> None:
    app.route("/", awaited, methods=["POST"], binding={"body": BodyNeed.BYTES})


def thread_form(app: App) -> None:
    app.route("/", blocking, methods=["POST"], binding={"body": BodyNeed.FORM})


def loop_wrapped(app: App) -> None:
    app.hook(Stage.WRAP)(wrap)
    app.route("/", awaited)


def thread_wrapped(app: App) -> None:
    app.hook(Stage.WRAP)(wrap)
    app.hook(Stage.TEARDOWN)(nothing)
    app.route("/", blocking)


def shared_reply(app: App) -> None:
    app.route("/", awaited, binding={"shares_reply": True})


def channel(app: App) -> None:
    app.route("/", closes, nodes=[manager(async_manager), Node(blocking, Mode.THREAD)], methods=(), websocket=True)


async def closes(*_: Any) -> None:
    """Do nothing."""


SHAPES: list[Callable[[App], None]] = [
    loop_bare, inline_bare, thread_bare, loop_hooks, thread_hooks, inline_hooks, loop_nodes, thread_nodes, mixed_nodes,
    patient_loop, patient_thread, limited_nodes, loop_early, thread_early, loop_gather, thread_gather, loop_body,
    thread_form, loop_wrapped, thread_wrapped, shared_reply, channel,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_text_of_a_shape(shape: Callable[[App], None], app: App) -> None:
    shape(app)
    file = PLANS / f"{shape.__name__}.txt"
    (plan,) = app.engine.frozen.plans
    if os.environ.get("FENRIR_UPDATE_PLANS"):
        file.write_text(plan.text)
    assert plan.text == file.read_text(), f"the plan of {shape.__name__} has changed"


def test_every_file_belongs_to_a_shape() -> None:
    assert sorted(file.stem for file in PLANS.iterdir()) == sorted(shape.__name__ for shape in SHAPES)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s is not channel], ids=lambda shape: shape.__name__)
def test_every_shape_answers(shape: Callable[[App], None], app: App, door: str) -> None:
    shape(app)
    (plan,) = app.engine.frozen.plans
    (method,) = plan.route.methods or ()
    with app.client(door) as client:
        answer = client.request(method, plan.route.pattern.build(dict.fromkeys(plan.names, 5)))
    assert answer.status_code == 200
    assert answer.json() == {"args": len(plan.binding.nodes), "named": list(plan.names)}


def test_a_plan_without_await_needs_no_task(app: App) -> None:
    inline_hooks(app)
    app.route("/bug", lambda: {}["x"], mode=Mode.INLINE)

    async def main() -> None:
        app.on_error(KeyError)(lambda c, exc: reply(400))
        good, bad = MemoryExchange(), MemoryExchange(path="/bug")
        assert app.engine.http(good) is None and good.complete  # type: ignore[arg-type]
        serving = app.engine.http(bad)  # type: ignore[arg-type]
        assert serving is not None and bad.status is None
        await serving
        assert bad.status == 400

    asyncio.run(main())


def bound(app: App, handler: Callable[..., Any], *arguments: Argument, **binding: Any) -> None:
    pattern = braces("/{id:int}", converters)
    made = Binding(arguments=arguments, **binding)
    app.engine.add_route(
        Route(
            pattern, frozenset({"GET"}), handler, Mode.INLINE, None, dialect(), app.engine.scope, source_of(handler),
            lambda overrides: made,
        )
    )  # fmt: skip


def test_arguments_of_every_source(app: App, door: str) -> None:
    names = ["class", "a-b", "ä", "x"]
    bound(
        app,
        lambda *args, **named: {"args": list(args), "named": named},
        Argument(None, PathValue(0)),
        Argument(None, FromNode(0)),
        *(Argument(name, Fixed(name)) for name in names),
        Argument("path", Given(lambda c: c.exchange.path)),
        Argument("gathered", Gathered(1)),
        nodes=(Node(lambda value: value + 1, Mode.INLINE, (Argument("value", PathValue(0)),)),),
        **GATHER,
    )
    with app.client(door) as client:
        answer = client.get("/5").json()
    assert answer["args"] == [5, 6]
    assert answer["named"] == {**{name: name for name in names}, "path": "/5", "gathered": 2}


def test_text_of_users_never_becomes_program_text(app: App) -> None:
    evil = 'x=1); import os; os.system("echo'
    bound(app, lambda **named: named, Argument(evil, Fixed(evil)))
    (plan,) = app.engine.frozen.plans
    assert "echo" not in plan.text


def test_an_unknown_source_is_refused(app: App) -> None:
    bound(app, lambda x: x, Argument("x", 5))  # type: ignore[arg-type]
    app.engine.freeze()
    (plan,) = app.engine.frozen.plans
    with pytest.raises(TypeError, match="no such source"):
        plan.text  # noqa: B018 - it is written when somebody needs it


@pytest.mark.parametrize("mode", [Mode.LOOP, Mode.THREAD])
def test_invalid_values_end_the_request_after_the_dependencies_that_need_none(app: App, door: str, mode: Mode) -> None:
    called: list[str] = []
    nodes = [
        Node(lambda: called.append("bad"), Mode.INLINE, needs=frozenset({0})),
        Node(lambda: called.append("good"), Mode.INLINE, needs=frozenset({1})),
        Node(lambda: called.append("free"), Mode.INLINE),
    ]
    app.route(
        "/",
        awaited if mode is Mode.LOOP else blocking,
        nodes=nodes,
        binding={
            "gather": lambda c: ((), {0: ["wrong"], HANDLER: []}),
            "invalid": lambda c, bad: BadRequest(str(sorted(bad))),
        },
    )
    with app.client(door) as client:
        assert client.get("/").text == "400 [-1, 0]"
    assert called == ["good", "free"]


def test_tracebacks_show_the_plan(app: App, door: str) -> None:
    app.route("/x", lambda: {}["x"], mode=Mode.INLINE)
    with app.client(door) as client, pytest.raises(KeyError) as caught:
        client.get("/x")
    shown = "".join(traceback.format_exception(caught.value))
    assert "<fenrir plan GET /x · neutral · test_emit.py:" in shown
    assert "value = handler()" in shown
    assert any(name.startswith("<fenrir plan GET /x") for name in linecache.cache)


def test_routes_of_one_shape_share_their_code(app: App) -> None:
    app.route("/a", awaited)
    app.route("/b", awaited)
    first, second = app.engine.frozen.plans
    assert first.text == second.text
    assert first.run.__code__.co_code == second.run.__code__.co_code
    assert first.run.__code__.co_filename != second.run.__code__.co_filename
