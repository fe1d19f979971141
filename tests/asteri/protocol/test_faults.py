"""Bad input to an HTTP/1 server, by row of the table of faults (1 to 43 and 49), and what no other test holds.

Rows and where they are tested; `corpus` names a folder of `tests/corpus`, whose cases all go through the parser
(`corpus/test_parser.py`), over sockets (`corpus/test_connection.py`) and through proxies (`corpus/test_proxies.py`);
`here` is this module, the rest stands below tests/.

     1  length and coding         corpus invalid/transfer-encoding, corpus invalid/pipeline
     2  two lengths               corpus invalid/content-length
     3  equal lengths             corpus invalid/content-length
     4  malformed lengths         corpus invalid/content-length
     5  huge lengths              corpus invalid/content-length
     6  other codings             corpus invalid/transfer-encoding
     7  two codings               corpus invalid/transfer-encoding
     8  coding in HTTP/1.0        corpus invalid/transfer-encoding
     9  underscores               corpus valid/field
            asteri/wire/test_request_cy.py::test_headers_are_read_lazily
    10  line ends                 corpus invalid/message
    11  folded lines              corpus invalid/field
    12  names of fields           corpus invalid/field
    13  controls in values        corpus invalid/field
    14  sizes of chunks           corpus invalid/chunked
    15  ends of chunks            corpus invalid/chunked
    16  extensions                corpus invalid/chunked, corpus valid/chunked
    17  truncated bodies          corpus truncated/body
            asteri/protocol/test_h1.py::test_an_incomplete_body_is_never_complete
    18  trailers                  corpus invalid/trailer, corpus valid/trailer
    19  Host                      corpus invalid/host, corpus valid/host
    20  absolute targets          corpus invalid/target, corpus valid/target
    21  malformed targets         corpus invalid/target
    22  CONNECT                   corpus invalid/request-line, corpus invalid/pipeline
    23  versions                  corpus invalid/version, corpus valid/version
    24  methods                   corpus invalid/request-line, corpus valid/request-line
    25  limits                    corpus invalid/field, corpus invalid/request-line
            corpus/test_cost.py::test_heads
    26  copies of a field         corpus invalid/field
            corpus/test_cost.py::test_heads
    27  pipelining
            asteri/protocol/test_h1.py::test_keep_alive_and_pipelining_in_order
            here::test_pipelined_requests_wait_where_they_are
    28  unread bodies             corpus valid/content-length, corpus invalid/pipeline
            asteri/protocol/test_h1.py::test_an_unread_body_is_drained_or_closes_and_is_never_a_request
            here::test_a_body_that_means_nothing_is_never_a_request
    29  expectations              corpus invalid/expect, corpus valid/expect
            asteri/protocol/test_h1.py::test_expect_is_answered_only_when_the_application_reads
    30  empty lines               corpus invalid/message, corpus valid/message
    31  upgrades                  corpus valid/upgrade
            here::test_an_unknown_upgrade_with_an_unread_body
    32  other protocols           corpus invalid/message
    33  PROXY lines               corpus invalid/message
    34  slow peers
            asteri/protocol/test_h1_deadlines.py::test_a_slow_head_is_408_although_bytes_keep_coming
            asteri/protocol/test_h1_deadlines.py::test_silent_and_idle_connections_are_closed
            asteri/protocol/test_h1_deadlines.py::test_a_slow_body_is_408_and_a_steady_one_is_not
    35  half-close                corpus truncated/head
            asteri/protocol/test_h1.py::test_half_close_still_gets_the_answers
    36  resets
            asteri/protocol/test_h1_deadlines.py::test_a_reset_ends_everything
            here::test_a_reset_in_the_middle_of_an_answer
    37  response headers
            contract/test_exchange_laws.py::test_5_headers_can_not_split_a_response
            fenrir/http/test_cookies.py::test_nothing_breaks_out_of_its_place
            here::test_a_refused_answer_does_not_end_the_connection
    38  false lengths
            contract/test_exchange_laws.py::test_6_a_wrong_length_is_refused
            contract/test_exchange_laws.py::test_6_a_longer_stream_is_cut_at_its_length
            contract/test_exchange_laws.py::test_8_a_stream_without_finish_is_not_complete
            here::test_a_shorter_stream_is_cut
    39  bodies where none belong
            contract/test_exchange_laws.py::test_4_head_204_and_304_have_no_body
    40  exceptions
            asteri/protocol/test_h1.py::test_an_exception_before_the_answer_is_500
            asteri/protocol/test_h1.py::test_an_exception_after_the_start_cuts_the_connection
    41  statuses, framing
            contract/test_exchange_laws.py::test_5_only_final_statuses_are_answers
            contract/test_exchange_laws.py::test_6_the_server_frames
            here::test_no_interim_response_behind_the_head
    42  reused buffers
            contract/test_exchange_laws.py::test_3_the_bytes_are_those_at_the_call
    43  peers that do not read
            asteri/protocol/test_h1_deadlines.py::test_a_peer_that_does_not_read_blocks_the_writer_and_is_cut
    49  limits of bodies          corpus invalid/body-limit, corpus valid/body-limit
            hybrid/test_faults.py::test_the_body_limit_counts_what_arrives
"""

