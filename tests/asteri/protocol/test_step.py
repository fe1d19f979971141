"""Coroutines that get a task only when they wait: no application can tell."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import sniffio

from ..forms import FORMS, family
from ..serving import run

WAYS = ("start_by_hand", "start_eagerly") if sys.version_info >= (3, 12) else ("start_by_hand",)
pytestmark = [
    pytest.mark.usefixtures("loop_kind"),
    pytest.mark.parametrize("form", [f"{form} {way}" for form in FORMS for way in WAYS]),
]
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="base")


class Owner:
    """Notes how coroutines end, and in which context."""

    def __init__(self) -> None:
        self.ends: list[tuple[object, BaseException | None, str]] = []

    def finished(self, exchange: object, error: BaseException | None) -> None:
        self.ends.append((exchange, error, variable.get()))


def begin(form: str, owner: Owner, coroutine: Any, exchange: object = "x") -> asyncio.Task[None] | None:
    """Start a coroutine as a connection does: from a callback of the loop, outside of any task."""
    loop = asyncio.get_running_loop()
    name, way = form.split()
    start = getattr(family(name)["step_cy"], "start" if asyncio.isfuture(coroutine) else way)
    task: asyncio.Task[None] | None = start(owner, exchange, coroutine, loop, contextvars.Context())
    return task


def started(form: str, make: Callable[[], Any]) -> tuple[Owner, asyncio.Task[None] | None]:
    """Run `make()` from a callback up to its first wait and then to its end."""
    owner = Owner()
    tasks: list[asyncio.Task[None] | None] = []
    failures: list[dict[str, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, report: failures.append(report))
        done = loop.create_future()
        before = asyncio.all_tasks()

        def callback() -> None:
            tasks.append(begin(form, owner, make()))
            done.set_result(None)

        loop.call_soon(callback)
        await done
        assert tasks
        if tasks[0] is not None:
            await asyncio.wait({tasks[0]}, timeout=2)
            assert tasks[0].done()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    run(main())
    assert failures == []
    return owner, tasks[0]


def test_what_does_not_wait_needs_no_task(form: str) -> None:
    async def handler() -> None:
        variable.set("own")

    owner, task = started(form, handler)
    assert task is None
    assert [(x, error) for x, error, _ in owner.ends] == [("x", None)]
    assert variable.get() == "base"


def test_one_context_from_the_first_step_to_the_last(form: str) -> None:
    seen: list[str] = []

    async def handler() -> None:
        token = variable.set("own")
        await asyncio.sleep(0)
        seen.append(variable.get())
        await asyncio.sleep(0.001)
        variable.reset(token)  # raises in another context
        seen.append(variable.get())
        variable.set("last")

    owner, task = started(form, handler)
    assert task is not None and task.exception() is None
    assert seen == ["own", "base"]
    assert owner.ends == [("x", None, "last")]


def test_the_first_step_knows_its_task(form: str) -> None:
    tasks: list[Any] = []
    names = weakref.WeakKeyDictionary[Any, int]()

    async def handler() -> None:
        tasks.append(asyncio.current_task())
        names[tasks[0]] = 1
        assert sniffio.current_async_library() == "asyncio"
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())
        assert asyncio.current_task() in names and asyncio.current_task() in asyncio.all_tasks()

    owner, task = started(form, handler)
    assert tasks == [task, task] and isinstance(task, asyncio.Task)
    assert owner.ends[0][1] is None


def test_questions_in_the_first_step_make_the_task(form: str) -> None:
    notes: list[Any] = []

    async def handler() -> None:
        task = asyncio.current_task()
        assert task is not None
        coroutine = task.get_coro()
        notes.append((task.done(), task.cancelled(), task.cancelling(), task.get_loop() is asyncio.get_running_loop()))
        notes.append(getattr(coroutine, "cr_running", None) is True or coroutine is not None)
        task.set_name("mine")
        task.add_done_callback(lambda done: notes.append((done.get_name(), done.result())))
        assert "mine" in repr(task)

    owner, task = started(form, handler)
    assert task is None or task.result() is None
    assert notes == [(False, False, 0, True), True, ("mine", None)]
    assert [error for _, error, _ in owner.ends] == [None]


async def _timeout() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)
    async with asyncio.timeout(5):
        await asyncio.sleep(0)


async def _timeout_that_is_over() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(-1):
            await asyncio.sleep(5)


async def _wait_for() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    assert await asyncio.wait_for(asyncio.sleep(0, "x"), 5) == "x"


async def _task_group() -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(asyncio.sleep(0.001, 1))
        two = group.create_task(asyncio.sleep(0, 2))
    assert (one.result(), two.result()) == (1, 2)


async def _failing_task_group() -> None:
    async def fail() -> None:
        raise KeyError

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.sleep(5)


async def _anyio() -> None:
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(5)
    assert scope.cancelled_caught
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)
        await anyio.lowlevel.checkpoint()
    event = anyio.Event()
    event.set()
    await event.wait()
    assert await anyio.to_thread.run_sync(lambda: 5) == 5


async def _anyio_cancelled_before_the_first_wait() -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await anyio.sleep(5)
    assert scope.cancelled_caught


async def _done_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_result(3)
    assert await future == 3
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(ValueError())
    with pytest.raises(ValueError):
        await failed


async def _failing_future() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, ValueError())
    with pytest.raises(ValueError):
        await future


async def _cancel_oneself_and_wait() -> None:
    task = asyncio.current_task()
    assert task is not None
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task.cancel("why")
    with pytest.raises(asyncio.CancelledError):
        await future
    assert future.cancelled()
    assert task.uncancel() == 0
    await asyncio.sleep(0)


async def _cancel_oneself_and_sleep() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)
    task.uncancel()


@pytest.mark.parametrize(
    "handler",
    [
        _timeout, _timeout_that_is_over, _wait_for, _task_group, _failing_task_group, _anyio,
        _anyio_cancelled_before_the_first_wait, _done_future, _failing_future, _cancel_oneself_and_wait,
        _cancel_oneself_and_sleep,
    ],
)  # fmt: skip
def test_what_asyncio_and_anyio_do_with_a_task(form: str, handler: Callable[[], Coroutine[Any, Any, None]]) -> None:
    owner, task = started(form, handler)
    assert task is None or task.exception() is None
    assert [error for _, error, _ in owner.ends] == [None]


@pytest.mark.parametrize("waits", [False, True])
def test_an_exception_is_the_owners(form: str, waits: bool) -> None:
    async def handler() -> None:
        variable.set("own")
        if waits:
            await asyncio.sleep(0)
        raise ValueError("mine")

    owner, task = started(form, handler)
    ((_, error, where),) = owner.ends
    assert isinstance(error, ValueError) and where == "own"
    assert task is None or (task.done() and task.exception() is None)


@pytest.mark.parametrize("waits", [False, True])
def test_a_cancelled_handler_ends_cancelled(form: str, waits: bool) -> None:
    async def handler() -> None:
        if waits:
            await asyncio.sleep(0)
        raise asyncio.CancelledError

    owner, task = started(form, handler)
    assert isinstance(owner.ends[0][1], asyncio.CancelledError) and len(owner.ends) == 1
    assert task is None or task.cancelled()


def test_cancellation_from_outside(form: str) -> None:
    owner = Owner()
    cleaned: list[str] = []

    async def handler() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            await asyncio.sleep(0)
            cleaned.append("up")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks: list[Any] = []
        loop.call_soon(lambda: tasks.append(begin(form, owner, handler())))
        await asyncio.sleep(0)
        tasks[0].cancel()  # before it has made a step as a task
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        loop.call_soon(lambda: tasks.append(begin(form, owner, handler())))
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert cleaned == ["up", "up"]

    run(main())
    assert [type(error) for _, error, _ in owner.ends] == [asyncio.CancelledError] * 2


@pytest.mark.parametrize("waits", [False, True])
def test_an_exit_leaves_the_loop(form: str, waits: bool) -> None:
    owner = Owner()

    async def handler() -> None:
        if waits:
            await asyncio.sleep(0)
        raise SystemExit(7)

    async def main() -> None:
        asyncio.get_running_loop().call_soon(begin, form, owner, handler())
        await asyncio.sleep(1)

    with pytest.raises(SystemExit):
        run(main())
    assert isinstance(owner.ends[0][1], SystemExit)
    owner.ends.clear()
    gc.collect()  # nobody has retrieved the task's exception: that is logged here, and not in whichever test is next


def test_any_awaitable_and_any_place(form: str) -> None:
    """Inside a task there is no second one to step in; what is no coroutine gets a task at once."""
    owner = Owner()

    async def handler() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        tasks = [begin(form, owner, handler(), "inside"), begin(form, owner, future, "future")]
        future.set_result(None)
        await asyncio.wait([task for task in tasks if task is not None])

    run(main())
    assert sorted(str(x) for x, error, _ in owner.ends if error is None) == ["future", "inside"]


def test_nothing_is_kept(form: str) -> None:
    """A finished request leaves no task, no context and no coroutine behind, without the collector's help."""

    class Thing:
        pass

    kept: list[weakref.ref[Thing]] = []

    async def handler(waits: bool) -> None:
        thing = Thing()
        kept.append(weakref.ref(thing))
        asyncio.current_task()
        if waits:
            await asyncio.sleep(0)

    async def main() -> None:
        owner = Owner()
        loop = asyncio.get_running_loop()
        for waits in (False, True):
            loop.call_soon(begin, form, owner, handler(waits))
            await asyncio.sleep(0.005)
        assert [reference() for reference in kept] == [None, None]

    run(main())


def test_a_future_needs_no_task(form: str) -> None:
    futures: list[asyncio.Future[None]] = []

    def ending(outcome: Callable[[asyncio.Future[None]], object]) -> Callable[[], asyncio.Future[None]]:
        def make() -> asyncio.Future[None]:
            futures.append(asyncio.get_running_loop().create_future())
            asyncio.get_running_loop().call_soon(outcome, futures[-1])
            return futures[-1]

        return make

    error = KeyError("mine")
    for outcome, kind in (
        (lambda future: future.set_result(None), type(None)),
        (lambda future: future.set_exception(error), KeyError),
        (lambda future: future.cancel(), asyncio.CancelledError),
    ):
        owner, task = started(form, ending(outcome))
        assert task is futures[-1]
        ((exchange, ended_with, _),) = owner.ends
        assert exchange == "x" and type(ended_with) is kind
