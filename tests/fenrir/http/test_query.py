from __future__ import annotations

from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.http.query import QueryParams, TooManyFields, encode_pairs, parse_pairs

from .growth import assert_linear

FRAGMENTS = st.lists(
    st.sampled_from([b"a", b"=", b"&", b"+", b"%", b"%41", b"%zz", b"%4", b"%ff", b"%C3%A9", b";", b"%00", b"%26"])
).map(b"".join)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", []),
        (b"a=1&b=2", [("a", "1"), ("b", "2")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a", [("a", "")]),
        (b"a=", [("a", "")]),
        (b"=a", [("", "a")]),
        (b"&&a=1&&", [("a", "1")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a+b=c+d", [("a b", "c d")]),
        (b"a=%2B+", [("a", "+ ")]),
        (b"a=%41%zz%4", [("a", "A%zz%4")]),
        (b"a%3D=%26", [("a=", "&")]),
        (b"a=%C3%A9", [("a", "é")]),
        (b"a=\xc3\xa9", [("a", "é")]),
        (b"a=%ff", [("a", "\ufffd")]),
        (b"a=\xc3&b=1", [("a", "\ufffd"), ("b", "1")]),
        (b"a=\xc3=%41&b=1", [("a", "\ufffd=A"), ("b", "1")]),
        (b"a=%00", [("a", "\0")]),
        (b"a[b]=1", [("a[b]", "1")]),
    ],
)
def test_parse(query: bytes, expected: list[tuple[str, str]]) -> None:
    assert parse_pairs(query) == expected


@given(FRAGMENTS)
def test_as_the_standard_library(query: bytes) -> None:
    oracle = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="replace")
    assert parse_pairs(query) == oracle


@given(st.lists(st.tuples(st.text(), st.text())))
def test_round_trip(pairs: list[tuple[str, str]]) -> None:
    pairs = [pair for pair in pairs if not any("\ud800" <= c <= "\udfff" for c in pair[0] + pair[1])]
    assert parse_pairs(encode_pairs(pairs).encode("ascii")) == pairs


@given(st.binary())
def test_both_paths_agree(query: bytes) -> None:
    query = query.replace(b"%", b"").replace(b"+", b"")
    assert parse_pairs(query + b"&%41=+")[:-1] == parse_pairs(query)


def test_encode() -> None:
    assert encode_pairs({"a b": "~*-._&=é"}) == "a+b=%7E*-._%26%3D%C3%A9"


def test_limit() -> None:
    query = b"&".join([b"a=1"] * 1000)
    assert len(parse_pairs(query)) == 1000
    with pytest.raises(TooManyFields):
        parse_pairs(query + b"&a=1")
    with pytest.raises(TooManyFields):
        parse_pairs(b"&" * 1000)
    with pytest.raises(TooManyFields):
        QueryParams.parse(b"a&b&c", max_fields=2)


@pytest.mark.parametrize("pattern", [b"&", b"=", b"%", b"+", b"%41", b"a=%&", b"a[a]"])
def test_linear(pattern: bytes) -> None:
    assert_linear(lambda query: parse_pairs(query, max_fields=10**9), lambda size: b"a=" + pattern * size)


@given(FRAGMENTS, st.sampled_from([b"%", b"\\", b"\\x41", b"%%41", b"%4", b"\\\n", b"\xff"]))
def test_long_values_are_decoded_as_short_ones(fragment: bytes, unit: bytes) -> None:
    value = (fragment + unit * 200).replace(b"&", b"").replace(b"=", b"")
    expected = unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")
    assert parse_pairs(b"a=" + value) == [("a", expected)]
