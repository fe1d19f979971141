"""Paths of this dialect as the engine's patterns, with the converters that were registered with Starlette's toolkit."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from fenrir.core.converters import Converters, pattern_of
from fenrir.core.declare import DeclarationError, Source
from fenrir.core.pattern import Pattern, PatternError
from fenrir.fastapi._dialect import CONVERTERS, DIALECT
from fenrir.starlette.convertors import CONVERTOR_TYPES
from fenrir.starlette.routing import PARAM_REGEX

__all__ = ["PathError", "pattern_of_path"]

_UPSTREAM = frozenset({"str", "path", "int", "float", "uuid"})


class PathError(DeclarationError, AssertionError):
    """The path of a route can not be read."""


def pattern_of_path(path: str, source: Source) -> Pattern:
    """Return the pattern of a path.

    Raises:
        PathError: it is none.
    """
    if "{" in path or "}" in path:
        path = _literal_braces(path)
    try:
        return _parsed(path, tuple(name for name in CONVERTOR_TYPES if name not in _UPSTREAM))
    except PatternError as exc:
        raise PathError(str(exc), source) from exc


def _literal_braces(path: str) -> str:
    """Return a path in which braces around what is no parameter are plain text."""
    parts: list[str] = []
    end = 0
    for match in PARAM_REGEX.finditer(path):
        parts += (_quoted(path[end : match.start()]), match[0])
        end = match.end()
    return "".join((*parts, _quoted(path[end:])))


def _quoted(text: str) -> str:
    return text.replace("{", "%7B").replace("}", "%7D")


@lru_cache(maxsize=4096)
def _parsed(path: str, registered: tuple[str, ...]) -> Pattern:
    return DIALECT.parse(path, _converters(registered) if registered else CONVERTERS)


@lru_cache(maxsize=16)
def _converters(names: tuple[str, ...]) -> Converters:
    """Return the dialect's converters and the registered ones."""
    made = {}
    for name in names:
        known = CONVERTOR_TYPES[name]
        converter = pattern_of(known.regex, name=name, convert=known.convert)
        made[name] = replace(converter, format=known.to_string)
    return CONVERTERS.extend(made)
