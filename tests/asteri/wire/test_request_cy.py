"""What the request parser promises beyond the outcomes that tests/corpus holds."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from asteri.wire.fault import ProtocolError
from asteri.wire.limits import Limits

from ...corpus.cases import KINDS, LIMITS, load
from ...corpus.reading import read, splits
from ..forms import FORMS, family

HOST = b"Host: a\r\n"


def get(*lines: bytes) -> bytes:
    """Return a GET request with these further header lines."""
    return b"GET / HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """Return a POST request with these further header lines."""
    return b"POST / HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    """Return a POST request with this chunked body."""
    return post(b"Transfer-Encoding: chunked", body=body)


@pytest.mark.parametrize("form", FORMS)
def test_forms_agree_on_mutations(form: str) -> None:
    chance = random.Random(7)
    seeds = [case.data for kind in KINDS for case in load(kind) if 10 < len(case.data) < 300]
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
    data = get(b"X: " + b"a" * 20)[:-2] + b"X: " + b"a" * 200
    limits = Limits(header=40, header_total=total)
    for pieces in [*splits(data), [data + b"\r\n"]]:
        assert read(form, pieces, limits).error == (431, reason)


@pytest.mark.parametrize("form", FORMS)
def test_underscores_are_refused_where_that_is_asked_for(form: str) -> None:
    limits = Limits(underscores=False)
    for data in (get(b"X_Real: 1"), chunked(b"0\r\nX_Sum: 1\r\n\r\n")):
        for pieces in splits(data):
            assert read(form, pieces, limits).error == (400, "underscore in header name")
    assert read(form, [get(b"X-Real: a_b")], limits).error is None


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
def test_upgrade_needs_connection(form: str) -> None:
    assert read(form, [get(b"Upgrade: websocket")]).requests[0][9] == b""
    assert read(form, [get(b"Upgrade: WebSocket", b"Connection: keep-alive, Upgrade")]).requests[0][9] == b"websocket"


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
    parser.feed(b"nonsense\r\n")
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
    lambda n: [bytes([byte]) for byte in get(*[b"X: " + b"a" * (n // 4 - 5)] * 4)],
    lambda n: [chunked(b"1\r\nx\r\n" * (n // 6) + b"0\r\n\r\n")],
])  # fmt: skip
def test_work_is_linear(form: str, make: Any) -> None:
    def cost(size: int) -> float:
        pieces = make(size)
        best = 1.0
        for _ in range(3):
            begun = time.process_time()
            assert read(form, pieces).error is None
            best = min(best, time.process_time() - begun)
        return best

    assert cost(48_000) < 2 * 3 * cost(16_000) + 0.005
