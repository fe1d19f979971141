"""Header fields: an ordered multimap for responses, and the grammar of their values.

Rules
    * Names are kept lower-case, as bytes; values are latin-1. Reading and writing through `str` is for people,
      `raw` is what goes to the exchange, without a copy.
    * SECURITY: everything is checked when it goes in. A name must be a token and a value must not contain control
      bytes (RFC 9110 §5.5), so that no value can split a response, wherever it came from.
    * The parsers of values are single scans: a quoted string is looked for once per position, and one that is not
      closed reaches to the end of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import overload
from urllib.parse import quote, unquote_to_bytes

__all__ = [
    "MutableHeaders",
    "checked_name",
    "checked_value",
    "format_params",
    "is_token",
    "parse_dict_params",
    "parse_list",
    "quote_if_needed",
    "split_list",
]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_QUOTED_REST = re.compile(r'((?:[^"\\]++|\\.)*+)(["\\]?)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXT_VALUE = re.compile(r"([A-Za-z0-9\-]+)'[A-Za-z0-9\-]*'((?:[!#$&+\-.^_`|~0-9A-Za-z]|%[0-9A-Fa-f]{2})*)")
_EXT_SAFE = "!#$&+-.^_`|~"


def is_token(text: str) -> bool:
    """Say whether the text is a token of RFC 9110 §5.6.2."""
    return _TOKEN.fullmatch(text) is not None


@lru_cache(maxsize=512)
def checked_name(name: str | bytes) -> bytes:
    """Return a field name as it is stored. Raises `ValueError` when it is no token."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    if _TOKEN.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is not a header name")
    return text.lower().encode("ascii")


def checked_value(value: str | bytes) -> bytes:
    """Return a field value as it is stored. Raises `ValueError` when it could split a response."""
    if isinstance(value, str):
        try:
            value = value.encode("latin-1")
        except UnicodeEncodeError:
            raise ValueError(f"header value {value[:80]!r} is not latin-1") from None
    if _BAD_VALUE.search(value) is not None:
        raise ValueError(f"header value {value[:80]!r} contains a control character")
    return value


def _key(name: object) -> bytes:
    """Return the stored form of a name that is looked for; a name that can not exist is b""."""
    if isinstance(name, str):
        return name.lower().encode("ascii", "ignore") if name.isascii() else b""
    return name.lower() if isinstance(name, bytes) else b""


class MutableHeaders:
    """Response headers in order, names repeated as often as they were added.

    Iterating gives the names in order, a repeated name repeatedly; `len` counts fields.
    """

    __slots__ = ("raw",)

    raw: list[tuple[bytes, bytes]]
    """Checked fields with lower-case names, to be passed to `respond` and `begin` as it is."""

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]] = ()) -> None:
        self.raw = []
        self.extend(fields)

    @classmethod
    def of(cls, raw: list[tuple[bytes, bytes]]) -> MutableHeaders:
        """Return headers over a list of fields that have been checked; it is shared."""
        made = cls.__new__(cls)
        made.raw = raw
        return made

    @classmethod
    def of_checked(cls, fields: Iterable[tuple[bytes, bytes]]) -> MutableHeaders:
        """Return headers of constant fields, or of ones that come from `raw`: they are not checked again."""
        new = cls.__new__(cls)
        new.raw = [*fields]
        return new

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: str | None = None) -> str | None: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a field."""
        key = _key(name)
        for field, value in self.raw:
            if field == key:
                return value.decode("latin-1")
        return default

    def getall(self, name: str) -> list[str]:
        """Return all values of a field in order, or an empty list."""
        key = _key(name)
        return [value.decode("latin-1") for field, value in self.raw if field == key]

    def set(self, name: str | bytes, value: str | bytes) -> None:
        """Replace all values of a field by one, in the place of the first.

        Raises:
            ValueError: the name is no token or the value could split a response.
        """
        key, new = checked_name(name), (checked_name(name), checked_value(value))
        raw = self.raw
        for index, (field, _) in enumerate(raw):
            if field == key:
                raw[index] = new
                raw[index + 1 :] = [pair for pair in raw[index + 1 :] if pair[0] != key]
                return
        raw.append(new)

    def add(self, name: str | bytes, value: str | bytes) -> None:
        """Append a field, keeping those of the same name. Raises `ValueError` as `set` does."""
        self.raw.append((checked_name(name), checked_value(value)))

    def setdefault(self, name: str, value: str) -> str:
        """Return the first value of a field, adding the field when there is none."""
        present = self.get(name)
        if present is not None:
            return present
        self.add(name, value)
        return value

    def remove(self, name: str) -> None:
        """Remove all fields of this name, if there are any."""
        key = _key(name)
        self.raw[:] = [pair for pair in self.raw if pair[0] != key]

    def extend(self, fields: MutableHeaders | Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]) -> None:
        """Append fields. Raises `ValueError` as `set` does."""
        if isinstance(fields, MutableHeaders):
            self.raw.extend(fields.raw)
            return
        pairs: Iterable[tuple[str | bytes, str | bytes]] = fields.items() if isinstance(fields, Mapping) else fields
        self.raw.extend([(checked_name(name), checked_value(value)) for name, value in pairs])

    def vary(self, name: str) -> None:
        """Name a request header in `Vary`, once. `*` replaces all others (RFC 9110 §12.5.5)."""
        if name != "*":
            checked_name(name)
        present = [item for value in self.getall("vary") for item in split_list(value)]
        if "*" in present or name == "*":
            self.set("vary", "*")
        elif name.lower() not in map(str.lower, present):
            self.set("vary", ", ".join([*present, name]))

    def copy(self) -> MutableHeaders:
        """Return independent headers with the same fields."""
        new = MutableHeaders()
        new.raw = self.raw.copy()
        return new

    def keys(self) -> list[str]:
        """Return the names in order, repeated names included."""
        return [name.decode("ascii") for name, _ in self.raw]

    def values(self) -> list[str]:
        """Return the values in order."""
        return [value.decode("latin-1") for _, value in self.raw]

    def items(self) -> list[tuple[str, str]]:
        """Return (name, value) in order, repeated names included."""
        return [(name.decode("ascii"), value.decode("latin-1")) for name, value in self.raw]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        before = len(self.raw)
        self.remove(name)
        if len(self.raw) == before:
            raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        key = _key(name)
        return any(field == key for field, _ in self.raw)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, MutableHeaders) else NotImplemented

    def __repr__(self) -> str:
        # SECURITY: session cookies must not reach logs through a repr.
        shown = [(name, "..." if name == "set-cookie" else value) for name, value in self.items()]
        return f"MutableHeaders({shown!r})"


def _quoted_string(text: str, start: int) -> tuple[str, int]:
    """Return the content of the quoted string after the quote at `start - 1`, and the index after its end."""
    end = text.find('"', start)
    if end < 0:
        end = len(text)
    if text.find("\\", start, end) < 0:
        return text[start:end], end + 1
    match = _QUOTED_REST.match(text, start)
    assert match is not None  # the pattern matches the empty string
    return _ESCAPED.sub(r"\1", match[1]), match.end()


def _end_of_item(text: str, start: int, separator: str) -> int:
    """Return the index of the next separator outside quoted strings, or the length of the text."""
    position = start
    while True:
        end = text.find(separator, position)
        if end < 0:
            end = len(text)
        quote_at = text.find('"', position, end)
        if quote_at < 0:
            return end
        position = _quoted_string(text, quote_at + 1)[1]


def split_list(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside quoted strings; drop empty items (RFC 9110 §5.6.1), keep the quotes."""
    if '"' not in text:
        return [item for part in text.split(separator) if (item := part.strip(" \t"))]
    items = []
    position = 0
    while position <= len(text):
        end = _end_of_item(text, position, separator)
        item = text[position:end].strip(" \t")
        if item:
            items.append(item)
        position = end + 1
    return items


