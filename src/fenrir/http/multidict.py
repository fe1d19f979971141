"""An immutable mapping of one name to several values, in order of arrival.

`MultiDict` answers with the first value of a name (Werkzeug's meaning), `fenrir.http.query.QueryParams` with the
last (Starlette's). The index is built when it is first asked for: a request whose handler never looks pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar, overload

__all__ = ["MultiDict"]

V = TypeVar("V")
T = TypeVar("T")


class MultiDict(Mapping[str, V], Generic[V]):
    """Names with one or more values; `d[name]` is the first.

    Iteration, `len`, `keys` and `values` see each name once, in order of its first appearance.
    """

    __slots__ = ("_index", "_pairs")

    _chosen = 0

    def __init__(self, pairs: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        if isinstance(pairs, MultiDict):
            self._pairs: list[tuple[str, V]] = pairs._pairs
        else:
            self._pairs = list(pairs.items() if isinstance(pairs, Mapping) else pairs)
        self._index: dict[str, list[V]] | None = None

    def _lists(self) -> dict[str, list[V]]:
        index = self._index
        if index is None:
            index = {}
            for name, value in self._pairs:
                index.setdefault(name, []).append(value)
            self._index = index
        return index

    def __getitem__(self, name: str) -> V:
        return self._lists()[name][self._chosen]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists())

    def __len__(self) -> int:
        return len(self._lists())

    def __contains__(self, name: object) -> bool:
        return name in self._lists()

    @overload
    def get(self, name: str, /) -> V | None: ...
    @overload
    def get(self, name: str, /, default: V | T) -> V | T: ...
    @overload
    def get(self, name: str, /, default: Any = None, type: Callable[[V], T] = ...) -> T | Any: ...
    def get(self, name: str, /, default: Any = None, type: Callable[[V], Any] | None = None) -> Any:
        """Return the value of a name, passed through `type`; the default if there is none or `type` refuses it.

        `type` refuses by raising `ValueError` or `TypeError`.
        """
        values = self._lists().get(name)
        if values is None:
            return default
        value = values[self._chosen]
        if type is None:
            return value
        try:
            return type(value)
        except (ValueError, TypeError):
            return default

    @overload
    def getlist(self, name: str) -> list[V]: ...
    @overload
    def getlist(self, name: str, type: Callable[[V], T]) -> list[T]: ...
    def getlist(self, name: str, type: Callable[[V], Any] | None = None) -> list[Any]:
        """Return all values of a name in order, without those that `type` refuses."""
        values = self._lists().get(name, ())
        if type is None:
            return list(values)
        converted = []
        for value in values:
            try:
                converted.append(type(value))
            except (ValueError, TypeError):
                continue
        return converted

    def getall(self, name: str) -> list[V]:
        """Return all values of a name in order, or an empty list."""
        return list(self._lists().get(name, ()))

    def multi_items(self) -> list[tuple[str, V]]:
        """Return all (name, value) in order of arrival."""
        return list(self._pairs)

    @overload
    def items(self, multi: Literal[False] = False) -> ItemsView[str, V]: ...
    @overload
    def items(self, multi: bool) -> Iterable[tuple[str, V]]: ...
    def items(self, multi: bool = False) -> Iterable[tuple[str, V]]:
        """Return (name, value), each name once or, with `multi`, all pairs in order of arrival."""
        return self.multi_items() if multi else ItemsView(self)

    def lists(self) -> list[tuple[str, list[V]]]:
        """Return (name, all its values)."""
        return [(name, list(values)) for name, values in self._lists().items()]

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """Return a plain dict, of single values or, if not `flat`, of lists."""
        return dict(self) if flat else dict(self.lists())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MultiDict):
            return self._lists() == other._lists()
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._pairs!r})"
