"""A WSGI application behind an exchange that lives in memory."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from wsgiref.validate import validator

import pytest

from asteri.exchange import AnswerError, Connection, Disconnected
from asteri.gateway.wsgi import wsgi_doors
from asteri.threads import Threads
from asteri.wsgi import FileWrapper, build_environ, wsgi_app

pytestmark = pytest.mark.timing


class MemoryHeaders:
    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self.raw = raw


class MemoryExchange:
    """One exchange: the request's body comes in pieces, the answer is kept as a list of events."""

    def __init__(
        self,
        method: str = "GET",
        path: str = "/",
        *,
        query: bytes = b"",
        headers: Sequence[tuple[bytes, bytes]] = ((b"host", b"localhost"),),
        pieces: Sequence[bytes] | None = None,
        connection: Connection | None = None,
        room: Callable[[], bool] = lambda: True,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = path.encode("utf-8", "surrogateescape")
        self.query = query
        self.headers = MemoryHeaders(headers)
        self.connection = connection or Connection(client=("127.0.0.1", 50000), server=("127.0.0.1", 8000))
        self.buffered = None if pieces is not None else b""
        self.app: Any = None
        self.events: list[Any] = []
        self.reads = 0
        self._pieces = list(pieces or ())
        self._room = room
        self._length: int | None = None

    async def read(self, limit: int = 65536) -> bytes:
        self.reads += 1
        await asyncio.sleep(0)
        if not self._pieces:
            return b""
        piece = self._pieces.pop(0)
        if piece == b"<gone>":
            raise Disconnected
        if len(piece) > limit:
            self._pieces.insert(0, piece[limit:])
        return piece[:limit]

    def respond(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        if self.events:
            raise AnswerError("answered twice")
        self.events.append(("respond", status, list(headers), body))

    def begin(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> MemoryExchange:
        if self.events:
            raise AnswerError("answered twice")
        self._length = next((int(value) for name, value in headers if name.lower() == b"content-length"), None)
        self.events.append(("begin", status, list(headers)))
        return self

    async def write(self, data: bytes) -> None:
        if not self._room():
            raise Disconnected
        self.events.append(data)

    async def finish(self, trailers: object = ()) -> None:
        sent = sum(len(event) for event in self.events if isinstance(event, bytes))
        if self._length is not None and self.method != "HEAD" and sent != self._length:
            raise AnswerError("shorter than its content-length")
        self.events.append("finish")

    def abort(self) -> None:
        self.events.append("abort")


def call(application: Any, exchange: Any, script_name: str = "") -> list[Any]:
    async def scenario() -> None:
        await wsgi_app(application)(exchange, script_name)

    asyncio.run(scenario())
    events: list[Any] = exchange.events
    return events


def plain(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", b"world"]


def test_a_list_is_one_write() -> None:
    assert call(plain, MemoryExchange()) == [("respond", 200, [(b"Content-Type", b"text/plain")], b"hello world")]


def joined(events: list[Any]) -> list[Any]:
    """Return events with neighbouring pieces of a body as one: how they are cut is the pump's business."""
    result: list[Any] = []
    for event in events:
        if isinstance(event, bytes) and result and isinstance(result[-1], bytes):
            result[-1] += event
        else:
            result.append(event)
    return result


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait in a thread until something is true."""
    for _ in range(5000):
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("it never was")


def test_a_generator_streams_and_its_head_leaves_with_the_first_piece() -> None:
    exchange = MemoryExchange()

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b""
        time.sleep(0.01)
        assert exchange.events == []
        yield b"a"
        wait_for(lambda: exchange.events == [("begin", 200, []), b"a"])
        yield b"b"

    assert call(application, exchange) == [("begin", 200, []), b"a", b"b", "finish"]


def test_the_application_is_a_bounded_way_ahead_of_the_peer() -> None:
    given: list[int] = []
    going: list[int] = []

    class Slow(MemoryExchange):
        async def write(self, data: bytes) -> None:
            if going:
                await asyncio.sleep(0.01)  # long enough for a thread to make everything
            going.append(sum(given))
            await super().write(data)

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        for _ in range(40):
            given.append(10_000)
            yield b"x" * 10_000

    exchange = Slow()
    events = joined(call(application, exchange))
    assert [len(event) for event in events if isinstance(event, bytes)] == [400_000]
    taken = 0
    for made, piece in zip(going, [event for event in exchange.events if isinstance(event, bytes)], strict=True):
        assert made - taken <= 65536 + 2 * 10_000
        taken += len(piece)


def test_one_piece_with_its_length_needs_no_stream_and_does_not_wait_for_close() -> None:
    exchange = MemoryExchange()
    answered = threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"abc"

        def close(self) -> None:
            assert answered.wait(5)

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [("content-length", "3")])
        return Body()

    async def scenario() -> None:
        serving = wsgi_app(application)(exchange)
        while not exchange.events:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        answered.set()
        await serving

    asyncio.run(scenario())
    assert exchange.events == [("respond", 200, [], b"abc")]


def test_the_validator_is_content() -> None:
    @validator
    def application(environ: Any, start_response: Any) -> Any:
        stream = environ["wsgi.input"]
        body = stream.readline() + stream.read(3) + b"".join(stream.readlines()) + b"".join(stream)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return iter([body])

    headers = [(b"content-type", b"text/plain"), (b"transfer-encoding", b"chunked"), (b"x-a", b"1"), (b"x-a", b"2")]
    events = call(application, MemoryExchange("POST", "/a", headers=headers, pieces=[b"one\ntw", b"o\nthree\n", b"."]))
    assert events[0][1] == 200
    assert events[0][3] == b"one\ntwo\nthree\n."


def test_the_body_is_read_on_demand() -> None:
    def lazy(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("204 No Content", [])
        return []

    exchange = MemoryExchange("POST", pieces=[b"x" * 10])
    assert call(lazy, exchange) == [("respond", 204, [], b"")]
    assert exchange.reads == 0


def test_environ() -> None:
    headers = [
        (b"host", b"example.org"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"3"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"accept", b"a/b"),
        (b"accept", b"c/d"),
        (b"proxy", b"http://evil"),
        (b"x_forwarded_for", b"forged"),
    ]
    connection = Connection(
        scheme="https", client=("10.0.0.1", 4242), server=("::1", 8443), http_version="1.1", root_path="/root"
    )
    exchange: Any = MemoryExchange("PUT", "/app/caf\xe9/\udcff", query=b"q=%20", headers=headers, connection=connection)
    environ = build_environ(exchange, None, "/app")  # type: ignore[arg-type]
    assert environ["SCRIPT_NAME"] == "/root/app"
    assert environ["PATH_INFO"] == "/caf\xc3\xa9/\xff"
    assert environ["QUERY_STRING"] == "q=%20"
    assert environ["REQUEST_METHOD"] == "PUT"
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("text/plain", "3")
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_ACCEPT"] == "a/b,c/d"
    assert not {"HTTP_PROXY", "HTTP_X_FORWARDED_FOR", "HTTP_CONTENT_LENGTH"} & environ.keys()
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("::1", "8443")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("10.0.0.1", "4242")
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"


def test_environ_of_a_unix_socket() -> None:
    exchange: Any = MemoryExchange(connection=Connection(server=("/run/a.sock", None)))
    environ = build_environ(exchange, None)  # type: ignore[arg-type]
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"], environ["REMOTE_ADDR"]) == ("localhost", "80", "")


@pytest.mark.parametrize("status", ["200", "2000 OK", "ok", "20 OK"])
def test_a_malformed_status_is_refused_unless_only_the_reason_is_missing(status: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [])
        return [b""]

    if status == "200":
        assert call(application, MemoryExchange())[0][1] == 200
    else:
        with pytest.raises(ValueError, match="WSGI status"):
            call(application, MemoryExchange())


def test_start_response_twice() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    with pytest.raises(RuntimeError, match="twice"):
        call(application, MemoryExchange())


def test_exc_info_replaces_what_was_not_sent() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        import sys

        start_response("200 OK", [("x-a", "1")])
        try:
            raise KeyError("a")
        except KeyError:
            start_response("500 Oops", [], sys.exc_info())
        yield b"error"

    assert call(application, MemoryExchange()) == [("begin", 500, []), b"error", "finish"]


def test_exc_info_is_raised_when_it_is_too_late() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        import sys

        start_response("200 OK", [])
        yield b"a"
        wait_for(lambda: b"a" in exchange.events)
        try:
            raise KeyError("too late")
        except KeyError:
            start_response("500 Oops", [], sys.exc_info())

    exchange = MemoryExchange()
    with pytest.raises(KeyError, match="too late"):
        call(application, exchange)
    assert exchange.events == [("begin", 200, []), b"a", "abort"]


def test_write() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        write(b"b")
        return [b"c"]

    assert joined(call(application, MemoryExchange())) == [("begin", 200, []), b"abc", "finish"]


def test_no_start_response_at_all() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        return [b"x"]

    with pytest.raises(RuntimeError, match="before it called start_response"):
        call(application, MemoryExchange())


class Closing:
    """An iterable that counts how often it is closed."""

    def __init__(self, pieces: Sequence[bytes | Exception]) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.closed += 1

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Closing:
        start_response("200 OK", [])
        return self


def test_close_after_an_error() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        wait_for(lambda: b"a" in exchange.events)
        raise KeyError("mine")

    body = Closing(pieces())  # type: ignore[arg-type]
    exchange = MemoryExchange()
    with pytest.raises(KeyError, match="mine"):
        call(body, exchange)
    assert body.closed == 1
    assert exchange.events[-1] == "abort"


def test_an_error_before_the_pump_has_begun_leaves_the_exchange_open_for_another_answer() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise KeyError("mine")

    exchange = MemoryExchange()

    async def scenario() -> None:
        with pytest.raises(KeyError, match="mine"):
            await wsgi_app(Closing(pieces()))(exchange)  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        assert exchange.events in ([], [("begin", 200, []), b"a", "abort"])  # it depends on who was faster

    asyncio.run(scenario())


def test_close_after_a_disconnect() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        wait_for(lambda: b"a" in exchange.events)
        while True:
            yield b"b"

    body = Closing(pieces())  # type: ignore[arg-type]
    exchange = MemoryExchange(room=lambda: len(exchange.events) < 2)
    assert call(body, exchange) == [("begin", 200, []), b"a", "abort"]
    assert body.closed == 1


def test_close_after_a_cancellation() -> None:
    closed, go_on = threading.Event(), threading.Event()

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            go_on.wait(5)
            yield b"b"

        def close(self) -> None:
            closed.set()

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [])
        return Body()

    async def scenario() -> list[Any]:
        exchange = MemoryExchange()
        task = asyncio.ensure_future(wsgi_app(application)(exchange))
        while b"a" not in exchange.events:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        assert await asyncio.to_thread(closed.wait, 5)
        return exchange.events

    assert asyncio.run(scenario()) == [("begin", 200, []), b"a", "abort"]


def test_a_call_that_is_cancelled_before_a_thread_has_time_is_not_made() -> None:
    block = threading.Event()
    called: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.append(environ["PATH_INFO"])
        assert block.wait(5)
        start_response("200 OK", [])
        return []

    async def scenario() -> None:
        app = wsgi_app(application, threads=1)
        first, second, third = (asyncio.ensure_future(app(MemoryExchange(path=path))) for path in ("/1", "/2", "/3"))
        await asyncio.sleep(0)  # a task that is cancelled before it has begun awaits nothing
        while not called:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        second.cancel()
        block.set()
        await asyncio.gather(first, third)

    asyncio.run(scenario())
    assert called == ["/1", "/3"]


def test_a_cancellation_while_the_rest_is_sent() -> None:
    class Stuck(MemoryExchange):
        async def write(self, data: bytes) -> None:
            await super().write(data)
            await asyncio.get_running_loop().create_future()

    body = Closing([b"a"])
    exchange = Stuck()

    async def scenario() -> None:
        serving = asyncio.ensure_future(wsgi_app(body)(exchange))
        while not body.closed:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert exchange.events == [("begin", 200, []), b"a", "abort"]


def test_a_body_that_is_never_complete() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    assert call(application, MemoryExchange("POST", pieces=[b"a", b"<gone>"])) == []


def test_stop_iteration_is_an_error_like_any_other() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        call(application, MemoryExchange())


def test_more_than_the_content_length_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        yield b"ab"
        yield b"cd"
        yield b"ef"

    events = call(application, MemoryExchange())
    assert joined(events)[1:] == [b"abc", "finish"]
    assert len(caplog.records) == 1
    assert "more than its Content-Length" in caplog.text


def test_less_than_the_content_length_is_an_error() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        return [b"ab"]

    exchange = MemoryExchange()
    with pytest.raises(AnswerError):
        call(application, exchange)
    assert exchange.events[-1] == "abort"


@pytest.mark.parametrize("length", [True, False])
def test_head(length: bool) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "7")] if length else [])
        return []

    events = call(application, MemoryExchange("HEAD"))
    # Without a content-length `respond` would claim that a GET has none; so the answer is framed like a stream's.
    expected: list[Any] = (
        [("respond", 200, [(b"content-length", b"7")], b"")] if length else [("begin", 200, []), "finish"]
    )
    assert events == expected


def test_hop_by_hop_headers_are_dropped() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("X-A", "\xe9")])
        return [b"x"]

    assert call(application, MemoryExchange())[0][2] == [(b"X-A", b"\xe9")]


def test_file_wrapper() -> None:
    closed: list[bool] = []

    class File:
        blocks = [b"", b"b", b"a"]  # noqa: RUF012

        def read(self, size: int) -> bytes:
            return self.blocks.pop()

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start_response: Any) -> FileWrapper:
        start_response("200 OK", [])
        wrapped: FileWrapper = environ["wsgi.file_wrapper"](File(), 10)
        return wrapped

    assert joined(call(application, MemoryExchange())) == [("begin", 200, []), b"ab", "finish"]
    assert closed == [True]


def test_context_is_the_callers_and_is_left_alone() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(variable.get())
        variable.set("changed")
        start_response("200 OK", [])
        return []

    async def scenario() -> str:
        variable.set("outer")
        await wsgi_app(application)(MemoryExchange())
        return variable.get()

    assert asyncio.run(scenario()) == "outer"
    assert seen == ["outer"]


@pytest.mark.parametrize("pieces", [[b"list"], (b"a", b"b"), (b"one",)])
@pytest.mark.parametrize("length", [True, False])
def test_the_exchange_is_spoken_to_in_the_callers_context(pieces: Sequence[bytes], length: bool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str | None] = []

    class Noting(MemoryExchange):
        def respond(self, *args: Any) -> None:
            seen.append(variable.get(None))
            super().respond(*args)

        def begin(self, *args: Any) -> MemoryExchange:
            seen.append(variable.get(None))
            return super().begin(*args)

        async def write(self, data: bytes) -> None:
            seen.append(variable.get(None))
            await super().write(data)

        async def finish(self, trailers: object = ()) -> None:
            seen.append(variable.get(None))
            await super().finish(trailers)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        variable.set("the thread's")
        start_response("200 OK", [("Content-Length", str(len(b"".join(pieces))))] if length else [])
        return pieces if isinstance(pieces, list) else iter(pieces)

    async def scenario() -> None:
        variable.set("the caller's")
        await wsgi_app(application)(Noting())

    asyncio.run(scenario())
    assert seen and set(seen) == {"the caller's"}


def test_the_gateway_refuses_a_websocket() -> None:
    answers: list[Any] = []

    class Handshake:
        async def reject(self, *answer: Any) -> None:
            answers.append(answer)

    channel: Any = Handshake()
    asyncio.run(wsgi_doors(plain, Threads(1, "wsgi")).websocket(channel))
    assert answers == [(501, (), b"")]
