"""JSON with tags: what a session may hold beyond JSON, in the form that Flask's sessions have.

A value that JSON lacks is an object with one key, its tag: `{" t": [1, 2]}` is a tuple. A real dictionary with a single
key that is a tag is marked as such (` di`, and its key gets two underscores), so nothing is mistaken.
"""

from __future__ import annotations

import dataclasses
import decimal
import json
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from markupsafe import Markup

from fenrir.http.dates import format_date, parse_date

__all__ = ["Tag", "TaggedJSON"]


class Tag(NamedTuple):
    """One type beyond JSON.

    Attributes:
        key: begins with a space, which few real keys do.
        check: whether a value is of this type.
        write: value -> what stands behind the tag; its insides may be tagged again.
        read: the way back.
    """

    key: str
    check: Callable[[Any], bool]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _http_date(text: str) -> datetime:
    moment = parse_date(text)
    if moment is None:
        raise ValueError("no HTTP date")
    return moment


def _plain(value: Any) -> Any:
    """Return what JSON knows for types that come back as something simpler, as Flask's JSON provider does."""
    if isinstance(value, date):
        return format_date(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


class TaggedJSON:
    """A serializer with tags; `dumps` gives ASCII."""

    def __init__(self) -> None:
        self.tags: list[Tag] = [
            Tag(" t", lambda v: isinstance(v, tuple), lambda v: [self.tag(item) for item in v], tuple),
            Tag(" b", lambda v: isinstance(v, bytes), lambda v: b64encode(v).decode("ascii"), b64decode),
            Tag(" m", lambda v: callable(getattr(v, "__html__", None)), lambda v: str(v.__html__()), Markup),
            Tag(" u", lambda v: isinstance(v, uuid.UUID), lambda v: v.hex, uuid.UUID),
            Tag(" d", lambda v: isinstance(v, datetime), format_date, _http_date),
        ]
        self._readers: dict[str, Callable[[Any], Any]] = {tag.key: tag.read for tag in self.tags}
        self._readers[" di"] = self._read_dict

    def register(self, tag: Tag) -> None:
        """Add a type; it is asked before those that are there.

        Raises:
            KeyError: the key is taken.
        """
        if tag.key in self._readers:
            raise KeyError(f"Tag '{tag.key}' is already registered.")
        self.tags.insert(0, tag)
        self._readers[tag.key] = tag.read

    @staticmethod
    def _read_dict(value: dict[str, Any]) -> dict[str, Any]:
        key = next(iter(value))
        return {key[:-2]: value[key]}

    def tag(self, value: Any) -> Any:
        """Return a value in which everything beyond JSON is tagged."""
        if isinstance(value, dict):
            tagged = {key: self.tag(item) for key, item in value.items()}
            if len(tagged) == 1 and (key := next(iter(tagged))) in self._readers:
                return {" di": {f"{key}__": tagged[key]}}
            return tagged
        for tag in self.tags:
            if tag.check(value):
                return {tag.key: tag.write(value)}
        return [self.tag(item) for item in value] if isinstance(value, list) else value

    def untag(self, value: Any) -> Any:
        """Return the value that was tagged; insides first."""
        if isinstance(value, dict):
            plain = {key: self.untag(item) for key, item in value.items()}
            if len(plain) == 1 and (read := self._readers.get(key := next(iter(plain)))) is not None:
                return read(plain[key])
            return plain
        return [self.untag(item) for item in value] if isinstance(value, list) else value

    def dumps(self, value: Any) -> str:
        """Return a value as tagged JSON."""
        return json.dumps(self.tag(value), separators=(",", ":"), sort_keys=True, default=_plain)

    def loads(self, text: str | bytes) -> Any:
        """Return the value of a tagged JSON text. Raises ValueError if it is none."""
        return self.untag(json.loads(text))