from __future__ import annotations

import ast
import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from asteri.exchange import AnswerError, Disconnected

from ...corpus.cases import KINDS, load
from ..forms import FORMS
from ..serving import run, serving

pytestmark = pytest.mark.timing

TESTS = Path(__file__).parents[2]
TEXT = ((b"content-type", b"text/plain"),)
both_forms = pytest.mark.parametrize("form", FORMS)


def get(path: bytes, *lines: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def test_the_table_is_true() -> None:
    """Every test that the table names exists, and every folder of the corpus has cases of that row."""
    assert __doc__ is not None
    rows: set[int] = set()
    cases = [case for kind in KINDS for case in load(kind)]
    for row, text in re.findall(r"^ {4} ?(\d+)  (.*(?:\n {12}.*)*)", __doc__, re.MULTILINE):
        rows.add(int(row))
        for folder in re.findall(r"corpus ([\w.-]+/[\w.-]+)", text):
            named = [case for case in cases if case.name.startswith(folder + "/") and case.row == int(row)]
            assert named, f"row {row}: {folder}"
        for file, test in re.findall(r"([\w/]+\.py|here)::(\w+)", text):
            path = Path(__file__) if file == "here" else TESTS / file
            functions = {
                node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
            }
            assert test in functions, f"{file}::{test}"
    assert rows == {*range(1, 44), 49}


@pytest.mark.slow
@both_forms
@pytest.mark.usefixtures("loop_kind")
def test_pipelined_requests_wait_where_they_are(form: str) -> None:
    """While one request is being answered, only what one read brings is taken off the network."""
    size, count = 10_000, 2000
    data = b"".join(get(b"/%d" % number, b"X: " + b"x" * size) for number in range(count))
    seen: list[str] = []

    async def main() -> None:
        go = asyncio.Event()

        async def app(x: Any) -> None:
            seen.append(x.path)
            await go.wait()
            x.respond(200, TEXT, x.path.encode())

        async with serving(form, app) as server:
            peer = await server.connect()
            peer.writer.write(data)
            unsent = -1
            transport = peer.writer.transport
            while unsent != transport.get_write_buffer_size():  # until nothing moves any more
                unsent = transport.get_write_buffer_size()
                await asyncio.sleep(0.05)
            assert unsent > len(data) // 2
            assert seen == ["/0"]
            go.set()
            for number in range(count):
                assert (await peer.answer())[2] == b"/%d" % number

    run(main())
    assert seen == [f"/{number}" for number in range(count)]


@both_forms
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
def test_a_body_that_means_nothing_is_never_a_request(form: str, method: bytes) -> None:
    hidden = get(b"/hidden")
    seen: list[str] = []

    def app(x: Any) -> None:
        seen.append(x.path)
        x.respond(200, TEXT, b"")

    async def main() -> None:
        async with serving(form, app) as server:
            for framing, body in (
                (b"Content-Length: %d" % len(hidden), hidden),
                (b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(hidden), hidden)),
            ):
                head = method + b" /1 HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n\r\n"
                for cut in (0, len(head), len(head) + 9):  # the body comes with the head, behind it, or in two parts
                    peer = await server.connect()
                    for piece in ((head + body)[:cut], (head + body)[cut:] + get(b"/2")):
                        await peer.send(piece)
                        await asyncio.sleep(0.005)
                    assert (await peer.answer(head_only=method == b"HEAD"))[0] == 200
                    assert (await peer.answer())[0] == 200

    run(main())
    assert seen == ["/1", "/2"] * 6


