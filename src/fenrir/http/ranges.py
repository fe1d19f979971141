"""Byte ranges (RFC 9110 §14).

Rules
    * None means "as if there were no Range header" (another unit, malformed, too many): answer 200 in full.
    * An empty list means that no range can be satisfied: answer 416 with `unsatisfied_range`.
    * Ranges are half-open (start, stop), clipped to the size, in the order asked for. If any two overlap, all
      are sorted and merged, so that a response is never larger than the representation.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fenrir.http.dates import parse_date
from fenrir.http.etags import ETag, parse_etag

__all__ = ["MAX_RANGES", "content_range", "if_range_matches", "parse_range", "unsatisfied_range"]

MAX_RANGES = 100
"""More ranges than this are ignored. Go refuses by total size, nginx's max_ranges is unlimited by default."""

_SPEC = re.compile(r"([0-9]*)-([0-9]*)")


def parse_range(header: str, size: int, *, max_ranges: int = MAX_RANGES) -> list[tuple[int, int]] | None:
    """Return the half-open ranges of a `Range` header for a representation of `size` bytes.

    None: ignore the header. Empty list: not satisfiable (416).
    """
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes" or specs.count(",") >= max_ranges:
        return None
    ranges: list[tuple[int, int]] = []
    seen = False
    for text in specs.split(","):
        text = text.strip(" \t")
        if not text:
            continue
        match = _SPEC.fullmatch(text)
        if match is None or text == "-":
            return None
        seen = True
        first, last = _position(match[1]), _position(match[2])
        if first is None:
            assert last is not None  # "-" alone was refused above
            if size == 0 and last > 0:
                return None  # RFC 9110 §14.1.2: satisfiable, but Content-Range can not say so
            if last > 0:
                ranges.append((max(0, size - last), size))
        elif last is not None and last < first:
            return None
        elif first < size:
            ranges.append((first, size if last is None else min(last + 1, size)))
    return _without_overlap(ranges) if seen else None


def _position(digits: str) -> int | None:
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    # No file has 10^19 bytes; int() of thousands of digits would be quadratic.
    return int(digits) if len(digits) < 20 else 10**19


def _without_overlap(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ordered = sorted(ranges)
    merged = ordered[:1]
    for start, stop in ordered[1:]:
        if start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return ranges if len(merged) == len(ranges) else merged


def content_range(start: int, stop: int, size: int | None) -> str:
    """Return the `Content-Range` of the half-open range; `size` is None while it is unknown."""
    if not 0 <= start < stop or (size is not None and stop > size):
        raise ValueError(f"({start}, {stop}) is not a range of {size} bytes")
    return f"bytes {start}-{stop - 1}/{'*' if size is None else size}"


def unsatisfied_range(size: int) -> str:
    """Return the `Content-Range` of a 416."""
    return f"bytes */{size}"


def if_range_matches(header: str, *, etag: ETag | None = None, last_modified: datetime | None = None) -> bool:
    """Say whether the `Range` may be honoured under this `If-Range` (RFC 9110 §13.1.5: strong comparison)."""
    tag = parse_etag(header)
    if tag is not None:
        return etag is not None and etag.matches_strongly(tag)
    date = parse_date(header)
    if date is None or last_modified is None:
        return False
    aware = last_modified.replace(tzinfo=UTC) if last_modified.tzinfo is None else last_modified
    return aware.replace(microsecond=0) == date
