"""Read bytes with one form of the parser, cut in whatever way, and say what came out."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from asteri.wire.limits import Limits

from ..asteri.forms import family
from ..asteri.parsing import parse
from .cases import LIMITS

__all__ = ["Reading", "by_byte", "read", "splits"]


class Reading(NamedTuple):
    """What a parser made of its bytes.

    Attributes:
        requests: everything that a complete request says, one tuple each: method, path, query, headers, body,
            keep-alive, and then what only parsers compare.
        error: status and reason.
        started: whether the head of a further request was read.
    """

    requests: list[tuple[Any, ...]]
    error: tuple[int, str] | None
    started: bool


def read(form: str, pieces: list[bytes], limits: Limits = LIMITS) -> Reading:
    """Feed the pieces one after the other."""
    parsed = parse(family(form)["request_cy"].RequestParser(limits), pieces)
    requests = [
        (head.method, head.path, head.query, tuple(head.headers.raw), body, head.keep_alive,
         head.raw_path, head.minor, head.authority, head.upgrade, head.chunked, head.content_length)
        for head, body in parsed.messages
    ]  # fmt: skip
    return Reading(requests, parsed.error, parsed.unfinished is not None)


def by_byte(data: bytes) -> list[bytes]:
    """Return the data in pieces of one byte."""
    return [data[i : i + 1] for i in range(len(data))]


def splits(data: bytes) -> list[list[bytes]]:
    """Return the data whole, by line, by byte and five times cut at random."""
    chance = random.Random(len(data))
    result = [[data], data.splitlines(keepends=True), by_byte(data)]
    for _ in range(5):
        cuts = sorted(chance.randrange(len(data) + 1) for _ in range(min(len(data), 6)))
        result.append([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)])
    return result
