"""Threads that are woken only when one waits."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from asteri import threads as module
from asteri.threads import Threads, completions

pytestmark = pytest.mark.timing


@pytest.fixture
def make() -> Iterator[Callable[[int], Threads]]:
    """Make threads, which end with the test."""
    made: list[Threads] = []

    def make(limit: int) -> Threads:
        made.append(Threads(limit, "test-threads"))
        return made[-1]

    yield make
    for threads in made:
        threads.close()
    for thread in alive():
        thread.join(5)
        assert not thread.is_alive()


def alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("test-threads")]


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 10))


async def call(threads: Threads, work: Callable[[], Any]) -> Any:
    """Make a call in a thread and return its result."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    home = completions()

    def made() -> None:
        result = work()
        threads.hand_over(home, lambda: future.set_result(result))

    threads.submit(made)
    return await future


def test_calls_are_made_in_threads_and_their_ends_on_the_loop(make: Callable[[int], Threads]) -> None:
    async def main() -> None:
        threads = make(1)
        ends: list[threading.Thread] = []
        done = asyncio.Event()

        def end() -> None:
            ends.append(threading.current_thread())
            done.set()

        name = await call(threads, lambda: threading.current_thread().name)
        assert name == "test-threads-1"
        home = completions()
        threads.submit(lambda: threads.hand_over(home, end))
        await done.wait()
        assert ends == [threading.current_thread()]

    run(main())


def test_calls_that_only_compute_take_one_thread_and_one_standby(make: Callable[[int], Threads]) -> None:
    async def main() -> None:
        threads = make(40)
        for _ in range(20):
            results = await asyncio.gather(*(call(threads, lambda number=number: number) for number in range(20)))
            assert results == [*range(20)]
        assert len(alive()) <= 8  # the interpreter may change threads at any time; 40 it would be with one a call

    run(main())


def test_calls_that_block_have_as_many_threads_as_there_may_be(make: Callable[[int], Threads]) -> None:
    barrier = threading.Barrier(5)

    async def main() -> None:
        threads = make(5)
        await asyncio.gather(*(call(threads, lambda: barrier.wait(5)) for _ in range(10)))
        assert len(alive()) == 5

    run(main())


def test_an_end_does_not_wait_for_a_call_that_blocks(make: Callable[[int], Threads]) -> None:
    block = threading.Event()

    async def main() -> None:
        threads = make(3)
        calls = [call(threads, work) for work in (bool, lambda: block.wait(5), bool, lambda: block.wait(5), bool)]
        tasks = [asyncio.ensure_future(one) for one in calls]
        done, _ = await asyncio.wait({tasks[0], tasks[2], tasks[4]}, timeout=2)
        assert len(done) == 3
        block.set()
        await asyncio.gather(*tasks)

    run(main())


def test_nothing_is_lost(make: Callable[[int], Threads]) -> None:
    choice = random.Random(7)

    async def caller(threads: Threads) -> None:
        for _ in range(100):
            pause = choice.choice((0.0, 0.0, 0.0001, 0.001))
            await call(threads, (lambda pause=pause: time.sleep(pause)) if pause else bool)  # type: ignore[misc]
            if choice.random() < 0.2:
                await asyncio.sleep(choice.random() * 0.002)

    async def main() -> None:
        threads = make(6)
        await asyncio.gather(*(caller(threads) for _ in range(30)))

    run(main())


def test_idle_threads_end_and_others_take_their_place(
    make: Callable[[int], Threads], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE", 0.01)

    async def main() -> None:
        threads = make(2)
        for _ in range(3):
            assert await call(threads, lambda: 1) == 1
            while alive():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    run(main())


def test_close_waits_for_nobody_and_loses_nothing(make: Callable[[int], Threads]) -> None:
    block, made = threading.Event(), threading.Event()

    async def main() -> None:
        threads = make(1)
        threads.submit(lambda: block.wait(5) and None)
        threads.submit(made.set)
        await asyncio.sleep(0.01)
        threads.close()
        block.set()
        assert await asyncio.to_thread(made.wait, 5)

    run(main())


def test_one_loop_after_the_other(make: Callable[[int], Threads]) -> None:
    threads = make(1)

    async def main() -> None:
        assert await call(threads, lambda: 1) == 1

    run(main())
    run(main())


def test_loops_in_several_threads_share_the_threads(make: Callable[[int], Threads]) -> None:
    threads = make(2)
    results: dict[int, list[int]] = {}

    async def main(mine: int) -> None:
        where = threading.get_ident()
        for number in range(200):
            result = await asyncio.wait_for(call(threads, lambda number=number: number * mine), 5)  # type: ignore[misc]
            assert threading.get_ident() == where
            results.setdefault(mine, []).append(result)

    loops = [threading.Thread(target=run, args=(main(mine),)) for mine in (1, 2, 3)]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    assert results == {mine: [number * mine for number in range(200)] for mine in (1, 2, 3)}


def test_a_system_without_threads_is_asked_again(
    make: Callable[[int], Threads], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start, refused = threading.Thread.start, [True]

    def refusing(self: threading.Thread) -> None:
        if self.name.startswith("test-threads") and refused[0]:
            refused[0] = False
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refusing)
    monkeypatch.setattr(module, "RETRY", 0.01)

    async def main() -> None:
        assert await call(make(2), lambda: 1) == 1

    run(main())
    assert "can't start new thread" in caplog.text
