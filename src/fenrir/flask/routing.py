"""The types that rules know, as the engine's tree knows them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fenrir.core.converters import (
    Converter,
    ConverterError,
    Converters,
    any_of,
    floating,
    integer,
    pattern_of,
    string,
    tail,
    unique,
)

if TYPE_CHECKING:
    from werkzeug.routing import Map, RuleFactory

__all__ = ["converters", "converters_of", "counted"]


def _integer(fixed_digits: int = 0, min: int | None = None, max: int | None = None, signed: bool = False) -> Converter:
    return integer(signed=signed, digits=fixed_digits or None, min=min, max=max)


def _float(min: float | None = None, max: float | None = None, signed: bool = False) -> Converter:
    return floating(signed=signed, point=True, min=min, max=max)


def _string(minlength: int = 1, maxlength: int | None = None, length: int | None = None) -> Converter:
    if length is not None:
        return string(length=int(length), name="string")
    if minlength == 1 and maxlength is None:
        return string(name="string")
    return string(min=minlength, max=maxlength, name="string")


converters = Converters(string(name="string"))
"""The types that every rule knows: string, int, float, path, any, uuid."""

converters.register("default", _string)
converters.register("string", _string)
converters.register("int", _integer)
converters.register("float", _float)
converters.register("path", tail)
converters.register("any", any_of)
converters.register("uuid", unique)


class _Counted:
    """A map that knows how often it was changed, for those who have read it.

    Attributes:
        changes: the number of additions.
    """

    changes = 0

    def add(self, rulefactory: RuleFactory) -> None:
        """Add a rule, or those of a factory."""
        super().add(rulefactory)  # type: ignore[misc]
        self.changes += 1


def counted(cls: type[Map]) -> type[Map]:
    """Return a class of maps, of which `changes` can be asked; always the same one for a class."""
    kind: Any = cls  # mypy takes a class for unhashable whose instances are
    return _counted(kind)


@cache
def _counted(cls: Any) -> type[Map]:
    return type(cls.__name__, (_Counted, cls), {"__module__": cls.__module__, "__doc__": cls.__doc__})


def converters_of(rules: Map, *, convert: bool = False) -> Converters:
    """Return the types that a map knows; those of the user convert what they match only where they are asked to."""
    usual = rules.default_converters
    table = converters.extend()
    for name, cls in rules.converters.items():
        if usual.get(name) is not cls:
            table.register(name, _shape_of(rules, name, cls, convert))
    return table


def _shape_of(rules: Map, name: str, cls: Any, convert: bool) -> Any:
    def make(*args: Any, **kwargs: Any) -> Converter:
        try:
            made = cls(rules, *args, **kwargs)
        except Exception as exc:
            raise ConverterError(f"converter {name!r}: {exc}") from exc
        several = not made.part_isolating
        if not convert:
            return pattern_of(made.regex, name=name, multi_segment=several)
        return replace(
            pattern_of(made.regex, name=name, multi_segment=several, convert=made.to_python),
            format=lambda value: unquote(made.to_url(value)),
            weight=100 if several else min(max(int(made.weight), 1), 99),
        )

    return make
