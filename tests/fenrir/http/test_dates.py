from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import http_date
from werkzeug.http import parse_date as werkzeug_parse_date

from fenrir.http import dates
from fenrir.http.dates import format_date, now, parse_date

EXAMPLE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        " sun, 06 nov 1994 08:49:37 gmt ",
    ],
)
def test_three_forms(text: str) -> None:
    assert parse_date(text) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
    ],
)
def test_everything_else_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_leap_second_and_two_digit_years() -> None:
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    this_year = datetime.now(UTC).year
    near = parse_date(f"Sunday, 06-Nov-{(this_year + 50) % 100:02} 08:49:37 GMT")
    far = parse_date(f"Sunday, 06-Nov-{(this_year + 51) % 100:02} 08:49:37 GMT")
    assert near is not None and far is not None
    assert near.year - this_year <= 50
    assert far.year <= this_year


# Werkzeug reads the first centuries as two-digit years.
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_round_trip_and_werkzeug_agrees(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    text = format_date(moment)
    assert parse_date(text) == moment == werkzeug_parse_date(text)
    assert text == http_date(moment)


@given(st.integers(0, 2**33))
def test_seconds_are_written_as_the_standard_library_does(seconds: int) -> None:
    assert format_date(seconds) == formatdate(seconds, usegmt=True)


def test_zones() -> None:
    assert format_date(EXAMPLE.astimezone(timezone(timedelta(hours=5)))) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert format_date(EXAMPLE.replace(tzinfo=None)) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize("seconds", [1e18, 1e30, -1e30])
def test_impossible_moments_raise_value_error(seconds: float) -> None:
    with pytest.raises(ValueError):
        format_date(seconds)


def test_now_is_formatted_once_per_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.2]
    monkeypatch.setattr(dates.time, "time", lambda: clock[0])
    first = now()
    clock[0] = 1000.9
    assert now() is first
    clock[0] = 1001.0
    assert now() == format_date(1001) != first


@given(st.text())
def test_takes_anything(text: str) -> None:
    parse_date(text)
