"""The laws of an exchange, as `asteri.exchange` states them, on Asteri, over ASGI and in memory."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
from typing import Any

import pytest

from asteri.exchange import AnswerError, Disconnected

from ..asteri.serving import Peer
from .implementations import IMPLEMENTATIONS, serving

pytestmark = pytest.mark.parametrize("form", IMPLEMENTATIONS)
TEXT = ((b"Content-Type", b"text/plain"),)


@pytest.fixture
def connected(form: str) -> None:
    """The law is about connections, which an exchange in memory does not have."""
    if form == "memory":
        pytest.skip("no connection")


async def whole(x: Any) -> bytes:
    return x.buffered if x.buffered is not None else b"".join([piece async for piece in x])


def request(method: bytes = b"GET", path: bytes = b"/", body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"%b %b HTTP/%b\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (method, path, version, len(body), body)


def hold(
    form: str, app: Any, *requests: bytes, close: bool = False, **options: Any
) -> list[tuple[int, dict[str, str], bytes]]:
    """Serve the handler and return the answers to these requests on one connection."""

    async def main() -> list[tuple[int, dict[str, str], bytes]]:
        async with serving(form, app, **options) as server:
            peer = await server.connect()
            answers = []
            for data in requests:
                await peer.send(data)
                answers.append(await peer.answer(head_only=data.startswith(b"HEAD")))
            if close:
                assert await peer.rest() == b""
            return answers

    return asyncio.run(asyncio.wait_for(main(), 10))


def test_1_there_is_one_answer(form: str) -> None:
    refused: list[str] = []

    def again(x: Any) -> None:
        for name, second in (("respond", lambda: x.respond(200, TEXT, b"")), ("begin", lambda: x.begin(200, TEXT))):
            with pytest.raises(AnswerError):
                second()
            refused.append(name)

    async def streams(x: Any) -> None:
        sink = x.begin(200, TEXT)
        again(x)
        await sink.finish()
        again(x)
        for late in (sink.finish(), sink.write(b"x")):
            with pytest.raises(AnswerError):
                await late

    def app(x: Any) -> Any:
        if x.path == "/stream":
            return streams(x)
        x.respond(200, TEXT, b"one")
        again(x)
        with pytest.raises(AnswerError):
            x.inform(103, ())

    answers = hold(form, app, request(), request(path=b"/stream"), request())
    assert [(status, body) for status, _, body in answers] == [(200, b"one"), (200, b""), (200, b"one")]
    assert refused == ["respond", "begin"] * 4


@pytest.mark.usefixtures("connected")
def test_2_no_answer_is_a_logged_500(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def nothing(x: Any) -> None:
        await asyncio.sleep(0)

    answers = hold(form, lambda x: nothing(x) if x.path == "/async" else None, request(), request(path=b"/async"))
    assert [status for status, _, _ in answers] == [500, 500]
    assert len(caplog.records) == 2 and all(record.levelno == logging.ERROR for record in caplog.records)


def test_3_the_bytes_are_those_at_the_call(form: str) -> None:
    async def app(x: Any) -> None:
        data = bytearray(b"x" * 100_000)
        if x.path == "/stream":
            sink = x.begin(200, TEXT)
            await sink.write(data)
            data[:] = b"y" * 100_000
            await sink.write(memoryview(data))
            data[:] = b"z" * 100_000
            await sink.finish()
        else:
            x.respond(200, TEXT, data)
            data[:] = b"y" * 100_000

    whole, streamed = hold(form, app, request(), request(path=b"/stream"))
    assert whole[2] == b"x" * 100_000
    assert streamed[2] == b"x" * 100_000 + b"y" * 100_000


def test_4_head_204_and_304_have_no_body(form: str) -> None:
    async def app(x: Any) -> None:
        status = int(x.query or b"200")
        if x.path == "/stream":
            sink = x.begin(status, [(b"content-length", b"5"), *TEXT])
            await sink.write(b"hello")
            await sink.finish()
        elif x.path == "/length":
            x.respond(status, [(b"content-length", b"5"), *TEXT], b"")
        else:
            x.respond(status, TEXT, b"hello")

    answers = hold(
        form, app,
        request(b"HEAD"), request(b"HEAD", b"/stream"), request(b"HEAD", b"/length"),
        request(path=b"/?204"), request(path=b"/stream?204"), request(path=b"/length?304"), request(path=b"/?304"),
        request(),
    )  # fmt: skip
    assert [headers.get("content-length") for _, headers, _ in answers] == ["5", "5", "5", None, None, "5", None, "5"]
    assert all("transfer-encoding" not in headers for _, headers, _ in answers)
    assert answers[-1][2] == b"hello"


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"a\r\nb", b"c"), (b"a b", b"c"), (b"", b"c"), (b"a:", b"c"), (b"a", b"b\r\nc: d"), (b"a", b"b\nc"),
     (b"a", b"\0"), (b"a", b"b\rc"), (b"transfer-encoding", b"chunked"), (b"content-length", b"x"),
     (b"content-length", b"-1")],
)  # fmt: skip
def test_5_headers_can_not_split_a_response(form: str, name: bytes, value: bytes) -> None:
    async def app(x: Any) -> None:
        assert all(key == key.lower() for key, _ in x.headers.raw)
        for attempt in (x.begin, lambda status, headers: x.respond(status, headers, b"x")):
            for headers in ([(name, value)], ((name, value),)):
                with pytest.raises(ValueError):
                    attempt(200, headers)
        x.respond(200, TEXT, b"fine")

    ((status, _, body),) = hold(form, app, b"GET / HTTP/1.1\r\nHOST: a\r\nX-Upper: B\r\n\r\n")
    assert (status, body) == (200, b"fine")


@pytest.mark.parametrize("status", [0, 99, 100, 199, 1000])
def test_5_only_final_statuses_are_answers(form: str, status: int) -> None:
    def app(x: Any) -> None:
        with pytest.raises(ValueError):
            x.respond(status, TEXT, b"")
        with pytest.raises(ValueError):
            x.begin(status, TEXT)
        with pytest.raises(ValueError):
            x.inform(200, ())
        with pytest.raises(ValueError):
            x.inform(101, ())
        x.respond(200, TEXT, b"fine")

    assert hold(form, app, request())[0][0] == 200


@pytest.mark.usefixtures("connected")
def test_6_the_server_frames(form: str) -> None:
    async def app(x: Any) -> None:
        if x.path == "/respond":
            x.respond(200, TEXT, b"hello")
            return
        sink = x.begin(200, [(b"Content-Length", b"10")] if x.path == "/length" else [])
        await sink.write(b"hello")
        await sink.write(b"")
        await sink.write(b"world")
        await sink.finish([(b"X-Sum", b"1")] if x.path == "/trailers" else ())

    answers = hold(form, app, request(path=b"/respond"), request(path=b"/length"), request(path=b"/chunks"))
    assert answers[0][1]["content-length"] == "5"
    assert answers[1][1]["content-length"] == "10" and answers[1][2] == b"helloworld"
    assert answers[2][1]["transfer-encoding"] == "chunked" and answers[2][2] == b"helloworld"
    ((_, headers, body),) = hold(form, app, request(path=b"/chunks", version=b"1.0"), close=True)
    assert body == b"helloworld" and "transfer-encoding" not in headers and headers["connection"] == "close"


def test_6_a_wrong_length_is_refused(form: str) -> None:
    def app(x: Any) -> None:
        with pytest.raises(ValueError):
            x.respond(200, [(b"content-length", b"4")], b"hello")
        x.respond(200, [(b"content-length", b"5")], b"hello")

    assert hold(form, app, request())[0][2] == b"hello"


def test_6_a_longer_stream_is_cut_at_its_length(form: str) -> None:
    async def app(x: Any) -> None:
        sink = x.begin(200, [(b"content-length", b"5")])
        with pytest.raises(AnswerError):
            await sink.write(b"hello world")

    # An ASGI application can not have the connection closed.
    assert hold(form, app, request(), close=form != "asgi")[0][2] == b"hello"


def test_7_and_8_after_a_disconnect(form: str) -> None:
    seen: list[str] = []

    async def app(x: Any) -> None:
        sink = x.begin(200, TEXT)
        await sink.write(b"x")
        await x.disconnected()
        for call in (sink.write(b"y"), sink.finish(), x.read()):
            with pytest.raises(Disconnected):
                await call
            seen.append("raised")

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            await peer.until(b"x")
            peer.reset()
            await asyncio.sleep(0.03)

    asyncio.run(main())
    assert seen == ["raised"] * 3


@pytest.mark.parametrize("how", ["return", "raise", "abort", "short"])
def test_8_a_stream_without_finish_is_not_complete(form: str, how: str) -> None:
    async def app(x: Any) -> None:
        sink = x.begin(200, [(b"content-length", b"9")] if how == "short" else [])
        await sink.write(b"hello")
        if how == "raise":
            raise LookupError
        if how == "abort":
            sink.abort()
            with pytest.raises(Disconnected):
                await sink.write(b"x")
        if how == "short":
            with pytest.raises(AnswerError):
                await sink.finish()

    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        hold(form, app, request())


@pytest.mark.usefixtures("connected")
def test_9_pipelined_requests_share_nothing(form: str) -> None:
    async def slow(x: Any) -> None:
        assert x.app is None
        x.app = x.path
        if x.path == "/0":
            await asyncio.sleep(0.02)
        assert x.app == x.path
        x.respond(200, [(b"x-only-%b" % x.query, b"1")], await whole(x))

    async def main() -> None:
        async with serving(form, slow) as server:
            peer: Peer = await server.connect()
            await peer.send(b"".join(request(path=b"/%d?%d" % (n, n), body=b"%d" % n * n) for n in range(10)))
            for n in range(10):
                _, headers, body = await peer.answer()
                assert body == b"%d" % n * n
                assert [name for name in headers if name.startswith("x-only")] == [f"x-only-{n}"]

    asyncio.run(main())


@pytest.mark.usefixtures("connected")
def test_10_every_exchange_has_its_own_context(form: str) -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark")
    base = contextvars.copy_context()
    base.run(mark.set, "base")
    seen: list[str] = []

    async def waits(x: Any) -> None:
        seen.append(mark.get())
        token = mark.set("async")
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await asyncio.sleep(0)
        mark.reset(token)
        mark.set("async")
        x.respond(200, TEXT, b"")

    def app(x: Any) -> Any:
        if x.path == "/async":
            return waits(x)
        seen.append(mark.get())
        mark.set("sync")
        x.respond(200, TEXT, b"")

    hold(form, app, *([request(), request(path=b"/async")] * 3), base_context=base)
    assert seen == ["base"] * 6


@pytest.mark.usefixtures("connected")
def test_interim_responses_come_before_the_answer(form: str) -> None:
    async def app(x: Any) -> None:
        x.inform(103, [(b"link", b"</a.css>")])
        x.respond(200, TEXT, b"hello")

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            assert (await peer.ask(request()))[:2] == (103, {"link": "</a.css>"})
            assert (await peer.answer())[2] == b"hello"
            assert (await peer.ask(request(version=b"1.0")))[0] == 200  # RFC 9110 §15.2: not to HTTP/1.0

    asyncio.run(main())


def test_reading_in_pieces(form: str) -> None:
    pieces: list[bytes] = []
    limits = itertools.cycle([7, 3, 1, 50])

    async def app(x: Any) -> None:
        with pytest.raises(ValueError):
            await x.read(0)
        while piece := await x.read(limit := next(limits)):
            assert len(piece) <= limit
            pieces.append(piece)
        assert await x.read() == b""
        x.respond(200, TEXT, b"")
        await x.drain()

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.ask(request(b"POST", body=bytes(range(60))))
            assert b"".join(pieces) == bytes(range(60)) and len(pieces[0]) == 7
            pieces.clear()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(4):
                await peer.send(b"5\r\nhello\r\n")
                await asyncio.sleep(0.005)
            assert (await peer.ask(b"0\r\n\r\n"))[0] == 200
            assert b"".join(pieces) == b"hello" * 4

    asyncio.run(main())


@pytest.mark.usefixtures("connected")
def test_what_an_exchange_says(form: str) -> None:
    said: dict[str, Any] = {}

    async def app(x: Any) -> None:
        for name in ("method", "path", "raw_path", "query", "connection"):
            said[name] = getattr(x, name)
        said["body"] = await whole(x)
        x.respond(200, TEXT, b"")

    hold(form, app, request(b"PATCH", b"/a%2fb%C3%A4?c=%20", b"body"), root_path="/root")
    connection = said.pop("connection")
    assert said == {
        "method": "PATCH",
        "path": "/a/bä",
        "raw_path": b"/a%2fb%C3%A4",
        "query": b"c=%20",
        "body": b"body",
    }
    assert connection.scheme == "http" and connection.http_version == "1.1" and connection.root_path == "/root"
    assert connection.client[0] == connection.server[0] == "127.0.0.1"
