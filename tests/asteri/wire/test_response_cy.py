"""Response heads: validated, cached only when constant, true to the moment."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ..forms import FORMS, family

pytestmark = pytest.mark.parametrize("form", FORMS)


def encode(
    form: str, status: Any, headers: Any, body: bytes = b"", *, head: bool = False, minor: int = 1, keep: bool = True
) -> Any:
    return family(form)["response_cy"].encode_response(status, headers, body, head, minor, keep)


def test_a_whole_response(form: str) -> None:
    data, keep = encode(
        form, 200, [(b"Content-Type", b" text/plain "), (b"set-cookie", b"a"), (b"set-cookie", b"b")], b"hi"
    )
    assert keep
    assert re.fullmatch(
        rb"HTTP/1\.1 200 OK\r\nContent-Type: text/plain\r\nset-cookie: a\r\nset-cookie: b\r\nserver: asteri\r\n"
        rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\ncontent-length: 2\r\n\r\nhi",
        data,
    )


def test_unknown_status_and_int_enum(form: str) -> None:
    from http import HTTPStatus

    assert encode(form, 299, ())[0].startswith(b"HTTP/1.1 299 \r\n")
    assert encode(form, HTTPStatus.NOT_FOUND, ())[0].startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_date_and_server_of_the_application_win(form: str) -> None:
    data, _ = encode(form, 200, ((b"Date", b"today"), (b"Server", b"mine")))
    assert data.lower().count(b"date:") == 1 and b"asteri" not in data
    data, _ = encode(form, 200, ((b"Date", b"today"),))
    assert data.lower().count(b"date:") == 1 and b"asteri" in data
    data, _ = encode(form, 200, ((b"Server", b"mine"),))
    assert data.lower().count(b"date:") == 1 and b"asteri" not in data


def test_connection_belongs_to_the_server(form: str) -> None:
    data, keep = encode(form, 200, [(b"Connection", b"keep-alive, x"), (b"keep-alive", b"3")])
    assert keep and b"onnection" not in data and b"keep-alive" not in data
    data, keep = encode(form, 200, [(b"Connection", b"Close")])
    assert not keep and data.count(b"connection: close\r\n") == 1
    assert encode(form, 200, (), keep=False)[0].count(b"connection: close\r\n") == 1
    assert encode(form, 200, (), minor=0)[0].count(b"connection: keep-alive\r\n") == 1


def test_constant_heads_are_kept_within_bounds(form: str) -> None:
    module = family(form)["response_cy"]
    module._cache.clear()
    for _ in range(3):
        encode(form, 200, ((b"a", b"b"),))
        encode(form, 200, [(b"a", b"b")])
        encode(form, 200, ([b"a", b"b"],))
    assert len(module._cache) == 1
    for number in range(3000):
        encode(form, 200, ((b"a", b"%d" % number),))
    assert len(module._cache) <= module.CACHE_SIZE


@pytest.mark.parametrize("headers", [[("a", b"b")], [(b"a", "b")], [(b"a", 1)], [(bytearray(b"a"), b"b")]])
def test_only_bytes(form: str, headers: Any) -> None:
    with pytest.raises(TypeError):
        encode(form, 200, headers)
    with pytest.raises(TypeError):
        encode(form, 200, tuple(headers))


def test_lengths(form: str) -> None:
    for value in (b"", b"+1", b"1_0", b"\xd9\xa1", b"99999999999999999999"):
        with pytest.raises(ValueError):
            encode(form, 200, [(b"content-length", value)])
    with pytest.raises(ValueError):
        encode(form, 200, [(b"content-length", b"0"), (b"Content-Length", b"0")])


def test_a_large_body_is_left_to_the_caller(form: str) -> None:
    data, _ = encode(form, 200, (), b"x" * 20_000)
    assert data.endswith(b"content-length: 20000\r\n\r\n")
    data, _ = encode(form, 200, (), b"x" * 16_384)
    assert data.endswith(b"x" * 16_384)


def test_start(form: str) -> None:
    module = family(form)["response_cy"]
    start = module.encode_start
    data, keep, framing, _ = start(200, (), False, 1, True)
    assert keep and framing == module.CHUNKED and b"transfer-encoding: chunked\r\n\r\n" in data
    data, keep, framing, _ = start(200, (), False, 0, True)
    assert not keep and framing == module.UNTIL_CLOSE and b"connection: close" in data
    data, keep, framing, length = start(200, ((b"content-length", b"7"),), False, 0, True)
    assert keep and framing == module.COUNTED and length == 7
    assert start(204, ((b"content-length", b"7"),), False, 1, True)[2] == module.BODYLESS
    assert b"content-length" not in start(204, ((b"content-length", b"7"),), False, 1, True)[0]
    assert start(200, (), True, 1, True)[2] == module.BODYLESS


def test_interim_and_trailers(form: str) -> None:
    module = family(form)["response_cy"]
    assert module.encode_interim(103, [(b"link", b"x")]) == b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    assert module.encode_trailers([(b"a", b"b")]) == b"0\r\na: b\r\n\r\n"
    for status in (99, 101, 200):
        with pytest.raises(ValueError):
            module.encode_interim(status, ())
    with pytest.raises(ValueError):
        module.encode_trailers([(b"a", b"b\r\n")])


@pytest.mark.parametrize("name", [b"Content-Length", b"transfer-encoding"])
def test_what_frames_is_in_no_interim_response_and_no_trailer(form: str, name: bytes) -> None:
    module = family(form)["response_cy"]
    with pytest.raises(ValueError, match="interim"):
        module.encode_interim(103, [(name, b"5")])
    with pytest.raises(ValueError, match="trailer"):
        module.encode_trailers([(name, b"5")])
    assert module.encode_interim(103, [(b"Connection", b"close"), (b"link", b"x")]).endswith(
        b"Hints\r\nlink: x\r\n\r\n"
    )
    with pytest.raises(ValueError, match="trailer"):
        module.encode_trailers([(b"Set-Cookie", b"a=b")])
