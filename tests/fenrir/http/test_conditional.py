from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fenrir.http.conditional import evaluate
from fenrir.http.dates import format_date
from fenrir.http.etags import ETag
from fenrir.http.headers import MutableHeaders

THEN = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
AT, BEFORE, AFTER = (format_date(THEN + timedelta(seconds=s)) for s in (0, -1, 1))


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [
        ("GET", {}, None),
        ("GET", {"if-none-match": '"a"'}, 304),
        ("HEAD", {"if-none-match": 'W/"a"'}, 304),
        ("PUT", {"if-none-match": '"a"'}, 412),
        ("GET", {"if-none-match": '"b"'}, None),
        ("GET", {"if-none-match": "*"}, 304),
        ("PUT", {"if-none-match": "*"}, 412),
        ("GET", {"if-none-match": "garbage"}, None),
        # RFC 9110 §13.1.3: If-Modified-Since is ignored if there is an If-None-Match
        ("GET", {"if-none-match": '"b"', "if-modified-since": AT}, None),
        ("GET", {"if-modified-since": AT}, 304),
        ("GET", {"if-modified-since": AFTER}, 304),
        ("GET", {"if-modified-since": BEFORE}, None),
        ("POST", {"if-modified-since": AT}, None),
        ("GET", {"if-modified-since": "yesterday"}, None),
        ("PUT", {"if-match": '"a"'}, None),
        ("PUT", {"if-match": 'W/"a"'}, 412),
        ("PUT", {"if-match": '"b", "a"'}, None),
        ("PUT", {"if-match": "*"}, None),
        ("PUT", {"if-match": "garbage"}, 412),
        ("PUT", {"if-unmodified-since": AT}, None),
        ("PUT", {"if-unmodified-since": BEFORE}, 412),
        ("PUT", {"if-match": '"a"', "if-unmodified-since": BEFORE}, None),
        ("GET", {"if-match": '"a"', "if-none-match": '"a"'}, 304),
    ],
)
def test_precedence(method: str, fields: dict[str, str], expected: int | None) -> None:
    assert evaluate(method, MutableHeaders(fields), etag=ETag("a"), last_modified=THEN) == expected


def test_without_a_representation() -> None:
    assert evaluate("PUT", MutableHeaders({"if-match": "*"}), exists=False) == 412
    assert evaluate("PUT", MutableHeaders({"if-none-match": "*"}), exists=False) is None
    assert evaluate("PUT", MutableHeaders({"if-match": '"a"'})) == 412
    assert evaluate("GET", MutableHeaders({"if-modified-since": AT})) is None


def test_naive_dates_are_utc_and_repeated_fields_are_one_list() -> None:
    naive = THEN.replace(tzinfo=None)
    assert evaluate("GET", MutableHeaders({"if-modified-since": AT}), last_modified=naive) == 304
    repeated = MutableHeaders([("if-none-match", '"x"'), ("if-none-match", '"a"')])
    assert evaluate("GET", repeated, etag=ETag("a")) == 304
    dates = MutableHeaders([("if-modified-since", AT), ("if-modified-since", AT)])
    assert evaluate("GET", dates, last_modified=THEN) is None
