"""WebSocket connections over real sockets: by hand, byte by byte, and with the `websockets` library as client."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import random
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import ConnectionClosed, InvalidStatus

from asteri.exchange import Channel, ChannelClosed, Connection, Doors, Exchange
from asteri.protocol.ws_limits import WebSocketLimits
from asteri.wire.deflate import DeflateSettings
from tests.asteri import serving as http
from tests.asteri import websocket_peer
from tests.asteri.forms import family
from tests.asteri.serving import LOOPS, run
from tests.asteri.websocket_peer import (
    DEFLATE,
    HANDSHAKE,
    Door,
    Peer,
    connected,
    deflated,
    echo,
    echo_on,
    masked,
    serving,
    upgrade_request,
)

pytestmark = pytest.mark.timing

LEAK: contextvars.ContextVar[str] = contextvars.ContextVar("LEAK", default="-")
KINDS = [("compiled", loop) for loop in LOOPS] + [("interpreted", "asyncio")]


@pytest.fixture(autouse=True, params=KINDS, ids="-".join)
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run every test here on both forms and on every loop."""
    websocket_peer.current[0], http.current[0] = request.param
    yield request.param[0]
    websocket_peer.current[0], http.current[0] = None, "asyncio"


@pytest.mark.parametrize("compression", ["deflate", None])
def test_echo_with_websockets(compression: str | None) -> None:
    async def scenario() -> None:
        async with serving(echo) as server, client.connect(server.uri, compression=compression) as ws:
            for message in ("", "héllo", b"", b"\x00" * 125, "x" * 126, b"y" * 65536, "ü" * 300_000):
                await ws.send(message)
                assert await ws.recv() == message
            await ws.send(["frag", "ment", "ed"])
            assert await ws.recv() == "fragmented"
            await (await ws.ping(b"hi"))
            await ws.close(4000, "bye")
            assert (ws.close_code, ws.close_reason) == (4000, "bye")

    run(scenario())


def test_compression_of_every_setting() -> None:
    async def scenario() -> None:
        for settings in (DeflateSettings(context_takeover=False), DeflateSettings(window_bits=15, threshold=0)):
            async with serving(echo, deflate=settings) as server, client.connect(server.uri) as ws:
                assert "permessage-deflate" in ws.response.headers["Sec-WebSocket-Extensions"]  # type: ignore[union-attr]
                for n in range(3):
                    await ws.send(f"message {n} " * 1000)
                    assert await ws.recv() == f"message {n} " * 1000

    run(scenario())


def test_channel_shows_the_request() -> None:
    seen: list[Any] = []

    async def door(channel: Channel) -> None:
        seen.append((channel.path, channel.raw_path, channel.query, channel.headers.get("host"), channel.subprotocols))
        await channel.accept("b", [(b"x-extra", b"1")])

    async def scenario() -> None:
        async with serving(door) as server, client.connect(server.uri + "p?q=1", subprotocols=["a", "b"]) as ws:  # type: ignore[list-item]
            assert ws.subprotocol == "b"
            assert ws.response is not None
            assert ws.response.headers["x-extra"] == "1"
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1000
        assert seen == [("/p", b"/p", b"q=1", f"127.0.0.1:{server.port}", ("a", "b"))]

    run(scenario())


ROW_79_TO_84 = {
    "79 unmasked": (b"\x81\x01a", 1002),
    "79 reserved bit": (masked(1, b"a", rsv=1), 1002),
    "79 reserved opcode": (masked(5), 1002),
    "79 length not minimal": (b"\x82\xfe\x00\x01", 1002),
    "79 length 2**63": (b"\x82\xff" + b"\x80" + bytes(7), 1002),
    "79 fragmented control": (masked(9, b"", False), 1002),
    "79 control of 126": (masked(9, b"x" * 126), 1002),
    "79 data inside a fragment": (masked(1, b"a", False) + masked(2, b"b"), 1002),
    "80 1 TiB": (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"mask" + b"x" * 100_000, 1009),
    "81 fragment flood": (masked(2, b"", False) + masked(0, b"", False) * 20_000, 1009),
    "81 message over limit": ((masked(2, b"x" * 999, False) + masked(0, b"x" * 999, False) * 2000), 1009),
    "84 invalid UTF-8": (masked(1, b"\xce\xba\xff"), 1007),
    "84 split code point": (masked(1, b"\xce", False) + masked(0, b"\xce"), 1007),
    "84 close reason": (masked(8, b"\x03\xe8\xff"), 1007),
    "84 close 1005": (masked(8, b"\x03\xed"), 1002),
    "84 close 1006": (masked(8, b"\x03\xee"), 1002),
    "84 close 1015": (masked(8, b"\x03\xf7"), 1002),
    "84 close 999": (masked(8, b"\x03\xe7"), 1002),
}


