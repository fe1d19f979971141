"""Patterns: the one form of a path, and the spellings from which it is read.

A pattern is a tuple of segments, the pieces between slashes; a segment is a tuple of parts, a part is fixed text or a
parameter. Most segments have one part; a mixed one has several (`{name}.txt`, `v{major:int}`). A parameter whose
converter takes several segments may stand anywhere, with more of the path after it.

Each spelling is a function `text, converters -> Pattern`, so a dialect just names the one it speaks:

    braces              {name}  {name:type}  {name:type(arguments)}
    angles_type_first   <name>  <type:name>  <type(arguments):name>
    angles_name_first   <name>  <name:type>  <name:type:arguments>  <name:regular expression>
    angles_either       braces, and angles in either order as long as only one side is a known type

A `PatternError` says what is wrong in the words of the user's text; where it stands is known to the caller.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fenrir.core.converters import Converter, ConverterError, Converters, pattern_of

__all__ = [
    "EMPTY",
    "Parameter",
    "Part",
    "Pattern",
    "PatternError",
    "Segment",
    "Static",
    "angles_either",
    "angles_name_first",
    "angles_type_first",
    "braces",
    "join",
    "quote_path",
]


class PatternError(ValueError):
    """The text of a path can not be read, or a path can not be built."""


@dataclass(frozen=True, slots=True)
class Static:
    """Fixed text, percent-decoded."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value in the path."""

    name: str
    converter: Converter


Part = Static | Parameter
Segment = tuple[Part, ...]

_MOST_SEGMENTS = 200  # of a pattern; the router descends once for each, and no path of a real application comes near
_SLASH: Segment = (Static(""),)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path with its parameters.

    Attributes:
        text: as the user spelled it.
        segments: without the empty one after a trailing slash; the root has none.
        trailing_slash: the path ends with a slash; true of the root.
    """

    text: str
    segments: tuple[Segment, ...]
    trailing_slash: bool = False

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for parameter in self.parameters:
            if parameter.name in seen:
                raise PatternError(f"{self.text!r} has two parameters named {parameter.name!r}")
            seen.add(parameter.name)
        if len(self.segments) > _MOST_SEGMENTS:
            raise PatternError(f"a path of more than {_MOST_SEGMENTS} segments: {self.text[:60]!r}...")

    def __str__(self) -> str:
        return self.text

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters in order."""
        return tuple(part for segment in self.segments for part in segment if isinstance(part, Parameter))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order in which the router yields their values."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def steps(self) -> tuple[Segment, ...]:
        """What a path is compared with after its first slash: a trailing slash is one more, empty, segment."""
        return (*self.segments, _SLASH) if self.trailing_slash else self.segments

    @property
    def fixed(self) -> str | None:
        """The one path that matches, or None if there are parameters."""
        texts = [_fixed_text(step) for step in self.steps]
        return None if None in texts else "/" + "/".join(text for text in texts if text is not None)

    @property
    def template(self) -> str:
        """The pattern in the words of OpenAPI: `{name}` without types."""
        return "/" + "/".join(
            "".join(part.text if isinstance(part, Static) else f"{{{part.name}}}" for part in step)
            for step in self.steps
        )

    @property
    def ends_open(self) -> bool:
        """True if the last parameter takes the rest of the path, slashes included."""
        return not self.trailing_slash and bool(self.segments) and takes_segments(self.segments[-1])

    def with_slash(self, trailing_slash: bool) -> Pattern:
        """Return the pattern with, or without, a trailing slash; the root has no other form."""
        if not self.segments or trailing_slash == self.trailing_slash:
            return self
        text = self.text.rstrip("/") + "/" if trailing_slash else self.text.rstrip("/")
        return Pattern(text, self.segments, trailing_slash)

    def build(self, values: Mapping[str, Any]) -> str:
        """Return the percent-encoded path for the values of the parameters; other values are ignored.

        Raises:
            PatternError: values are missing, or do not fit their types.
        """
        missing = [name for name in self.names if name not in values]
        if missing:
            raise PatternError(f"{self.text!r} needs {', '.join(missing)}")
        pieces = []
        for step in self.steps:
            text = "".join(part.text if isinstance(part, Static) else _build(self, part, values) for part in step)
            # SECURITY: a client resolves dot segments, encoded or not, before it asks: the path would be another one.
            if any(piece in (".", "..") for piece in text.split("/")):
                raise PatternError(f"{self.text!r} can not be built with a '.' or '..' of its own as a segment")
            pieces.append(quote_path(text))
        return "/" + "/".join(pieces)


