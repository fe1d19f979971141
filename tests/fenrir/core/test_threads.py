"""Worker threads: nobody waits for a thread that is not coming, and one request keeps its thread."""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from fenrir.core import threads
from fenrir.core.declare import Mode, Stage
from fenrir.core.threads import Overloaded, in_worker, on_loop, to_thread
from fenrir.core.threads import hop as new_hop

from .neutral import App, manager

pytestmark = pytest.mark.timing


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes of their own, with two threads each."""
    monkeypatch.setattr(threads, "THREADS", 2)
    monkeypatch.setattr(threads, "_lanes", [threads._lane(0), threads._lane(1)])


async def limited(work: Any, seconds: float = 5) -> Any:
    async with asyncio.timeout(seconds):
        return await work


def test_a_call_runs_in_a_thread_with_the_context() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark")

    def work(a: int, *, b: int) -> Any:
        return a + b, mark.get(), threading.get_ident(), in_worker()

    async def main() -> None:
        mark.set("mine")
        total, seen, ident, inside = await to_thread(work, 1, b=2)
        assert (total, seen, inside) == (3, "mine", True)
        assert ident != threading.get_ident() and not in_worker()

    asyncio.run(main())


def test_exceptions_come_back() -> None:
    def fails() -> None:
        raise KeyError("x")

    async def main() -> None:
        with pytest.raises(KeyError):
            await to_thread(fails)
        with pytest.raises(RuntimeError, match="StopIteration") as caught:
            await to_thread(next, iter(()))
        assert isinstance(caught.value.__cause__, StopIteration)

    asyncio.run(main())


def test_on_loop_is_for_worker_threads() -> None:
    async def nothing() -> None:
        """Do nothing."""

    with pytest.raises(RuntimeError, match="worker threads"):
        on_loop(nothing())


def test_context_variables_come_back_from_the_loop() -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")

    async def sets() -> int:
        mark.set("set on the loop")
        return 5

    def work() -> Any:
        return on_loop(sets()), mark.get()

    async def main() -> None:
        assert await to_thread(work) == (5, "set on the loop")
        assert mark.get() == ""

    asyncio.run(main())


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_threads_that_wait_for_threads_do_not_stop_each_other(two: None, depth: int) -> None:
    def down(left: int) -> int:
        if not left:
            return 0
        time.sleep(0.001)
        return on_loop(to_thread(down, left - 1)) + 1

    async def main() -> None:
        results = await limited(asyncio.gather(*[to_thread(down, depth) for _ in range(8)]))
        assert results == [depth] * 8

    asyncio.run(main())


def test_a_waiting_call_finds_a_thread_while_another_blocks(two: None) -> None:
    """A thread that has taken a call but not yet begun it does not count as free."""

    async def main() -> None:
        await to_thread(int)  # one thread is there, and idle
        for _ in range(200):
            held = threading.Event()
            first = asyncio.ensure_future(to_thread(held.wait))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(to_thread(held.set))
            await limited(asyncio.gather(first, second), 2)

    asyncio.run(main())


def test_no_more_threads_than_allowed_and_no_lost_call(two: None) -> None:
    seen: set[int] = set()

    def work() -> None:
        seen.add(threading.get_ident())

    async def main() -> None:
        for size in (1, 3, 50, 2, 400):
            await limited(asyncio.gather(*[to_thread(work) for _ in range(size)]))

    asyncio.run(main())
    assert 1 <= len(seen) <= 2


def test_a_full_lane_refuses(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "WAITING", 3)
    held = threading.Event()

    async def main() -> None:
        running = [asyncio.ensure_future(to_thread(held.wait)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await to_thread(int)
        held.set()
        await limited(asyncio.gather(*running))
        assert await to_thread(int) == 0

    asyncio.run(main())


def test_a_system_without_threads_is_asked_again(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = threading.Thread.start, [True]

    def refusing(self: threading.Thread) -> None:
        if self.name.startswith("fenrir-") and refused[0]:
            refused[0] = False
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refusing)

    async def main() -> None:
        assert await limited(to_thread(int)) == 0

    asyncio.run(main())
    assert not refused[0]


def test_a_cancelled_caller_is_forgotten(two: None) -> None:
    held = threading.Event()

    async def main() -> None:
        task = asyncio.ensure_future(to_thread(held.wait))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        held.set()
        assert await limited(to_thread(int)) == 0

    asyncio.run(main())


def test_a_hop_whose_thread_ends_without_an_answer() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="without a response"):
            await limited(new_hop().run(lambda: None))

        def fails() -> None:
            raise KeyError("x")

        hop = new_hop()
        with pytest.raises(KeyError):
            await limited(hop.run(fails))
        with pytest.raises(KeyError):
            await limited(hop.finish(None))

    asyncio.run(main())


def test_a_cancelled_hop_lets_its_thread_go_on() -> None:
    told: list[Any] = []
    ended = threading.Event()
    started = threading.Event()

    async def main() -> None:
        hop = new_hop()

        def work() -> None:
            started.set()
            ended.wait(2)
            told.append(hop.deliver("late"))

        task = asyncio.ensure_future(hop.run(work))
        await to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ended.set()
        await limited(asyncio.wait([hop._job.future]))

    asyncio.run(main())
    assert isinstance(told[0], asyncio.CancelledError)


# ------------------------------------------------------------------ requests


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")  # refuses every other thread
    try:
        yield connection
        connection.execute("select 2")
    finally:
        connection.close()


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_one_blocking_request_keeps_one_thread(app: App, door: str, wrapped: bool, fails: bool) -> None:
    idents: dict[str, int] = {}

    def note(name: str) -> None:
        idents[name] = threading.get_ident()

    if wrapped:

        @app.hook(Stage.WRAP)
        async def wrap(c: Any, call_next: Any) -> Any:
            answer = await call_next()
            await to_thread(int)
            return answer

    app.hook(Stage.BEFORE_HANDLER)(lambda c: note("before"))
    app.hook(Stage.AFTER_HANDLER)(lambda c, r: note("after"))
    app.hook(Stage.TEARDOWN)(lambda c, exc: note("teardown"))
    app.on_error(KeyError)(lambda c, exc: note("error") or _bad(exc))

    @app.route("/", nodes=[manager(database)])
    def handler(connection: sqlite3.Connection) -> Any:
        note("handler")
        connection.execute("select 1")
        if fails:
            raise KeyError("x")
        return {}

    with app.client(door) as client:
        assert client.get("/").status_code == (400 if fails else 200)
    assert len(idents) == (5 if fails else 4) and len(set(idents.values())) == 1


def _bad(exc: Exception) -> Any:
    from .neutral import reply

    return reply(400)


def test_variables_of_an_async_dependency_reach_a_blocking_handler(app: App, door: str) -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")

    @asynccontextmanager
    async def sets(text: str) -> AsyncIterator[None]:
        mark.set(mark.get() + text)
        yield

    @contextmanager
    def blocking() -> Iterator[None]:
        mark.set(mark.get() + "b")
        yield

    from fenrir.core.binding import Argument, Fixed, Node, NodeKind

    nodes = [Node(sets, Mode.LOOP, (Argument(None, Fixed(text)),), NodeKind.ASYNC_CONTEXT) for text in ("a", "c")]

    @app.route("/", nodes=[nodes[0], manager(blocking), nodes[1]])
    def handler(*_: None) -> Any:
        return {"mark": mark.get()}

    with app.client(door) as client:
        assert client.get("/").json() == {"mark": "abc"}


def test_full_threads_with_dependencies_that_need_the_loop(app: App, door: str, two: None) -> None:
    closed: list[int] = []

    @asynccontextmanager
    async def pooled() -> AsyncIterator[int]:
        await to_thread(time.sleep, 0.001)
        yield 1
        await to_thread(time.sleep, 0.001)
        closed.append(1)

    @contextmanager
    def blocking() -> Iterator[int]:
        yield on_loop(to_thread(lambda: on_loop(to_thread(int))))
        closed.append(on_loop(to_thread(int)))

    @app.hook(Stage.AFTER_HANDLER)
    async def after(c: Any, r: Any) -> None:
        await to_thread(int)

    @app.route("/", nodes=[manager(blocking), manager(pooled), manager(blocking)])
    def handler(*_: int) -> Any:
        return {"n": on_loop(to_thread(int))}

    async def main() -> None:
        async with app.async_client(door) as client:
            answers = await limited(asyncio.gather(*[client.get("/") for _ in range(8)]))
            assert [answer.json() for answer in answers] == [{"n": 0}] * 8

    asyncio.run(main())
    assert sorted(closed) == [0] * 16 + [1] * 8


@pytest.mark.parametrize("hooks", [False, True])
def test_an_overloaded_application_says_503(
    app: App, door: str, two: None, hooks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "WAITING", 1)
    held = threading.Event()
    log: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        log.append("opened")
        try:
            yield
        finally:
            log.append("closed")

    @app.route("/", nodes=[manager(opened)] if hooks else ())
    def handler(*_: None) -> Any:
        held.wait(5)
        return {}

    if hooks:
        app.hook(Stage.AFTER_HANDLER)(lambda c, r: r.headers.add("x-after", "1"))
        app.hook(Stage.TEARDOWN)(lambda c, exc: log.append("teardown"))

    async def main() -> None:
        async with app.async_client(door) as client:
            running = [asyncio.ensure_future(client.get("/")) for _ in range(3)]
            await asyncio.sleep(0.03)
            refused = await limited(client.get("/"))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.headers.get("x-after") == ("1" if hooks else None)
            held.set()
            assert [a.status_code for a in await limited(asyncio.gather(*running))] == [200] * 3

    asyncio.run(main())
    assert log.count("opened") == log.count("closed") == log.count("teardown") == (4 if hooks else 0)


def test_without_asyncio_the_threads_are_those_of_anyio() -> None:
    trio = pytest.importorskip("trio")
    note: contextvars.ContextVar[str] = contextvars.ContextVar("note", default="")

    async def inner() -> str:
        note.set(note.get() + " inner")
        return await to_thread(lambda: threading.current_thread().name + note.get())

    def work(name: str) -> tuple[str, str, bool]:
        note.set(name)
        return on_loop(inner()), note.get(), threading.current_thread() is threading.main_thread()

    async def main() -> tuple[str, str, bool]:
        assert not in_worker()
        return await to_thread(work, "outer")

    nested, after, on_main = trio.run(main)
    assert nested.endswith("outer inner") and after == "outer inner" and not on_main
