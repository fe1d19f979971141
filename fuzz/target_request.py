"""The request parser: its two forms, whole and in pieces, say the same and hold no more than the limits allow."""

from __future__ import annotations

from random import Random
from typing import Any

from asteri.wire.fault import ProtocolError
from asteri.wire.limits import Limits
from fuzz.grammar import cut, cuts, pipeline, seeds
from tests.asteri.forms import FORMS, family
from tests.asteri.parsing import parse

__all__ = ["LIMITS", "RequestForms", "describe"]

# Small limits, so that short inputs meet them; and the ones that a server has.
LIMITS = (
    Limits(),
    Limits(body=64),
    Limits(request_line=40, header=40, header_count=4, header_total=100, chunk_extensions=12, body=40),
)
STATUSES = {400, 408, 413, 414, 417, 421, 431, 501, 505}
CHUNK_LINE = 18  # a chunk's size of 16 digits and a line end


def describe(head: Any) -> tuple[Any, ...]:
    """Return all that a request's head says."""
    return (
        head.method, head.path, head.raw_path, head.query, list(head.headers.raw), head.authority, head.minor,
        head.keep_alive, head.expect_continue, head.upgrade, head.chunked, head.content_length,
    )  # fmt: skip


class RequestForms:
    """Compiled against interpreted, at any split."""

    name = "request"

    def __init__(self) -> None:
        self.executions = 0
        self._parsers = {form: family(form)["request_cy"].RequestParser for form in FORMS}
        self._corpus = seeds()

    @property
    def interpreted(self) -> Any:
        """The class whose branches coverage is about."""
        return self._parsers["interpreted"]

    def sample(self, chance: Random) -> Any:
        data = pipeline(chance, self._corpus)
        return data, cuts(chance, data), chance.choice((0, 0, 1, 2))

    def judge(self, sample: Any) -> str | None:
        data, places, number = sample
        limits = LIMITS[number]
        whole, _ = self._read("interpreted", [data], limits)
        for form in FORMS:
            for pieces in (cut(data, places), [data]):
                result, held = self._read(form, pieces, limits)
                if result != whole:
                    return f"{form} differs: {pieces} gives\n{result}\nand whole and interpreted it is\n{whole}"
                most = limits.request_line + limits.header_total + limits.chunk_extensions + CHUNK_LINE
                if held > most + max(map(len, pieces)):
                    return f"{form} holds too much: {held} bytes"
        error = whole[-1]
        if error is not None and error[0] not in STATUSES:
            return f"status {error[0]} is not documented"
        return None

    def _read(self, form: str, pieces: list[bytes], limits: Limits) -> tuple[Any, int]:
        """Return the messages, the last of which may be unfinished, with the error; and the most bytes ever held."""
        self.executions += 1
        parser = self._parsers[form](limits)
        parsed = parse(parser, pieces)
        messages: list[Any] = [(*describe(head), body) for head, body in parsed.messages]
        if parsed.error is not None:
            return self._told_again(parser, messages, parsed.error), parsed.held
        if parsed.unfinished is not None:
            # How much of a body came before its error depends on the cuts; without one it must not.
            head, body = parsed.unfinished
            messages.append((*describe(head), body, parser.remaining))
        return (messages, None), parsed.held

    @staticmethod
    def _told_again(parser: Any, messages: list[Any], error: tuple[int, str]) -> Any:
        """An error stays, whatever comes behind it."""
        parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for ask in (parser.head, parser.body):
            try:
                ask()
            except ProtocolError as again:
                if (again.status, again.reason) == error and not parser.pending:
                    continue
            return messages, (0, "the error was forgotten")
        return messages, error

    def close(self) -> None:
        """Hold nothing."""
