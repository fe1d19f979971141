"""Headers as mappings of text: names in any case, a repeated name repeatedly.

`Headers` is made from text, from the pairs of an ASGI scope, or over the request of an exchange (`Headers.over`), which
decodes nothing that nobody asks for. `MutableHeaders` shares the list that it is given: a response and everything that
looks at it write into the same one.

SECURITY: what is written through `MutableHeaders` can not split a response; what was received is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Self

from fenrir.http.headers import checked_name, checked_value

__all__ = ["Headers", "MutableHeaders", "checked_pairs"]

Pairs = list[tuple[bytes, bytes]]


def checked_pairs(fields: Mapping[str, str]) -> Pairs:
    """Return fields as they are sent. Raises `ValueError` when one could split a response."""
    return [(checked_name(name), checked_value(value)) for name, value in fields.items()]


def _stored(name: str) -> bytes:
    return name.lower().encode("latin-1")


class Headers(Mapping[str, str]):
    """Header fields that do not change."""

    _fields: Any = None  # the headers of an exchange, as long as nobody wanted the pairs
    _list: Pairs

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        raw: Pairs | None = None,
        scope: MutableMapping[str, Any] | None = None,
    ) -> None:
        if headers is not None:
            assert raw is None, 'Cannot set both "headers" and "raw".'
            assert scope is None, 'Cannot set both "headers" and "scope".'
            self._list = [(_stored(name), value.encode("latin-1")) for name, value in headers.items()]
        elif raw is not None:
            assert scope is None, 'Cannot set both "raw" and "scope".'
            self._list = raw
        elif scope is not None:
            # The list stays the scope's: what is added to it later is seen here.
            self._list = scope["headers"] = list(scope["headers"])
        else:
            self._list = []

    @classmethod
    def over(cls, fields: Any) -> Self:
        """Return the headers of an exchange (`asteri.exchange.Headers`)."""
        made = cls.__new__(cls)
        made._fields = fields
        return made

    def __getattr__(self, name: str) -> Any:
        if name != "_list" or self._fields is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._list = list(self._fields.raw)
        self._fields = None
        return self._list

    @property
    def raw(self) -> Pairs:
        """The fields as bytes, names in lower case."""
        return list(self._list)

    def keys(self) -> list[str]:  # type: ignore[override]
        """Return the names in order, repeated ones repeatedly."""
        return [name.decode("latin-1") for name, _ in self._list]

    def values(self) -> list[str]:  # type: ignore[override]
        """Return the values in order."""
        return [value.decode("latin-1") for _, value in self._list]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """Return the fields in order."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._list]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the first value of a field."""
        if self._fields is not None:
            return self._fields.get(key.lower(), default)
        try:
            return self[key]
        except KeyError:
            return default

    def getlist(self, key: str) -> list[str]:
        """Return all values of a field in order."""
        if self._fields is not None:
            found: list[str] = self._fields.getall(key.lower())
            return found
        wanted = _stored(key)
        return [value.decode("latin-1") for name, value in self._list if name == wanted]

    def mutablecopy(self) -> MutableHeaders:
        """Return a copy that can be changed."""
        return MutableHeaders(raw=self._list[:])

    def __getitem__(self, key: str) -> str:
        if self._fields is not None:
            found: str | None = self._fields.get(key.lower())
            if found is not None:
                return found
        else:
            wanted = _stored(key)
            for name, value in self._list:
                if name == wanted:
                    return value.decode("latin-1")
        raise KeyError(key)

    def __contains__(self, key: Any) -> bool:
        if self._fields is not None:
            return key.lower() in self._fields
        wanted = _stored(key)
        return any(name == wanted for name, _ in self._list)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._list)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Headers) and sorted(self._list) == sorted(other._list)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        once = dict(self.items())
        shown = repr(once) if len(once) == len(self) else f"raw={self.raw!r}"
        return f"{type(self).__name__}({shown})"


class MutableHeaders(Headers):
    """Header fields of a response; a name or a value that could split it raises `ValueError`."""

    @property
    def raw(self) -> Pairs:
        """The fields themselves, to be sent as they are."""
        return self._list

    def __setitem__(self, key: str, value: str) -> None:
        field = (checked_name(key), checked_value(value))
        fields = self._list
        for index, (name, _) in enumerate(fields):
            if name == field[0]:
                fields[index] = field
                fields[index + 1 :] = [later for later in fields[index + 1 :] if later[0] != name]
                return
        fields.append(field)

    def __delitem__(self, key: str) -> None:
        unwanted = _stored(key)
        self._list[:] = [field for field in self._list if field[0] != unwanted]

    def __or__(self, other: Mapping[str, str]) -> MutableHeaders:
        _require_mapping(other)
        joined = self.mutablecopy()
        joined.update(other)
        return joined

    def __ior__(self, other: Mapping[str, str]) -> Self:
        _require_mapping(other)
        self.update(other)
        return self

    def setdefault(self, key: str, value: str) -> str:
        """Return the value of a field, which is added when it is missing."""
        present: str | None = self.get(key)
        if present is None:
            self.append(key, value)
            return value
        return present

    def update(self, other: Mapping[str, str]) -> None:
        """Set several fields."""
        for name, value in other.items():
            self[name] = value

    def append(self, key: str, value: str) -> None:
        """Add a field, keeping those of the same name."""
        self._list.append((checked_name(key), checked_value(value)))

    def add_vary_header(self, vary: str) -> None:
        """Name one more request header on which the response depends."""
        self["vary"] = ", ".join([*self.getlist("vary"), vary])


def _require_mapping(other: object) -> None:
    if not isinstance(other, Mapping):
        raise TypeError(f"Expected a mapping but got {type(other).__name__}")
