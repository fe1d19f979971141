"""Headers as Sanic's users know them: a case-insensitive multi-dictionary, over the engine's own fields.

`request.headers` is a copy that may be changed freely; `response.headers` writes through to the reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from fenrir.http.headers import MutableHeaders

__all__ = ["Header"]

_MISSING: Any = object()


def _text(value: Any) -> str:
    """Return a value as it can stand in a header: line ends removed, other characters as UTF-8."""
    text = str(value).translate({10: None, 13: None})
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


class Header(MutableMapping[str, str]):
    """Header fields by name; a repeated name is kept as often as it was added."""

    def __init__(self, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._fields = MutableHeaders()
        self.extend(fields)

    @classmethod
    def over(cls, fields: MutableHeaders) -> Header:
        """Return a view of fields: what is changed in one is changed in the other."""
        header = cls.__new__(cls)
        header._fields = fields
        return header

    def __getattr__(self, name: str) -> str:
        # headers.user_agent; the empty string stands for a missing header.
        if name.startswith("_"):
            raise AttributeError(name)
        return ",".join(self.getall(name.rstrip("_").replace("_", "-"), []))

    def __getitem__(self, name: str) -> str:
        value = self._fields.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        self._fields.set(name, _text(value))

    def __delitem__(self, name: str) -> None:
        if name not in self._fields:
            raise KeyError(name)
        self._fields.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter([name.decode("latin-1") for name, _ in self._fields.raw])

    def __len__(self) -> int:
        return len(self._fields.raw)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __repr__(self) -> str:
        return f"<Header({', '.join(f'{name!r}: {value!r}' for name, value in self.items())})>"

    def items(self) -> Any:
        """Return all fields, repeated names repeatedly."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._fields.raw]

    def values(self) -> Any:
        """Return the values of all fields."""
        return [value for _, value in self.items()]

    def getone(self, name: str, default: Any = _MISSING) -> Any:
        """Return the first value of a field; KeyError when there is none and no default."""
        value = self._fields.get(name)
        if value is not None:
            return value
        if default is _MISSING:
            raise KeyError(name)
        return default

    def getall(self, name: str, default: Any = _MISSING) -> Any:
        """Return all values of a field; KeyError when there is none and no default."""
        values = self._fields.getall(name)
        if values:
            return values
        if default is _MISSING:
            raise KeyError(name)
        return default

    get_all = getall

    def add(self, name: str, value: Any) -> None:
        """Append a field, keeping those of the same name."""
        self._fields.add(name, _text(value))

    def extend(self, fields: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), **more: Any) -> None:
        """Append fields, keeping those of the same names."""
        pairs = fields.items() if isinstance(fields, Mapping) else fields
        for name, value in (*pairs, *more.items()):
            self.add(name, value)

    def popone(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a field and return its first value."""
        value = self.getone(name, default)
        self._fields.remove(name)
        return value

    def popall(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a field and return all its values."""
        values = self.getall(name, default)
        self._fields.remove(name)
        return values

    def copy(self) -> Header:
        """Return an independent copy."""
        return Header.over(self._fields.copy())
