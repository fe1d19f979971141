"""The wait of a task that goes on inside the call that ends it, on both forms and every loop."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from typing import Any

import pytest

from tests.asteri import serving
from tests.asteri.forms import family
from tests.asteri.serving import LOOPS, run

PLACE: contextvars.ContextVar[str] = contextvars.ContextVar("PLACE", default="-")
KINDS = [("compiled", loop) for loop in LOOPS] + [("interpreted", "asyncio")]


@pytest.fixture(autouse=True, params=KINDS, ids="-".join)
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run every test here on both forms and on every loop."""
    serving.current[0] = request.param[1]
    yield request.param[0]
    serving.current[0] = "asyncio"


def waiter(form: str) -> Any:
    return family(form)["waiter_cy"].Waiter(asyncio.get_running_loop())


async def outside(call: Any) -> Any:
    """Return what a call gives that is made where no task runs, as a transport makes it."""
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: done.set_result(call()))
    return await done


def test_goes_on_inside_the_call_and_in_its_own_context(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        seen: list[Any] = []

        async def task() -> None:
            PLACE.set("task")
            await wait
            seen.append((PLACE.get(), asyncio.current_task()))

        running = asyncio.create_task(task())
        await asyncio.sleep(0)
        assert not wait.done()

        def resume() -> tuple[bool, int, str]:
            return wait.resume(), len(seen), PLACE.get()

        assert await outside(resume) == (True, 1, "-")
        await running
        assert seen == [("task", running)]
        assert not await outside(wait.resume)

    run(scenario())


def test_waits_for_the_next_turn_while_another_task_runs(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        running = asyncio.ensure_future(awaited(wait))
        await asyncio.sleep(0)
        assert not wait.resume()
        wait.complete()
        assert wait.done()
        assert not running.done()
        await running
        assert not wait.reuse()

    run(scenario())


async def awaited(wait: Any) -> str:
    await wait
    return "over"


def test_is_used_again(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        turns: list[int] = []

        async def task() -> None:
            for turn in range(5):
                await wait
                turns.append(turn)
                assert wait.reuse()

        running = asyncio.create_task(task())
        await asyncio.sleep(0)
        for turn in range(5):
            assert await outside(lambda: (wait.resume(), len(turns))) == (True, turn + 1)
        await running

    run(scenario())


def test_ended_before_anybody_waits(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        assert not await outside(wait.resume)
        wait.complete()
        assert await awaited(wait) == "over"
        with pytest.raises(asyncio.InvalidStateError):
            waiter(form).result()

    run(scenario())


def test_cancellation(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        running = asyncio.create_task(awaited(wait))
        await asyncio.sleep(0)
        running.cancel("enough")
        assert wait.cancelled()
        assert not await outside(wait.resume)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not wait.cancel()

        wait = waiter(form)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(awaited(wait), 0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await waiter(form)
        async with asyncio.timeout(1):
            asyncio.get_running_loop().call_later(0.01, (wait := waiter(form)).complete)
            await wait

    run(scenario())


def test_one_task_waits(form: str) -> None:
    async def scenario() -> None:
        wait = waiter(form)
        first, second = asyncio.create_task(awaited(wait)), asyncio.create_task(awaited(wait))
        with pytest.raises(RuntimeError, match="waits already"):
            await second
        wait.complete()
        assert await first == "over"

    run(scenario())


def test_a_call_that_is_over_is_a_coroutine(form: str) -> None:
    async def scenario() -> None:
        over = family(form)["waiter_cy"].OVER
        assert await over is None
        assert await asyncio.create_task(over) is None
        assert await asyncio.gather(over, over) == [None, None]
        assert await asyncio.wait_for(over, 1) is None

    run(scenario())
