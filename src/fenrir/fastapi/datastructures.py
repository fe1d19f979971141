"""Values of a request as upstream's classes: `Headers`, `QueryParams`, `FormData`, `URL`, `Address`, `State`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from fenrir.core.context import State
from fenrir.http.headers import MutableHeaders
from fenrir.http.multidict import MultiDict
from fenrir.http.query import QueryParams
from fenrir.http.url import URL as _URL
from fenrir.kit.validation.uploads import UploadFile

__all__ = [
    "URL",
    "Address",
    "Default",
    "DefaultPlaceholder",
    "FormData",
    "Headers",
    "MutableHeaders",
    "QueryParams",
    "State",
    "URLPath",
    "UploadFile",
]

T = TypeVar("T")


class Address(NamedTuple):
    """Host and port of a peer."""

    host: str
    port: int


class Headers(Mapping[str, str]):
    """The request's headers; names in any case."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Any) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        value: str | None = self._fields.get(name.lower())
        if value is None:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value of a field."""
        value = self._fields.get(name.lower())
        return default if value is None else value

    def getlist(self, name: str) -> list[str]:
        """Return all values of a field."""
        values: list[str] = self._fields.getall(name.lower())
        return values

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._fields)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The fields as bytes, names in lower case."""
        return list(self._fields.raw)

    def keys(self) -> list[str]:  # type: ignore[override]
        """Return the names in order, repeated ones repeatedly."""
        return [name for name, _ in self._fields]

    def values(self) -> list[str]:  # type: ignore[override]
        """Return the values in order."""
        return [value for _, value in self._fields]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """Return the fields in order."""
        return list(self._fields)

    def mutablecopy(self) -> MutableHeaders:
        """Return a copy that can be changed."""
        return MutableHeaders(self.raw)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.items())!r})"


class FormData(MultiDict[Any]):
    """Fields and files of a form; closing it closes the files, which the request does by itself at its end."""

    __slots__ = ()

    _chosen = -1

    async def close(self) -> None:
        """Close the files."""
        for _, value in self.multi_items():
            if isinstance(value, UploadFile):
                await value.close()


class URL(_URL):
    """A URL; `str` writes it."""

    __slots__ = ()

    @property
    def is_secure(self) -> bool:
        """The scheme is that of an encrypted connection."""
        return self.scheme in ("https", "wss")

    def include_query_params(self, **params: Any) -> _URL:
        """Return the URL with query parameters set."""
        merged = dict(QueryParams.parse(self.query.encode()).multi_items())
        merged.update({name: str(value) for name, value in params.items()})
        return self.replace(query=str(QueryParams(merged)))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class URLPath(str):
    """The path of a route, as `url_path_for` returns it."""

    __slots__ = ()

    def make_absolute_url(self, base_url: str | _URL) -> _URL:
        """Return the path at a host, below the base's own path."""
        base = _URL.parse(str(base_url))
        return URL(base.scheme, base.netloc, base.path.rstrip("/") + str(self))


class DefaultPlaceholder:
    """A default that can be told from the same value given by the user."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefaultPlaceholder) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]


def Default(value: T) -> T:
    """Return a placeholder for a default, typed as the value."""
    return DefaultPlaceholder(value)  # type: ignore[return-value]
