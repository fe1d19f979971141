"""Cancelled requests over ASGI on asyncio and on trio, and reading ahead for the news that the client has left."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from fenrir.core.cancellation import ClientLeft, DeadlineExceeded, cancel_scope
from fenrir.core.context import RequestContext
from fenrir.core.declare import Stage
from fenrir.core.doors.asgi_inbox import AHEAD, Inbox
from fenrir.core.reply import Reply

from .neutral import App, manager, reply

pytestmark = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class Server:
    """Calls an application as an ASGI server does."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.sent: list[Any] = []
        self.left = anyio.Event()
        self.body: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}]
        self.calls = 0

    async def receive(self) -> Any:
        assert self.calls == 0, "two callers at once"
        self.calls += 1
        try:
            await anyio.lowlevel.checkpoint()
            if self.body:
                return self.body.pop(0)
            await self.left.wait()
            return {"type": "http.disconnect"}
        finally:
            self.calls -= 1

    async def send(self, message: Any) -> None:
        if self.left.is_set():
            raise OSError("the client left")
        self.sent.append(message)

    async def ask(self, path: str = "/", headers: Any = ()) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": "GET",
            "path": path, "root_path": "", "query_string": b"", "headers": list(headers), "scheme": "http",
        }  # fmt: skip
        await self.app.engine(scope, self.receive, self.send)

    @property
    def status(self) -> int | None:
        return next((message["status"] for message in self.sent if message["type"] == "http.response.start"), None)


def waiting(log: list[str], waits: Callable[[], None]) -> Any:
    async def handler(*_: Any) -> None:
        log.append("waits")
        waits()
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            log.append("cancelled")
            raise

    return handler


def dependency(log: list[str]) -> Any:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        try:
            yield "value"
        finally:
            await anyio.lowlevel.checkpoint()
            log.append("left")

    return manager(opened)


def test_the_client_leaves(backend: str) -> None:
    async def main() -> None:
        app = App()
        log: list[str] = []
        server = Server(app)

        @app.on_error(499)
        async def answer(c: RequestContext, exc: Exception) -> Reply:
            await anyio.lowlevel.checkpoint()  # it is not cancelled itself
            log.append(type(exc).__name__)
            return reply(599)

        @app.hook(Stage.TEARDOWN)
        async def after(c: RequestContext, error: Any) -> None:
            log.append("teardown")

        app.route("/", waiting(log, server.left.set), nodes=[dependency(log)], cancel_on_disconnect=True, timeout=60)
        with anyio.fail_after(10):
            await server.ask()
        assert log == ["waits", "cancelled", "left", "teardown", "ClientLeft"] and server.sent == []

    anyio.run(main, backend=backend)


def test_the_deadline_passes(backend: str) -> None:
    async def main() -> None:
        app = App()
        log: list[str] = []
        server = Server(app)
        app.route("/", waiting(log, lambda: None), nodes=[dependency(log)], cancel_on_disconnect=True, timeout=0.01)
        with anyio.fail_after(10):
            await server.ask()
        assert log == ["waits", "cancelled", "left"] and server.status == 504

    anyio.run(main, backend=backend)


def test_an_answer_in_time(backend: str) -> None:
    async def main() -> None:
        app = App()
        log: list[str] = []
        server = Server(app)

        async def background() -> None:
            server.left.set()
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            log.append("background")

        async def handler(c: RequestContext, _: str) -> Reply:
            body = b"".join([piece async for piece in c.stream_body()])
            return reply(200, body, background=background)

        server.body = [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": False},
        ]
        app.route("/", handler, takes="c", nodes=[dependency(log)], stream=True, cancel_on_disconnect=True, timeout=60)
        with anyio.fail_after(10):
            await server.ask(headers=[(b"content-length", b"2")])
        assert server.status == 200 and server.sent[1]["body"] == b"ab"
        assert log == ["background", "left"]

    anyio.run(main, backend=backend)


def test_a_blocking_handler_is_not_waited_for_in_vain(backend: str) -> None:
    async def main() -> None:
        app = App()
        log: list[str] = []
        server = Server(app)

        ended = anyio.Event()

        @contextlib.contextmanager
        def opened() -> Any:
            try:
                yield "value"
            finally:
                log.append("left")
                anyio.from_thread.run_sync(ended.set)

        def handler(_: str) -> str:
            anyio.from_thread.run_sync(server.left.set)
            return "dropped"

        app.route("/", handler, nodes=[manager(opened)], cancel_on_disconnect=True)
        with anyio.fail_after(10):
            await server.ask()
            await ended.wait()
        assert log == ["left"]

    anyio.run(main, backend=backend)


