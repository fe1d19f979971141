"""WSGI applications over sockets: what PEP 3333 promises between a client and an application (faults.md, row 116)."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import psutil
import pytest

from asteri.threads import Threads

from ..forms import FORMS, family
from ..serving import serving

pytestmark = [pytest.mark.parametrize("form", FORMS), pytest.mark.timing]
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
MIB = 1 << 20


def run(form: str, application: Any, talk: Any, limit: int = 4, **options: Any) -> None:
    async def main() -> None:
        threads = Threads(limit, "test-wsgi")
        try:
            async with serving(form, family(form)["wsgi"].wsgi_doors(application, threads), **options) as server:
                await talk(server)
                while server.tasks:  # noqa: ASYNC110 - a thread may have something to report yet
                    await asyncio.sleep(0.001)
        finally:
            threads.close()

    asyncio.run(asyncio.wait_for(main(), 60))
    for thread in threading.enumerate():
        if thread.name.startswith("test-wsgi"):
            thread.join(5)
            assert not thread.is_alive()


def post(body: bytes, *, chunked: bool = False) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    pieces = [body[at : at + 3] for at in range(0, len(body), 3)]
    return head + b"Transfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces
    )


class Body:
    """An iterable body that knows whether it was closed."""

    def __init__(self, pieces: Iterator[bytes] | list[Any]) -> None:
        self.pieces = pieces
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("streamed", [False, True])
def test_the_validator_is_content_both_ways(form: str, chunked: bool, streamed: bool) -> None:
    @validator
    def application(environ: Any, start_response: Any) -> Any:
        assert environ["wsgi.input_terminated"] is True
        assert ("CONTENT_LENGTH" in environ) is not chunked
        stream = environ["wsgi.input"]
        body = stream.readline() + stream.read(2) + b"".join(stream.readlines()) + b"".join(stream)
        environ["wsgi.errors"].flush()
        headers = [("Content-Type", "text/plain")]
        if not streamed:
            headers.append(("Content-Length", str(len(body))))
        start_response("200 OK", headers)
        return iter([body, b"", body] if streamed else [body])

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for _ in range(2):
            status, headers, body = await peer.ask(post(b"one\ntwo\nthree", chunked=chunked))
            assert (status, body) == (200, b"one\ntwo\nthree" * (2 if streamed else 1))
            assert ("content-length" in headers) is not streamed

    run(form, application, talk)


def test_input_is_read_while_it_arrives_and_output_leaves_while_it_is_made(form: str) -> None:
    def echo(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        while line := environ["wsgi.input"].readline():
            yield line.upper()

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
        assert await peer.until(b"ONE\n")
        await peer.send(b"4\r\ntwo\n\r\n")
        assert await peer.until(b"TWO\n")
        await peer.send(b"0\r\n\r\n")
        assert await peer.until(b"0\r\n\r\n")

    run(form, echo, talk)


def test_an_input_that_is_not_read_is_not_waited_for(form: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("413 Content Too Large", [])
        return [b"no"]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        status, headers, _ = await peer.answer()
        assert (status, headers["connection"]) == (413, "close")

    run(form, application, talk)


def test_continue_is_sent_when_the_application_reads(form: str) -> None:
    asked = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert asked.wait(5)
        body = environ["wsgi.input"].read()
        start_response("200 OK", [])
        return [body]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await peer.silent()
        asked.set()
        assert await peer.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await peer.ask(b"ok"))[2] == b"ok"

    run(form, application, talk)


def test_an_error_before_the_first_piece_is_a_500_and_closes_the_body(
    form: str, caplog: pytest.LogCaptureFixture
) -> None:
    bodies: list[Body] = []

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [("X-A", "1")])
        bodies.append(Body([b"", KeyError("mine")]))
        return bodies[-1]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for _ in range(2):  # the connection and the thread live on
            assert (await peer.ask(GET))[0] == 500

    run(form, application, talk, limit=1)
    assert [body.closed.is_set() for body in bodies] == [True, True]
    assert len(caplog.records) == 2 and "mine" in caplog.text


def test_an_error_behind_the_first_piece_cuts_the_connection(form: str, caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"first"
        assert go_on.wait(5)
        raise KeyError("mine")

    body = Body(pieces())

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [])
        return body

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"first\r\n")
        go_on.set()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await peer.until(b"0\r\n\r\n")

    run(form, application, talk)
    assert body.closed.is_set()
    assert len(caplog.records) == 1 and "mine" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopIteration()])
def test_no_exception_of_an_application_ends_the_worker(
    form: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise error

    async def talk(server: Any) -> None:
        peer = await server.connect()
        assert (await peer.ask(GET))[0] == 500
        assert (await peer.ask(GET))[0] == 500

    run(form, application, talk, limit=1)
    assert f"raised {type(error).__name__}" in caplog.text


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200 OK", [("X-A", "b\r\nc: d")]),
        ("200 OK", [("X A", "b")]),
        ("200 OK", [("", "b")]),
        ("200 OK", [("X-A", "\u20ac")]),
        ("200 OK", [("X-A", "b\0")]),
        ("200 OK", [("X-A", b"b")]),
        ("200 OK", [("Content-Length", "+1")]),
        ("200 OK", [("Content-Length", "1"), ("content-length", "1")]),
        ("199 No", []),
        ("\u0662\u0660\u0660 OK", []),
        (200, []),
    ],
)
def test_start_response_refuses_what_could_not_be_sent(
    form: str, status: Any, headers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with pytest.raises((ValueError, TypeError)):
            start_response(status, headers)
        start_response("200 OK", [])
        return [b"caught"]

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(GET))[2] == b"caught"

    run(form, application, talk)


def test_start_response_can_be_corrected_until_the_head_is_sent(form: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("X-A", "1"), ("Content-Length", "100")])
        yield b""
        try:
            raise KeyError("mine")
        except KeyError as error:
            start_response("503 Oops", [("X-B", "2")], (KeyError, error, error.__traceback__))
        yield b"sorry"

    async def talk(server: Any) -> None:
        status, headers, body = await (await server.connect()).ask(GET)
        assert (status, body) == (503, b"sorry")
        assert "x-b" in headers and "x-a" not in headers

    run(form, application, talk)


def test_write_sends_at_once_and_before_what_is_returned(form: str) -> None:
    go_on = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [])
        write(b"")
        write(b"one")
        assert go_on.wait(5)
        write(b"two")
        return [b"three"]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"one\r\n")
        go_on.set()
        assert await peer.until(b"0\r\n\r\n") in (
            b"8\r\ntwothree\r\n0\r\n\r\n",
            b"3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n",
        )

    run(form, application, talk)


@pytest.mark.parametrize("length", [3, 4, 5, 9])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_content_length_that_is_not_the_bodys(
    form: str, length: int, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    body = Body([b"he", b"llo"])

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(length))])
        return body if streamed else [b"hello"]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        if length <= 5:
            status, headers, got = await peer.answer()
            assert (status, headers["content-length"], got) == (200, str(length), b"hello"[:length])
        else:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await peer.answer()

    run(form, application, talk)
    assert body.closed.is_set() is streamed
    assert ("more than its Content-Length" in caplog.text) is (length < 5)
    assert ("shorter than its content-length" in caplog.text) is (length > 5)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified"])
@pytest.mark.parametrize("kind", ["list", "iterator", "declared"])
def test_bodiless_answers_have_no_body(form: str, method: str, status: str, kind: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response(status, [("Content-Length", "5")] if kind == "declared" else [])
        return iter([b"hel", b"lo"]) if kind == "iterator" else [b"hello"]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        for _ in range(2):
            await peer.send(GET.replace(b"GET", method.encode()))
            code, headers, body = await peer.answer(head_only=method == "HEAD")
            assert code == int(status[:3])
            if code == 200 and method == "GET":
                assert body == b"hello"
            if kind == "declared" and code == 200:
                assert headers["content-length"] == "5"
        assert await peer.silent()

    run(form, application, talk)


def test_a_client_that_goes_stops_the_generator_and_closes_it(form: str, caplog: pytest.LogCaptureFixture) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    body = Body(endless())

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [])
        return body

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(GET)
        await peer.until(b"xxx")
        peer.reset()
        assert await asyncio.to_thread(body.closed.wait, 5)

    run(form, application, talk)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_client_that_goes_in_its_body_ends_the_read(form: str) -> None:
    raised: list[Any] = []
    ended = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            raised.append(error)
        ended.set()
        start_response("400 Bad Request", [])
        return [b"incomplete"]

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(post(b"hello")[:-1])
        await asyncio.sleep(0.02)
        peer.reset()
        assert await asyncio.to_thread(ended.wait, 5)

    run(form, application, talk)
    assert len(raised) == 1


def test_a_wrapped_file_is_sent_whole_and_closed(form: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(MIB + 7))
    reads: list[int] = []
    files: list[Any] = []

    class Counted(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            reads.append(size)
            return super().read(size)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(MIB + 7))])
        files.append(Counted(path))
        return environ["wsgi.file_wrapper"](files[-1], 8192)

    async def talk(server: Any) -> None:
        assert (await (await server.connect()).ask(GET))[2] == path.read_bytes()

    run(form, application, talk)
    assert files[0].closed
    assert reads == []  # it went from the page cache to the socket


@pytest.mark.parametrize("kind", ["no length", "no file", "in the middle"])
def test_a_wrapped_file_that_is_sent_in_blocks(form: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(MIB))

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        file: Any = io.BytesIO(path.read_bytes()) if kind == "no file" else path.open("rb")
        if kind == "in the middle":
            file.seek(7)
        start_response("200 OK", [] if kind == "no length" else [("Content-Length", "100000")])
        return environ["wsgi.file_wrapper"](file)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        start, end = (0, MIB) if kind == "no length" else (7, 100_007) if kind == "in the middle" else (0, 100_000)
        assert (await peer.ask(GET))[2] == path.read_bytes()[start:end]

    run(form, application, talk)


@pytest.mark.slow
def test_a_gibibyte_each_way_is_bounded(form: str) -> None:
    """faults.md, row 116; the memory is that of this process, client included."""
    gibibyte = 1 << 30
    process = psutil.Process()
    got: list[int] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        stream, size = environ["wsgi.input"], 0
        while piece := stream.read(MIB):
            size += len(piece)
        got.append(size)
        start_response("200 OK", [("Content-Length", str(gibibyte))])
        for _ in range(gibibyte // MIB):
            yield bytes(MIB)

    async def talk(server: Any) -> None:
        peer = await server.connect()
        await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % gibibyte)
        before, most = process.memory_info().rss, 0
        piece = bytes(MIB)
        for _ in range(gibibyte // MIB):
            await peer.send(piece)
        most = process.memory_info().rss
        await peer.until(b"\r\n\r\n")
        left = gibibyte
        while left:
            left -= len(await peer.reader.read(MIB))
            most = max(most, process.memory_info().rss)
        assert most - before < 32 * MIB

    run(form, application, talk)
    assert got == [gibibyte]


def test_calls_that_block_run_side_by_side_up_to_the_limit(form: str) -> None:
    barrier = threading.Barrier(4)
    names: set[str] = set()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        names.add(threading.current_thread().name)
        barrier.wait(5)
        start_response("200 OK", [])
        return [b"ok"]

    async def talk(server: Any) -> None:
        peers = [await server.connect() for _ in range(8)]
        answers = await asyncio.gather(*(peer.ask(GET) for peer in peers))
        assert [body for _, _, body in answers] == [b"ok"] * 8

    run(form, application, talk)
    assert len(names) == 4


def test_a_finished_call_is_not_held_back_by_one_that_blocks(form: str) -> None:
    """Completions are handed over in batches, but never wait for a call that blocks."""
    block, blocked = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/block":
            blocked.set()
            assert block.wait(5)
        start_response("200 OK", [])
        return [b"ok"]

    async def talk(server: Any) -> None:
        peers = [await server.connect() for _ in range(12)]
        for number, peer in enumerate(peers):
            await peer.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"/block" if number % 4 == 3 else b"/"))
        for number, peer in enumerate(peers):
            if number % 4 != 3:
                assert (await peer.answer())[2] == b"ok"
        assert blocked.is_set()
        block.set()
        for peer in peers[3::4]:
            assert (await peer.answer())[2] == b"ok"

    run(form, application, talk)
