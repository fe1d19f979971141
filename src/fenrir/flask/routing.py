"""Rules, the map of them, and converters of the user's own."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from fenrir.core.converters import (
    Converter,
    Converters,
    any_of,
    floating,
    integer,
    pattern_of,
    string,
    tail,
    unique,
)
from fenrir.core.pattern import Pattern

__all__ = ["BaseConverter", "BuildError", "Rule", "URLMap", "ValidationError", "converters"]


class ValidationError(ValueError):
    """Raised by a converter's `to_python`: the path does not match after all."""


class BaseConverter:
    """Base of converters; `map.converters["name"] = Class` makes one known.

    Attributes:
        regex: what the text must match.
        weight: the lower, the more specific.
        part_isolating: the text has no slash.
    """

    regex = "[^/]+"
    weight = 100
    part_isolating = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # As upstream: an expression with a slash spans segments unless the class says otherwise.
        if "regex" in cls.__dict__ and "part_isolating" not in cls.__dict__:
            cls.part_isolating = "/" not in cls.regex.replace("[^/]", "")

    def __init__(self, map: URLMap, *args: Any, **kwargs: Any) -> None:
        self.map = map

    def to_python(self, value: str) -> Any:
        """Return the value of a text; raise ValidationError if it has none."""
        return value

    def to_url(self, value: Any) -> str:
        """Return the text of a value, percent-encoded."""
        return quote(str(value), safe="!$&'()*+,/:;=@")


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
"""The types that a rule knows: string, int, float, path, any, uuid."""

converters.register("default", _string)
converters.register("string", _string)
converters.register("int", _integer)
converters.register("float", _float)
converters.register("path", tail)
converters.register("any", any_of)
converters.register("uuid", unique)


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule: a path, its methods and the endpoint.

    Attributes:
        rule: the path as it was written, with the prefixes of its blueprints.
        defaults: values that are not in the path.
        pattern: the path, read.
    """

    rule: str
    endpoint: str
    methods: frozenset[str]
    pattern: Pattern
    defaults: dict[str, Any] = field(default_factory=dict)
    strict_slashes: bool = True
    provide_automatic_options: bool = True
    subdomain: str | None = None
    host: str | None = None

    @property
    def arguments(self) -> set[str]:
        """The names of all values."""
        return {*self.pattern.names, *self.defaults}

    def __str__(self) -> str:
        return self.rule

    def __repr__(self) -> str:
        return f"<Rule {self.rule!r} ({', '.join(sorted(self.methods))}) -> {self.endpoint}>"


class _CustomConverters(MutableMapping[str, Any]):
    """`map.converters`: assigning a class makes it known to the rules that follow."""

    def __init__(self, owner: URLMap, table: Converters) -> None:
        self._owner = owner
        self._table = table
        self._classes: dict[str, Any] = {}

    def __setitem__(self, name: str, cls: type[BaseConverter]) -> None:
        def make(*args: Any, **kwargs: Any) -> Converter:
            made = cls(self._owner, *args, **kwargs)
            weight = min(max(int(made.weight), 1), 99)
            return replace(
                pattern_of(made.regex, name=name, multi_segment=not made.part_isolating, convert=made.to_python),
                format=lambda value: unquote(made.to_url(value)),
                weight=weight if made.part_isolating else 100,
            )

        self._classes[name] = cls
        self._table.register(name, make)

    def __getitem__(self, name: str) -> Any:
        if name in self._classes:
            return self._classes[name]
        if name in self._table:
            return self._table.resolve(name)
        raise KeyError(name)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a converter can be replaced but not removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(list(self._table))


class URLMap:
    """All rules of an application.

    Attributes:
        strict_slashes: what a rule does that does not say so itself.
        table: the types that rules know.
    """

    def __init__(self) -> None:
        self.strict_slashes = True
        self.table = converters.extend()
        self._converters = _CustomConverters(self, self.table)
        self._rules: list[Rule] = []

    @property
    def converters(self) -> MutableMapping[str, Any]:
        """The types by name; assign a class to add one."""
        return self._converters

    def add(self, rule: Rule) -> None:
        """Add a rule."""
        self._rules.append(rule)

    def iter_rules(self, endpoint: str | None = None) -> Iterator[Rule]:
        """Iterate over the rules, of one endpoint or all."""
        return iter([rule for rule in self._rules if endpoint is None or rule.endpoint == endpoint])

    def __iter__(self) -> Iterator[Rule]:
        return self.iter_rules()

    def __repr__(self) -> str:
        return f"URLMap({self._rules!r})"


class BuildError(LookupError):
    """No URL can be built for an endpoint with these values.

    Attributes:
        endpoint, values, method: what was asked for.
    """

    def __init__(self, endpoint: str, values: dict[str, Any], method: str | None, hint: str = "") -> None:
        text = f"Could not build url for endpoint {endpoint!r}"
        if method:
            text += f" ({method!r})"
        if values:
            text += f" with values {sorted(values)!r}"
        super().__init__(f"{text}.{' ' + hint if hint else ''}")
        self.endpoint = endpoint
        self.values = values
        self.method = method
