from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_range_header

from fenrir.http.etags import ETag
from fenrir.http.ranges import content_range, if_range_matches, parse_range, unsatisfied_range

from .growth import assert_linear


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-4", [(0, 5)]),
        ("Bytes = 0-4", [(0, 5)]),
        ("bytes=0-", [(0, 100)]),
        ("bytes=-3", [(97, 100)]),
        ("bytes=-1000", [(0, 100)]),
        ("bytes=99-1000", [(99, 100)]),
        ("bytes=50-59, 0-9", [(50, 60), (0, 10)]),
        ("bytes=0-9,10-19", [(0, 10), (10, 20)]),
        ("bytes=50-59, 0-9, 55-70", [(0, 10), (50, 71)]),
        ("bytes=0-,0-,0-", [(0, 100)]),
        ("bytes=100-", []),
        ("bytes=-0", []),
        ("bytes=100-200,0-1", [(0, 2)]),
        ("bytes=" + "9" * 5000 + "-", []),
        ("bytes=-" + "9" * 5000, [(0, 100)]),
        ("bytes=" + "0" * 5000 + "-0", [(0, 1)]),
        ("bytes=5-4", None),
        ("bytes=0-1,5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=,", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1_0-20", None),
        ("bytes=٠-٤", None),
        ("bytes=0-1-2", None),
        ("bytes 0-4", None),
        ("items=0-4", None),
        ("", None),
        ("bytes=" + ",".join(["0-0"] * 101), None),
    ],
)
def test_parse(header: str, expected: list[tuple[int, int]] | None) -> None:
    assert parse_range(header, 100) == expected


def test_empty_representation() -> None:
    assert parse_range("bytes=0-", 0) == []
    assert parse_range("bytes=-5", 0) is None


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=20), st.integers(1, 150))
def test_never_more_than_the_representation(specs: list[tuple[int, int]], size: int) -> None:
    ranges = parse_range("bytes=" + ",".join(f"{a}-{a + b}" for a, b in specs), size)
    assert ranges is not None
    assert sum(stop - start for start, stop in ranges) <= size
    wanted = {n for a, b in specs for n in range(a, a + b + 1) if n < size}
    assert {n for start, stop in ranges for n in range(start, stop)} == wanted


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_single_ranges_as_werkzeug_reads_them(first: int, last: int, size: int) -> None:
    header = f"bytes={first}-{last}"
    oracle = parse_range_header(header)
    if oracle is None:
        assert parse_range(header, size) is None
    else:
        found = oracle.range_for_length(size)
        assert parse_range(header, size) == ([] if found is None else [found])


def test_linear() -> None:
    for pattern in ("0-0,", "5-", ",", "0", " "):
        assert_linear(
            lambda header: parse_range(header, 1000, max_ranges=10**9), lambda size, p=pattern: "bytes=" + p * size
        )


def test_content_range() -> None:
    assert content_range(0, 10, 100) == "bytes 0-9/100"
    assert content_range(5, 6, None) == "bytes 5-5/*"
    assert unsatisfied_range(100) == "bytes */100"
    for bad in ((5, 5, 10), (-1, 5, 10), (0, 11, 10)):
        with pytest.raises(ValueError):
            content_range(*bad)


def test_if_range() -> None:
    moment = datetime(1994, 11, 6, 8, 49, 37, 500, tzinfo=UTC)
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert if_range_matches('"a"', etag=ETag("a"))
    assert not if_range_matches('W/"a"', etag=ETag("a", weak=True))
    assert not if_range_matches('"a"', last_modified=moment)
    assert if_range_matches(date, last_modified=moment)
    assert if_range_matches(date, last_modified=moment.replace(tzinfo=None))
    assert not if_range_matches("Sun, 06 Nov 1994 08:49:38 GMT", last_modified=moment)
    assert not if_range_matches("garbage", etag=ETag("a"), last_modified=moment)
