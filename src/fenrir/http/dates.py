"""HTTP dates (RFC 9110 §5.6.7): one form is written, three are read.

Written by hand because `strftime` follows the locale and `email.utils.formatdate` takes 5 us. The current date
is formatted at most once per second. Dates are aware datetimes in UTC; a naive one is taken to be UTC.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

__all__ = ["format_date", "now", "parse_date"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBER = {name.lower(): number for number, name in enumerate(_MONTHS, 1)}

_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_MONTH = r"(?P<month>[a-z]{3})"
_FORMS = (
    re.compile(rf"[a-z]{{3}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} (?:gmt|utc)", re.I | re.A),
    re.compile(rf"[a-z]{{6,9}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} (?:gmt|utc)", re.I | re.A),
    re.compile(rf"[a-z]{{3}} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})", re.I | re.A),
)

_current: tuple[int, str] = (-1, "")  # replaced as a whole, so that threads never see half of it


def format_date(moment: datetime | float) -> str:
    """Return the IMF-fixdate of a datetime or of seconds since the epoch.

    Raises:
        ValueError: the year is not between 1 and 9999.
    """
    if isinstance(moment, datetime):
        utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
        fields = utc.timetuple()
    else:
        try:
            fields = time.gmtime(moment)
        except (OverflowError, OSError) as error:
            raise ValueError(f"no HTTP date for {moment!r}") from error
    year, month, day, hour, minute, second, weekday = fields[:7]
    if not 1 <= year <= 9999:
        raise ValueError(f"no HTTP date for year {year}")
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def now() -> str:
    """Return the current date as IMF-fixdate, formatted once per second."""
    global _current
    second = int(time.time())
    at, text = _current
    if at != second:
        text = format_date(second)
        _current = (second, text)
    return text


def parse_date(text: str) -> datetime | None:
    """Return the date in any of the three forms of RFC 9110 §5.6.7, or None.

    The name of the weekday is not checked. A leap second is read as the second before it.
    """
    text = text.strip(" \t")
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            break
    else:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        # RFC 9110 §5.6.7: a two-digit year more than 50 years in the future is the past century's.
        this_year = time.gmtime().tm_year
        year += this_year // 100 * 100
        if year > this_year + 50:
            year -= 100
    second = int(match["second"])
    month = _MONTH_NUMBER.get(match["month"].lower())
    if month is None:
        return None
    try:
        return datetime(
            year,
            month,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            59 if second == 60 else second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
