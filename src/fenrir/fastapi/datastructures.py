"""Values of requests, under upstream's module name, and the placeholder of defaults."""

from __future__ import annotations

from typing import Any, TypeVar

from fenrir.kit.validation.uploads import UploadFile
from fenrir.starlette.datastructures import (
    URL,
    Address,
    FormData,
    Headers,
    MutableHeaders,
    QueryParams,
    State,
    URLPath,
)

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
