"""The places of a request where values are found, with one way to ask them.

`get` follows upstream: the last value of a query or form name, the first of a header.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from fenrir.kit.validation.fields import Field, model_fields
from fenrir.kit.validation.uploads import UploadFile

__all__ = ["HeaderSource", "MappingSource", "PairSource", "Source", "find", "model_input"]


class Source(Protocol):
    """One place."""

    folds: bool
    """Names are compared without case."""

    def get(self, name: str) -> Any:
        """Return the value, or None."""

    def getall(self, name: str) -> list[Any]:
        """Return all values."""

    def __contains__(self, name: str) -> bool: ...

    def rest(self, taken: set[str]) -> Iterator[tuple[str, Any]]:
        """Iterate over what has other names; several values of a name are a list."""


class PairSource:
    """A query or a form."""

    folds = False

    def __init__(self, pairs: Sequence[tuple[str, Any]], *, form: bool = False) -> None:
        self.pairs = pairs
        self.last = dict(pairs)
        self.form = form

    def get(self, name: str) -> Any:
        value = self.last.get(name)
        return None if self.form and (value == "" or _no_file(value)) else value

    def getall(self, name: str) -> list[Any]:
        return [value for key, value in self.pairs if key == name and not (self.form and _no_file(value))]

    def __contains__(self, name: str) -> bool:
        return name in self.last

    def rest(self, taken: set[str]) -> Iterator[tuple[str, Any]]:
        return _grouped(self.pairs, taken)


class HeaderSource:
    """The request's headers."""

    folds = True

    def __init__(self, headers: Any) -> None:
        self.headers = headers

    def get(self, name: str) -> Any:
        return self.headers.get(name.lower())

    def getall(self, name: str) -> list[Any]:
        values: list[Any] = self.headers.getall(name.lower())
        return values

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.headers

    def rest(self, taken: set[str]) -> Iterator[tuple[str, Any]]:
        return _grouped(self.headers, taken)


class MappingSource:
    """Cookies, or the values of the path."""

    folds = False

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def getall(self, name: str) -> Any:
        # There is one value of a name; upstream hands it to the validator as it is.
        return self.values.get(name)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def rest(self, taken: set[str]) -> Iterator[tuple[str, Any]]:
        return ((name, value) for name, value in self.values.items() if name not in taken)


def _no_file(value: object) -> bool:
    """Say whether a browser sent this for a file input without a file."""
    return isinstance(value, UploadFile) and value.filename == "" and value.size == 0


def _grouped(pairs: Iterable[tuple[str, Any]], taken: set[str]) -> Iterator[tuple[str, Any]]:
    groups: dict[str, list[Any]] = {}
    for name, value in pairs:
        if name not in taken:
            groups.setdefault(name, []).append(value)
    return ((name, values[0] if len(values) == 1 else values) for name, values in groups.items())


def find(field: Field, source: Source, name: str) -> Any:
    """Return the raw value of a field under a name, or `PydanticUndefined`."""
    if field.takes_list:
        values = source.getall(name)
        return values if values else PydanticUndefined
    value = source.get(name)
    return PydanticUndefined if value is None else value


def model_input(field: Field, model: type[BaseModel], source: Source) -> tuple[Any, dict[str, str]]:
    """Return what a model of parameters is validated from, and the header spellings for its errors."""
    hyphens = getattr(field.info, "convert_underscores", True)
    found: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    taken: set[str] = set()
    own: set[str] = set()
    for item in model_fields(model):
        if source.folds and getattr(item.info, "convert_underscores", hyphens):
            item = item.with_hyphens()
        own.update(name.lower() if source.folds else name for _, name in item.aliases)
        alias, name = next((pair for pair in item.aliases if pair[1] in source), item.aliases[0])
        value = find(item, source, name)
        if value is not PydanticUndefined:
            found[alias] = value
        taken.add(name.lower() if source.folds else name)
        if source.folds:
            # SECURITY: an unconverted name must not enter beside the header that it stands for.
            taken.update(alias.lower() for alias, header in item.aliases if alias != header)
            if alias != name:
                spelled[item.name] = name
    found.update(source.rest(taken))
    if field.annotation is not model:
        extra = model.model_config.get("extra") in ("allow", "forbid") and bool(found)
        if not extra and not any(name in source for name in own):
            return PydanticUndefined, spelled
    return found, spelled