def parse_list(text: str) -> list[str]:
    """Return the items of a comma-separated list, an item that is one quoted string without its quotes."""
    return [_unquote(item) for item in split_list(text)]


def _unquote(text: str) -> str:
    if text.startswith('"'):
        content, end = _quoted_string(text, 1)
        if end == len(text) and len(text) > 1:
            return content
    return text


def parse_dict_params(text: str) -> tuple[str, dict[str, str]]:
    """Return a value like `text/html; charset="utf-8"` as ("text/html", {"charset": "utf-8"}).

    The value and the names are lower-cased; of equal names the first wins; a parameter without `=` is ignored.
    An extended parameter (`filename*=UTF-8''%e2%82%ac`, RFC 8187) is stored under its plain name, which it
    overrides; it is ignored if it is malformed or in a charset other than UTF-8 and ISO-8859-1.
    """
    if ";" not in text:
        return text.strip(" \t").lower(), {}
    head, *parts = split_list(text, ";") if '"' in text else text.split(";")
    params: dict[str, str] = {}
    extended: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip(" \t").lower()
        if not equals or not name:
            continue
        value = value.strip(" \t")
        if name[-1] != "*":
            params.setdefault(name, _unquote(value))
        elif (decoded := _extended_value(value)) is not None:
            extended.setdefault(name[:-1], decoded)
    return head.strip(" \t").lower(), params | extended


def _extended_value(text: str) -> str | None:
    match = _EXT_VALUE.fullmatch(text)
    if match is None:
        return None
    charset = match[1].lower()
    if charset not in ("utf-8", "iso-8859-1"):
        return None
    try:
        return unquote_to_bytes(match[2]).decode(charset)
    except UnicodeDecodeError:
        return None


def quote_if_needed(text: str) -> str:
    """Return a token as it is and anything else as a quoted string.

    Raises:
        ValueError: the text contains a control character.
    """
    if _TOKEN.fullmatch(text) is not None:
        return text
    if _CONTROL.search(text) is not None:
        raise ValueError(f"{text[:80]!r} contains a control character")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def format_params(value: str, params: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """Return `value; name=text; ...`, the inverse of `parse_dict_params`; non-ASCII text becomes `name*=UTF-8''...`.

    Raises:
        ValueError: a name is no token or a text contains a control character.
    """
    pieces = [value]
    for name, text in params.items() if isinstance(params, Mapping) else params:
        if not is_token(name):
            raise ValueError(f"{name[:80]!r} is not a parameter name")
        if text.isascii():
            pieces.append(f"{name}={quote_if_needed(text)}")
        else:
            if _CONTROL.search(text) is not None:
                raise ValueError(f"{text[:80]!r} contains a control character")
            pieces.append(f"{name}*=UTF-8''{quote(text, safe=_EXT_SAFE)}")
    return "; ".join(pieces)