@both_forms
def test_an_unknown_upgrade_with_an_unread_body(form: str) -> None:
    seen: list[str] = []

    def app(x: Any) -> None:
        seen.append(x.path)
        x.respond(200, TEXT, b"")

    async def main() -> None:
        async with serving(form, app) as server:
            for protocol in (b"h2c", b"foo", b"websocket"):
                peer = await server.connect()
                hidden = get(b"/hidden")
                head = b"POST /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol
                await peer.send(head + b"\r\nContent-Length: %d\r\n\r\n%b%b" % (len(hidden), hidden, get(b"/2")))
                assert [(await peer.answer())[0], (await peer.answer())[0]] == [200, 200]

    run(main())
    assert seen == ["/1", "/2"] * 3


@both_forms
@pytest.mark.usefixtures("loop_kind")
def test_a_reset_in_the_middle_of_an_answer(form: str, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[bool] = []

    async def app(x: Any) -> None:
        sink = x.begin(200, TEXT)
        try:
            while True:
                await sink.write(b"x" * 1000)
                await asyncio.sleep(0)
        except OSError as error:
            ended.append(isinstance(error, Disconnected))
            raise

    async def main() -> None:
        async with serving(form, app) as server:
            for _ in range(3):
                peer = await server.connect()
                await peer.send(get(b"/"))
                await peer.until(b"x" * 1000)
                sock = peer.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.reset()
            for _ in range(200):
                if not server.connections and not server.tasks:
                    break
                await asyncio.sleep(0.005)
            assert not server.connections and not server.tasks

    run(main())
    assert ended == [True] * 3 and not caplog.records


@both_forms
def test_a_refused_answer_does_not_end_the_connection(form: str, caplog: pytest.LogCaptureFixture) -> None:
    """What must not be on the wire is an error of the application: logged, answered with 500, and forgotten."""
    headers = {
        "/value": (b"x", b"a\r\nset-cookie: b"),
        "/name": (b"x: y\r\nz", b"a"),
        "/nul": (b"x", b"a\0"),
        "/coding": (b"transfer-encoding", b"chunked"),
        "/length": (b"content-length", b"7"),
    }

    def app(x: Any) -> None:
        x.respond(200, [headers[x.path]] if x.path in headers else TEXT, b"")

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            for path in headers:
                status, names, _ = await peer.ask(get(path.encode()))
                assert status == 500 and "x" not in names and "set-cookie" not in names
                assert (await peer.ask(get(b"/fine")))[0] == 200

    run(main())
    assert len(caplog.records) == len(headers) and all(record.exc_info for record in caplog.records)


@both_forms
def test_a_shorter_stream_is_cut(form: str) -> None:
    async def app(x: Any) -> None:
        sink = x.begin(200, [(b"content-length", b"10")])
        await sink.write(b"short")
        await sink.finish()

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.ask(get(b"/"))

    run(main())


@both_forms
def test_no_interim_response_behind_the_head(form: str) -> None:
    refused: list[int] = []

    async def app(x: Any) -> None:
        with pytest.raises(ValueError):
            x.inform(101, [])
        sink = x.begin(200, TEXT)
        with pytest.raises(AnswerError):
            x.inform(103, [])
        refused.append(1)
        await sink.finish()

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            assert (await peer.ask(get(b"/")))[0] == 200

    run(main())
    assert refused == [1]


@pytest.mark.parametrize("form", FORMS)
def test_a_mistake_after_a_disconnect_is_told_in_one_line(form: str, caplog: pytest.LogCaptureFixture) -> None:
    async def app(exchange: Any) -> None:
        try:
            async for _ in exchange:
                pass
        except Disconnected:
            raise KeyError("mine")  # noqa: B904 - a mistake in what cleans up

    async def main() -> None:
        async with serving(form, app) as server:
            peer = await server.connect()
            await peer.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            await asyncio.sleep(0.02)
            peer.reset()
            await asyncio.sleep(0.05)

    with caplog.at_level("INFO", "asteri"):
        run(main())
    (record,) = [record for record in caplog.records if "KeyError('mine')" in record.getMessage()]
    assert record.levelname == "INFO" and record.exc_info is None
