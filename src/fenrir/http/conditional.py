"""Conditional requests: which of 304, 412 or neither (RFC 9110 §13.2.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, Protocol

from fenrir.http.dates import parse_date
from fenrir.http.etags import ETag, parse_etags

__all__ = ["FieldSource", "evaluate"]


class FieldSource(Protocol):
    """Anything with header fields: `asteri.exchange.Headers` is one."""

    def getall(self, name: str) -> list[str]:
        """Return all values of a field in order, or an empty list."""


def evaluate(
    method: str,
    headers: FieldSource,
    *,
    etag: ETag | None = None,
    last_modified: datetime | None = None,
    exists: bool = True,
) -> Literal[304, 412] | None:
    """Return the status that the preconditions demand instead of performing the method, or None.

    `exists` says whether the target has a representation at all, for `If-Match: *` and `If-None-Match: *`.
    To be asked only where the answer would be a success (RFC 9110 §13.2.1).
    """
    modified = _whole_second(last_modified)
    safe = method in ("GET", "HEAD")

    if if_match := headers.getall("if-match"):
        tags = parse_etags(", ".join(if_match))
        if not (exists if isinstance(tags, str) else etag is not None and any(map(etag.matches_strongly, tags))):
            return 412
    elif modified is not None:
        limit = _date(headers.getall("if-unmodified-since"))
        if limit is not None and modified > limit:
            return 412

    if if_none_match := headers.getall("if-none-match"):
        tags = parse_etags(", ".join(if_none_match))
        if exists if isinstance(tags, str) else etag is not None and any(map(etag.matches_weakly, tags)):
            return 304 if safe else 412
    elif safe and modified is not None:
        limit = _date(headers.getall("if-modified-since"))
        if limit is not None and modified <= limit:
            return 304
    return None


def _date(values: list[str]) -> datetime | None:
    # RFC 9110 §13.1.3: a field that is no single date is ignored.
    return parse_date(values[0]) if len(values) == 1 else None


def _whole_second(moment: datetime | None) -> datetime | None:
    """Return the moment as it reads in a header, which has no fractions."""
    if moment is None:
        return None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return aware.replace(microsecond=0)
