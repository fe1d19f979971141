"""Converters of path parameters: `{name:int}`; a pattern, text to value, and value to text."""

from __future__ import annotations

import math
import uuid
from typing import Any, ClassVar, Generic, TypeVar

__all__ = [
    "CONVERTOR_TYPES",
    "Convertor",
    "FloatConvertor",
    "IntegerConvertor",
    "PathConvertor",
    "StringConvertor",
    "UUIDConvertor",
    "register_url_convertor",
]

T = TypeVar("T")


class Convertor(Generic[T]):
    """Base of converters.

    Attributes:
        regex: what the text looks like.
    """

    regex: ClassVar[str] = ""

    def convert(self, value: str) -> T:
        """Return the value that a matching text stands for."""
        raise NotImplementedError

    def to_string(self, value: T) -> str:
        """Return the text of a value, for a URL."""
        raise NotImplementedError


class StringConvertor(Convertor[str]):
    """One segment."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """Return the text."""
        return value

    def to_string(self, value: str) -> str:
        """Return the text. Raises `AssertionError` when it is no segment."""
        text = str(value)
        assert "/" not in text, "May not contain path separators"
        assert text, "Must not be empty"
        return text


class PathConvertor(Convertor[str]):
    """The rest of the path."""

    regex = ".*"

    def convert(self, value: str) -> str:
        """Return the text."""
        return str(value)

    def to_string(self, value: str) -> str:
        """Return the text."""
        return str(value)


class IntegerConvertor(Convertor[int]):
    """Digits."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Return the digits. Raises `AssertionError` for a negative number."""
        number = int(value)
        assert number >= 0, "Negative integers are not supported"
        return str(number)


class FloatConvertor(Convertor[float]):
    """Digits, possibly with a fraction."""

    regex = r"[0-9]+(\.[0-9]+)?"

    def convert(self, value: str) -> float:
        """Return the number."""
        return float(value)

    def to_string(self, value: float) -> str:
        """Return the digits, at most 20 of the fraction. Raises `AssertionError` where there are none."""
        number = float(value)
        assert number >= 0.0 or math.isnan(number), "Negative floats are not supported"
        assert not math.isnan(number), "NaN values are not supported"
        assert not math.isinf(number), "Infinite values are not supported"
        return f"{number:.20f}".rstrip("0").rstrip(".")


class UUIDConvertor(Convertor[uuid.UUID]):
    """A UUID, in either case, with or without hyphens."""

    regex = "-?".join(f"[0-9a-fA-F]{{{digits}}}" for digits in (8, 4, 4, 4, 12))

    def convert(self, value: str) -> uuid.UUID:
        """Return the UUID."""
        return uuid.UUID(value)

    def to_string(self, value: uuid.UUID) -> str:
        """Return the canonical form."""
        return str(value)


CONVERTOR_TYPES: dict[str, Convertor[Any]] = {
    "str": StringConvertor(),
    "path": PathConvertor(),
    "int": IntegerConvertor(),
    "float": FloatConvertor(),
    "uuid": UUIDConvertor(),
}


def register_url_convertor(key: str, convertor: Convertor[Any]) -> None:
    """Make a converter known as `{name:key}`, in the routes that are declared from now on."""
    CONVERTOR_TYPES[key] = convertor
