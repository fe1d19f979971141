"""One scope around a request: its deadline and its client's leaving, over sockets, over ASGI and in memory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from fenrir.core.context import RequestContext
from fenrir.core.declare import DeclarationError, Hook, Mode, Source, Stage, checked_timeout
from fenrir.core.reply import Reply

from ...contract.implementations import IMPLEMENTATIONS, serving
from .neutral import App, manager, reply

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENCE = 10.0

pytestmark = pytest.mark.parametrize("form", IMPLEMENTATIONS)


class Log(list[str]):
    """What happened, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def note(self, text: str) -> None:
        self.append(text)
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in self:
                self._changed.clear()
                await self._changed.wait()

    def dependency(self, **options: Any) -> Any:
        """Return an async dependency that needs some time to be left."""

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[str]:
            try:
                yield "value"
            finally:
                await asyncio.sleep(0)
                self.note("left")

        return manager(opened, **options)

    async def forever(self, *_: Any) -> None:
        self.note("waits")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.note("cancelled")
            raise


def test_a_client_that_leaves_cancels_the_work(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app, log = App(), Log()
        app.hook(Stage.TEARDOWN, Mode.INLINE)(lambda c, error: log.note(f"teardown {type(error).__name__}"))
        app.route("/", log.forever, nodes=[log.dependency()], cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.reset()
            await log.until("teardown CancelledError")
        assert log == ["waits", "cancelled", "left", "teardown CancelledError"]

    with caplog.at_level(logging.INFO, "fenrir"):
        asyncio.run(main())
    assert [record.getMessage() for record in caplog.records] == ["GET / was cancelled: ClientLeft"]


def test_without_the_option_the_work_goes_on(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        async def handler(c: RequestContext, _: str) -> str:
            log.note("waits")
            await c.http.disconnected()
            await asyncio.sleep(0.01)
            log.note("done")
            return "done"

        app.engine.cancel_on_disconnect = True
        app.route("/", handler, takes="c", nodes=[log.dependency()], cancel_on_disconnect=False)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.reset()
            await log.until("left")
        assert log == ["waits", "done", "left"]

    asyncio.run(main())


def test_the_option_of_the_application_holds_for_its_routes(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()
        app.route("/", log.forever)
        app.engine.cancel_on_disconnect = True
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.reset()
            await log.until("cancelled")

    asyncio.run(main())


def test_the_first_reason_is_the_one(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()
        reasons: list[str] = []

        @contextlib.asynccontextmanager
        async def slow() -> AsyncIterator[str]:
            try:
                yield "value"
            finally:
                log.note("leaving")
                await asyncio.sleep(0.05)  # the other reason comes meanwhile
                log.note("left")

        async def handler(_: str) -> None:
            await log.forever()

        @app.on_error(499)
        @app.on_error(504)
        async def answer(c: RequestContext, exc: Exception) -> Reply:
            reasons.append(type(exc).__name__)
            log.note("answered")
            return reply(599)

        app.route("/late", handler, nodes=[manager(slow)], timeout=0.01, cancel_on_disconnect=True)
        app.route("/gone", handler, nodes=[manager(slow)], timeout=60, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            for path in (b"/late", b"/gone"):
                peer = await server.connect()
                await peer.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path)
                await log.until("leaving" if path == b"/late" else "waits")
                peer.reset()
                await log.until("answered")
                assert log == ["waits", "cancelled", "leaving", "left", "answered"]
                log.clear()
        assert reasons == ["DeadlineExceeded", "ClientLeft"]

    asyncio.run(main())


def test_a_deadline_is_answered_and_its_connection_goes_on(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()
        app.route("/slow", log.forever, nodes=[log.dependency()], timeout=0.01, cancel_on_disconnect=True)
        app.route("/", lambda: "quick", timeout=60, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            status, _, body = await peer.ask(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (status, body) == (504, b"504 Gateway Timeout")
            assert (await peer.ask(GET))[2] == b'"quick"'
        assert log == ["waits", "cancelled", "left"]

    asyncio.run(main())


def test_work_for_afterwards_belongs_to_nobody_who_could_leave(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()
        go = asyncio.Event()

        async def background() -> None:
            log.note("after")
            await go.wait()
            log.note("done")

        async def handler(_: str) -> Reply:
            await asyncio.sleep(0)
            return reply(200, b"answer", background=background)

        app.route("/", handler, nodes=[log.dependency()], cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("after")
            peer.reset()
            await asyncio.sleep(0.03)
            go.set()
            await log.until("left")
        assert log == ["after", "done", "left"]

    asyncio.run(main())


@pytest.mark.parametrize("reason", ["deadline", "client"])
def test_an_answer_that_is_cut_short_stays_incomplete(form: str, reason: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        async def pieces() -> AsyncIterator[bytes]:
            try:
                yield b"one"
                await log.forever()
            finally:
                log.note("closed")

        options = {"timeout": 0.2} if reason == "deadline" else {"cancel_on_disconnect": True}
        app.route("/", lambda _: reply(stream=pieces()), nodes=[log.dependency()], **options)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            if reason == "client":
                peer.reset()
            else:
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await peer.answer()
            await log.until("left")
        assert log == ["waits", "cancelled", "closed", "left"]

    asyncio.run(main())


@pytest.mark.parametrize("reason", ["deadline", "client"])
def test_a_thread_goes_on_and_ends_by_itself(form: str, reason: str) -> None:
    async def main() -> None:
        app, log = App(), Log()
        go = threading.Event()

        @contextlib.contextmanager
        def opened() -> Iterator[str]:
            thread = threading.get_ident()
            try:
                yield "value"
            finally:
                assert thread == threading.get_ident()
                log.note("left")

        def handler(_: str) -> str:
            log.note("waits")
            assert go.wait(PATIENCE)
            log.note("done")
            return "dropped"

        @app.on_error(499)
        @app.on_error(504)
        def answer(c: RequestContext, exc: Exception) -> Reply:
            log.note(type(exc).__name__)
            return reply(599)

        app.route("/", handler, nodes=[manager(opened)], timeout=60 if reason == "client" else 0.01,
                  cancel_on_disconnect=True)  # fmt: skip
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            if reason == "client":
                peer.reset()
                await log.until("ClientLeft")
            else:
                assert (await peer.answer())[0] == 599
            go.set()
            await log.until("left")
        # A thread that is long in coming begins after the deadline.
        assert sorted(log[:2]) == sorted(["waits", "ClientLeft" if reason == "client" else "DeadlineExceeded"])
        assert log[2:] == ["done", "left"]

    asyncio.run(main())


def test_the_body_is_read_while_the_client_is_watched(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        async def handler(c: RequestContext) -> str:
            log.note("begins")
            await asyncio.sleep(0.01)  # what has come meanwhile is not lost
            body = b"".join([piece async for piece in c.stream_body()])
            return f"{len(body)} {body[:1].decode()}{body[-1:].decode()}"

        app.route("/", handler, takes="c", methods=["POST"], stream=True, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\na" + b"x" * 299_998 + b"z")
            assert (await peer.answer())[2] == b'"300000 az"'

    asyncio.run(main())


def test_a_client_that_ends_its_half_has_left(form: str) -> None:
    if form == "memory":
        pytest.skip("no connection")

    async def main() -> None:
        app, log = App(), Log()
        app.route("/", log.forever, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.end()
            await log.until("cancelled")
            assert await peer.rest() == b""

    asyncio.run(main())


def test_a_client_may_leave_in_the_middle_of_its_body(form: str) -> None:
    if form == "memory":
        pytest.skip("its bodies are there as a whole")

    async def main() -> None:
        app, log = App(), Log()
        app.route("/", log.forever, methods=["POST"], stream=True, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
            await log.until("waits")
            peer.reset()
            await log.until("cancelled")

    asyncio.run(main())


def test_nobody_is_told_to_send_a_body_because_he_is_watched(form: str) -> None:
    if form == "memory":
        pytest.skip("no connection")

    async def main() -> None:
        app, log = App(), Log()

        async def refuse() -> Reply:
            await asyncio.sleep(0.01)
            return reply(403)

        app.route("/", refuse, methods=["POST"], stream=True, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
            assert (await peer.answer())[0] == 403  # and not 100
        assert log == []

    asyncio.run(main())


def test_hooks_around_see_the_status(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        @app.hook(Stage.WRAP)
        async def around(c: RequestContext, call_next: Any) -> Reply:
            made: Reply = await call_next()
            log.note(f"status {made.status}")
            return made

        app.route("/", log.forever, nodes=[log.dependency()], cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.reset()
            await log.until("status 499")
        assert log == ["waits", "cancelled", "left", "status 499"]

    asyncio.run(main())


def test_hooks_of_a_route_stand_inside_the_scope(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        async def around(c: RequestContext, call_next: Any) -> Reply:
            made: Reply = await call_next()
            await log.forever()
            return made

        hook = Hook(Stage.WRAP, around, Mode.LOOP, "neutral", Source("x.py", 1))
        app.route("/", lambda _: "x", nodes=[log.dependency()], cancel_on_disconnect=True, around=(hook,))
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            await peer.send(GET)
            await log.until("waits")
            peer.reset()
            await log.until("left")
        assert log == ["waits", "cancelled", "left"]

    asyncio.run(main())


def test_a_handler_that_ends_well_all_the_same_is_answered(form: str) -> None:
    async def main() -> None:
        app, log = App(), Log()

        async def stubborn() -> str:
            with contextlib.suppress(asyncio.CancelledError):
                await log.forever()
            return "done"

        app.route("/", stubborn, timeout=0.01, cancel_on_disconnect=True)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            assert (await peer.ask(GET))[::2] == (200, b'"done"')

    asyncio.run(main())


def test_a_dependency_that_can_not_be_left_is_reported(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app, log = App(), Log()

        @contextlib.asynccontextmanager
        async def broken() -> AsyncIterator[str]:
            try:
                yield "value"
            finally:
                raise KeyError("teardown")

        app.route("/", log.forever, nodes=[manager(broken)], timeout=0.01)
        async with serving(form, app.engine.http) as server:
            peer = await server.connect()
            assert (await peer.ask(GET))[0] == 504

    asyncio.run(main())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        "unhandled KeyError in GET / by teardown (GET /)"
    ]


def test_routes_without_the_options_know_nothing_of_it(form: str) -> None:
    app = App()
    app.route("/plain", lambda: "x")
    app.route("/scoped", lambda: "x", timeout=1)
    app.route("/watched", lambda: "x", cancel_on_disconnect=True)
    plain, timed, watched = app.engine.frozen.plans
    assert "scope" not in plain.text and "c.scope.send" in timed.text and "c.scope.send" in watched.text
    assert (plain.leaving, timed.leaving, watched.leaving) == (False, False, True)


@pytest.mark.parametrize("seconds", [0, -1, True, float("nan"), "5"])
def test_a_deadline_is_a_time(form: str, seconds: Any) -> None:
    with pytest.raises(DeclarationError, match=r"x\.py:3: timeout="):
        checked_timeout(seconds, Source("x.py", 3))
    assert checked_timeout(None, Source("", 0)) is None and checked_timeout(0.5, Source("", 0)) == 0.5
