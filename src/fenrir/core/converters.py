"""Converters: the types that a path may name, and the tables in which a path syntax finds them.

A converter decides whether a piece of a path matches (paradigms rule 12: a type in the path decides 404, never 422)
and what value the handler gets. It says three things about text: a regular expression that the *whole* text must
match, a function from text to value (a `ValueError` means "no match" too), and a function back for `url_for`.

`weight` orders converters at the same place of a path, the lower the more specific. A converter with `multi_segment`
may take several segments, slashes included; every other one sees one segment without a slash.

The converters made here match in linear time. A regular expression of the user's own (`pattern_of`) costs what it
costs.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "DEFAULT",
    "Converter",
    "ConverterError",
    "Converters",
    "any_of",
    "floating",
    "integer",
    "pattern_of",
    "string",
    "tail",
    "unique",
]

Factory = Callable[..., "Converter"]


class ConverterError(ValueError):
    """A type of a path is unknown, or its arguments make no sense."""


@dataclass(frozen=True, slots=True)
class Converter:
    """One type of a path.

    Attributes:
        name: as the user spelled it, with its arguments.
        regex: what the whole text must match; without capturing groups.
        convert: text -> value; raises ValueError when the text does not match after all.
        format: value -> text, not yet percent-encoded; raises ValueError for a value that could not match.
        weight: the lower, the more specific.
        multi_segment: the text may hold slashes.
        schema: the JSON schema of the value, for documentation; None where the expression says all.
    """

    name: str
    regex: str
    convert: Callable[[str], Any] = str
    format: Callable[[Any], str] = str
    weight: int = 50
    multi_segment: bool = False
    schema: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.regex, re.DOTALL)
        except re.error as error:
            raise ConverterError(
                f"the regular expression {self.regex!r} of {self.name!r} is invalid: {error}"
            ) from None
        if compiled.groups:
            raise ConverterError(
                f"the regular expression {self.regex!r} of {self.name!r} must not have capturing groups"
            )
        object.__setattr__(self, "compiled", compiled)

    @property
    def free(self) -> bool:
        """True if every non-empty text without a slash matches, so that no regular expression need be asked."""
        return self.regex in _FREE

    @property
    def plain(self) -> bool:
        """True if the value is the text."""
        return self.convert is str

    def parse(self, text: str) -> Any:
        """Return the value of a text; raise ValueError if the text does not match."""
        if self.compiled.fullmatch(text) is None:
            raise ValueError(f"{text!r} is not of type {self.name!r}")
        return self.convert(text)

    def build(self, value: Any) -> str:
        """Return the text for a value; raise ValueError if that text would not match."""
        text = self.format(value)
        if self.compiled.fullmatch(text) is None:
            raise ValueError(f"{value!r} does not fit the type {self.name!r}")
        return text


SEGMENT = r"[^/]+"
_FREE = frozenset({SEGMENT, ".+", ".*", "[^/].*", "[^/]+?", ".+?", ".*?", "[^/].*?"})


@dataclass(frozen=True, slots=True)
class _Bounded:
    """A number between two bounds. A value, so that equal types are equal."""

    kind: Callable[[str], Any]
    low: float | None
    high: float | None

    def __call__(self, text: str) -> Any:
        value = self.kind(text)
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"{text} is out of range")
        return value


@dataclass(frozen=True, slots=True)
class _Digits:
    """The text of a whole number, filled with zeros up to a fixed number of digits."""

    digits: int

    def __call__(self, value: Any) -> str:
        return format(int(value), f"0{self.digits}d")


def _whole(value: Any) -> str:
    return str(int(value))


def _real(value: Any) -> str:
    text = repr(float(value))
    # repr switches to an exponent for very large and very small numbers, which no float of a path allows.
    return f"{float(value):.17f}".rstrip("0").rstrip(".") if "e" in text else text


def string(
    *,
    length: int | None = None,
    min: int | None = None,
    max: int | None = None,
    name: str = "str",
) -> Converter:
    """Make a converter for one segment, optionally of a given length."""
    for bound in (length, min, max):
        if bound is not None and (not isinstance(bound, int) or bound < 0):
            raise ConverterError(f"a length of {name!r} must be a whole number, not {bound!r}")
    if length is not None:
        if min is not None or max is not None:
            raise ConverterError(f"{name!r} takes either length or min and max")
        return Converter(name, rf"[^/]{{{length}}}", weight=60)
    if min is None and max is None:
        return Converter(name, SEGMENT, weight=80)
    low = 1 if min is None else min
    if max is not None and max < low:
        raise ConverterError(f"{name!r}: max is less than min")
    return Converter(name, rf"[^/]{{{low},{'' if max is None else max}}}", weight=65)


def integer(
    *,
    signed: bool = True,
    digits: int | None = None,
    min: int | None = None,
    max: int | None = None,
    name: str = "int",
) -> Converter:
    """Make a converter for a whole number."""
    _check_bounds(name, min, max)
    if digits is not None and (not isinstance(digits, int) or digits < 1):
        raise ConverterError(f"digits of {name!r} must be a positive whole number, not {digits!r}")
    regex = ("-?" if signed else "") + ("[0-9]+" if digits is None else f"[0-9]{{{digits}}}")
    convert: Callable[[str], Any] = int if min is None and max is None else _Bounded(int, min, max)
    plain = min is None and max is None and digits is None
    weight = (20 if plain else 15) + (1 if signed else 0)
    back: Callable[[Any], str] = _whole if digits is None else _Digits(digits)
    return Converter(name, regex, convert, back, weight, schema={"type": "integer", **_bounds(min, max)})


def floating(
    *,
    signed: bool = True,
    point: bool = False,
    min: float | None = None,
    max: float | None = None,
    name: str = "float",
) -> Converter:
    """Make a converter for a decimal number; `point` demands a fraction, so that `1` is not one."""
    _check_bounds(name, min, max)
    fraction = r"\.[0-9]+" if point else r"(?:\.[0-9]+)?"
    convert: Callable[[str], Any] = float if min is None and max is None else _Bounded(float, min, max)
    weight = (30 if min is None and max is None else 25) + (1 if signed else 0)
    regex = ("-?" if signed else "") + "[0-9]+" + fraction
    return Converter(name, regex, convert, _real, weight, schema={"type": "number", **_bounds(min, max)})


def _check_bounds(name: str, low: Any, high: Any) -> None:
    for bound in (low, high):
        if bound is not None and not isinstance(bound, (int, float)):
            raise ConverterError(f"a bound of {name!r} must be a number, not {bound!r}")
    if low is not None and high is not None and high < low:
        raise ConverterError(f"{name!r}: max is less than min")


def _bounds(low: Any, high: Any) -> dict[str, Any]:
    return {name: bound for name, bound in (("minimum", low), ("maximum", high)) if bound is not None}


def unique(*, name: str = "uuid") -> Converter:
    """Make a converter for a UUID with its four hyphens, in either case."""
    hexadecimal = "[0-9A-Fa-f]"
    regex = "-".join(f"{hexadecimal}{{{count}}}" for count in (8, 4, 4, 4, 12))
    return Converter(name, regex, uuid.UUID, _uuid_text, 10, schema={"type": "string", "format": "uuid"})


def _uuid_text(value: Any) -> str:
    return str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))


def tail(*, regex: str = "[^/].*", name: str = "path") -> Converter:
    """Make a converter that takes several segments."""
    return Converter(name, regex, weight=100, multi_segment=True)


def any_of(*choices: str, name: str = "any") -> Converter:
    """Make a converter for one of several texts."""
    texts = [str(choice) for choice in choices]
    if not texts or not all(texts):
        raise ConverterError(f"{name!r} needs the texts to choose from: any(a,b,'c d')")
    # The longest first: inside a mixed segment the expression is not anchored at its end.
    regex = "(?:" + "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)) + ")"
    several = any("/" in text for text in texts)
    return Converter(name, regex, weight=5, multi_segment=several, schema={"type": "string", "enum": texts})


def pattern_of(
    regex: str,
    *,
    name: str = "re",
    multi_segment: bool | None = None,
    convert: Callable[[str], Any] = str,
) -> Converter:
    """Make a converter of a user's regular expression; its cost is the user's.

    Capturing groups become plain ones. Unless told, whether it may take several segments is read from the expression:
    it may if some part of it matches a slash.
    """
    if not isinstance(regex, str) or not regex:
        raise ConverterError(f"{name!r} needs a regular expression")
    regex = regex.removeprefix("^")
    if regex.endswith("$") and not regex.endswith(r"\$"):
        regex = regex[:-1]
    flags = _FLAGS.match(regex)
    if flags is not None:
        regex = f"(?{flags[1]}:{regex[flags.end() :]})"
    regex = _without_captures(regex)
    atoms = _atoms(regex, name)
    if multi_segment is None:
        multi_segment = any(re.compile(atom, re.DOTALL).fullmatch("/") for atom in atoms)
    return Converter(
        f"{name}:{regex}", f"(?:{regex})", convert, weight=90 if multi_segment else 40, multi_segment=multi_segment
    )


_ATOM = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<\w+>|\(\?P=\w+\)|\(\?(?:<?[=!]|[:>]|[a-zA-Z-]+[:)])|.",
    re.DOTALL,
)
_FLAGS = re.compile(r"\(\?([aimsux]+)\)")


def _atoms(regex: str, name: str) -> list[str]:
    """Return the parts of a regular expression that match one character; refuse an invalid one."""
    try:
        re.compile(regex)
    except re.error as error:
        raise ConverterError(f"the regular expression {regex!r} of {name!r} is invalid: {error}") from None
    single = []
    for atom in _ATOM.findall(regex):
        if atom[0] == "(" or atom in ")*+?|^$" or (atom[0] == "\\" and atom[1:].isdigit()):
            continue
        single.append(atom)
    return single


def _without_captures(regex: str) -> str:
    """Turn `(...)` and `(?P<name>...)` into `(?:...)`: values are taken by place, not by group."""
    out = []
    for atom in _ATOM.findall(regex):
        if atom == "(" or atom.startswith("(?P<"):
            out.append("(?:")
        elif atom.startswith("(?P=") or (atom[0] == "\\" and atom[1:].isdigit() and atom[1:] != "0"):
            raise ConverterError(f"the regular expression {regex!r} refers back to a group, which a path can not")
        else:
            out.append(atom)
    return "".join(out)


@dataclass(frozen=True, slots=True)
class _Entry:
    factory: Factory
    raw: bool


class Converters:
    """A table of types by name; a dialect extends `DEFAULT`, an application the table of its dialect."""

    __slots__ = ("_default", "_entries")

    def __init__(self, default: Converter | None = None) -> None:
        self._entries: dict[str, _Entry] = {}
        self._default = default if default is not None else string()

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @property
    def default(self) -> Converter:
        """The converter of a parameter that names no type."""
        return self._default

    def register(self, name: str, factory: Factory | Converter, *, raw: bool = False) -> None:
        """Add or replace a type.

        Args:
            factory: a converter, or a function from the arguments in the path to one.
            raw: give the text of the arguments to the factory as one string, unread (for regular expressions).
        """
        if not name.isidentifier():
            raise ConverterError(f"the name of a type must be an identifier, not {name!r}")
        if isinstance(factory, Converter):
            fixed = factory
            self._entries[name] = _Entry(lambda: fixed, False)
        else:
            self._entries[name] = _Entry(factory, raw)

    def extend(
        self, types: Mapping[str, Factory | Converter] | None = None, default: Converter | None = None
    ) -> Converters:
        """Return a copy with more types; what is registered on the copy does not reach this table."""
        copy = Converters(default if default is not None else self._default)
        copy._entries.update(self._entries)
        for name, factory in (types or {}).items():
            copy.register(name, factory)
        return copy

    def resolve(self, name: str, arguments: str | None = None) -> Converter:
        """Return the converter for a type and the text between its parentheses (None: no parentheses).

        Raises:
            ConverterError: the type is unknown, or its arguments are wrong.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise ConverterError(f"unknown type {name!r}; known are {', '.join(sorted(self._entries))}")
        try:
            if entry.raw:
                return entry.factory() if arguments is None else entry.factory(_unquoted(arguments))
            positional, named = read_arguments(arguments or "")
            return entry.factory(*positional, **named)
        except ConverterError:
            raise
        except (TypeError, ValueError) as error:
            raise ConverterError(f"the type {name!r} can not be made of ({arguments or ''}): {error}") from None


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text


