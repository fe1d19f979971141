"""HTTP/1 requests from the pieces of their grammar, and bytes that were tampered with.

A message is right in most of its pieces, so that what is wrong in one of them reaches the code that judges it. Seeds
come from the corpus of requests.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from tests.corpus.cases import KINDS, load

__all__ = ["cut", "cuts", "pipeline", "seeds", "tamper"]

Piece = TypeVar("Piece")
LARGEST_SEED = 3000  # larger ones test limits; the targets do so with small limits

METHODS = b"GET POST HEAD PUT DELETE PATCH OPTIONS M-SEARCH PROPFIND".split()
ODD_METHODS = [b"CONNECT", b"get", b"-bl", b"A" * 40, b"G\xc9T", b"", b"PRI", b"TRACE", b"G3T", b"A_B"]
TARGETS = [b"/", b"/a", b"/a/b?c=d", b"/?", b"/%41%2f", b"//a/../b", b"http://a/b?c", b"HTTP://A?x", b"/a:80"]
ODD_TARGETS = [
    b"*", b"a", b"a:80", b"", b"/#x", b"/\xe4", b"/\\", b"/\x00", b"/ b", b"http://", b"http://u@a/", b"ftp://a/",
    b"https://a", b"/%", b"/%ff%zz", b"/" + b"a" * 70, b"?a", b"://a", b"http://b/", b"/\x7f", b"http:/a", b"/\t",
]  # fmt: skip
VERSIONS = [b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]
ODD_VERSIONS = [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 ", b"HTTP/1.", b"HTTP/11.1", b"", b"X"]
ENDS = [b"\r\n"]
ODD_ENDS = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n ", b" \r\n", b"\r\n\r\n", b"\x00\r\n"]
FIELDS = [
    (b"X-One", b"1"), (b"Accept", b"*/*"), (b"Cookie", b"a=b; c=d"), (b"X", b""), (b"X", b"\t a \t b "),
    (b"Connection", b"keep-alive"), (b"Connection", b"x, Keep-Alive"), (b"Expect", b"100-continue"),
    (b"X", b"\xe4\xff"),
]  # fmt: skip
ODD_FIELDS = [
    (b"Connection", b"close"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Upgrade", b"h2c"),
    (b"Host", b"a"), (b"Host", b"b"), (b"Host", b""), (b"Host", b"a, b"), (b"Host", b"[::1]:80"), (b"Host", b"a:99999"),
    (b"Content-Length", b"0"), (b"Content-Length", b"5"), (b"Content-Length", b"5, 5"), (b"Content-Length", b"+5"),
    (b"Content-Length", b"5 "), (b"Content-Length", b"9223372036854775807"), (b"Content-Length", b"9" * 20),
    (b"Content-Length", b"-1"), (b"Content-Length", b""), (b"Content_Length", b"3"), (b"Content-Length", b"0x5"),
    (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"gzip, chunked"), (b"Transfer-Encoding", b"identity"),
    (b"Transfer-Encoding", b"chunked, chunked"), (b"Transfer-Encoding", b""), (b"Transfer-Encoding", b"xchunked"),
    (b"Transfer_Encoding", b"chunked"), (b"Transfer-Encoding", b"\x0bchunked"), (b"Transfer-Encoding", b",chunked"),
    (b"Expect", b"magic"), (b"X ", b"a"), (b"", b"a"), (b"X\x00", b"a"), (b"X", b"a\x00b"), (b"X", b"a\rb"),
    (b"X", b"\x07"), (b"X", b"\x7f"), (b"\xe4", b"a"), (b"X", b"a" * 80), (b" X", b"folded"),
    (b"X:", b""), (b"(X)", b""), (b"Transfer-Encoding", b"chunked\t"), (b"Transfer-Encoding", b"CHUNKED"),
    (b"Connection", b"keep-alive, close"), (b"Content-Type", b"text/plain"), (b"Content-Type", b""),
]  # fmt: skip
ABSOLUTE = re.compile(rb"(?i)https?://([^/?]+)")
HOSTS = [b"a", b"A", b"a:80", b"[::1]", b"a.b-c~d"]
EXTENSIONS = [b"", b"", b"", b"", b";a", b";a=b", b' ; a="b\\"c"', b";a;b=c", b"\t;\ta"]
ODD_EXTENSIONS = [b";", b"; ;", b";a=", b';a="b', b";a\x00", b";=b", b" ", b";a b", b'; a="\x07"', b";" + b"a" * 30]
SIZES = [b"0", b"00", b"5", b"A", b"a", b"10", b"003"]
ODD_SIZES = [b"", b"+5", b"-1", b"0x5", b"5_0", b" 5", b"g", b"f" * 16, b"f" * 17, b"8" + b"0" * 15, b"7" + b"f" * 15]
TRAILERS = [(b"X-Sum", b"1"), (b"X", b"")]
ODD_TRAILERS = [
    (b"Content-Length", b"5"),
    (b"Host", b"a"),
    (b"Transfer-Encoding", b"chunked"),
    (b"a b", b""),
    (b"te", b""),
]
# What byte mutations insert: the bytes that a parser branches on, and short runs of them.
BYTES = b'\r\n \t:;,=/?#%\x00\x07\x0b\x7f\x80\xff\\"09aAfFgGzZ.*+-_@[]'
TOKENS = [
    b"\r\n", b"\r\n\r\n", b"\n\n", b": ", b"0\r\n\r\n", b" HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n", b"Host: a\r\n",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"\r\n ",
    b"chunked", b"close", b"%0d%0a",
]  # fmt: skip


def seeds(*kinds: str) -> list[bytes]:
    """Return the requests of the corpus, of all kinds or of some."""
    cases = [case for kind in kinds or KINDS for case in load(kind)]
    return [case.data for case in cases if 0 < len(case.data) <= LARGEST_SEED]


class _Writer:
    """Writes messages of which each piece is odd with the same small probability."""

    def __init__(self, chance: Random, odd: float) -> None:
        self.chance = chance
        self.odd = odd

    def pick(self, usual: Sequence[Piece], odd: Sequence[Piece]) -> Piece:
        return self.chance.choice(odd if self.chance.random() < self.odd else usual)

    def end(self) -> bytes:
        return self.pick(ENDS, ODD_ENDS)

    def field(self, name: bytes, value: bytes) -> bytes:
        chance = self.chance
        if chance.random() < 0.1:
            name = bytes(byte ^ 32 if chance.random() < 0.3 and byte | 32 in range(97, 123) else byte for byte in name)
        return name + b":" + chance.choice((b" ", b" ", b" ", b"", b"\t ")) + value + self.end()

    def message(self) -> bytes:
        chance = self.chance
        version = self.pick(VERSIONS, ODD_VERSIONS)
        body, framing = self.body()
        target = self.pick(TARGETS, ODD_TARGETS)
        authority = ABSOLUTE.match(target)
        host = authority[1] if authority and chance.random() >= self.odd else chance.choice(HOSTS)
        fields = [] if chance.random() < self.odd else [(b"Host", host)]
        fields += framing
        for _ in range(chance.randrange(4)):
            fields.append(self.pick(FIELDS, ODD_FIELDS))
        chance.shuffle(fields)
        line = self.pick(METHODS, ODD_METHODS) + b" " + target + b" " + version + self.end()
        return line + b"".join(self.field(name, value) for name, value in fields) + self.end() + body

    def body(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        chance = self.chance
        kind = chance.randrange(3)
        if kind == 0:
            return b"", []
        if kind == 1:
            body = chance.choice((b"", b"hello", b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"x" * 70))
            size = len(body) + (chance.choice((-1, 1)) if chance.random() < self.odd else 0)
            return body, [(b"Content-Length", b"%d" % max(size, 0))]
        chunks = [self.chunk() for _ in range(chance.randrange(4))]
        trailers = [self.pick(TRAILERS, ODD_TRAILERS) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
        last = b"0" + self.pick(EXTENSIONS, ODD_EXTENSIONS) + self.end()
        fields = b"".join(self.field(name, value) for name, value in trailers)
        return b"".join(chunks) + last + fields + self.end(), [(b"Transfer-Encoding", b"chunked")]

    def chunk(self) -> bytes:
        chance = self.chance
        size = self.pick(SIZES[2:], ODD_SIZES)
        try:
            data = chance.randbytes(min(int(size, 16), 64))
        except ValueError:
            data = b"hello"
        if chance.random() < self.odd:
            data += b"X"
        return size + self.pick(EXTENSIONS, ODD_EXTENSIONS) + self.end() + data + self.end()


def pipeline(chance: Random, corpus: Sequence[bytes], *, calm: bool = False) -> bytes:
    """Return one to four requests: written by the grammar or taken from the corpus, some of them tampered with.

    Args:
        chance: the source of all that is random.
        corpus: requests to take some of.
        calm: few faults, so that most requests reach the application.
    """
    writer = _Writer(chance, chance.choice((0.0, 0.0, 0.0, 0.02) if calm else (0.0, 0.01, 0.04, 0.15)))
    messages = [
        chance.choice(corpus) if corpus and chance.random() < 0.25 else writer.message()
        for _ in range(chance.choice((1, 2, 3, 4) if calm else (1, 1, 1, 2, 2, 3, 4)))
    ]
    data = b"".join(messages)
    return tamper(chance, data) if chance.random() < (0.15 if calm else 0.5) else data


def tamper(
    chance: Random, data: bytes, tokens: Sequence[bytes] = TOKENS, alphabet: bytes = BYTES, most: int = 4
) -> bytes:
    """Return the data with a few bytes, lines or pieces changed."""
    for _ in range(chance.randrange(1, most)):
        spot = chance.randrange(len(data) + 1)
        span = chance.choice((1, 1, 1, 2, 4, 16))
        kind = chance.randrange(8)
        if kind == 0:
            data = data[:spot] + data[spot + span :]
        elif kind == 1:
            data = data[:spot] + bytes([chance.choice(alphabet)]) + data[spot + 1 :]
        elif kind == 2:
            data = data[:spot] + bytes([chance.choice(alphabet)]) * chance.choice((1, 1, 1, 2, 70)) + data[spot:]
        elif kind == 3:
            data = data[:spot] + chance.choice(tokens) + data[spot:]
        elif kind == 4:
            data = data[:spot] + data[spot : spot + span] * 2 + data[spot + span :]
        elif kind == 5:
            data = data[:spot]
        elif kind == 6:
            lines = data.splitlines(keepends=True) or [b""]
            line = chance.randrange(len(lines))
            lines[line : line + 1] = chance.choice(([], [lines[line]] * 2, [lines[line], chance.choice(lines)]))
            data = b"".join(lines)
        elif data and spot < len(data):
            data = data[:spot] + bytes([data[spot] ^ 1 << chance.randrange(8)]) + data[spot + 1 :]
    return data


def cuts(chance: Random, data: bytes) -> list[int]:
    """Return places to cut: none, some anywhere, around the ends of lines, or everywhere."""
    size = len(data)
    kind = chance.randrange(8)
    if kind == 0 or not size:
        return []
    if kind == 1 and size < 400:
        return list(range(1, size))
    if kind < 5:
        return sorted(chance.randrange(size + 1) for _ in range(chance.choice((1, 1, 2, 3, 8))))
    around = [at + shift for at, byte in enumerate(data) if byte in b"\r\n" for shift in (0, 1)]
    return sorted(place for place in set(around) if chance.random() < 0.3)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the data in pieces, some of which may be empty."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]
