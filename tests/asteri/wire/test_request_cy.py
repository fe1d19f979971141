"""The request parser: every fault gets its status, every split the same result, both forms agree."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from asteri.wire.fault import ProtocolError
from asteri.wire.limits import Limits

from ..forms import FORMS, family
from .corpus import REFUSED, VALID, chunked, get, host, line, post

Result = tuple[list[tuple[Any, ...]], tuple[int, str] | None]
LIMITS = Limits(body=100_000)


def read(form: str, pieces: list[bytes], limits: Limits = LIMITS) -> Result:
    """Feed the pieces, and return the complete requests and the error."""
    parser = family(form)["request_cy"].RequestParser(limits)
    requests: list[tuple[Any, ...]] = []
    head: Any = None
    body = b""
    try:
        for piece in pieces:
            parser.feed(piece)
            while True:
                if head is None:
                    head = parser.head()
                    if head is None:
                        break
                    body = b""
                body += parser.body()
                if not parser.complete:
                    break
                requests.append(
                    (head.method, head.path, head.query, body, head.raw_path, list(head.headers.raw), head.keep_alive,
                     head.minor, head.authority, head.upgrade, head.chunked, head.content_length)
                )  # fmt: skip
                head = None
    except ProtocolError as error:
        return requests, (error.status, error.reason)
    return requests, None


def splits(data: bytes) -> list[list[bytes]]:
    """Return the data whole, by line, by byte (if that is not too slow) and cut at random."""
    chance = random.Random(len(data))
    result = [[data], data.splitlines(keepends=True)]
    if len(data) < 4000:
        result.append([data[i : i + 1] for i in range(len(data))])
    for _ in range(5):
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(min(len(data), 6)))
        result.append([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)])
    return result


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("data", "status"), [pytest.param(d, s, id=label) for label, d, s in REFUSED])
def test_faults_are_refused_at_every_split(form: str, data: bytes, status: int) -> None:
    whole = read("interpreted", [data])
    assert whole[1] is not None and whole[1][0] == status, whole
    assert whole[0] == []
    for pieces in splits(data):
        assert read(form, pieces) == whole


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("data", "expected"), [pytest.param(d, e, id=label) for label, d, e in VALID])
def test_valid_requests_are_read_at_every_split(form: str, data: bytes, expected: list[tuple[Any, ...]]) -> None:
    whole = read("interpreted", [data])
    assert whole[1] is None
    assert [request[:4] for request in whole[0]] == expected
    for pieces in splits(data):
        assert read(form, pieces) == whole


@pytest.mark.parametrize("form", FORMS)
def test_forms_agree_on_mutations(form: str) -> None:
    chance = random.Random(7)
    seeds = [data for _, data, _ in VALID] + [data for _, data, _ in REFUSED if len(data) < 300]
    for _ in range(1500):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 4)):
            spot = chance.randrange(len(data))
            if chance.random() < 0.5:
                data[spot] = chance.choice(b'\r\n \t:;,=/?#%\x00\x7f\xff0159afAFGzHTP.*"')
            else:
                del data[spot]
        whole = read("interpreted", [bytes(data)])
        cut = chance.randrange(len(data) + 1)
        assert read(form, [bytes(data[:cut]), bytes(data[cut:])]) == whole, bytes(data)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("total", "reason"), [(60, "headers too large"), (100, "header too long")])
def test_the_first_limit_passed_is_the_reason(form: str, total: int, reason: str) -> None:
    data = host(b"Host: a", b"X: " + b"a" * 20)[:-2] + b"X: " + b"a" * 200
    limits = Limits(header=40, header_total=total)
    for pieces in [*splits(data), [data + b"\r\n"]]:
        assert read(form, pieces, limits)[1] == (431, reason)


@pytest.mark.parametrize("form", FORMS)
def test_headers_are_read_lazily(form: str) -> None:
    parser = family(form)["request_cy"].RequestParser(LIMITS)
    parser.feed(get(b"X-One: 1", b"x-two:\t2 ", b"X-ONE: \xe4", b"X_Real: no"))
    headers = parser.head().headers
    assert headers.get("x-one") == "1"
    assert headers.get("x-none") is None and headers.get("x-none", "d") == "d"
    assert headers.getall("x-one") == ["1", "ä"]
    assert "x-two" in headers and "x_real" not in headers and 5 not in headers
    assert list(headers)[1:3] == [("x-one", "1"), ("x-two", "2")]
    assert len(headers) == 4
    assert headers.raw[0] == (b"host", b"a")


@pytest.mark.parametrize("form", FORMS)
def test_underscores_do_not_frame(form: str) -> None:
    requests, error = read(form, [get(b"Content_Length: 3", b"Transfer_Encoding: chunked")])
    assert error is None and len(requests) == 1 and requests[0][5] == [(b"host", b"a")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("data", "keep"),
    [
        (get(), True),
        (get(b"Connection: close"), False),
        (get(b"Connection: x, CLOSE"), False),
        (get(b"Connection: keep-alive"), True),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", False),
    ],
)
def test_keep_alive(form: str, data: bytes, keep: bool) -> None:
    assert read(form, [data])[0][0][6] == keep


@pytest.mark.parametrize("form", FORMS)
def test_upgrade_needs_connection(form: str) -> None:
    assert read(form, [get(b"Upgrade: websocket")])[0][0][9] == b""
    assert read(form, [get(b"Upgrade: WebSocket", b"Connection: keep-alive, Upgrade")])[0][0][9] == b"websocket"


@pytest.mark.parametrize("form", FORMS)
def test_body_bytes_arrive_before_the_end(form: str) -> None:
    parser = family(form)["request_cy"].RequestParser(LIMITS)
    parser.feed(post(b"Content-Length: 6", body=b"ab"))
    parser.head()
    assert (parser.body(), parser.complete, parser.remaining) == (b"ab", False, 4)
    parser.feed(b"cdefGET")
    assert (parser.body(), parser.complete, parser.pending) == (b"cdef", True, 3)
    assert parser.leftover() == b"GET"
    parser.feed(chunked(b"3\r\nab"))
    parser.head()
    assert (parser.body(), parser.complete, parser.remaining) == (b"ab", False, -1)


@pytest.mark.parametrize("form", FORMS)
def test_chunks_without_a_limit_may_be_as_large_as_numbers_are(form: str) -> None:
    parser = family(form)["request_cy"].RequestParser(Limits())
    parser.feed(chunked(b"5\r\nhello\r\n7fffffffffffffff\r\nab"))
    parser.head()
    assert (parser.body(), parser.complete) == (b"helloab", False)


@pytest.mark.parametrize("form", FORMS)
def test_an_error_stays(form: str) -> None:
    parser = family(form)["request_cy"].RequestParser(LIMITS)
    parser.feed(line(b"nonsense"))
    with pytest.raises(ProtocolError):
        parser.head()
    parser.feed(get())
    with pytest.raises(ProtocolError):
        parser.head()
    with pytest.raises(ProtocolError):
        parser.body()
    assert parser.pending == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [
    lambda n: [bytes([byte]) for byte in host(b"Host: a", *[b"X: " + b"a" * (n // 4 - 5)] * 4)],
    lambda n: [chunked(b"1\r\nx\r\n" * (n // 6) + b"0\r\n\r\n")],
])  # fmt: skip
def test_work_is_linear(form: str, make: Any) -> None:
    def cost(size: int) -> float:
        pieces = make(size)
        best = 1.0
        for _ in range(3):
            begun = time.process_time()
            assert read(form, pieces)[1] is None
            best = min(best, time.process_time() - begun)
        return best

    assert cost(48_000) < 2 * 3 * cost(16_000) + 0.005
