"""Bottle's paths (`<name>`, `<name:filter:config>`, the old `:name` and `:name#expression#`) and its routes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any

from fenrir.bottle.structures import ConfigDict
from fenrir.core.converters import DEFAULT, Converter, Converters, pattern_of
from fenrir.core.pattern import Pattern, angles_name_first

if TYPE_CHECKING:
    from fenrir.core.converters import Converter as _Converter

__all__ = ["ANONYMOUS", "CONVERTERS", "Route", "RouteBuildError", "converter_of_filter", "parse"]

ANONYMOUS = "_anonymous_"
Filter = Callable[[str | None], tuple[str, Callable[[str], Any] | None, Callable[[Any], str] | None]]

CONVERTERS: Converters = DEFAULT.extend(
    {
        "int": Converter("int", r"-?\d+", int, lambda value: str(int(value)), 21, schema={"type": "integer"}),
        "float": Converter("float", r"-?[\d.]+", float, lambda value: str(float(value)), 31, schema={"type": "number"}),
        "path": Converter("path", ".+?", weight=100, multi_segment=True),
    }
)
CONVERTERS.register("re", lambda text="[^/]+": pattern_of(text), raw=True)

_OLD = re.compile(r"(?<![<\\]):([a-zA-Z_]\w*)?(?:#(.*?)#)?")
_NAMELESS = re.compile(r"<:")


class RouteBuildError(Exception):
    """A URL can not be built."""


def parse(text: str, converters: Converters) -> Pattern:
    """Read a Bottle path. Raises `PatternError`."""
    if ":" in text and "<" not in text:
        text = _OLD.sub(_modern, text)
    numbers = iter(range(1000))
    text = _NAMELESS.sub(lambda _: f"<{ANONYMOUS}{next(numbers)}:", text)
    return angles_name_first(text, converters, expressions=False)


def _modern(match: re.Match[str]) -> str:
    name = match[1] or ""
    return f"<{name}:re:{match[2]}>" if match[2] else f"<{name}>" if name else match[0]


def converter_of_filter(name: str, make: Filter) -> Callable[..., _Converter]:
    """Return the engine's converter factory of a filter `config -> (expression, to value, to text)`."""

    def factory(config: str | None = None) -> _Converter:
        expression, to_value, to_text = make(config)
        base = pattern_of(expression, name=name, convert=to_value or str)
        return Converter(
            base.name, base.regex, base.convert, to_text or str, base.weight, multi_segment=base.multi_segment
        )

    return factory


class Route:
    """A route: a rule, a method, a callback, and the plugins around it.

    `call` is the callback with all plugins applied, made on first use and again after `reset`.
    """

    def __init__(
        self,
        app: Any,
        rule: str,
        method: str,
        callback: Callable[..., Any],
        name: str | None = None,
        plugins: list[Any] | None = None,
        skiplist: list[Any] | None = None,
        **config: Any,
    ) -> None:
        self.app = app
        self.rule = rule
        self.method = method
        self.callback = callback
        self.name = name or None
        self.plugins = plugins or []
        self.skiplist = skiplist or []
        self.config = ConfigDict(app.config).load_dict(config)

    def __repr__(self) -> str:
        callback = self.get_undecorated_callback()
        return f"<{self.method} {self.rule} -> {callback.__module__}:{getattr(callback, '__name__', '__call__')}>"

    @cached_property
    def call(self) -> Callable[..., Any]:
        """The callback with all plugins applied."""
        callback = self.callback
        for plugin in self.all_plugins():
            wrapped = plugin.apply(callback, self) if hasattr(plugin, "apply") else plugin(callback)
            if wrapped is not self.callback and hasattr(wrapped, "__dict__"):
                update_wrapper(wrapped, self.callback)
            callback = wrapped
        return callback

    def reset(self) -> None:
        """Apply the plugins again before the next call."""
        self.__dict__.pop("call", None)

    def prepare(self) -> None:
        """Apply the plugins now."""
        self.call  # noqa: B018 - made by asking

    def all_plugins(self) -> Iterator[Any]:
        """Iterate over the plugins of this route, the innermost first."""
        unique: set[Any] = set()
        for plugin in reversed([*self.app.plugins, *self.plugins]):
            if True in self.skiplist:
                break
            name = getattr(plugin, "name", False)
            if name and (name in self.skiplist or name in unique):
                continue
            if plugin in self.skiplist or type(plugin) in self.skiplist:
                continue
            if name:
                unique.add(name)
            yield plugin

    def get_undecorated_callback(self) -> Callable[..., Any]:
        """Return the callback without the decorators that say what they wrap."""
        found: Callable[..., Any] = inspect.unwrap(self.callback)
        return found

    def get_callback_args(self) -> list[str]:
        """Return the names of the callback's arguments."""
        return list(inspect.signature(self.get_undecorated_callback()).parameters)
