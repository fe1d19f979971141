"""Entity tags (RFC 9110 §8.8.3): parsing, writing and the two comparisons."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["ANY", "ETag", "parse_etag", "parse_etags"]

_OPAQUE = r'"[\x21\x23-\x7e\x80-\xff]*"'
_ETAG = re.compile(rf"(W/)?({_OPAQUE})")
# The last alternative keeps a tail of commas linear: without it the search would try again at each of them.
_LIST_ITEM = re.compile(rf"[ \t,]*+(?:(W/)?({_OPAQUE})[ \t]*+(?=,|\Z)|[^,]++|\Z)")


class ETag(NamedTuple):
    """An entity tag; `str` gives it as it goes into a header.

    Attributes:
        value: the opaque text without quotes.
        weak: written as `W/"..."`.
    """

    value: str
    weak: bool = False

    def matches_strongly(self, other: ETag) -> bool:
        """Compare for If-Match, If-Range: both strong and equal (RFC 9110 §8.8.3.2)."""
        return not self.weak and not other.weak and self.value == other.value

    def matches_weakly(self, other: ETag) -> bool:
        """Compare for If-None-Match: equal, weak or not."""
        return self.value == other.value

    def __str__(self) -> str:
        text = f'{"W/" if self.weak else ""}"{self.value}"'
        if _ETAG.fullmatch(text) is None:
            raise ValueError(f"{self.value[:80]!r} can not be an entity tag")
        return text


ANY: Final = "*"
"""What `parse_etags` returns for `*`."""


def parse_etag(text: str) -> ETag | None:
    """Return the entity tag of an `ETag` or `If-Range` header, None if it is malformed."""
    match = _ETAG.fullmatch(text.strip(" \t"))
    return None if match is None else ETag(match[2][1:-1], match[1] is not None)


def parse_etags(text: str) -> tuple[ETag, ...] | str:
    """Return the tags of `If-Match` or `If-None-Match`, or `ANY`; malformed items are ignored."""
    if text.strip(" \t") == ANY:
        return ANY
    return tuple(
        ETag(match[2][1:-1], match[1] is not None) for match in _LIST_ITEM.finditer(text) if match[2] is not None
    )
