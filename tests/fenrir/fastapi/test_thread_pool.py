"""Blocking dependencies around blocking handlers, with fewer threads than requests and a pool behind them."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from asteri.threads import Threads
from fenrir.core import threads
from fenrir.fastapi import Depends, FastAPI
from fenrir.testing import AsyncClient
from tests.fenrir.fastapi.oracle import DOORS

CLIENTS = 100
POOL = 5


class Pool:
    """Connections, of which there are few; whoever wants one blocks its thread until one is free."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(POOL)
        self.lent = 0

    def __enter__(self) -> int:
        assert self._free.acquire(timeout=20), "no connection: the threads that hold them wait for threads"
        self.lent += 1
        return threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self.lent -= 1
        self._free.release()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("workers", [POOL, POOL + 2])
def test_a_pool_smaller_than_the_load_is_no_deadlock(door: Any, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """fastapi/fastapi#3205: enter, handler and exit were three visits to the thread pool, and the exits never came."""
    lanes = [Threads(workers, "test-0"), Threads(workers, "test-1")]
    monkeypatch.setattr(threads, "_lanes", lanes)
    pool = Pool()
    app = FastAPI()

    def connection() -> Iterator[int]:
        with pool as thread:
            yield thread
            assert threading.get_ident() == thread  # what a thread has opened it closes

    @app.get("/")
    def query(opened_by: int = Depends(connection)) -> bool:
        return threading.get_ident() == opened_by

    async def main() -> list[Any]:
        async with AsyncClient(app, door=door) as client, asyncio.timeout(30):
            return await asyncio.gather(*(client.get("/") for _ in range(CLIENTS)))

    answers = asyncio.run(main())
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, True)] * CLIENTS
    assert pool.lent == 0
    for lane in lanes:
        lane.close()


@pytest.mark.parametrize("door", DOORS)
def test_nor_is_it_with_an_awaiting_handler(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = [Threads(POOL, "test-0"), Threads(POOL, "test-1")]
    monkeypatch.setattr(threads, "_lanes", lanes)
    pool = Pool()
    app = FastAPI()

    def connection() -> Iterator[int]:
        with pool as thread:
            yield thread

    @app.get("/")
    async def query(opened_by: int = Depends(connection)) -> int:
        await asyncio.sleep(0)
        return 1

    async def main() -> list[Any]:
        async with AsyncClient(app, door=door) as client, asyncio.timeout(30):
            return await asyncio.gather(*(client.get("/") for _ in range(CLIENTS)))

    assert [answer.json() for answer in asyncio.run(main())] == [1] * CLIENTS
    assert pool.lent == 0
    for lane in lanes:
        lane.close()