EMPTY = Pattern("", ())
"""What a router registers to mean its prefix itself; only good for `join`."""


def quote_path(text: str) -> str:
    """Percent-encode a decoded path, keeping slashes (RFC 3986 §3.3: pchar)."""
    return quote(text, safe="/!$&'()*+,;=:@", errors="surrogateescape")


def takes_segments(segment: Segment) -> bool:
    """Return whether a parameter of the segment takes several segments of a path."""
    return any(isinstance(part, Parameter) and part.converter.multi_segment for part in segment)


def _fixed_text(segment: Segment) -> str | None:
    return segment[0].text if len(segment) == 1 and isinstance(segment[0], Static) else None


def _build(pattern: Pattern, parameter: Parameter, values: Mapping[str, Any]) -> str:
    try:
        return parameter.converter.build(values[parameter.name])
    except (ValueError, TypeError) as error:
        raise PatternError(f"{pattern.text!r} can not be built: {parameter.name}: {error}") from None


def join(prefix: Pattern, pattern: Pattern) -> Pattern:
    """Return the pattern below a prefix; a slash at the end of the prefix does not count, unless `pattern` is EMPTY.

    Raises:
        PatternError: both use the same name.
    """
    if not pattern.text:
        return prefix
    if not prefix.text:
        return pattern
    text = prefix.text.rstrip("/") + pattern.text
    return Pattern(text, prefix.segments + pattern.segments, pattern.trailing_slash)


Reader = Callable[[str, Converters], Parameter]


def braces(text: str, converters: Converters) -> Pattern:
    """Read `{name}`, `{name:type}`, `{name:type(arguments)}`."""
    return _read(text, converters, {"{": _name_then_type})


def angles_type_first(text: str, converters: Converters) -> Pattern:
    """Read `<name>`, `<type:name>`, `<type(arguments):name>`."""
    return _read(text, converters, {"<": _type_then_name})


def angles_name_first(text: str, converters: Converters, *, expressions: bool = True) -> Pattern:
    """Read `<name>`, `<name:type>`, `<name:type:arguments>` and, where allowed, `<name:regular expression>`."""

    def reader(content: str, table: Converters) -> Parameter:
        return _name_then_rest(content, table, expressions)

    return _read(text, converters, {"<": reader})


def angles_either(
    text: str, converters: Converters, *, type_first: str = "type first", name_first: str = "name first"
) -> Pattern:
    """Read braces, and angles in either order as long as only one side names a known type.

    Args:
        type_first, name_first: who reads `<type:name>` and `<name:type>`, for the message about an ambiguity.
    """

    def reader(content: str, table: Converters) -> Parameter:
        return _either(content, table, type_first, name_first)

    return _read(text, converters, {"<": reader, "{": _name_then_type})


_CLOSERS = {"{": "}", "<": ">"}
_CALL = re.compile(r"(?P<type>[^\W\d]\w*)\s*(?:\((?P<arguments>.*)\))?", re.DOTALL)


def _read(text: str, converters: Converters, readers: Mapping[str, Reader]) -> Pattern:
    if not text.startswith("/"):
        raise PatternError(f"a path begins with '/', not {text!r}")
    segments: list[list[Part]] = [[]]
    for piece in _pieces(text, 1, readers):
        if isinstance(piece, str):
            first, *others = piece.split("/")
            _add_text(segments[-1], first)
            for other in others:
                segments.append([])
                _add_text(segments[-1], other)
            continue
        opener, content = piece
        try:
            segments[-1].append(readers[opener](content, converters))
        except (ConverterError, PatternError) as error:
            spelled = f"{opener}{content}{_CLOSERS[opener]}"
            raise PatternError(f"{text!r}: '{spelled}' {error}") from None
    trailing_slash = not segments[-1]
    if trailing_slash:
        segments.pop()
    return Pattern(text, tuple(tuple(parts) if parts else _SLASH for parts in segments), trailing_slash)


def _add_text(parts: list[Part], text: str) -> None:
    if text:
        parts.append(Static(text))


