"""Deadlines and back-pressure of an HTTP/1 connection."""

from __future__ import annotations

import asyncio
import math
import socket
from typing import Any

import pytest

from asteri.exchange import Disconnected

from ..forms import FORMS, family
from ..serving import run, serving
from .test_h1 import echo_body, echo_path, get

pytestmark = [pytest.mark.usefixtures("loop_kind"), pytest.mark.timing]
both_forms = pytest.mark.parametrize("form", FORMS)


@both_forms
def test_a_slow_head_is_408_although_bytes_keep_coming(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_path, header=0.08) as server:
            peer = await server.connect()
            await peer.send(get())
            await peer.answer()
            loop = asyncio.get_running_loop()
            begun = loop.time()
            head = get()
            for byte in head:
                if loop.time() - begun > 0.2 or server.connections == set():
                    break
                peer.writer.write(bytes([byte]))
                await asyncio.sleep(0.01)
            status, headers, _ = await peer.answer()
            assert status == 408 and headers["connection"] == "close"
            assert 0.07 < loop.time() - begun < 0.3

    run(main())


@both_forms
def test_silent_and_idle_connections_are_closed(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_path, header=0.05, keep_alive=0.05) as server:
            silent = await server.connect()
            assert await silent.rest() == b""
            idle = await server.connect()
            await idle.ask(get())
            assert await idle.rest() == b""
            assert not server.connections

    run(main())


@both_forms
def test_a_slow_body_is_408_and_a_steady_one_is_not(form: str) -> None:
    async def main() -> None:
        async with serving(form, echo_body, body_grace=0.05, body_rate=200) as server:
            slow = await server.connect()
            status, _, _ = await slow.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
            assert status == 408
            assert await slow.rest() == b""
            steady = await server.connect()
            await steady.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n")
            for _ in range(15):
                await asyncio.sleep(0.01)
                await steady.send(b"x" * 20)
            assert (await steady.answer())[0] == 200

    run(main())


@both_forms
def test_a_peer_that_does_not_read_blocks_the_writer_and_is_cut(form: str) -> None:
    pieces = 0
    end: list[str] = []

    async def app(x: Any) -> None:
        nonlocal pieces
        sink = x.begin(200, [])
        try:
            while True:
                await sink.write(b"x" * 65536)
                pieces += 1
        except Disconnected:
            end.append("disconnected")
            raise

    async def main() -> None:
        async with serving(form, app, write=0.1) as server:
            peer = await server.connect()
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await peer.send(get())
            for _ in range(100):
                await asyncio.sleep(0.01)
                if end and not server.tasks:  # a task leaves the set one turn of the loop after its end
                    break
            assert not server.connections and not server.tasks

    run(main())
    assert end == ["disconnected"] and pieces < 200


@pytest.mark.slow
@both_forms
def test_the_write_deadline_counts_from_the_last_byte_that_the_peer_took(form: str) -> None:
    """Not from the look that saw it, which would allow nearly twice the time."""
    timeout = 0.6

    def app(x: Any) -> None:
        x.respond(200, [], b"x" * 32_000_000)  # one piece: its transport is not empty before the peer has taken it all

    async def main() -> None:
        async with serving(form, app, write=timeout) as server:
            loop = asyncio.get_running_loop()
            with socket.socket() as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262144)  # else the kernel may hold all of it
                peer.setblocking(False)
                await loop.sock_connect(peer, ("127.0.0.1", server.port))
                await loop.sock_sendall(peer, get())
                await asyncio.sleep(0.1)  # the kernel's buffers fill up
                taken = 0
                while taken < 16_000_000:  # enough for the server to see that something moves
                    taken += len(await loop.sock_recv(peer, 1 << 20))
                last = loop.time()
                await asyncio.sleep(timeout / 2)
                assert server.connections
                for _ in range(300):
                    await asyncio.sleep(0.01)
                    if not server.connections:
                        break
                assert timeout - 0.05 <= loop.time() - last <= timeout * 1.4

    run(main())