_ARGUMENT = re.compile(
    r"""\s*(?:(?P<key>[A-Za-z_]\w*)\s*=\s*)?(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^,'"]+?))\s*(?:,|$)""",
    re.DOTALL,
)
_WORDS: dict[str, Any] = {"True": True, "False": False, "None": None, "true": True, "false": False}


def read_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Read `1, max=5, 'c d'`: numbers, True, False, None, quoted texts; a bare word is a text."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    position = 0
    while position < len(text) and text[position:].strip():
        match = _ARGUMENT.match(text, position)
        if match is None:
            raise ConverterError(f"can not read the arguments ({text})")
        quoted = match["single"] if match["single"] is not None else match["double"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else _literal(match["bare"])
        if match["key"] is None:
            if named:
                raise ConverterError(f"a named argument stands before another one in ({text})")
            positional.append(value)
        elif match["key"] in named:
            raise ConverterError(f"{match['key']!r} is given twice in ({text})")
        else:
            named[match["key"]] = value
        position = match.end()
    return positional, named


def _literal(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


DEFAULT = Converters()
"""The native types: str, path, int, float, uuid, any, re and regex."""

DEFAULT.register("str", string)
DEFAULT.register("path", tail)
DEFAULT.register("int", integer)
DEFAULT.register("float", floating)
DEFAULT.register("uuid", unique)
DEFAULT.register("any", any_of)
DEFAULT.register("re", pattern_of, raw=True)
DEFAULT.register("regex", pattern_of, raw=True)
