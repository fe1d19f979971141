"""bench: what the load generators are told and how their output is read, and our own client against a real server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bench.client import http_request, load, mask, percentile
from bench.load import read_client, read_wrk, wrk_script
from bench.scenarios import SCENARIOS

pytestmark = pytest.mark.timing

WRK = """Running 1s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.51ms  312.15us   8.14ms   93.33%
    Req/Sec    42.31k     1.02k   43.46k    80.00%
  Latency Distribution
     50%  812.00us
     75%    1.60ms
     90%    1.70ms
     99%    1.20s
  42120 requests in 1.00s, 6.55MB read
Requests/sec:  42085.31
Transfer/sec:      6.54MB
"""


def test_the_output_of_wrk_is_read() -> None:
    load = read_wrk(WRK, 0.5)
    assert (load.requests, load.per_second, load.p50_ms, load.p99_ms, load.busy) == (
        42120,
        42085.31,
        0.812,
        1200.0,
        0.5,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("  Socket errors: connect 0, read 3, write 0, timeout 0\n", "Socket errors: connect 0, read 3"),
        ("  Non-2xx or 3xx responses: 7\n", "Non-2xx or 3xx responses: 7"),
    ],
)
def test_errors_that_wrk_saw_are_no_figure(line: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        read_wrk(WRK + line)


@pytest.mark.parametrize("output", ["", "unable to connect", WRK.replace("42120 requests", "0 requests")])
def test_no_answer_is_no_figure(output: str) -> None:
    with pytest.raises(RuntimeError, match="wrk: "):
        read_wrk(output)


def test_errors_that_our_client_saw_are_no_figure() -> None:
    found = {"requests": 5, "seconds": 2.0, "p50_ms": 1.0, "p99_ms": 2.0, "error": ""}
    assert read_client(json.dumps(found), 0.1).per_second == 2.5
    with pytest.raises(RuntimeError, match="unexpected answer"):
        read_client(json.dumps(found | {"error": "unexpected answer"}), 0.1)
    with pytest.raises(RuntimeError, match="nothing was answered"):
        read_client(json.dumps(found | {"requests": 0}), 0.1)


def test_the_script_of_wrk_holds_the_request() -> None:
    script = wrk_script(SCENARIOS["body"], Path("users.body"))
    assert 'wrk.method = "POST"' in script
    assert 'wrk.headers["content-type"] = "application/json"' in script
    assert 'io.open("users.body", "rb")' in script
    assert "string.rep" not in script
    assert '"/"), 16)' in wrk_script(SCENARIOS["pipeline"], Path("none"))


def test_percentiles() -> None:
    assert percentile([], 0.99) == 0.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(n) for n in range(100)], 0.99) == 99.0


def test_a_request_and_a_frame_are_what_they_should_be() -> None:
    assert http_request("POST", "/x", {"a": "b"}, b"hi") == (
        b"POST /x HTTP/1.1\r\nhost: 127.0.0.1\r\na: b\r\ncontent-length: 2\r\n\r\nhi"
    )
    assert mask(b"hi") == b"\x81\x82\0\0\0\0hi"


async def measured(answer: bytes, pieces: int = 1) -> dict[str, object]:
    """Let our client ask a server that answers every head with `answer`, written in several pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                step = -(-len(answer) // pieces)
                for start in range(0, len(answer), step):
                    writer.write(answer[start : start + step])
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = {"port": port, "seconds": 0.05, "connections": 2, "method": "GET", "path": "/", "headers": {}, "body": ""}
    try:
        return await load({**options, "pipelined": 3, "websocket": False})
    finally:
        server.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("pieces", [1, 4])
def test_our_client_counts_complete_answers(pieces: int) -> None:
    found = asyncio.run(measured(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", pieces))
    assert found["error"] == ""
    assert isinstance(found["requests"], int) and found["requests"] >= 6 and found["requests"] % 3 == 0


def test_our_client_does_not_count_errors() -> None:
    found = asyncio.run(measured(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"))
    assert found["requests"] == 0
    assert "500 No" in str(found["error"])
