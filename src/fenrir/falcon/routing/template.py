"""URI templates: `{name}`, `{name:converter}`, `{name:converter(arguments)}`, several of them in a segment.

They become the engine's patterns. Unlike elsewhere a parameter also matches an empty segment, so `/items/{id}` serves
`/items/`. Templates that could not be told apart are refused when the second one is added, as upstream does.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections import UserDict
from typing import Any

from fenrir.core.converters import Converter, Converters
from fenrir.core.pattern import Parameter, Part, Pattern, Segment, Static
from fenrir.falcon.routing.converters import BUILTIN, BaseConverter

__all__ = [
    "CompiledRouterOptions",
    "ConverterDict",
    "Templates",
    "UnacceptableRouteError",
    "parse_template",
    "read_template",
]

_FIELD = re.compile(r"\{(?P<name>[^}:]*)(?P<colon>:(?P<converter>[^}(]*)(?:\((?P<arguments>[^}]*)\))?)?\}")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CONFLICT = (
    "The URI template for this route is inconsistent or conflicts with another route's template. This is usually "
    "caused by configuring a field converter differently for the same field in two different routes, or by using "
    "different field names at the same level in the path (e.g.,'/parents/{id}' and '/parents/{parent_id}/children')"
)
_REST = (
    'Cannot add route with template "{0}". Field name "{1}" uses the converter "{2}" that will consume all the path, '
    "making it impossible to match this route."
)


class UnacceptableRouteError(ValueError):
    """A template can not be added."""


class ConverterDict(UserDict[str, type[BaseConverter]]):
    """Converter classes by the names that templates use."""

    def __setitem__(self, name: str, converter: type[BaseConverter]) -> None:
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                "Invalid converter name. Names may not be blank, and may only use ASCII letters, digits, and "
                "underscores. Names must begin with a letter or underscore."
            )
        super().__setitem__(name, converter)


class CompiledRouterOptions:
    """What an application decides about its templates."""

    def __init__(self) -> None:
        self.converters = ConverterDict(BUILTIN)
        self.default_to_on_request = False


class _Value:
    """The conversion of one piece; a converter of this class is equal to another of the same spelling."""

    def __init__(self, spelled: str, converter: BaseConverter) -> None:
        self._spelled = spelled
        self._convert = converter.convert
        self._several = converter.CONSUME_MULTIPLE_SEGMENTS

    def __call__(self, text: str) -> Any:
        value = self._convert(text.split("/") if self._several else text)
        if value is None:
            raise ValueError(f"{text!r} is not of type {self._spelled!r}")
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Value) and other._spelled == self._spelled

    def __hash__(self) -> int:
        return hash(self._spelled)


_ANY = Converter("str", "[^/]*", weight=80)


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    named = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg is not None}
    return [ast.literal_eval(one) for one in call.args], named


def _converter(field: re.Match[str], known: ConverterDict) -> Converter:
    name = field["converter"]
    if name is None:
        return _ANY
    try:
        positional, named = _arguments(field["arguments"] or "")
        made: BaseConverter = known[name](*positional, **named)
    except Exception as exc:
        raise UnacceptableRouteError(f'Cannot instantiate converter "{name}"') from exc
    spelled = field[0].partition(":")[2][:-1]
    several = getattr(made, "CONSUME_MULTIPLE_SEGMENTS", False)
    weight = 100 if several else 40
    schema = made.schema if isinstance(made, BaseConverter) else None
    return Converter(spelled, ".*" if several else "[^/]*", _Value(spelled, made), str, weight, several, schema)


def _check_field(field: re.Match[str], seen: set[str], known: ConverterDict) -> None:
    name = field["name"]
    if _NAME.fullmatch(name) is None or keyword.iskeyword(name):
        raise UnacceptableRouteError(f'Field names must be valid identifiers ("{name}" is not valid)')
    if name in seen:
        raise UnacceptableRouteError(f'Field names may not be duplicated ("{name}" was used more than once)')
    seen.add(name)
    if field["colon"] == ":":
        raise UnacceptableRouteError(f'Missing converter for field "{name}"')
    if field["converter"] and field["converter"] not in known:
        raise UnacceptableRouteError(f'Unknown converter: "{field["converter"]}"')


def _segment(text: str, seen: set[str], known: ConverterDict) -> Segment:
    parts: list[Part] = []
    place = 0
    for field in _FIELD.finditer(text):
        _check_field(field, seen, known)
        if field.start() > place:
            parts.append(Static(text[place : field.start()]))
        parts.append(Parameter(field["name"], _converter(field, known)))
        place = field.end()
    if place < len(text) or not parts:
        parts.append(Static(text[place:]))
    return tuple(parts)


def _greedy(segment: Segment) -> Parameter | None:
    fields = (part for part in segment if isinstance(part, Parameter) and part.converter.multi_segment)
    return next(fields, None)


def parse_template(template: str, known: ConverterDict) -> Pattern:
    """Return the pattern of a template.

    Raises:
        TypeError: it is no text.
        ValueError: it does not begin with "/" or has "//" in it.
        UnacceptableRouteError: a field is wrong.
    """
    if not isinstance(template, str):
        raise TypeError("uri_template is not a string")
    if not template.startswith("/"):
        raise ValueError("uri_template must start with '/'")
    if "//" in template:
        raise ValueError("uri_template may not contain '//'")
    if re.search(r"\s", _FIELD.sub("", template)):
        raise UnacceptableRouteError("URI templates may not include whitespace.")
    seen: set[str] = set()
    texts = _split(template[1:])
    segments = [_segment(text, seen, known) for text in texts]
    for place, segment in enumerate(segments):
        field = _greedy(segment)
        if field is None:
            continue
        kind = field.converter.name.partition("(")[0]
        if len(segment) > 1:
            raise UnacceptableRouteError(
                f'Cannot use converter "{kind}" of variable "{field.name}" in a template that includes other '
                "characters or variables."
            )
        if place < len(segments) - 1:
            raise UnacceptableRouteError(_REST.format(template, field.name, kind))
    trailing_slash = texts[-1] == ""
    return Pattern(template, tuple(segments[:-1] if trailing_slash else segments), trailing_slash)


def _split(text: str) -> list[str]:
    """Split at slashes outside fields: arguments of a converter may contain some."""
    pieces, place = [""], 0
    for field in [*_FIELD.finditer(text), None]:
        before, *others = text[place : field.start() if field is not None else None].split("/")
        pieces[-1] += before
        pieces += others
        if field is not None:
            pieces[-1] += field[0]
            place = field.end()
    return pieces


class Templates:
    """The templates so far, to find the ones that a new one contradicts."""

    def __init__(self) -> None:
        self._root: _Node = _Node()

    def add(self, pattern: Pattern) -> None:
        """Add a template.

        Raises:
            UnacceptableRouteError: it conflicts with an earlier one.
        """
        node = self._root
        for step in pattern.steps:
            node = node.below(step)


class _Node:
    def __init__(self) -> None:
        self._children: dict[Segment, _Node] = {}

    def below(self, step: Segment) -> _Node:
        """Return the branch for a segment, made if there is none."""
        found = self._children.get(step)
        if found is None:
            kind = _kind(step)
            if kind is not None and any(_kind(other) == kind for other in self._children):
                raise UnacceptableRouteError(_CONFLICT)
            found = self._children[step] = _Node()
        return found


def _kind(step: Segment) -> tuple[str | None, ...] | None:
    """Return what two segments with fields must differ in; None for fixed text."""
    if all(isinstance(part, Static) for part in step):
        return None
    return tuple(part.text if isinstance(part, Static) else None for part in step)


def read_template(text: str, converters: Converters) -> Pattern:
    """Read a template with the built-in converters, in the engine's signature (for mounts)."""
    return parse_template(text, ConverterDict(BUILTIN))