@pytest.mark.parametrize("row", ROW_79_TO_84)
def test_broken_frames_get_a_close_frame(row: str) -> None:
    data, code = ROW_79_TO_84[row]
    ended: list[int] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        try:
            while True:
                await channel.receive()
        except ChannelClosed as closed:
            ended.append(closed.code)
            with pytest.raises(ChannelClosed):
                await channel.send("too late")

    async def scenario() -> None:
        async with serving(door, max_message=1 << 20, max_fragments=10_000) as server, connected(server) as peer:
            peer.writer.write(data)
            assert (await peer.closed())[0] == code
        assert ended == [code]

    run(scenario())


@pytest.mark.slow
def test_row_82_bomb_is_bounded() -> None:
    limit = 1 << 20
    bomb = masked(2, deflated(bytes(64 << 20)), rsv=4)

    async def scenario() -> None:
        async with serving(echo, max_message=limit) as server, connected(server, DEFLATE) as peer:
            tracemalloc.start()
            peer.writer.write(bomb)
            assert (await peer.closed())[0] == 1009
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 2 * limit

    run(scenario())


@pytest.mark.slow
def test_row_82_many_small_bombs_wait_compressed() -> None:
    size = 1 << 20
    compressor = zlib.compressobj(wbits=-15)
    bombs = [(compressor.compress(bytes(size)) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(40)]
    counted: list[int] = []

    async def slow(channel: Channel) -> None:
        await channel.accept()
        await asyncio.sleep(0.2)
        with contextlib.suppress(ChannelClosed):
            while True:
                counted.append(len(await channel.receive()))

    async def scenario() -> None:
        async with serving(slow) as server, connected(server, DEFLATE) as peer:
            tracemalloc.start()
            peer.writer.write(b"".join(masked(2, bomb, rsv=4) for bomb in bombs) + masked(8, b"\x03\xe8"))
            assert (await peer.closed())[0] == 1000
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert counted == [size] * 40
        assert peak < 5 * size

    run(scenario())


def test_row_83_pings() -> None:
    async def scenario() -> None:
        async with serving(echo, max_controls=100) as server, connected(server) as peer:
            peer.writer.write(b"".join(masked(9, b"%d" % n) for n in range(10)))
            assert [await peer.frame() for _ in range(10)] == [(0x8A, b"%d" % n) for n in range(10)]
            peer.writer.write(b"".join(masked(9, b"%d" % n) for n in range(50)))
            assert await peer.frame() == (0x8A, b"49")
            peer.writer.write(masked(9) * 100)
            assert (await peer.closed())[0] == 1008

    run(scenario())


def test_row_83_slow_consumer_stops_the_reading() -> None:
    go = asyncio.Event()
    received = 0

    async def door(channel: Channel) -> None:
        nonlocal received
        await channel.accept()
        await go.wait()
        with contextlib.suppress(ChannelClosed):
            while True:
                received += len(await channel.receive())

    async def scenario() -> None:
        async with serving(door) as server, connected(server) as peer:
            message = masked(2, b"x" * 50_000)
            peer.writer.transport.set_write_buffer_limits(0)
            for sent in range(400):  # noqa: B007
                peer.writer.write(message)
                try:
                    await asyncio.wait_for(peer.writer.drain(), 0.1)
                except TimeoutError:
                    break
            else:
                pytest.fail("20 MB were read although nobody received them")
            assert server.last.queued < 1 << 20
            go.set()
            peer.writer.write(masked(8))
            assert await peer.frame() == (0x88, b"")
        assert received == 50_000 * (sent + 1)

    run(scenario())


def test_send_waits_for_a_slow_peer_and_gives_it_up() -> None:
    sent = 0
    ended: list[int] = []

    async def door(channel: Channel) -> None:
        nonlocal sent
        await channel.accept()
        try:
            for sent in range(1000):  # noqa: B007
                await channel.send(b"x" * 100_000)
        except ChannelClosed as closed:
            ended.append(closed.code)

    async def scenario() -> None:
        async with serving(door, write_timeout=0.1) as server, connected(server):
            await server.settled()
        assert sent < 500
        assert ended == [1006]

    run(scenario())


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        (b"Sec-WebSocket-Protocol: \xc3\xbc\r\n", 400),
        (b"Sec-WebSocket-Key: again\r\n", 400),
        (b"Sec-WebSocket-Version: 8\r\n", 426),
        (b"Sec-WebSocket-Extensions: ;;;\r\n", 400),
        (b"Origin: https://evil.example\r\n", 403),
    ],
)
def test_rows_85_and_86_bad_handshakes_never_reach_the_application(extra: bytes, status: int) -> None:
    async def door(channel: Channel) -> None:
        pytest.fail("the application was called")

    async def scenario() -> None:
        async with (
            serving(door, origins=frozenset({"https://good.example"})) as server,
            connected(server, extra, status=status) as peer,
        ):
            assert (await peer.reader.read()).endswith(b".")

    run(scenario())


