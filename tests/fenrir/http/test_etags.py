from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.http.etags import ANY, ETag, parse_etag, parse_etags

from .growth import assert_linear


def test_parse_one() -> None:
    assert parse_etag(' "a" ') == ETag("a")
    assert parse_etag('W/"a"') == ETag("a", weak=True)
    for text in ("a", 'w/"a"', '"a', '"a"b"', '"a b"', "", "*"):
        assert parse_etag(text) is None


def test_parse_list() -> None:
    assert parse_etags("*") == ANY
    assert parse_etags('"a", W/"b,c",, bad , "d"') == (ETag("a"), ETag("b,c", True), ETag("d"))
    assert parse_etags('"a\\", "b"') == (ETag("a\\"), ETag("b"))
    assert parse_etags("") == ()


def test_comparisons() -> None:
    strong, weak = ETag("a"), ETag("a", weak=True)
    assert strong.matches_strongly(ETag("a"))
    assert not strong.matches_strongly(weak)
    assert not weak.matches_strongly(weak)
    assert strong.matches_weakly(weak)
    assert not strong.matches_weakly(ETag("b"))


@pytest.mark.parametrize("value", ['a"b', "a\r\nb", "a b", "日"])
def test_writing_refuses_what_could_not_be_read(value: str) -> None:
    with pytest.raises(ValueError):
        str(ETag(value))


@given(st.lists(st.builds(ETag, st.text("ab,\\/;!*W", max_size=5), st.booleans())))
def test_round_trip(tags: list[ETag]) -> None:
    assert parse_etags(", ".join(map(str, tags))) == tuple(tags)


@pytest.mark.parametrize("pattern", [",", '"', '"a,', "W/", 'W/"', " ", '"" '])
def test_linear(pattern: str) -> None:
    assert_linear(parse_etags, lambda size: pattern * size)
