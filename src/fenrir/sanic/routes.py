"""Sanic's path types, and a route as its users see it.

A parameter of type `ext` gives the handler two arguments: the name of the file and its extension.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from fenrir.core.binding import Argument, Given, PathValue
from fenrir.core.converters import DEFAULT, Converter, ConverterError, Converters, pattern_of, tail
from fenrir.core.pattern import Pattern, angles_name_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from fenrir.core.context import RequestContext
    from fenrir.core.declare import Route as EngineRoute

__all__ = ["CONVERTERS", "Route", "parse", "path_arguments", "path_values"]


@dataclass(frozen=True, slots=True)
class _Extension:
    """Splits `name.ext`; the extension must be one of `allowed`, if any are named."""

    allowed: tuple[str, ...]
    kind: Converter | None

    def __call__(self, text: str) -> tuple[Any, str]:
        parts = text.split(".")
        dots = self.allowed[0].count(".") + 1 if self.allowed else 1
        name, ext = ".".join(parts[:-dots]), ".".join(parts[-dots:])
        if not all(parts) or not name or (self.allowed and ext not in self.allowed):
            raise ValueError(f"{text!r} has no allowed extension")
        return (self.kind.parse(name) if self.kind is not None else name), ext


def _extension(arguments: str = "") -> Converter:
    kind, _, allowed = arguments.partition(";")
    names = tuple(allowed.split("|")) if allowed else ()
    if len({name.count(".") for name in names}) > 1:
        raise ConverterError("takes extensions with the same number of dots only")
    split = _Extension(names, CONVERTERS.resolve(kind) if kind else None)
    return Converter("ext", r"[^/]+\.[a-z0-9](?:[a-z0-9.]*[a-z0-9])?", split, _joined, weight=35)


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else ".".join(map(str, value))


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()


CONVERTERS: Converters = DEFAULT.extend(
    {
        "alpha": Converter("alpha", "[A-Za-z]+", weight=50),
        "float": Converter("float", r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", float, weight=30, schema={"type": "number"}),
        "path": tail(regex="[^/]?.*"),
        "slug": Converter("slug", "[a-z0-9]+(?:-[a-z0-9]+)*", weight=55),
        "strorempty": Converter("strorempty", "[^/]*", weight=85),
        "ymd": Converter(
            "ymd",
            "[12][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
            _day,
            weight=10,
            schema={"type": "string", "format": "date"},
        ),
    }
)
CONVERTERS.register("regex", pattern_of, raw=True)
CONVERTERS.register("ext", _extension, raw=True)

_EXT = re.compile(r"<(\w+)(?:=([a-z]+))?:ext(?:=([a-z0-9|.]+))?>")


def parse(text: str, converters: Converters) -> Pattern:
    """Read a Sanic path. Raises `PatternError`."""
    if ":ext" in text:
        text = _EXT.sub(lambda m: f"<{m[1]}:ext:{m[2] or ''};{m[3] or ''}>", text)
    return angles_name_first(text, converters)


def path_arguments(pattern: Pattern) -> list[Argument]:
    """Return the keyword arguments that a path gives to its handler."""
    arguments: list[Argument] = []
    for index, parameter in enumerate(pattern.parameters):
        if isinstance(parameter.converter.convert, _Extension):
            arguments.append(Argument(parameter.name, Given(_part(index, 0))))
            arguments.append(Argument("ext", Given(_part(index, 1))))
        else:
            arguments.append(Argument(parameter.name, PathValue(index)))
    return arguments


def _part(index: int, part: int) -> Callable[[RequestContext], Any]:
    return lambda c: c.values[index][part]


def path_values(c: RequestContext) -> dict[str, Any]:
    """Return the values of a path by name, as the handler gets them."""
    if c.plan is None:
        return {}
    values: dict[str, Any] = {}
    for parameter, value in zip(c.plan.route.pattern.parameters, c.values, strict=True):
        if isinstance(parameter.converter.convert, _Extension):
            values[parameter.name], values["ext"] = value
        else:
            values[parameter.name] = value
    return values


@dataclass(eq=False)
class Route:
    """A route as `request.route` shows it.

    Attributes:
        path: the pattern without its first slash.
        uri: the pattern.
        ctx: what was given with `ctx_...` keywords at registration.
    """

    name: str | None
    uri: str
    methods: frozenset[str]
    handler: Callable[..., Any]
    ctx: Any = None
    error_format: str = ""
    strict: bool = False
    stream: bool = False
    websocket: bool = False
    parameters: tuple[str, ...] = field(default=())

    @property
    def path(self) -> str:
        """The pattern without its first slash."""
        return self.uri.lstrip("/")

    @classmethod
    def of(cls, route: EngineRoute) -> Route:
        """Return the view of a route; of another dialect's route what it has in common with Sanic's."""
        own = route.options.get("sanic")
        if isinstance(own, Route):
            return own
        return cls(route.name, route.pattern.text, route.methods or frozenset(), route.handler)
