"""No input is expensive: 64 KiB of head or value, or 1 MiB of body, take 50 ms, and twice as much 2.2 times as long.

Compiled, the most expensive shape takes 30 ms. Interpreted, the parser has a limit of its own, ten times as high: a
mebibyte in chunks of one byte, line by line, takes 290 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asteri.wire.fault import ProtocolError
from asteri.wire.limits import Limits
from fenrir.http.cookies import parse_cookies
from fenrir.http.forms import FormError, FormLimits, FormParser
from fenrir.http.headers import parse_dict_params
from fenrir.http.json import JSONError, loads
from fenrir.http.media import best_match
from fenrir.http.query import parse_pairs
from fenrir.http.ranges import parse_range

from ..asteri.forms import FORMS as BOTH
from ..asteri.forms import family
from .cases import KINDS, LIMITS, load
from .cost import NOTHING, growth, more, seconds
from .reading import by_byte
from .shapes import BODIES, FORMS, HEADS, JSON, VALUES, Pieces, fill

pytestmark = [pytest.mark.slow, pytest.mark.timing]

KIB, MIB = 1 << 10, 1 << 20
SECONDS = {"compiled": 0.05, "interpreted": 0.5}
GROWTH = 2.2
# Interpreted, a body is measured at a quarter of the size with a quarter of the limit.
BODY = {"compiled": MIB, "interpreted": MIB // 4}
MANY = 1 << 40
LIFTED = Limits(request_line=MANY, header=MANY, header_count=1 << 30, header_total=MANY, chunk_extensions=MANY)
LIFTED_FORM = FormLimits(max_fields=1 << 30, max_files=1 << 30, max_field_size=MANY, max_memory=MANY, spool_size=MANY)


def parser(form: str, limits: Limits = LIFTED) -> Callable[[Pieces], None]:
    """Return a reader of requests that asks for every field and throws the bodies away, as a server does."""
    make = family(form)["request_cy"].RequestParser

    def consume(pieces: Pieces) -> None:
        parser = make(limits)
        reading = False
        try:
            for piece in pieces:
                parser.feed(piece)
                while True:
                    if not reading:
                        head = parser.head()
                        if head is None:
                            break
                        head.headers.get("x-none")
                        len(head.headers.raw)
                        reading = True
                    parser.body()
                    if not parser.complete:
                        break
                    reading = False
        except ProtocolError:
            pass

    return consume


def check(function: Callable[[Any], object], make: Callable[[int], Any], size: int, limit: float) -> None:
    assert seconds(function, make(size), limit) <= limit
    assert growth(function, make, size, GROWTH) <= GROWTH


@pytest.mark.parametrize("form", BOTH)
def test_every_case_of_the_corpus(form: str) -> None:
    consume = parser(form, LIMITS)
    for case in (case for kind in KINDS for case in load(kind)):
        for pieces in ([case.data], by_byte(case.data)):
            assert seconds(consume, pieces, SECONDS[form]) <= SECONDS[form], case.name


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("name", HEADS)
def test_heads(form: str, name: str) -> None:
    check(parser(form), HEADS[name], 64 * KIB, SECONDS[form])


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("name", BODIES)
def test_bodies(form: str, name: str) -> None:
    check(parser(form), BODIES[name], BODY[form], SECONDS[form] * BODY[form] / MIB)


READERS: dict[str, Callable[[bytes], object]] = {
    "cookies": lambda value: parse_cookies(value.decode("latin-1"), limit=1 << 30),
    "query": lambda value: parse_pairs(value, max_fields=1 << 30),
    "accept": lambda value: best_match(value.decode("latin-1"), ["a/b", "c/d"]),
    "range": lambda value: parse_range("bytes=" + value.decode("latin-1"), 1000, max_ranges=1 << 30),
    "parameters": lambda value: parse_dict_params("a/b" + value.decode("latin-1")),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, units in VALUES.items() for name in units])
def test_values(kind: str, name: str) -> None:
    check(READERS[kind], lambda size: fill(VALUES[kind][name], size), 64 * KIB, 0.05)


def form_reader(content_type: str, limits: FormLimits) -> Callable[[bytes], None]:
    """Return a reader of forms in pieces of 64 KiB."""

    def consume(body: bytes) -> None:
        reader = FormParser(content_type, limits=limits)
        try:
            for start in range(0, len(body), 65536):
                reader.feed(body[start : start + 65536])
            reader.finish().close()
        except FormError:
            pass

    return consume


@pytest.mark.parametrize("name", FORMS)
def test_forms(name: str) -> None:
    """The limits of a form are part of what it costs, so they are lifted only where its growth is measured."""
    shape = FORMS[name]
    assert seconds(form_reader(shape.content_type, FormLimits()), shape.make(MIB), 0.05) <= 0.05
    assert growth(form_reader(shape.content_type, LIFTED_FORM), shape.make, 256 * KIB, GROWTH) <= GROWTH


def read_json(body: bytes) -> None:
    try:
        loads(body)
    except JSONError:
        pass


@pytest.mark.parametrize("name", JSON)
def test_json(name: str) -> None:
    # Half a million arrays in one mebibyte take 47 ms, of which 42 are orjson's: a slower machine needs more.
    limit = 0.1 if name == "arrays at depth 100" else 0.05
    assert seconds(read_json, JSON[name](MIB), limit) <= limit
    assert growth(read_json, JSON[name], 64 * KIB, GROWTH) <= GROWTH


@pytest.mark.parametrize("name", JSON)
def test_json_that_outgrows_the_caches(name: str) -> None:
    """Of two mebibytes some shapes cost more than 2.2 times what one costs: by as much as the decoder alone does.

    Those are the shapes of many distinct values (keys 2.8, strings 2.8, floats 2.4), whose objects no cache holds.
    """
    orjson = pytest.importorskip("orjson")

    def decode(body: bytes) -> None:
        try:
            orjson.loads(body)
        except ValueError:
            pass

    small, large = JSON[name](MIB), JSON[name](2 * MIB)
    outgrown = more(read_json, small, large, GROWTH)
    assert outgrown <= NOTHING or outgrown <= 1.5 * more(decode, small, large, 2.0) + NOTHING