@both_forms
def test_an_application_that_does_not_read_stops_the_peer(form: str) -> None:
    async def main() -> None:
        go = asyncio.Event()
        sizes: list[int] = []

        exchanges: list[Any] = []

        async def app(x: Any) -> None:
            exchanges.append(x)
            await go.wait()
            async for piece in x:
                sizes.append(len(piece))
            x.respond(200, [], b"")

        async with serving(form, app) as server:
            peer = await server.connect()
            size = 20_000_000
            peer.writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
            peer.writer.write(b"x" * size)
            await asyncio.sleep(0.05)
            (connection,) = server.connections
            assert not connection.reading
            assert exchanges[0].queued < 1_000_000
            go.set()
            assert (await peer.answer())[0] == 200
            assert sum(sizes) == size and max(sizes) <= 262144  # what a transport reads at once

    run(main())


@both_forms
def test_a_reset_ends_everything(form: str) -> None:
    async def main() -> None:
        ended: list[str] = []

        async def app(x: Any) -> None:
            if x.path == "/wait":
                await x.disconnected()
                ended.append("wait")
                x.respond(200, [], b"nobody hears this")
                return
            try:
                await x.read()
                await x.read()
            finally:
                ended.append("read")

        async with serving(form, app) as server:
            for data in (get(b"/wait"), b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"):
                peer = await server.connect()
                await peer.send(data)
                await asyncio.sleep(0.02)
                sock = peer.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.reset()
                await asyncio.sleep(0.02)
            assert ended == ["wait", "read"]
            assert not server.connections and not server.tasks
            assert server.wheel.empty

    run(main())


@both_forms
def test_the_wheel_never_fires_early_and_forgets(form: str) -> None:
    Deadline, TimerWheel = family(form)["wheel_cy"].Deadline, family(form)["wheel_cy"].TimerWheel

    async def main() -> None:
        loop = asyncio.get_running_loop()
        wheel = TimerWheel(loop, 0.01)
        fired: list[tuple[str, float]] = []
        begun = loop.time()
        first = Deadline(wheel, lambda: fired.append(("first", loop.time() - begun)))
        second = Deadline(wheel, lambda: fired.append(("second", loop.time() - begun)))
        never = Deadline(wheel, lambda: fired.append(("never", 0)))
        first.arm(0.02)
        first.arm(0.06)
        second.arm(10)
        second.arm(0.03)
        never.arm(0.02)
        never.disarm()
        closed = Deadline(wheel, lambda: fired.append(("closed", 0)))
        closed.arm(0.02)
        closed.close()
        Deadline(wheel, lambda: None).arm(math.inf)
        await asyncio.sleep(0.12)
        assert [name for name, _ in fired] == ["second", "first"]
        assert 0.03 <= fired[0][1] < 0.06 <= fired[1][1] < 0.1
        assert not wheel.ticking
        first.arm(0.02)
        await asyncio.sleep(0.05)
        assert len(fired) == 3

    run(main())


@pytest.mark.slow
@both_forms
def test_the_wheel_is_at_most_one_tick_late(form: str) -> None:
    """Deadlines at every phase of a tick, the last of them in the turn after the one that fired the first."""
    Deadline, TimerWheel = family(form)["wheel_cy"].Deadline, family(form)["wheel_cy"].TimerWheel
    tick, late = 0.1, []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        wheel = TimerWheel(loop, tick)
        begun = loop.time()

        def due(after: float) -> None:
            Deadline(wheel, lambda: late.append(loop.time() - begun - after)).arm(after)

        for number in range(12):
            due(0.15 + number * 0.03)
        await asyncio.sleep(0.15 + 12 * 0.03 + 3 * tick)
        wheel.close()

    asyncio.run(main())
    assert len(late) == 12
    assert min(late) >= 0
    assert max(late) < tick + 0.05  # the machine's own slowness
