"""Applications that use anyio: its threads' limit, `from_thread`, cancelled scopes, places; on asyncio and on trio."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from fenrir.fastapi import Depends, FastAPI
from fenrir.fastapi.params import Depends as Declared

BACKENDS = ("asyncio", "trio")
Ask = Callable[[], Awaitable[bytes]]


def asking(app: FastAPI, path: str = "/") -> Ask:
    """Return what sends one request over ASGI and returns the body of the answer."""

    async def ask() -> bytes:
        told: list[bytes] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            told.append(message.get("body", b""))

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": path,
            "root_path": "", "query_string": b"", "headers": [],
        }  # fmt: skip
        await app(scope, receive, send)
        return b"".join(told)

    return ask


@pytest.mark.parametrize("backend", BACKENDS)
def test_blocking_code_reaches_the_loop(backend: str) -> None:
    app = FastAPI()
    log: list[str] = []

    async def note(text: str) -> str:
        await anyio.lowlevel.checkpoint()
        log.append(text)
        return text

    def dependency() -> Iterator[str]:
        yield anyio.from_thread.run(note, "in")
        anyio.from_thread.run(note, "out")

    @app.get("/")
    def handler(d: str = Depends(dependency)) -> str:
        anyio.from_thread.check_cancelled()
        return d + anyio.from_thread.run(note, "handler")

    assert anyio.run(asking(app), backend=backend) == b'"inhandler"'
    assert log == ["in", "handler", "out"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_limit_of_threads_holds(backend: str) -> None:
    app = FastAPI()
    running: list[int] = []
    most: list[int] = []

    @app.get("/")
    def handler() -> None:
        running.append(1)
        most.append(len(running))
        anyio.from_thread.run(anyio.sleep, 0.01)
        running.pop()

    async def main() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(asking(app))

    anyio.run(main, backend=backend)
    assert len(most) == 6 and max(most) == 2


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("blocking", [False, True])
def test_a_cancelled_scope_waits_for_what_cleans_up(backend: str, blocking: bool) -> None:
    app = FastAPI()
    log: list[str] = []
    cancelled = anyio.CancelScope

    async def waits() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await anyio.sleep(0.01)
            log.append("cleaned up")

    def blocks() -> Iterator[None]:
        try:
            yield
        finally:
            anyio.from_thread.run(anyio.sleep, 0.01)
            log.append("cleaned up")

    @app.get("/")
    async def handler(d: None = Depends(blocks if blocking else waits)) -> None:
        scopes[0].cancel()
        await anyio.sleep(10)
        log.append("went on")

    scopes: list[Any] = []

    async def main() -> None:
        with cancelled() as scope:
            scopes.append(scope)
            await asking(app)()
        assert scope.cancelled_caught
        log.append("after")

    anyio.run(main, backend=backend)
    assert log == ["cleaned up", "after"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["async", "sync", "async yield", "sync yield"])
def test_places_are_few_and_given_back(backend: str, kind: str) -> None:
    app = FastAPI()
    inside: list[int] = []
    most: list[int] = []

    def enter() -> int:
        inside.append(1)
        most.append(len(inside))
        return 1

    async def awaited() -> int:
        enter()
        await anyio.sleep(0.005)
        return inside.pop()

    def blocking() -> int:
        enter()
        anyio.from_thread.run(anyio.sleep, 0.005)
        return inside.pop()

    async def yielding() -> AsyncIterator[int]:
        yield enter()
        inside.pop()

    def blocking_yielding() -> Iterator[int]:
        yield enter()
        inside.pop()

    calls = {"async": awaited, "sync": blocking, "async yield": yielding, "sync yield": blocking_yielding}
    declared: Declared = Depends(calls[kind], max_concurrency=2)

    @app.get("/")
    async def handler(n: int = declared) -> int:  # type: ignore[assignment]
        await anyio.sleep(0.005)
        return n

    async def main() -> int:
        async with anyio.create_task_group() as group:
            for _ in range(7):
                group.start_soon(asking(app))
        assert declared._concurrency is not None
        left: int = declared._concurrency.get_semaphore().value
        return left

    assert anyio.run(main, backend=backend) == 2
    assert len(most) == 7 and max(most) == 2 and not inside


def test_a_number_of_places_is_positive() -> None:
    for wrong in (0, -1, True, 1.5, "2"):
        with pytest.raises(ValueError, match="positive integer or None"):
            Depends(max_concurrency=wrong)  # type: ignore[arg-type]
