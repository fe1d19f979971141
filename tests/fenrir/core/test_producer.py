"""An iterable in a task of its own, on asyncio and on trio."""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from fenrir.core.producer import END, GONE, SILENCE, produce

pytestmark = [pytest.mark.parametrize("backend", ["asyncio", "trio"])]
LONG = 30.0


def run(backend: str, call: Any) -> Any:
    return anyio.run(call, backend=backend)


def test_items_come_in_order_and_then_the_end(backend: str) -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def main() -> list[Any]:
        producer = produce(items())
        found = [await producer.following(LONG) for _ in range(4)]
        await producer.close()
        return found

    assert run(backend, main) == [1, 2, END, END]


def test_silence_cancels_nothing(backend: str) -> None:
    async def main() -> None:
        ready = anyio.Event()

        async def items() -> AsyncIterator[int]:
            await ready.wait()
            yield 1

        producer = produce(items())
        assert await producer.following(0.001) is SILENCE
        assert await producer.following(0.001) is SILENCE
        ready.set()
        assert await producer.following(LONG) == 1
        await producer.close()

    run(backend, main)


def test_it_is_at_most_one_item_ahead(backend: str) -> None:
    made: list[int] = []

    async def items() -> AsyncIterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    async def main() -> None:
        producer = produce(items())
        assert await producer.following(LONG) == 0
        for _ in range(20):
            await anyio.lowlevel.checkpoint()
        assert len(made) <= 2
        await producer.close()

    run(backend, main)


def test_errors_arrive_where_items_do(backend: str) -> None:
    async def items() -> AsyncIterator[int]:
        yield 1
        raise LookupError("broken")

    async def main() -> None:
        producer = produce(items())
        assert await producer.following(LONG) == 1
        with pytest.raises(LookupError, match="broken"):
            await producer.following(LONG)
        await producer.close()

    run(backend, main)


def test_an_error_that_nobody_waits_for_is_no_noise(backend: str) -> None:
    async def items() -> AsyncIterator[int]:
        raise LookupError
        yield 1

    async def main() -> None:
        producer = produce(items())
        await anyio.sleep(0.01)
        await producer.close()

    run(backend, main)


def test_what_is_open_between_items_is_closed_in_its_own_task(backend: str) -> None:
    log: list[str] = []
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def items() -> AsyncIterator[str]:
        async with anyio.create_task_group():
            token = variable.set("mine")
            try:
                yield "first"
                yield variable.get()
                await anyio.sleep_forever()
            finally:
                variable.reset(token)  # refused in another context
                log.append("closed")

    async def main() -> None:
        producer = produce(items())
        assert await producer.following(LONG) == "first"
        assert await producer.following(LONG) == "mine"
        assert await producer.following(0.001) is SILENCE
        await producer.close()
        assert log == ["closed"]
        assert variable.get(None) is None

    run(backend, main)


def test_whoever_leaves_is_told_apart_from_silence(backend: str) -> None:
    async def main() -> None:
        left = anyio.Event()

        async def items() -> AsyncIterator[int]:
            await anyio.sleep_forever()
            yield 1

        producer = produce(items(), left.wait)
        assert await producer.following(0.001) is SILENCE
        left.set()
        assert await producer.following(LONG) is GONE
        await producer.close()

    run(backend, main)


def test_closing_waits_for_the_end_also_when_the_closer_is_cancelled(backend: str) -> None:
    log: list[str] = []

    async def items() -> AsyncIterator[int]:
        try:
            yield 1
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
            log.append("closed")

    async def main() -> None:
        producer = produce(items())
        assert await producer.following(LONG) == 1
        with anyio.CancelScope() as scope:
            scope.cancel()
            await producer.close()
        assert log == ["closed"]

    run(backend, main)
