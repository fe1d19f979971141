"""Answers that a thread makes alone: sent once, dropped when nobody waits, settled when one write is not enough."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest

import asteri
from asteri.exchange import Disconnected
from asteri.pending import Pending
from fenrir.core import threads
from fenrir.core.context import RequestContext
from fenrir.http.forms import Form
from fenrir.testing.exchange import MemoryExchange

from .neutral import App, reply

pytestmark = pytest.mark.timing
seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")


class Exchange(MemoryExchange):
    """Notes in which context it was answered."""

    context = ""

    def respond(self, *answer: Any) -> None:
        self.context = seen.get()
        super().respond(*answer)


async def started(app: App, exchange: MemoryExchange) -> Any:
    """Give a request to the application as a server does: outside of any task."""
    here = threads.home()
    assert here is not None and here.limiter is not None and here.token is not None  # they are found in tasks only
    doors = app.engine.__asteri__(1)
    assert doors is not None
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Any] = loop.create_future()
    loop.call_soon(lambda: found.set_result((doors.http(exchange),)), context=contextvars.Context())
    return (await found)[0]


async def ended(answer: Pending) -> BaseException | None:
    done = asyncio.get_running_loop().create_future()
    answer.add_done_callback(done.set_result)
    assert await asyncio.wait_for(done, 5) is answer
    return answer.exception()


def test_a_server_that_knows_it_needs_no_task(app: App) -> None:
    @app.route("/{name}")
    def handler(name: str) -> Any:
        seen.set(name)
        return {"thread": threading.current_thread() is not threading.main_thread()}

    async def main() -> None:
        before = len(asyncio.all_tasks())
        exchange = Exchange(path="/mine")
        answer = await started(app, exchange)
        assert isinstance(answer, Pending) and len(asyncio.all_tasks()) == before
        assert await ended(answer) is None
        assert (exchange.status, exchange.pieces) == (200, [b'{"thread": true}'])
        assert exchange.context == "mine"  # what a server logs of it belongs to the request
        assert seen.get() == "nothing"
        assert await ended(answer) is None  # whoever comes late is told at once
        await answer

    asyncio.run(main())


def test_an_answer_can_be_awaited_as_any_other(app: App, door: str) -> None:
    app.route("/", lambda: {"n": 1})
    with app.client(door) as client:
        assert client.get("/").json() == {"n": 1}


def test_what_is_cancelled_is_not_sent_and_frees_its_thread(app: App) -> None:
    go, over = threading.Event(), threading.Event()
    closed: list[bool] = []

    class Held(Form):
        def close(self) -> None:
            closed.append(over.is_set())

    @app.route("/", takes="c")
    def handler(c: RequestContext) -> Any:
        c.adopt_form(Held([], []))
        go.wait(5)
        over.set()
        return {}

    async def main() -> None:
        exchange = MemoryExchange()
        answer = await started(app, exchange)
        assert answer.cancel()
        go.set()
        assert isinstance(await ended(answer), asyncio.CancelledError)
        assert over.is_set() and exchange.status is None
        assert not answer.cancel()
        assert closed == [True]  # what the request held was released all the same

    asyncio.run(main())


def test_whoever_awaits_it_can_be_cancelled(app: App) -> None:
    go = threading.Event()

    @app.route("/")
    def handler() -> Any:
        go.wait(5)
        return {}

    async def main() -> None:
        exchange = MemoryExchange()
        answer = await started(app, exchange)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer, 0.01)
        go.set()
        assert exchange.status is None

    asyncio.run(main())


def test_a_cancelled_scope_waits_for_the_thread(app: App) -> None:
    over = threading.Event()

    @app.route("/")
    def handler() -> Any:
        threading.Event().wait(0.05)
        over.set()
        return {}

    async def main() -> None:
        answer = await started(app, MemoryExchange())
        with anyio.move_on_after(0.001) as scope:
            await answer
        assert scope.cancelled_caught and over.is_set()

    asyncio.run(main())


def test_background_and_streams_are_settled(app: App) -> None:
    log: list[str] = []

    async def background() -> None:
        await asyncio.sleep(0)
        log.append(f"background after {seen.get()}")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.sleep(0)
        yield b"b"

    @app.route("/background")
    def with_background() -> Any:
        seen.set("the handler")
        return reply(200, b"x", background=background)

    @app.route("/stream")
    def with_stream() -> Any:
        return reply(stream=pieces())

    async def main() -> None:
        exchange = MemoryExchange(path="/background")
        answer = await started(app, exchange)
        await answer
        assert exchange.pieces == [b"x"] and log == ["background after the handler"]
        exchange = MemoryExchange(path="/stream")
        answer = await started(app, exchange)
        await answer
        assert exchange.pieces == [b"a", b"b"] and exchange.complete

    asyncio.run(main())


def test_a_stream_is_cancelled_with_its_answer(app: App) -> None:
    closed: list[bool] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.sleep(60)
        finally:
            closed.append(True)

    app.route("/", lambda: reply(stream=pieces()))

    async def main() -> None:
        exchange = MemoryExchange()
        answer = await started(app, exchange)
        while not exchange.pieces:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert answer.cancel()
        assert isinstance(await ended(answer), asyncio.CancelledError)
        assert closed == [True] and not exchange.complete

    asyncio.run(main())


def test_an_answer_that_can_not_be_written_is_the_servers_business(app: App) -> None:
    app.route("/", lambda: reply(200, b"x"))

    class Broken(MemoryExchange):
        def respond(self, *answer: Any) -> None:
            raise Disconnected("gone")

    async def main() -> None:
        answer = await started(app, Broken())
        assert isinstance(await ended(answer), Disconnected)
        with pytest.raises(Disconnected):
            await answer

    asyncio.run(main())


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_a_program_ends_the_loop(app: App, error: BaseException) -> None:
    @app.route("/")
    def handler() -> Any:
        raise error

    async def main() -> None:
        answer = await started(app, MemoryExchange())
        await ended(answer)

    with pytest.raises(type(error)):
        asyncio.run(main())


def test_a_full_line_answers_503(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "THREADS", 1)
    monkeypatch.setattr(threads, "WAITING", 1)
    monkeypatch.setattr(threads, "_lanes", [threads._lane(0), threads._lane(1)])
    go = threading.Event()

    @app.route("/")
    def handler() -> Any:
        go.wait(5)
        return {}

    async def main() -> None:
        exchanges = [MemoryExchange() for _ in range(5)]
        answers = [await started(app, exchange) for exchange in exchanges]
        waiting = asyncio.gather(*answers)
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.wait_for(waiting, 5)
        assert {exchange.status for exchange in exchanges} == {200, 503}

    asyncio.run(main())


def test_anyios_limit_holds_outside_of_tasks(app: App) -> None:
    here = 0
    most = 0
    lock = threading.Lock()

    @app.route("/")
    def handler() -> Any:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        threading.Event().wait(0.01)
        with lock:
            here -= 1
        assert anyio.from_thread.run(asyncio.sleep, 0, "from the loop") == "from the loop"
        return {}

    async def main() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        exchanges = [MemoryExchange() for _ in range(6)]
        answers = [await started(app, exchange) for exchange in exchanges]
        await asyncio.wait_for(asyncio.gather(*answers), 5)
        assert [exchange.status for exchange in exchanges] == [200] * 6
        assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0

    asyncio.run(main())
    assert most == 2


def test_a_server_that_stops_cuts_it(app: App, caplog: pytest.LogCaptureFixture) -> None:
    go, inside = threading.Event(), threading.Event()

    @app.route("/")
    def handler() -> Any:
        inside.set()
        go.wait(5)
        return {}

    async def main() -> None:
        async with asteri.serve(app.engine, graceful_timeout=0.03) as server:
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            while not inside.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        go.set()

    asyncio.run(main())
    assert "1 connections and 1 requests cut" in caplog.text
