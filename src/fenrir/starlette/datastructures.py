"""Values of requests and responses: URLs, multi-value mappings, headers, uploads, and the notebook `State`."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from operator import itemgetter
from shlex import shlex
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl, urlencode

from fenrir.core.context import State
from fenrir.kit.headers import Headers, MutableHeaders
from fenrir.kit.uploads import UploadFile
from fenrir.starlette._url import URL, URLPath

__all__ = [
    "URL",
    "Address",
    "CommaSeparatedStrings",
    "FormData",
    "Headers",
    "ImmutableMultiDict",
    "MultiDict",
    "MutableHeaders",
    "QueryParams",
    "Secret",
    "State",
    "URLPath",
    "UploadFile",
]

K = TypeVar("K")
V = TypeVar("V", covariant=True)


class Address(NamedTuple):
    """Host and port of a peer."""

    host: str
    port: int


class Secret:
    """A text that `repr` does not show; `str` gives it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __str__(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}('**********')"


class CommaSeparatedStrings(Sequence[str]):
    """The items of a comma-separated text, which may be quoted as in a shell."""

    def __init__(self, value: str | Sequence[str]) -> None:
        if isinstance(value, str):
            lexer = shlex(value, posix=True)
            lexer.whitespace = ","
            lexer.whitespace_split = True
            self._items = [item.strip() for item in lexer]
        else:
            self._items = list(value)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int | slice) -> Any:
        return self._items[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items!r})"

    def __str__(self) -> str:
        return ", ".join(map(repr, self._items))


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    if not given:
        return []
    for items in ("multi_items", "items"):
        if (method := getattr(given, items, None)) is not None:
            return list(method())
    return list(given)


class ImmutableMultiDict(Mapping[K, V], Generic[K, V]):
    """Names with one or more values; `[name]` is the last one, `multi_items` has all in order."""

    _list: list[tuple[Any, Any]]
    _dict: dict[Any, Any]

    def __init__(self, *args: ImmutableMultiDict[K, V] | Mapping[K, V] | Iterable[tuple[K, V]], **kwargs: Any) -> None:
        assert len(args) < 2, "Too many arguments."
        self._list = (_pairs(args[0]) if args else []) + list(kwargs.items())
        self._dict = dict(self._list)

    def getlist(self, key: Any) -> list[V]:
        """Return all values of a name."""
        return [value for name, value in self._list if name == key]

    def keys(self) -> KeysView[K]:
        """Return the names, each once."""
        return self._dict.keys()

    def values(self) -> ValuesView[V]:
        """Return the last value of each name."""
        return self._dict.values()

    def items(self) -> ItemsView[K, V]:
        """Return each name with its last value."""
        return self._dict.items()

    def multi_items(self) -> list[tuple[K, V]]:
        """Return all pairs in order."""
        return list(self._list)

    def __getitem__(self, key: K) -> V:
        value: V = self._dict[key]
        return value

    def __contains__(self, key: Any) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[K]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, type(self)):
            return False
        by_name = itemgetter(0)
        return sorted(self._list, key=by_name) == sorted(other._list, key=by_name)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._list!r})"


class MultiDict(ImmutableMultiDict[Any, Any]):
    """An `ImmutableMultiDict` that can be changed."""

    def __setitem__(self, key: Any, value: Any) -> None:
        self.setlist(key, [value])

    def __delitem__(self, key: Any) -> None:
        del self._dict[key]
        self._forget(key)

    def _forget(self, key: Any) -> None:
        self._list = [pair for pair in self._list if pair[0] != key]

    def pop(self, key: Any, default: Any = None) -> Any:
        """Remove a name and return its last value."""
        self._forget(key)
        return self._dict.pop(key, default)

    def popitem(self) -> tuple[Any, Any]:
        """Remove the name that came last and return it with its last value."""
        key, value = self._dict.popitem()
        self._forget(key)
        return key, value

    def poplist(self, key: Any) -> list[Any]:
        """Remove a name and return all its values."""
        values = self.getlist(key)
        self.pop(key)
        return values

    def clear(self) -> None:
        """Remove everything."""
        self._list.clear()
        self._dict.clear()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a name, which is added when it is missing."""
        if key not in self._dict:
            self.append(key, default)
        return self._dict[key]

    def setlist(self, key: Any, values: list[Any]) -> None:
        """Replace all values of a name; no values remove it."""
        if not values:
            self.pop(key)
            return
        self._forget(key)
        self._list += [(key, value) for value in values]
        self._dict[key] = values[-1]

    def append(self, key: Any, value: Any) -> None:
        """Add a value, keeping those of the same name."""
        self._list.append((key, value))
        self._dict[key] = value

    def update(self, *args: MultiDict | Mapping[Any, Any] | list[tuple[Any, Any]], **kwargs: Any) -> None:
        """Replace the values of all names that are given."""
        new = MultiDict(*args, **kwargs)
        self._list = [pair for pair in self._list if pair[0] not in new._dict] + new._list
        self._dict.update(new._dict)


class QueryParams(ImmutableMultiDict[str, str]):
    """The parameters of a query; `str` writes them."""

    def __init__(
        self,
        *args: ImmutableMultiDict[Any, Any] | Mapping[Any, Any] | list[tuple[Any, Any]] | str | bytes,
        **kwargs: Any,
    ) -> None:
        assert len(args) < 2, "Too many arguments."
        given: Any = args[0] if args else []
        if isinstance(given, bytes):
            given = given.decode("latin-1")
        if isinstance(given, str):
            given = parse_qsl(given, keep_blank_values=True)
        self._list = [(str(name), str(value)) for name, value in [*_pairs(given), *kwargs.items()]]
        self._dict = dict(self._list)

    def __str__(self) -> str:
        return urlencode(self._list)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class FormData(ImmutableMultiDict[str, UploadFile | str]):
    """Fields and files of a form; closing it closes the files, which the request does by itself at its end."""

    def __init__(
        self,
        *args: FormData | Mapping[str, str | UploadFile] | list[tuple[str, str | UploadFile]],
        **kwargs: str | UploadFile,
    ) -> None:
        super().__init__(*args, **kwargs)

    async def close(self) -> None:
        """Close the files."""
        for _, value in self._list:
            if isinstance(value, UploadFile):
                await value.close()
