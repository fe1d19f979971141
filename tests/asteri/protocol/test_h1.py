"""An HTTP/1 connection over a real socket: order, keep-alive, framing, errors, ends."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import socket
from typing import Any

import pytest

from asteri.exchange import Disconnected
from asteri.wire.limits import Limits

from ..forms import FORMS
from ..serving import run, serving

pytestmark = [pytest.mark.parametrize("form", FORMS), pytest.mark.usefixtures("loop_kind"), pytest.mark.timing]
TEXT = ((b"content-type", b"text/plain"),)


def get(path: bytes = b"/", *lines: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(body: bytes, *lines: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%b\r\n%b" % (
        len(body), b"".join(line + b"\r\n" for line in lines), body)  # fmt: skip


def echo_path(x: Any) -> None:
    x.respond(200, TEXT, x.path.encode())


async def echo_body(x: Any) -> None:
    body = b""
    async for piece in x:
        body += piece
    x.respond(200, TEXT, body)


def test_keep_alive_and_pipelining_in_order(form: str) -> None:
    delays = {"/0": 0.02, "/3": 0.01}

    async def slow(x: Any) -> None:
        await asyncio.sleep(delays.get(x.path, 0))
        echo_path(x)

    async def main() -> None:
        async with serving(form, lambda x: slow(x) if x.path in delays else echo_path(x)) as server:
            peer = await server.connect()
            await peer.send(b"".join(get(b"/%d" % number) for number in range(1000)))
            for number in range(1000):
                status, headers, body = await peer.answer()
                assert (status, body) == (200, b"/%d" % number)
                assert headers["server"] == "asteri" and headers["content-type"] == "text/plain"
            assert (await peer.ask(get(b"/again")))[2] == b"/again"
            status, headers, _ = await peer.ask(get(b"/", b"Connection: close"))
            assert headers["connection"] == "close"
            assert await peer.rest() == b""

    run(main())


def test_one_write_for_all_answers_to_one_read(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_path) as server:
            peer = await server.connect()
            await peer.ask(get())
            (connection,) = server.connections
            writes: list[int] = []

            class Counting:
                def get_extra_info(self, name: str) -> None:
                    """Have no socket that could be written to without `write`."""

                def __getattr__(self, name: str) -> Any:
                    return getattr(transport, name)

                def write(self, data: bytes) -> None:
                    writes.append(len(data))
                    transport.write(data)

            transport = connection.transport
            connection.take_transport(Counting())
            await peer.send(get() * 50)
            for _ in range(50):
                await peer.answer()
            assert len(writes) == 1

    run(main())


def test_http_1_0(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_path) as server:
            peer = await server.connect()
            status, headers, _ = await peer.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert status == 200 and headers["connection"] == "keep-alive"
            await peer.ask(b"GET / HTTP/1.0\r\n\r\n")
            assert await peer.rest() == b""

    run(main())


def test_expect_is_answered_only_when_the_application_reads(form: str) -> None:
    go = asyncio.Event

    async def main() -> None:
        reading = go()

        async def app(x: Any) -> None:
            if x.path == "/early":
                x.respond(403, TEXT, b"no")
                return
            await reading.wait()
            await echo_body(x)

        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            assert await peer.silent()
            reading.set()
            assert (await peer.answer())[0] == 100
            assert (await peer.ask(b"ab"))[2] == b"ab"
            peer = await server.connect()
            await peer.send(b"POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            status, headers, _ = await peer.answer()
            assert status == 403 and headers["connection"] == "close"
            assert await peer.rest() == b""
            peer = await server.connect()  # the body comes with the head: nobody waits for 100
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
            assert (await peer.answer())[0] == 200

    run(main())


def test_half_close_still_gets_the_answers(form: str) -> None:
    async def app(x: Any) -> None:
        await asyncio.sleep(0.01)
        echo_path(x)

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.send(get(b"/1") + get(b"/2"))
            peer.end()
            assert (await peer.answer())[2] == b"/1"
            assert (await peer.answer())[2] == b"/2"
            assert await peer.rest() == b""

    run(main())


def test_an_incomplete_body_is_never_complete(form: str) -> None:
    seen: list[str] = []

    async def app(x: Any) -> None:
        try:
            while await x.read():
                pass
            seen.append("complete")
        except Disconnected:
            seen.append("disconnected")
            raise

    async def main() -> None:
        async with serving(form, app) as server:
            for data in (b"5\r\nhello\r\n0\r\n", b"5\r\nhel", b"5\r\nhello\r\n0\r\nX: y\r\n"):
                peer = await server.connect()
                await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
                await asyncio.sleep(0.01)
                peer.end()
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await peer.answer()

    run(main())
    assert seen == ["disconnected"] * 3


def test_an_unread_body_is_drained_or_closes_and_is_never_a_request(form: str) -> None:
    paths: list[str] = []

    def app(x: Any) -> None:
        paths.append(x.path)
        echo_path(x)

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            smuggled = get(b"/smuggled")
            await peer.send(post(smuggled * 100)[:-3000])
            assert (await peer.answer())[0] == 200
            await peer.send((smuggled * 100)[-3000:] + get(b"/next"))
            assert (await peer.answer())[2] == b"/next"
            peer = await server.connect()
            await peer.send(b"POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + smuggled)
            status, headers, _ = await peer.answer()
            assert status == 200 and headers["connection"] == "close"
            await peer.send(smuggled)
            assert await peer.rest() == b""
            peer = await server.connect()
            await peer.send(b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert (await peer.answer())[0] == 200
            for _ in range(10):
                await peer.send(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
            assert await peer.rest() == b""

    run(main())
    assert paths == ["/", "/next", "/large", "/chunks"]


@pytest.mark.parametrize("data", [b"GET /\r\n\r\n", get().replace(b"\r\n", b"\n"), b"\x16\x03\x01", get() + b"\0"])
def test_errors_are_answered_and_closed(form: str, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def app(x: Any) -> None:
        called.append(x.path)
        echo_path(x)

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.send(data)
            if data.startswith(get()):
                assert (await peer.answer())[0] == 200
            status, headers, _ = await peer.answer()
            assert status == 400 and headers["connection"] == "close"
            await peer.send(get(b"/behind") * 100)
            assert await peer.rest() == b""
            assert (await (await server.connect()).ask(get(b"/new")))[0] == 200

    with caplog.at_level(logging.INFO, "asteri"):
        run(main())
    assert len(caplog.records) == 1 and caplog.records[0].exc_info is None
    assert called[-1] == "/new" and "/behind" not in called


def test_an_error_in_the_body_while_the_application_reads(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_body, limits=Limits(body=100)) as server:
            for chunk, expected in ((b"zz\r\n", 400), (b"65\r\n", 413)):
                peer = await server.connect()
                await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                await asyncio.sleep(0.01)
                status, headers, _ = await peer.ask(chunk)
                assert status == expected and headers["connection"] == "close"
                assert await peer.rest() == b""

    run(main())


def test_an_application_that_answers_a_refused_request_is_not_at_fault(
    form: str, caplog: pytest.LogCaptureFixture
) -> None:
    ended: list[str] = []

    async def app(x: Any) -> None:
        with pytest.raises(Disconnected):
            await x.read()
        if x.path == "/respond":
            x.respond(400, TEXT, b"mine")
        else:
            sink = x.begin(400, TEXT)
            with pytest.raises(Disconnected):
                await sink.write(b"mine")
        ended.append(x.path)

    async def main() -> None:
        async with serving(form, app) as server:
            for path in (b"/respond", b"/begin"):
                peer = await server.connect()
                await peer.send(b"POST " + path + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                await asyncio.sleep(0.01)
                assert (await peer.ask(b"nonsense\r\n"))[2] == b"malformed chunk size\n"
                assert await peer.rest() == b""

    run(main())
    assert ended == ["/respond", "/begin"] and not caplog.records


@pytest.mark.parametrize("at_once", [True, False])
def test_a_refused_body_of_head_is_answered_without_one(form: str, at_once: bool) -> None:
    async def main() -> None:
        async with serving(form, echo_body) as server:
            peer = await server.connect()
            head = b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            if not at_once:
                await peer.send(head)
                await asyncio.sleep(0.01)
            await peer.send((head if at_once else b"") + b"nonsense\r\n")
            status, headers, _ = await peer.answer(head_only=True)
            assert status == 400 and headers["connection"] == "close"
            assert await peer.rest() == b""

    run(main())


def test_a_refusal_to_a_peer_that_is_gone_is_no_exception(form: str, caplog: pytest.LogCaptureFixture) -> None:
    peers: list[socket.socket] = []

    async def app(x: Any) -> None:
        await asyncio.sleep(0)
        x.respond(200, TEXT, b"")
        with peers.pop() as peer:  # closes with a FIN that nobody sees before the next request is refused
            assert peer.recv(65536)

    async def main() -> None:
        async with serving(form, app) as server:
            peers.append(socket.create_connection(("127.0.0.1", server.port)))
            peers[0].sendall(get() + b"nonsense\r\n")
            await asyncio.sleep(0.02)
            assert not peers and not server.connections

    run(main())
    assert not caplog.records


@pytest.mark.parametrize("where", ["sync", "async", "late"])
def test_an_exception_before_the_answer_is_500(form: str, where: str, caplog: pytest.LogCaptureFixture) -> None:
    async def late(x: Any) -> None:
        if where == "late":
            await asyncio.sleep(0)
        raise LookupError("the cause")

    def app(x: Any) -> Any:
        if x.path == "/fine":
            echo_path(x)
        elif where == "sync":
            raise LookupError("the cause")
        else:
            return late(x)

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            status, _, body = await peer.ask(get())
            assert status == 500 and b"cause" not in body
            assert (await peer.ask(get(b"/fine")))[0] == 200

    run(main())
    assert len(caplog.records) == 1 and caplog.text.count("LookupError: the cause") == 1


def test_an_exception_after_the_start_cuts_the_connection(form: str) -> None:
    async def app(x: Any) -> None:
        sink = x.begin(200, TEXT)
        await sink.write(b"abc")
        if x.path == "/raise":
            raise LookupError

    async def main() -> None:
        async with serving(form, app) as server:
            for path in (b"/raise", b"/forget"):
                for version in (b"1.0", b"1.1"):
                    peer = await server.connect()
                    await peer.send(b"GET " + path + b" HTTP/" + version + b"\r\nHost: a\r\n\r\n")
                    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                        await peer.answer()

    run(main())


def test_no_request_sees_the_context_of_another(form: str) -> None:
    mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="-")
    base = contextvars.copy_context()
    seen: list[str] = []

    async def waits(x: Any) -> None:
        seen.append(mark.get())
        mark.set(x.path)
        size = 0
        async for piece in x:
            size += len(piece)
            await asyncio.sleep(0)
        x.respond(200, TEXT, b"%d" % size)

    def app(x: Any) -> Any:
        if x.path.startswith("/sync"):
            seen.append(mark.get())
            mark.set(x.path)
            echo_path(x)
            return None
        return waits(x)

    async def main() -> None:
        async with serving(form, app, base_context=base) as server:
            peer = await server.connect()
            for size in (0, 1_000_000, 10, 1_000_000, 0):
                request = b"POST /async HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
                assert (await peer.ask(request))[2] == b"%d" % size
                assert (await peer.ask(get(b"/sync")))[0] == 200
            await peer.send((get(b"/async") + get(b"/sync")) * 20)
            for _ in range(40):
                await peer.answer()

    run(main())
    assert set(seen) == {"-"} and len(seen) == 50


def test_shutdown(form: str) -> None:
    async def app(x: Any) -> None:
        await asyncio.sleep(0.03)
        echo_path(x)

    async def main() -> None:
        async with serving(form, app) as server:
            idle = await server.connect()
            await idle.ask(get())
            busy = await server.connect()
            await busy.send(get())
            await asyncio.sleep(0.01)
            for connection in list(server.connections):
                connection.shutdown()
            assert await idle.rest() == b""
            status, headers, _ = await busy.answer()
            assert status == 200 and headers["connection"] == "close"
            assert await busy.rest() == b""
            assert not server.connections

    run(main())


def test_access_log(form: str) -> None:
    lines: list[Any] = []

    async def main() -> None:
        log = lambda x, seconds: lines.append((x.method, x.path, x.status, x.sent, seconds >= 0))  # noqa: E731
        async with serving(form, echo_path, log_access=log) as server:
            await (await server.connect()).ask(get(b"/abc"))

    run(main())
    assert lines == [("GET", "/abc", 200, 4, True)]


def test_websocket_hook(form: str) -> None:
    class Echo(asyncio.Protocol):
        def __init__(self, h1: Any, head: Any, rest: bytes) -> None:
            self.rest = head.headers.get("upgrade").encode() + rest

        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            transport.write(self.rest)

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)
            self.transport.close()

    async def main() -> None:
        upgrade = get(b"/", b"Upgrade: websocket", b"Connection: Upgrade")
        async with serving(form, echo_path, websocket=Echo) as server:
            peer = await server.connect()
            await peer.send(get(b"/first") + upgrade + b"left")
            assert (await peer.answer())[2] == b"/first"
            assert await peer.until(b"left") == b"websocketleft"
            assert not server.connections
            await peer.send(b"more")
            assert await peer.rest() == b"more"
        async with serving(form, echo_path) as server:
            peer = await server.connect()
            assert (await peer.ask(upgrade))[0] == 200

    run(main())