def test_a_scope_has_one_reason(backend: str) -> None:
    async def main() -> None:
        left = anyio.Event()

        async def leave() -> None:
            left.set()
            await anyio.sleep_forever()

        scope = cancel_scope(60, left.wait, left.is_set)
        assert await scope.run(leave()) is None
        assert type(scope.reason) is ClientLeft
        scope = cancel_scope(0.01, left.wait, lambda: False)  # an exchange that is only over
        assert await scope.run(leave()) is None
        assert type(scope.reason) is DeadlineExceeded

        async def end() -> str:
            scope.close()
            await anyio.sleep(0.03)
            return "result"

        for seconds in (0.01, float("inf"), None):
            scope = cancel_scope(seconds, left.wait, left.is_set)
            assert await scope.run(end()) == "result" and scope.reason is None

        async def fail() -> None:
            raise KeyError

        scope = cancel_scope(60, left.wait, left.is_set)
        with pytest.raises(KeyError):
            await scope.run(fail())
        assert scope.reason is None

        async def own() -> None:
            raise TimeoutError

        scope = cancel_scope(60, None, left.is_set)
        with pytest.raises(TimeoutError):
            await scope.run(own())

    anyio.run(main, backend=backend)


def test_a_watcher_that_fails_is_no_reason(backend: str) -> None:
    async def main() -> None:
        async def fail() -> None:
            raise RuntimeError("this server does not tell")

        async def work() -> str:
            await anyio.sleep(0.01)
            return "done"

        scope = cancel_scope(None, fail, lambda: True)
        assert await scope.run(work()) == "done" and scope.reason is None

    anyio.run(main, backend=backend)


def message(body: bytes, more: bool = True) -> Any:
    return {"type": "http.request", "body": body, "more_body": more}


def test_an_inbox_reads_ahead_a_little(backend: str) -> None:
    async def main() -> None:
        given = [message(b"x" * (AHEAD - 1)), message(b"y" * 2), message(b"z", more=False), {"type": "http.disconnect"}]
        expected = list(given)

        async def receive() -> Any:
            await anyio.lowlevel.checkpoint()
            return given.pop(0)

        inbox = Inbox(receive, asked=True)
        async with anyio.create_task_group() as group:
            group.start_soon(inbox.watch)
            group.start_soon(inbox.watch)  # they do not disturb each other
            await anyio.wait_all_tasks_blocked()
            assert len(given) == 2 and inbox.holds and not inbox.left
            taken = [await inbox.receive() for _ in range(3)]
            await anyio.wait_all_tasks_blocked()
            assert inbox.left and not inbox.holds
        taken += [await inbox.receive(), await inbox.receive()]
        assert taken == [*expected, expected[-1]]

    anyio.run(main, backend=backend)


def test_an_inbox_does_not_ask_for_a_body_before_the_application(backend: str) -> None:
    async def main() -> None:
        given = [message(b"x", more=False), {"type": "http.disconnect"}]

        async def receive() -> Any:
            await anyio.lowlevel.checkpoint()
            return given.pop(0)

        inbox = Inbox(receive, asked=False)
        async with anyio.create_task_group() as group:
            group.start_soon(inbox.watch)
            await anyio.wait_all_tasks_blocked()
            assert len(given) == 2
            assert (await inbox.receive())["body"] == b"x"

    anyio.run(main, backend=backend)


def test_an_inbox_is_not_led_on_by_a_caller_that_repeats_itself(backend: str) -> None:
    async def main() -> None:
        async def receive() -> Any:
            return message(b"", more=False)  # at once, again and again

        inbox = Inbox(receive, asked=True)
        async with anyio.create_task_group() as group:
            group.start_soon(inbox.watch)
            await anyio.wait_all_tasks_blocked()
            assert not inbox.left
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)


def test_an_inbox_hands_on_what_its_server_raises(backend: str) -> None:
    async def main() -> None:
        async def receive() -> Any:
            await anyio.lowlevel.checkpoint()
            raise OverflowError("too much")

        inbox = Inbox(receive, asked=True)
        raised: list[str] = []

        async def watch() -> None:
            try:
                await inbox.watch()
            except OverflowError:
                raised.append("watcher")

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            group.start_soon(watch)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(OverflowError):
                await inbox.receive()
        assert raised == ["watcher"] * 2

    anyio.run(main, backend=backend)