async def returns(channel: Channel) -> None: ...


async def raises(channel: Channel) -> None:
    raise KeyError("bug")


async def closes(channel: Channel) -> None:
    await channel.close(4000)
    with pytest.raises(ChannelClosed):
        await channel.receive()


async def raises_after(channel: Channel) -> None:
    await channel.accept()
    raise KeyError("bug")


async def leaves_loudly(channel: Channel) -> None:
    await channel.accept()
    await channel.close(4001, "enough")
    await channel.close(4002)
    await channel.send("never")


async def bad_header(channel: Channel) -> None:
    await channel.accept(None, [(b"x", b"a\r\nb: c")])


@pytest.mark.parametrize(("door", "status"), [(returns, 403), (raises, 500), (closes, 403), (bad_header, 500)])
def test_row_87_no_accept(door: Door, status: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with serving(door) as server:
            with pytest.raises(InvalidStatus) as caught:
                await client.connect(server.uri)
            assert caught.value.response.status_code == status

    run(scenario())
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == (status == 500)


@pytest.mark.parametrize(("door", "code"), [(raises_after, 1011), (leaves_loudly, 4001)])
def test_row_87_after_accept(door: Door, code: int, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with serving(door) as server, client.connect(server.uri) as ws:
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == code

    run(scenario())
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == (code == 1011)


def test_denial_response() -> None:
    async def door(channel: Channel) -> None:
        await channel.reject(402, [(b"x-price", b"1")], b"pay")
        with pytest.raises(ChannelClosed):
            await channel.accept()

    async def scenario() -> None:
        async with serving(door) as server:
            with pytest.raises(InvalidStatus) as caught:
                await client.connect(server.uri)
            response = caught.value.response
            assert (response.status_code, response.headers["x-price"], response.body) == (402, "1", b"pay")

    run(scenario())


@pytest.mark.parametrize("how", ["reset", "eof", "silence"])
def test_row_88_vanished_peer(how: str) -> None:
    ended: list[int] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        try:
            assert await channel.receive() == "last words"
            await channel.receive()
        except ChannelClosed as closed:
            ended.append(closed.code)

    async def scenario() -> None:
        async with serving(door, ping_interval=0.05, pong_timeout=0.05) as server, connected(server) as peer:
            peer.writer.write(masked(1, b"last words"))
            if how == "reset":
                sock = peer.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                peer.writer.transport.abort()
            elif how == "eof":
                peer.writer.write_eof()
            await server.settled()
        assert ended == [1006]

    run(scenario())


def test_pings_keep_a_living_peer() -> None:
    async def scenario() -> None:
        async with (
            serving(echo, ping_interval=0.02, pong_timeout=0.02) as server,
            client.connect(server.uri, ping_interval=None) as ws,
        ):
            await asyncio.sleep(0.15)
            await ws.send("still there")
            assert await ws.recv() == "still there"

    run(scenario())


def test_messages_before_the_close_are_received() -> None:
    got: list[Any] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        await asyncio.sleep(0.02)
        try:
            while True:
                got.append(await channel.receive())
        except ChannelClosed as closed:
            got.append((closed.code, closed.reason))

    async def scenario() -> None:
        async with serving(door) as server:
            data = masked(1, b"a") + masked(2, b"b" * 70_000) + masked(1, b"c") + masked(8, b"\x0f\xa0why")
            async with connected(server, data=data) as peer:
                assert await peer.closed() == (4000, "why")
        assert got == ["a", b"b" * 70_000, "c", (4000, "why")]

    run(scenario())


def test_close_waits_for_the_peer_but_not_for_ever() -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        await channel.close(1001)

    async def scenario() -> None:
        async with serving(door, close_timeout=0.05) as server, connected(server) as peer:
            assert await peer.frame() == (0x88, b"\x03\xe9")
            await server.settled()
        async with serving(door) as server, connected(server) as peer:
            assert await peer.frame() == (0x88, b"\x03\xe9")
            peer.writer.write(masked(1, b"crossed") + masked(8, b"\x03\xe9"))
            assert await peer.reader.read() == b""

    run(scenario())


def test_close_frame_is_found_behind_much_that_nobody_receives() -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        await asyncio.sleep(0.01)
        await channel.close(1000)

    async def scenario() -> None:
        async with serving(door) as server, connected(server) as peer:
            peer.writer.write(masked(2, b"x" * 40_000) * 20 + masked(8, b"\x03\xe8"))
            assert await peer.closed() == (1000, "")

    run(scenario())


def test_shutdown() -> None:
    started = asyncio.Event()
    ended: list[int] = []

    async def door(channel: Channel) -> None:
        if channel.query != b"a=1":
            await channel.accept()
        started.set()
        try:
            await channel.receive()
        except ChannelClosed as closed:
            ended.append(closed.code)

    async def scenario() -> None:
        async with serving(door) as server:
            async with client.connect(server.uri) as ws:
                await started.wait()
                server.last.shutdown()
                with pytest.raises(ConnectionClosed):
                    await ws.recv()
                assert ws.close_code == 1012
            await server.settled()
            started.clear()
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(HANDSHAKE % b"")
            await started.wait()
            server.last.shutdown()
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            writer.close()
        assert ended == [1012, 1012]

    run(scenario())


def test_every_connection_has_its_own_context() -> None:
    seen: list[str] = []

    async def door(channel: Channel) -> None:
        seen.append(LEAK.get())
        LEAK.set(f"user {len(seen)}")
        await channel.accept()
        with contextlib.suppress(ChannelClosed):
            while True:
                await channel.receive()

    async def scenario() -> None:
        async with serving(door) as server:
            for _ in range(3):
                async with client.connect(server.uri) as ws:
                    await ws.send(b"x" * 200_000)
        assert seen == ["-"] * 3
        assert LEAK.get() == "-"

    run(scenario())


def test_cancelled_task_tells_the_peer() -> None:
    async def scenario() -> None:
        async with serving(echo) as server, client.connect(server.uri) as ws:
            await ws.send("x")
            assert await ws.recv() == "x"
            assert server.last.task is not None
            server.last.task.cancel()
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1012

    run(scenario())


@contextlib.asynccontextmanager
async def serving_http(form: str, door: Door, **limits: Any) -> AsyncIterator[http.Server]:
    """Serve a door behind the real HTTP/1."""

    def hello(exchange: Exchange) -> None:
        exchange.respond(200, (), exchange.path.encode())

    hook = family(form)["ws"].upgrader(door, WebSocketLimits(**limits))
    async with http.serving(form, Doors(hello, door), websocket=hook) as server:
        yield server
        async with asyncio.timeout(5):
            while server.connections or server.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.002)


def test_takes_over_from_http(form: str) -> None:
    seen: list[Any] = []

    async def door(channel: Channel) -> None:
        seen.append((channel.path, channel.raw_path, channel.query, channel.headers.get("host"), channel.connection))
        await echo(channel)

    async def scenario() -> None:
        async with serving_http(form, door) as server:
            async with client.connect(f"ws://127.0.0.1:{server.port}/%C3%A4?q") as ws:
                for message in ("text", b"data" * 50_000):
                    await ws.send(message)
                    assert await ws.recv() == message
            ((path, raw_path, query, host, connection),) = seen
            assert (path, raw_path, query, host) == ("/ä", b"/%C3%A4", b"q", f"127.0.0.1:{server.port}")
            assert connection.scheme == "http"
            assert connection.client[0] == "127.0.0.1"

    run(scenario())


def test_upgrade_behind_pipelined_requests(form: str) -> None:
    async def scenario() -> None:
        async with serving_http(form, echo) as server:
            peer = await server.connect()
            ping = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
            await peer.send(ping % 1 + ping % 2 + HANDSHAKE % b"" + masked(1, b"early") + masked(2, b"x" * 100_000))
            for path in (b"/1", b"/2"):
                assert (await peer.answer())[2] == path
            assert (await peer.answer())[0] == 101
            raw = Peer(peer.reader, peer.writer)
            assert await raw.frame() == (0x81, b"early")
            assert await raw.frame() == (0x82, b"x" * 100_000)
            await peer.send(masked(8, b"\x03\xe8"))
            assert await raw.closed() == (1000, "")

    run(scenario())


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Version: 13", b"Version: 7", 426),
        (b"Key: dGhl", b"Key: dGh", 400),
        (b"Host: x", b"Host: x\r\nOrigin: https://evil.example", 403),
    ],
)
def test_refusals_over_http(form: str, old: bytes, new: bytes, status: int) -> None:
    async def scenario() -> None:
        async with serving_http(form, echo, origins=frozenset({"https://good.example"})) as server:
            peer = await server.connect()
            await peer.send((HANDSHAKE % b"").replace(old, new))
            assert (await peer.answer())[0] == status
            assert await peer.rest() == b""
            peer.close()

    run(scenario())