def _pieces(text: str, position: int, readers: Mapping[str, Reader]) -> Iterator[str | tuple[str, str]]:
    """Cut a path into fixed text and (bracket, content)."""
    closers = {_CLOSERS[opener] for opener in readers}
    start = position
    while position < len(text):
        char = text[position]
        if char in closers:
            raise PatternError(f"{text!r} has a {char!r} without its opening bracket")
        if char not in readers:
            position += 1
            continue
        if start < position:
            yield text[start:position]
        end = _closing(text, position)
        yield char, text[position + 1 : end]
        start = position = end + 1
    if start < len(text):
        yield text[start:]


def _closing(text: str, opened: int) -> int:
    """Return where the bracket closes that is opened at a position.

    Inside, parentheses, quotes (of arguments), character classes and escapes (of regular expressions) are skipped.
    """
    opener = text[opened]
    closer = _CLOSERS[opener]
    depth = nested = 0
    position = opened + 1
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char == "[":
            position = _end_of_class(text, position)
        elif depth and char in "'\"" and text.find(char, position + 1) != -1 and text[position - 1] in "(,= ":
            position = text.index(char, position + 1)
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif depth == 0 and char == opener:
            # {2} of a regular expression; an angle inside angles is a slip.
            if opener == "<":
                break
            nested += 1
        elif depth == 0 and char == closer:
            if nested == 0:
                return position
            nested -= 1
        position += 1
    raise PatternError(f"{text!r} has a {opener!r} that is not closed")


def _end_of_class(text: str, position: int) -> int:
    """Return the end of `[...]`, or `position` itself if nothing closes it."""
    index = position + 1
    if text[index : index + 1] == "^":
        index += 1
    if text[index : index + 1] == "]":
        index += 1
    while index < len(text):
        if text[index] == "\\":
            index += 1
        elif text[index] == "]":
            return index
        index += 1
    return position


def _named(name: str, converter: Converter) -> Parameter:
    name = name.strip()
    if not name:
        raise PatternError("has no name")
    if not name.isidentifier():
        raise PatternError(f"has a name, {name!r}, that no argument can have")
    return Parameter(name, converter)


def _called(spelled: str, converters: Converters) -> Converter:
    """Resolve `type` or `type(arguments)`."""
    match = _CALL.fullmatch(spelled.strip())
    if match is None:
        raise PatternError(f"has no readable type: {spelled!r}")
    return converters.resolve(match["type"], match["arguments"])


def _name_then_type(content: str, converters: Converters) -> Parameter:
    name, colon, spelled = content.partition(":")
    return _named(name, _called(spelled, converters) if colon else converters.default)


def _type_then_name(content: str, converters: Converters) -> Parameter:
    # The name is last and holds no colon, the arguments before it may.
    spelled, colon, name = content.rpartition(":")
    return _named(name, _called(spelled, converters) if colon else converters.default)


def _name_then_rest(content: str, converters: Converters, expressions: bool) -> Parameter:
    name, colon, rest = content.partition(":")
    if not colon:
        return _named(name, converters.default)
    spelled, configured, arguments = rest.partition(":")
    if spelled in converters:
        return _named(name, converters.resolve(spelled, arguments if configured else None))
    match = _CALL.fullmatch(rest)
    if match is not None and match["type"] in converters:
        return _named(name, converters.resolve(match["type"], match["arguments"]))
    if not expressions or not rest or rest.isidentifier():
        # A bare word is rather a misspelled type than an expression for itself.
        return _named(name, _called(rest, converters))
    return _named(name, pattern_of(rest))


def _either(content: str, converters: Converters, type_first: str, name_first: str) -> Parameter:
    if ":" not in content:
        return _named(content, converters.default)
    before, _, last = content.rpartition(":")
    first, _, after = content.partition(":")
    type_before = _known(before, converters) and last.strip().isidentifier()
    type_after = (_known(after, converters) or after.partition(":")[0] in converters) and first.strip().isidentifier()
    if type_before and type_after:
        raise PatternError(
            f"reads as {type_first} ({before} named {last!r}) or as {name_first} ({after} named {first!r}); "
            f"write '{{{last}:{before}}}' or '{{{first}:{after}}}'"
        )
    if type_before:
        return _type_then_name(content, converters)
    if type_after:
        return _name_then_rest(content, converters, False)
    for word in (first, last):
        _named(word, converters.default)
    raise PatternError(f"names no known type on either side; known are {', '.join(sorted(converters))}")


def _known(spelled: str, converters: Converters) -> bool:
    match = _CALL.fullmatch(spelled.strip())
    return match is not None and match["type"] in converters
