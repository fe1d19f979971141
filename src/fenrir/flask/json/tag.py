"""JSON with tags, as the sessions use it, written and read by the current application's JSON provider."""

from __future__ import annotations

from typing import Any

from fenrir.flask.incidental import incidental
from fenrir.flask.json import dumps, loads
from fenrir.kit.sessions import tagged
from fenrir.kit.sessions.tagged import (
    JSONTag,
    PassDict,
    PassList,
    TagBytes,
    TagDateTime,
    TagDict,
    TagMarkup,
    TagTuple,
    TagUUID,
)

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


class TaggedJSONSerializer(tagged.TaggedJSONSerializer):
    """A serializer with tags."""

    __slots__ = ()

    def dumps(self, value: Any) -> str:
        """Return a value as tagged JSON."""
        return dumps(self.tag(value), separators=(",", ":"))

    def loads(self, value: str | bytes) -> Any:
        """Return the value of a tagged JSON text. Raises ValueError if it is none."""
        return self._untagged(loads(value))


__getattr__ = incidental(__name__)