def test_shutdown_over_http(form: str) -> None:
    async def scenario() -> None:
        async with serving_http(form, echo) as server, client.connect(f"ws://127.0.0.1:{server.port}/") as ws:
            for connection in list(server.connections):
                connection.draining = True
                connection.shutdown()
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1012

    run(scenario())


def test_receive_under_a_deadline_loses_no_message() -> None:
    got: list[Any] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(channel.receive(), 0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channel.receive()
        other = asyncio.create_task(channel.receive())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await channel.receive()
        other.cancel()
        await channel.send("go")
        for _ in range(2):
            got.append(await asyncio.wait_for(channel.receive(), 5))
        got.append(await asyncio.create_task(channel.receive()))  # type: ignore[arg-type]
        await asyncio.gather(channel.send("a"), channel.send("b"))

    async def scenario() -> None:
        async with serving(door) as server, connected(server) as peer:
            assert await peer.frame() == (0x81, b"go")
            peer.writer.write(masked(1, b"1") + masked(2, b"2"))
            await asyncio.sleep(0.01)
            peer.writer.write(masked(1, b"3"))
            assert [await peer.frame() for _ in range(2)] == [(0x81, b"a"), (0x81, b"b")]
            peer.writer.write(masked(8))
        assert got == ["1", b"2", "3"]

    run(scenario())


def test_a_message_is_answered_before_the_failure_behind_it() -> None:
    async def scenario() -> None:
        async with serving(echo) as server, connected(server) as peer:
            peer.writer.write(masked(1, b"a") + masked(2, b"b") + masked(9, b"c") + masked(1, b"d") + masked(3))
            assert [await peer.frame() for _ in range(4)] == [(0x81, b"a"), (0x82, b"b"), (0x8A, b"c"), (0x81, b"d")]
            assert (await peer.closed())[0] == 1002

    run(scenario())


class RecordingTransport(asyncio.Transport):
    """A transport without a socket that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.written.append(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None: ...


def test_what_is_sent_during_one_read_goes_out_in_one_write(form: str) -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        await channel.send("one")
        await channel.send(b"x" * 100_000)
        await echo_on(channel)

    async def scenario() -> None:
        modules, loop, transport = family(form), asyncio.get_running_loop(), RecordingTransport()
        protocol = modules["ws"].WebSocketProtocol(
            loop=loop,
            transport=transport,
            wheel=modules["wheel_cy"].TimerWheel(loop, 0.01),
            head=upgrade_request(),
            leftover=b"",
            door=door,
            limits=WebSocketLimits(ping_interval=None),
            base_context=contextvars.Context(),
            connections=set(),
            connection=Connection(),
        )
        await asyncio.sleep(0)
        head, *messages = transport.written
        assert head.startswith(b"HTTP/1.1 101 ")
        # What comes from outside of a read goes out at once.
        assert messages[0] == b"\x81\x03one"
        assert b"".join(messages[1:]) == b"\x82\x7f" + (100_000).to_bytes(8, "big") + b"x" * 100_000
        transport.written.clear()
        received: asyncio.Future[None] = loop.create_future()

        def read() -> None:
            protocol.data_received(b"".join(masked(1, b"%d" % n) for n in range(10)))
            assert transport.written == [b"".join(b"\x81\x01%d" % n for n in range(10))]
            protocol.abort()
            protocol.connection_lost(None)
            received.set_result(None)

        loop.call_soon(read)
        await received
        await protocol.task

    run(scenario())


async def turns_of_the_loop(stop: asyncio.Event) -> int:
    turns = 0
    while not stop.is_set():
        await asyncio.sleep(0)
        turns += 1
    return turns


@pytest.mark.slow
def test_a_large_message_is_deflated_and_inflated_in_many_turns() -> None:
    size = 8 << 20
    random_bytes = random.Random(1).randbytes(size)
    turns: list[int] = []

    async def door(channel: Channel) -> None:
        await channel.accept()
        for act in (lambda: channel.receive(), lambda: channel.send(random_bytes), lambda: channel.send("after")):
            stop = asyncio.Event()
            counting = asyncio.create_task(turns_of_the_loop(stop))
            await act()  # type: ignore[no-untyped-call]
            stop.set()
            turns.append(await counting)

    async def scenario() -> None:
        async with serving(door) as server, connected(server, DEFLATE) as peer:
            peer.writer.write(masked(2, deflated(bytes(size)), rsv=4))
            frames = [await peer.frame()]
            while not frames[-1][0] & 0x80:
                frames.append(await peer.frame())
            assert (frames[0][0], {first for first, _ in frames[1:-1]}, frames[-1][0]) == (0x42, {0}, 0x80)
            assert zlib.decompressobj(-15).decompress(b"".join(payload for _, payload in frames)) == random_bytes
            assert await peer.frame() == (0x81, b"after")
            peer.writer.write(masked(8))
        # Four pieces of 64 KiB are inflated in a turn, and one of 128 KiB deflated.
        assert turns[0] >= size >> 18
        assert turns[1] >= (size >> 17) - 1

    run(scenario())


@pytest.mark.slow
def test_messages_keep_their_order_behind_a_large_one() -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        large = asyncio.create_task(channel.send(b"l" * 1_500_000))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await asyncio.gather(*(channel.send(f"small {n} " * 100) for n in range(3)))
        await large
        # One that is given up in the middle can not be taken back.
        large = asyncio.create_task(channel.send(b"m" * 1_500_000))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        large.cancel()
        with pytest.raises(ChannelClosed):
            await channel.send("end" * 1000)

    async def scenario() -> None:
        async with serving(door) as server, client.connect(server.uri, max_size=1 << 21) as ws:
            assert await ws.recv() == b"l" * 1_500_000
            assert [await ws.recv() for _ in range(3)] == [f"small {n} " * 100 for n in range(3)]
            with pytest.raises(ConnectionClosed):
                await ws.recv()
            assert ws.close_code == 1011

    run(scenario())


def test_the_end_of_a_large_message_that_never_comes() -> None:
    async def door(channel: Channel) -> None:
        await channel.accept()
        with pytest.raises(ChannelClosed) as closed:
            await channel.receive()
        assert closed.value.code == 1006

    async def scenario() -> None:
        async with serving(door) as server, connected(server, DEFLATE) as peer:
            peer.writer.write(masked(2, deflated(bytes(4 << 20)), rsv=4, fin=False))
            await peer.writer.drain()
            peer.writer.transport.abort()

    run(scenario())
