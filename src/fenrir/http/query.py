"""`application/x-www-form-urlencoded` by the WHATWG URL standard §5, for queries and forms.

Only `&` separates; `+` is a space; a `%` that two hexadecimal digits do not follow stands for itself; the result is
decoded as UTF-8 with replacement, after splitting, so that no byte can hide a separator. Blank values are kept.

PERF: timeit on two busy cores, CPython 3.11: two pairs without `%` and `+` take 1.2 us, with them 2.6 us;
`urllib.parse.parse_qsl` takes 1.9 us, without keeping blank values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote_plus, unquote_to_bytes

from fenrir.http.multidict import MultiDict

__all__ = ["MAX_FIELDS", "QueryParams", "TooManyFields", "encode_pairs", "parse_pairs"]

_PERCENT, _PLUS = b"%+"
_LONG = 256  # bytes; below it the general way is the faster one
_NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

MAX_FIELDS = 1000
"""Precedents: Starlette's and Werkzeug's forms 1000, Django's DATA_UPLOAD_MAX_NUMBER_FIELDS 1000."""


class TooManyFields(ValueError):
    """There are more fields than the limit allows."""


def parse_pairs(query: bytes, *, max_fields: int = MAX_FIELDS) -> list[tuple[str, str]]:
    """Return the names and values of a query without its `?`, or of a form.

    Raises:
        TooManyFields: there are more than `max_fields` pieces between `&`, empty ones counted.
    """
    if not query:
        return []
    if query.count(b"&") >= max_fields:
        raise TooManyFields(f"more than {max_fields} fields")
    # PERF: bytes as integers: `b"%" in query` first tries to read b"%" as one and raises (25 ns instead of 210).
    if _PERCENT not in query and _PLUS not in query:
        # Decoding first is the same here: UTF-8 replacement never swallows an ASCII byte.
        return [piece.partition("=")[::2] for piece in query.decode("utf-8", "replace").split("&") if piece]
    pairs = []
    for piece in query.replace(b"+", b" ").split(b"&"):
        if piece:
            name, _, value = piece.partition(b"=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(text: bytes) -> str:
    return (_unquoted(text) if _PERCENT in text else text).decode("utf-8", "replace")


def _unquoted(text: bytes) -> bytes:
    """Return what `unquote_to_bytes` returns, which takes 220 ms for a mebibyte of percent signs.

    PERF: a mebibyte of `%41` takes 8 ms instead of 70, of `%` 30 ms, of `%z` 33 ms instead of 110.
    """
    if len(text) < _LONG:
        return unquote_to_bytes(text)
    text = text.replace(b"\\", b"%5C")
    for _ in range(2):  # of two percent signs the first escapes nothing; the second round takes what the first made
        text = text.replace(b"%%", b"%25%")
    text = b"%25".join(_NO_ESCAPE.split(text))
    return text.replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1")


def encode_pairs(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Return the pairs urlencoded; `parse_pairs` gives them back."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return "&".join([f"{_encode(name)}={_encode(value)}" for name, value in items])


def _encode(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")


class QueryParams(MultiDict[str]):
    """The parameters of a query; `d[name]` is the last value of a name, `d.first[name]` the first."""

    __slots__ = ()

    _chosen = -1

    @classmethod
    def parse(cls, query: bytes, *, max_fields: int = MAX_FIELDS) -> QueryParams:
        """Return the parameters of a query. Raises `TooManyFields`."""
        return cls(parse_pairs(query, max_fields=max_fields))

    @property
    def first(self) -> MultiDict[str]:
        """The same parameters, answering with the first value of a name."""
        return MultiDict(self)

    def __str__(self) -> str:
        return encode_pairs(self._pairs)
