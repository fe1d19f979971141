"""Dependencies with an exit: what they see of exceptions, when they are left, and that they always are."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from fenrir.core.binding import Argument, FromNode, Node, NodeKind
from fenrir.core.declare import Mode, Stage
from fenrir.core.errors import NotFound
from fenrir.core.exits import Exits, SwallowedError
from fenrir.testing import MemoryExchange

from .neutral import App, manager, reply

pytestmark = pytest.mark.timing

KINDS = ["sync", "async"]
PAIRS = list(itertools.product(KINDS, KINDS))
Log = list[Any]


def opened(kind: str, log: Log, name: str = "", react: Callable[[BaseException], None] | None = None) -> Any:
    """Return a dependency that logs; `react` gets the exception that is thrown in, which is raised again after it."""

    @contextmanager
    def plain() -> Iterator[str]:
        log.append(f"enter {name}".strip())
        try:
            yield name
        except BaseException as exc:
            log.append(f"{name} saw {type(exc).__name__}".strip())
            if react is None:
                raise
            react(exc)
        finally:
            log.append(f"exit {name}".strip())

    @asynccontextmanager
    async def awaited() -> AsyncIterator[str]:
        with plain() as value:
            await asyncio.sleep(0)
            try:
                yield value
            finally:
                await asyncio.sleep(0)

    return plain if kind == "sync" else awaited


def handler_of(kind: str, act: Callable[..., Any]) -> Callable[..., Any]:
    if kind == "sync":
        return act

    async def handler(*args: Any) -> Any:
        return act(*args)

    return handler


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
def test_left_in_reverse_after_sending(app: App, door: str, kind: str, handler: str) -> None:
    log: Log = []
    sent: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        sent.append(len(log))
        yield b"b"

    nodes = [manager(opened(kind, log, name)) for name in "ab"]
    app.route("/", handler_of(handler, lambda a, b: pieces()), nodes=nodes)
    with app.client(door) as client:
        assert client.get("/").text == "ab"
    assert log == ["enter a", "enter b", "exit b", "exit a"] and sent == [2]


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
def test_an_early_one_is_left_before_sending(app: App, door: str, kind: str, handler: str) -> None:
    log: Log = []

    async def pieces() -> AsyncIterator[bytes]:
        log.append("streaming")
        yield b"a"

    nodes = [manager(opened(kind, log, "late")), manager(opened(kind, log, "early"), early=True)]
    app.route("/", handler_of(handler, lambda a, b: pieces()), nodes=nodes)
    with app.client(door) as client:
        assert client.get("/").text == "a"
    assert log == ["enter late", "enter early", "exit early", "streaming", "exit late"]


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
@pytest.mark.parametrize("early", [False, True])
def test_the_exception_is_thrown_in(app: App, door: str, kind: str, handler: str, early: bool) -> None:
    log: Log = []
    app.on_error(KeyError)(lambda c, exc: log.append("error handler") or reply(400))
    nodes = [manager(opened(kind, log, "a")), manager(opened(kind, log, "b"), early=early)]
    app.route("/", handler_of(handler, lambda a, b: {}["x"]), nodes=nodes)
    with app.client(door) as client:
        assert client.get("/").status_code == 400
    assert log == [
        "enter a", "enter b", "b saw KeyError", "exit b", "a saw KeyError", "exit a", "error handler"
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
def test_an_exception_may_be_replaced(app: App, door: str, kind: str, handler: str) -> None:
    log: Log = []

    def react(exc: BaseException) -> None:
        raise NotFound("replaced") from exc

    nodes = [manager(opened(kind, log, "a")), manager(opened(kind, log, "b", react))]
    app.route("/", handler_of(handler, lambda a, b: {}["x"]), nodes=nodes)
    with app.client(door) as client:
        assert client.get("/").text == "404 replaced"
    assert "a saw NotFound" in log


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
@pytest.mark.parametrize("early", [False, True])
def test_a_swallowed_exception_is_an_error(app: App, door: str, kind: str, handler: str, early: bool) -> None:
    log: Log = []
    swallowing = manager(opened(kind, log, "a", lambda exc: None), early=early)
    app.route("/", handler_of(handler, lambda a: {}["x"]), nodes=[swallowing])
    with app.client(door) as client, pytest.raises(SwallowedError, match="KeyError"):
        client.get("/")


@pytest.mark.parametrize(("kind", "handler"), PAIRS)
def test_an_exception_while_leaving_is_reported_and_the_others_are_left(
    app: App, door: str, kind: str, handler: str, caplog: pytest.LogCaptureFixture
) -> None:
    log: Log = []

    @contextmanager
    def fails() -> Iterator[None]:
        yield
        raise RuntimeError("while leaving")

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(repr(exc)))
    nodes = [manager(opened(kind, log, "a")), manager(fails)]
    app.route("/", handler_of(handler, lambda *_: {"sent": 1}), nodes=nodes)
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/").json() == {"sent": 1}
    assert log == ["enter a", "a saw RuntimeError", "exit a", "RuntimeError('while leaving')"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_cancelled_in_the_handler(app: App, kind: str, early: bool, wrapped: bool) -> None:
    log: Log = []
    if wrapped:

        @app.hook(Stage.WRAP)
        async def wrap(c: Any, call_next: Any) -> Any:
            return await call_next()

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(f"teardown {type(exc).__name__}"))

    @app.route("/", nodes=[manager(opened(kind, log), early=early)])
    async def handler(_: str) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            log.append("finally")

    asyncio.run(cancelled(app, log, "enter"))
    assert log == ["enter", "finally", "saw CancelledError", "exit", "teardown CancelledError"]


async def cancelled(app: App, log: Log, ready: str) -> None:
    """Serve a request, cancel it when the log says so, and wait for what it leaves in threads."""
    task = asyncio.ensure_future(app.engine.http(MemoryExchange()))  # type: ignore[arg-type]
    async with asyncio.timeout(3):
        while ready not in log:  # noqa: ASYNC110 - the log is written by threads as well
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(100):
            if any("exit" in line for line in log):
                break
            await asyncio.sleep(0.01)


def test_cancelled_before_the_thread_takes_over(app: App) -> None:
    log: Log = []

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        log.append("slow")
        await asyncio.sleep(5)
        yield

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(f"teardown {type(exc).__name__}"))
    app.route("/", lambda *_: log.append("handler"), nodes=[manager(opened("async", log)), manager(slow)])
    asyncio.run(cancelled(app, log, "slow"))
    assert log == ["enter", "slow", "saw CancelledError", "exit", "teardown CancelledError"]


def test_cancelled_while_a_thread_is_entering(app: App) -> None:
    log: Log = []
    go_on = threading.Event()

    @contextmanager
    def slow() -> Iterator[None]:
        log.append("entering")
        go_on.wait(2)
        yield
        log.append("exit")

    @app.route("/", nodes=[manager(slow)])
    async def handler(_: None) -> None:
        log.append("handler")

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        await cancelled(app, log, "entering")

    asyncio.run(main())
    assert log == ["entering", "exit"]


def test_an_inline_manager_stays_on_the_loop(app: App, door: str) -> None:
    idents: list[int] = []

    @contextmanager
    def inline() -> Iterator[None]:
        idents.append(threading.get_ident())
        yield
        idents.append(threading.get_ident())

    @app.route("/", nodes=[manager(inline, mode=Mode.INLINE)])
    async def handler(_: None) -> Any:
        idents.append(threading.get_ident())
        return {}

    with app.client(door) as client:
        client.get("/")
    assert len(idents) == 3 and len(set(idents)) == 1


def test_a_manager_of_both_kinds_is_left_as_it_was_entered(app: App, door: str) -> None:
    log: Log = []

    class Both:
        def __enter__(self) -> None:
            raise AssertionError

        def __exit__(self, *_: object) -> None:
            raise AssertionError

        async def __aenter__(self) -> None:
            log.append("in")

        async def __aexit__(self, *_: object) -> None:
            log.append("out")

    for path, handler in (("/a", "async"), ("/s", "sync")):
        app.route(path, handler_of(handler, lambda _: {}), nodes=[Node(Both, Mode.LOOP, kind=NodeKind.ASYNC_CONTEXT)])
    with app.client(door) as client:
        client.get("/a")
        client.get("/s")
    assert log == ["in", "out"] * 2


def test_a_dependency_is_shared_by_those_that_need_it(app: App, door: str) -> None:
    calls: Log = []

    def base() -> int:
        calls.append("base")
        return len(calls)

    async def twice(value: int) -> int:
        return 2 * value

    nodes = [
        Node(base, Mode.THREAD),
        Node(twice, Mode.LOOP, (Argument("value", FromNode(0)),)),
        Node(lambda a, b: a + b, Mode.INLINE, (Argument(None, FromNode(0)), Argument(None, FromNode(1)))),
    ]
    app.route("/s", lambda a, b, c: [a, b, c], nodes=nodes)
    app.route("/a", handler_of("async", lambda a, b, c: [a, b, c]), nodes=nodes)
    with app.client(door) as client:
        assert client.get("/s").json() == [1, 2, 3]
        assert client.get("/a").json() == [2, 4, 6]


def test_what_is_entered_after_the_end_is_left_at_once() -> None:
    log: Log = []
    exits = Exits()
    assert exits.close(None) is None
    exits.enter(opened("sync", log, "a")())
    assert log == ["enter a", "exit a"]
