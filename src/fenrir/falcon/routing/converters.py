"""Converters of URI templates: `convert` returns the value of a piece of the path, or None for no match."""

from __future__ import annotations

import abc
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar

__all__ = [
    "BUILTIN",
    "BaseConverter",
    "DateTimeConverter",
    "FloatConverter",
    "IntConverter",
    "PathConverter",
    "RegexConverter",
    "UUIDConverter",
]


class BaseConverter(metaclass=abc.ABCMeta):
    """The base of converters.

    Attributes:
        CONSUME_MULTIPLE_SEGMENTS: `convert` gets the list of all remaining segments.
        schema: the JSON schema of what it takes, for documentation.
    """

    CONSUME_MULTIPLE_SEGMENTS: ClassVar[bool] = False
    schema: Mapping[str, Any] = MappingProxyType({"type": "string"})

    @abc.abstractmethod
    def convert(self, value: Any) -> Any:
        """Return the value, None if there is no match."""


class _Bounded(BaseConverter):
    _min: float | None
    _max: float | None

    def _described(self, kind: str) -> dict[str, Any]:
        bounds = {"minimum": self._min, "maximum": self._max}
        return {"type": kind, **{name: bound for name, bound in bounds.items() if bound is not None}}

    def _within(self, value: Any) -> Any:
        if (self._min is not None and value < self._min) or (self._max is not None and value > self._max):
            return None
        return value


class IntConverter(_Bounded):
    """A whole number, of a given number of digits or between bounds."""

    def __init__(self, num_digits: int | None = None, min: int | None = None, max: int | None = None) -> None:
        if num_digits is not None and num_digits < 1:
            raise ValueError("num_digits must be at least 1")
        self._num_digits = num_digits
        self._min = min
        self._max = max
        self.schema = self._described("integer")

    def convert(self, value: str) -> int | None:
        if (self._num_digits is not None and len(value) != self._num_digits) or value.strip() != value:
            return None
        try:
            number: int | None = self._within(int(value))
        except ValueError:
            return None
        return number


class FloatConverter(_Bounded):
    """A number, between bounds or not; infinities only if asked for."""

    def __init__(self, min: float | None = None, max: float | None = None, finite: bool = True) -> None:
        self._min = min
        self._max = max
        self.schema = self._described("number")
        self._finite = finite if finite is not None else True

    def convert(self, value: str) -> float | None:
        if value.strip() != value:
            return None
        try:
            number = float(value)
        except ValueError:
            return None
        if self._finite and not isfinite(number):
            return None
        bounded: float | None = self._within(number)
        return bounded


class DateTimeConverter(BaseConverter):
    """A point in time."""

    def __init__(self, format_string: str = "%Y-%m-%dT%H:%M:%S%z") -> None:
        self._format_string = format_string

    def convert(self, value: str) -> datetime | None:
        try:
            return datetime.strptime(value, self._format_string)
        except ValueError:
            return None


class UUIDConverter(BaseConverter):
    """A UUID, with or without hyphens."""

    schema = MappingProxyType({"type": "string", "format": "uuid"})

    def convert(self, value: str) -> uuid.UUID | None:
        try:
            return uuid.UUID(value)
        except ValueError:
            return None


class PathConverter(BaseConverter):
    """All that is left of the path."""

    CONSUME_MULTIPLE_SEGMENTS = True

    def convert(self, value: list[str]) -> str:
        return "/".join(value)


class RegexConverter(BaseConverter):
    """What matches a regular expression as a whole; the value is the match or one of its groups."""

    def __init__(self, pattern: str, group: str | None = None) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"invalid regex pattern for RegexConverter: {pattern!r} ({exc})") from exc
        if group is not None and group not in self._pattern.groupindex:
            raise ValueError(f"regex pattern {pattern!r} does not contain named group {group!r}")
        self._group = group

    def convert(self, value: str) -> str | None:
        match = self._pattern.fullmatch(value)
        if match is None:
            return None
        found: str | None = match.group(self._group) if self._group is not None else value
        return found


BUILTIN: tuple[tuple[str, type[BaseConverter]], ...] = (
    ("int", IntConverter),
    ("dt", DateTimeConverter),
    ("uuid", UUIDConverter),
    ("float", FloatConverter),
    ("path", PathConverter),
    ("re", RegexConverter),
)
