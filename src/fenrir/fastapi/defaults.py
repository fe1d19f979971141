"""A default that can be told from a value: what stands further out fills it in, what was said does not give way."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["Default", "DefaultPlaceholder", "chosen"]

T = TypeVar("T")


class DefaultPlaceholder:
    """A value that nobody chose.

    Attributes:
        value: what holds when nobody chooses another.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefaultPlaceholder) and bool(other.value == self.value)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Default({self.value!r})"


def Default(value: T) -> T:  # noqa: N802 - upstream's name
    """Return a placeholder that type checkers take for the value itself."""
    return DefaultPlaceholder(value)  # type: ignore[return-value]


def chosen(first: Any, *others: Any) -> Any:
    """Return the first value that was chosen, the nearest before the outer ones; else the first placeholder."""
    return next((value for value in (first, *others) if not isinstance(value, DefaultPlaceholder)), first)
