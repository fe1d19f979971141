"""JSON with tags: what a session may hold beyond JSON, in the form that Flask's sessions have.

A value that JSON lacks is an object with one key, its tag: `{" t": [1, 2]}` is a tuple. A real dictionary with a single
key that is a tag is marked as such (` di`, and its key gets two underscores), so nothing is mistaken.

A tag is a class (`JSONTag`). A serializer asks its tags in order, and the first that takes a value writes it; so a tag
for a subclass has to be registered before the tag of its base (`register(..., index=0)`).
"""

from __future__ import annotations

import dataclasses
import decimal
import json
import uuid
from base64 import b64decode, b64encode
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from markupsafe import Markup

from fenrir.http.dates import format_date, parse_date

__all__ = [
    "JSONTag",
    "PassDict",
    "PassList",
    "TagBytes",
    "TagDateTime",
    "TagDict",
    "TagMarkup",
    "TagTuple",
    "TagUUID",
    "TaggedJSONSerializer",
]


class JSONTag:
    """One type beyond JSON.

    Attributes:
        key: begins with a space, which few real keys do. Empty: the value is written without a tag.
    """

    __slots__ = ("serializer",)

    key: str = ""

    def __init__(self, serializer: TaggedJSONSerializer) -> None:
        self.serializer = serializer

    def check(self, value: Any) -> bool:
        """Say whether a value is of this type."""
        raise NotImplementedError

    def to_json(self, value: Any) -> Any:
        """Return what stands behind the tag; its insides may be tagged again."""
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        """Return the value that was tagged."""
        raise NotImplementedError

    def tag(self, value: Any) -> dict[str, Any]:
        """Return a value with its tag."""
        return {self.key: self.to_json(value)}


class TagDict(JSONTag):
    """A dictionary with one key, which is a tag."""

    __slots__ = ()
    key = " di"

    def check(self, value: Any) -> bool:
        return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in self.serializer.tags

    def to_json(self, value: Any) -> Any:
        key = next(iter(value))
        return {f"{key}__": self.serializer.tag(value[key])}

    def to_python(self, value: Any) -> Any:
        key = next(iter(value))
        return {key[:-2]: value[key]}


class PassDict(JSONTag):
    """Any other dictionary."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, dict)

    def to_json(self, value: Any) -> Any:
        return {key: self.serializer.tag(item) for key, item in value.items()}

    tag = to_json


class PassList(JSONTag):
    """A list."""

    __slots__ = ()

    def check(self, value: Any) -> bool:
        return isinstance(value, list)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    tag = to_json


class TagTuple(JSONTag):
    """A tuple."""

    __slots__ = ()
    key = " t"

    def check(self, value: Any) -> bool:
        return isinstance(value, tuple)

    def to_json(self, value: Any) -> Any:
        return [self.serializer.tag(item) for item in value]

    def to_python(self, value: Any) -> Any:
        return tuple(value)


class TagBytes(JSONTag):
    """Bytes, in base 64."""

    __slots__ = ()
    key = " b"

    def check(self, value: Any) -> bool:
        return isinstance(value, bytes)

    def to_json(self, value: Any) -> Any:
        return b64encode(value).decode("ascii")

    def to_python(self, value: Any) -> Any:
        return b64decode(value)


class TagMarkup(JSONTag):
    """What has `__html__`; it comes back as Markup."""

    __slots__ = ()
    key = " m"

    def check(self, value: Any) -> bool:
        return callable(getattr(value, "__html__", None))

    def to_json(self, value: Any) -> Any:
        return str(value.__html__())

    def to_python(self, value: Any) -> Any:
        return Markup(value)


class TagUUID(JSONTag):
    """A UUID."""

    __slots__ = ()
    key = " u"

    def check(self, value: Any) -> bool:
        return isinstance(value, uuid.UUID)

    def to_json(self, value: Any) -> Any:
        return value.hex

    def to_python(self, value: Any) -> Any:
        return uuid.UUID(value)


class TagDateTime(JSONTag):
    """A moment, as HTTP writes it: whole seconds, in UTC."""

    __slots__ = ()
    key = " d"

    def check(self, value: Any) -> bool:
        return isinstance(value, datetime)

    def to_json(self, value: Any) -> Any:
        return format_date(value)

    def to_python(self, value: Any) -> Any:
        moment = parse_date(value)
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


class TaggedJSONSerializer:
    """A serializer with tags; `dumps` gives ASCII.

    Attributes:
        tags: by their keys, for reading.
        order: in which they are asked when writing.
    """

    __slots__ = ("order", "tags")

    default_tags: ClassVar[list[type[JSONTag]]] = [
        TagDict,
        PassDict,
        TagTuple,
        PassList,
        TagBytes,
        TagMarkup,
        TagUUID,
        TagDateTime,
    ]

    def __init__(self) -> None:
        self.tags: dict[str, JSONTag] = {}
        self.order: list[JSONTag] = []
        for tag_class in self.default_tags:
            self.register(tag_class)

    def register(self, tag_class: type[JSONTag], force: bool = False, index: int | None = None) -> None:
        """Add a type.

        Args:
            force: replace the tag that has the same key.
            index: place in the order; the end if None.

        Raises:
            KeyError: the key is taken.
        """
        tag = tag_class(self)
        if tag.key:
            if not force and tag.key in self.tags:
                raise KeyError(f"Tag '{tag.key}' is already registered.")
            self.tags[tag.key] = tag
        self.order.insert(len(self.order) if index is None else index, tag)

    def tag(self, value: Any) -> Any:
        """Return a value in which everything beyond JSON is tagged."""
        for tag in self.order:
            if tag.check(value):
                return tag.tag(value)
        return value

    def untag(self, value: dict[str, Any]) -> Any:
        """Return the value of a dictionary that may be a tag; its insides are left."""
        if len(value) != 1:
            return value
        key = next(iter(value))
        tag = self.tags.get(key)
        return value if tag is None else tag.to_python(value[key])

    def _untagged(self, value: Any) -> Any:
        """Return the value that was tagged; insides first."""
        if isinstance(value, dict):
            return self.untag({key: self._untagged(item) for key, item in value.items()})
        return [self._untagged(item) for item in value] if isinstance(value, list) else value

    def dumps(self, value: Any) -> str:
        """Return a value as tagged JSON."""
        return json.dumps(self.tag(value), separators=(",", ":"), sort_keys=True, default=_plain)

    def loads(self, value: str | bytes) -> Any:
        """Return the value of a tagged JSON text. Raises ValueError if it is none."""
        return self._untagged(json.loads(value))
