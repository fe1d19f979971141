"""Sending: streams of both kinds, clients that leave, background work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from asteri.exchange import Disconnected
from fenrir.core.declare import Mode, Stage
from fenrir.core.reply import HasReply
from fenrir.http.headers import MutableHeaders
from fenrir.testing import MemoryExchange

from .neutral import App, reply

KINDS = ["sync", "async"]
Log = list[Any]


def stream(kind: str, log: Log, *pieces: Any) -> Any:
    """Return a generator of pieces; an exception among them is raised, a callable is called."""

    def plain() -> Iterator[bytes]:
        try:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                if callable(piece):
                    piece()
                else:
                    yield piece
        finally:
            log.append("closed")

    async def awaited() -> AsyncIterator[bytes]:
        inner = plain()
        try:
            for piece in inner:
                await asyncio.sleep(0)
                yield piece
        finally:
            inner.close()

    return plain() if kind == "sync" else awaited()


async def serve(app: App, exchange: MemoryExchange) -> None:
    async with asyncio.timeout(3):
        serving = app.engine.http(exchange)  # type: ignore[arg-type]
        if serving is not None:
            await serving


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_is_sent_and_closed(app: App, door: str, kind: str, method: str) -> None:
    log: Log = []

    @app.route("/")
    async def handler() -> Any:
        return reply(200, stream=stream(kind, log, b"a", b"", b"b"))

    with app.client(door) as client:
        answer = client.request(method, "/")
    assert answer.content == (b"ab" if method == "GET" else b"")
    assert log == (["closed"] if method == "GET" else [])  # a generator that never began has nothing to close


def test_an_iterable_is_closed_and_its_iterator_too(app: App, door: str) -> None:
    log: Log = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            try:
                yield b"a"
                yield b"b"
            finally:
                log.append("iterator")

        def close(self) -> None:
            log.append("iterable")

    app.route("/", lambda: reply(stream=Body()))
    app.route("/head", lambda: reply(204, stream=Body()))
    with app.client(door) as client:
        assert client.get("/").content == b"ab"
        assert log == ["iterator", "iterable"]
        assert client.get("/head").content == b""
        assert log == ["iterator", "iterable", "iterable"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_leaves_closes_the_stream(app: App, kind: str) -> None:
    log: Log = []
    exchange = MemoryExchange()
    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(type(exc)))
    app.route("/", lambda: reply(stream=stream(kind, log, b"a", exchange.disconnect, b"b", b"c")))

    asyncio.run(serve(app, exchange))
    assert exchange.pieces == [b"a"] and not exchange.complete
    assert log == ["closed", Disconnected]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_the_middle_leaves_the_answer_incomplete(app: App, kind: str) -> None:
    log: Log = []
    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(repr(exc)))
    app.route("/", lambda: reply(stream=stream(kind, log, b"a", KeyError("x"), b"b")))
    exchange = MemoryExchange()
    with pytest.raises(KeyError):
        asyncio.run(serve(app, exchange))
    assert exchange.pieces == [b"a"] and not exchange.complete
    assert log == ["closed", "KeyError('x')"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_client_does_not_take_it_for_complete(app: App, door: str, kind: str) -> None:
    app.route("/", lambda: reply(stream=stream(kind, [], b"a", KeyError("x"))))
    with app.client(door) as client, pytest.raises(KeyError):
        client.get("/")
    with app.client(door, raise_server_exceptions=False) as client, pytest.raises((KeyError, Disconnected)):
        client.get("/")


def test_cancelled_while_a_thread_is_in_the_stream(app: App) -> None:
    log: Log = []
    inside = threading.Event()
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        try:
            inside.set()
            go_on.wait(2)
            yield b"a"
        finally:
            log.append("closed")

    @app.route("/")
    async def handler() -> Any:
        return reply(stream=slow())

    async def main() -> None:
        task = asyncio.ensure_future(serve(app, MemoryExchange()))
        while not inside.is_set():  # noqa: ASYNC110 - a thread sets it
            await asyncio.sleep(0.001)
        task.cancel()
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert log == ["closed"]


@pytest.mark.parametrize("handler", KINDS)
def test_background_work_comes_after_sending(app: App, door: str, handler: str) -> None:
    log: Log = []

    async def work(name: str) -> None:
        await asyncio.sleep(0)
        log.append(name)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        log.append("sent")

    def handle(c: Any) -> Any:
        c.after_sending(lambda: work("second"))
        return reply(stream=pieces(), background=lambda: work("first"))

    async def awaited(c: Any) -> Any:
        return handle(c)

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append("teardown"))
    app.route("/", handle if handler == "sync" else awaited, takes="c")
    with app.client(door) as client:
        assert client.get("/").content == b"a"
    assert log == ["sent", "first", "second", "teardown"]


def test_background_work_that_fails_is_reported_and_the_rest_is_done(
    app: App, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    log: Log = []

    async def fails() -> None:
        raise KeyError("background")

    async def work() -> None:
        log.append("done")

    @app.route("/", takes="c")
    async def handler(c: Any) -> Any:
        c.after_sending(work)
        return reply(200, b"sent", background=fails)

    app.hook(Stage.TEARDOWN)(lambda c, exc: log.append(repr(exc)))
    with app.client(door, raise_server_exceptions=False) as client:
        assert client.get("/").text == "sent"
    assert log == ["done", "KeyError('background')"]
    assert [record.getMessage() for record in caplog.records] == [
        "unhandled KeyError in GET / by background work (GET /)"
    ]
    with app.client(door) as client, pytest.raises(KeyError):
        client.get("/")


def test_background_work_is_done_for_a_client_that_left(app: App) -> None:
    log: Log = []
    exchange = MemoryExchange()

    async def work() -> None:
        log.append("done")

    @app.route("/", takes="c")
    async def handler(c: Any) -> Any:
        c.after_sending(work)
        return reply(stream=stream("async", log, exchange.disconnect, b"a"))

    asyncio.run(serve(app, exchange))
    assert log == ["closed", "done"]


def test_a_reply_is_a_response_and_shows_its_status() -> None:
    made = reply(404)
    assert isinstance(made, HasReply) and made.__reply__() is made
    assert repr(made) == "<Reply 404>"
    assert made.headers == MutableHeaders()


@pytest.mark.parametrize("waits", ["before its first piece", "between two"])
def test_a_stream_that_waits_ends_when_the_client_leaves(app: App, waits: str) -> None:
    closed: list[str] = []

    async def main() -> None:
        waiting = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            try:
                if waits == "between two":
                    yield b"one"
                waiting.set()
                await asyncio.Event().wait()
                yield b"never"
            finally:
                closed.append("closed")

        app.route("/", pieces, mode=Mode.INLINE)
        doors = app.engine.__asteri__(1)
        assert doors is not None
        x = MemoryExchange("GET", "/")
        serving = asyncio.ensure_future(doors.http(x) or asyncio.sleep(0))
        await asyncio.wait_for(waiting.wait(), 5)
        assert not closed and not serving.done()
        x.disconnect()
        await asyncio.wait_for(asyncio.wait([serving]), 5)
        assert closed == ["closed"]

    asyncio.run(main())


def test_a_stream_that_ends_leaves_nobody_watching(app: App, door: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0)
        yield b"two"

    app.route("/", pieces, mode=Mode.INLINE)

    async def main() -> None:
        async with app.async_client(door) as client:
            before = len(asyncio.all_tasks())
            assert (await client.get("/")).content == b"onetwo"
            await asyncio.sleep(0.01)
            assert len(asyncio.all_tasks()) == before

    asyncio.run(main())
