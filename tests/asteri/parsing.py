"""Drive a request parser with bytes that come in pieces."""

from __future__ import annotations

from typing import Any, NamedTuple

from asteri.wire.fault import ProtocolError

__all__ = ["Parsed", "parse"]


class Parsed(NamedTuple):
    """What a parser made of its bytes.

    Attributes:
        messages: head and body of each complete request.
        unfinished: head and so much of the body of one that has begun.
        error: status and reason.
        held: the most bytes that the parser kept between two pieces.
    """

    messages: list[tuple[Any, bytes]]
    unfinished: tuple[Any, bytes] | None
    error: tuple[int, str] | None
    held: int


def parse(parser: Any, pieces: list[bytes]) -> Parsed:
    """Feed the pieces one after the other and read all that can be read after each."""
    messages: list[tuple[Any, bytes]] = []
    head: Any = None
    body: list[bytes] = []
    held = 0
    error: tuple[int, str] | None = None
    try:
        for piece in pieces:
            parser.feed(piece)
            while True:
                if head is None:
                    head = parser.head()
                    if head is None:
                        break
                    body = []
                body.append(parser.body())
                if not parser.complete:
                    break
                messages.append((head, b"".join(body)))
                head = None
            held = max(held, parser.pending)
    except ProtocolError as fault:
        error = fault.status, fault.reason
    return Parsed(messages, None if head is None else (head, b"".join(body)), error, held)
