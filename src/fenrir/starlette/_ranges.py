"""Which bytes of a file a response sends: the `Range` header as upstream reads it, and multipart/byteranges."""

from __future__ import annotations

import secrets

__all__ = ["MalformedRange", "Piece", "UnsatisfiableRange", "multipart_pieces", "parse_range_header", "size_of"]

Piece = bytes | tuple[int, int]
"""A piece of a body: bytes as they are, or those of the file from a start up to a stop."""


class MalformedRange(Exception):
    """The header is no range of bytes; the text is for the client."""


class UnsatisfiableRange(Exception):
    """The file has no such bytes."""


def parse_range_header(header: str, size: int, max_ranges: int) -> list[tuple[int, int]]:
    """Return the ranges as (start, stop), sorted and joined where they overlap; none when there are too many.

    A specification that is no pair of numbers is ignored.

    Raises:
        MalformedRange: 400.
        UnsatisfiableRange: 416.
    """
    unit, equals, text = header.partition("=")
    if not equals:
        raise MalformedRange("Malformed range header.")
    if unit.strip().lower() != "bytes":
        raise MalformedRange("Only support bytes range")
    specs = text.split(",")
    if len(specs) > max_ranges:
        return []
    ranges = [found for spec in specs if (found := _range(spec, size)) is not None]
    if not ranges:
        raise MalformedRange("Range header: range must be requested")
    if any(not 0 <= start < size for start, _ in ranges):
        raise UnsatisfiableRange
    if any(start >= stop for start, stop in ranges):
        raise MalformedRange("Range header: start must be less than end")
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(ranges) if len(ranges) > 1 else ranges:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], stop))
        else:
            joined.append((start, stop))
    return joined


def _range(spec: str, size: int) -> tuple[int, int] | None:
    first, dash, last = (part.strip() for part in spec.partition("-"))
    if not dash or not (first or last):
        return None
    try:
        if not first:
            return max(size - int(last), 0), size
        return int(first), min(int(last) + 1, size) if last else size
    except ValueError:
        return None


def multipart_pieces(ranges: list[tuple[int, int]], size: int, kind: str) -> tuple[str, list[Piece]]:
    """Return the content type and the body of several ranges as multipart/byteranges (RFC 9110 §14.6)."""
    boundary = secrets.token_hex(13)
    pieces: list[Piece] = []
    for start, stop in ranges:
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{stop - 1}/{size}\r\n\r\n"
        pieces += (head.encode("latin-1"), (start, stop), b"\r\n")
    pieces.append(f"--{boundary}--".encode("latin-1"))
    return f"multipart/byteranges; boundary={boundary}", pieces


def size_of(pieces: list[Piece]) -> int:
    """Return the length of a body."""
    return sum(len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces)
