"""JSON with one behaviour, whichever library is installed. The only file that imports orjson.

Rules
    * The standard library, made strict here, is the authority. orjson is asked first only where its answer is
      known to be equal, and whatever it refuses the standard library judges again: so errors and their positions
      are the same with and without it.
    * Read: RFC 8259 in UTF-8 without BOM. Refused: NaN, Infinity, numbers beyond a double (1e999), integers of more
      digits than `sys.get_int_max_str_digits()`, lone surrogates (as bytes or escapes), UTF-16, nesting deeper
      than MAX_DEPTH. Integers are exact; of equal keys the last wins.
    * orjson reads integers beyond 64 bits as floats: a document with 19 digits in a row goes to the standard library.
    * Written: compact UTF-8. NaN and Infinity raise; orjson writes them as `null`, so an output that contains `null`
      is only used after a look at every float. Integers of any size and the keys that the standard library allows
      are written. UUID and Enum are written as their text and value, everything else that is not JSON goes to
      `default`.

PERF: timeit on two busy cores, CPython 3.11, orjson 3.13, 943 bytes of small objects, us with and without orjson:
reading 10 and 16, writing 3 and 32, writing something with a None 10 and 33.
"""

from __future__ import annotations

import enum
import gc
import json
import re
import uuid
from collections.abc import Callable
from itertools import accumulate
from math import isfinite
from typing import Any, Final, NoReturn

__all__ = ["MAX_DEPTH", "JSONError", "dumps", "loads", "quick_writer"]


def _import_orjson() -> Any:
    try:
        import orjson
    except ImportError:  # it is in the extra "standard"
        return None
    return orjson


orjson = _import_orjson()

MAX_DEPTH: Final = 200
"""Nested arrays and objects. pydantic-core stops at 200, orjson at 1024, the standard library at its stack's end."""

Default = Callable[[Any], Any]

_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F])|.)",
    re.DOTALL,
)
_STRING = re.compile(rb'"[^"]*+"?+')  # after escapes were removed; one that is not closed reaches to the end
_NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_STEPS = bytes(1 if byte in b"[{" else 255 for byte in range(256))  # up and down, as signed bytes
_BLOCK = 64
_MANY = 100_000  # containers
_CONTAINERS = (dict, list)
_DIGITS_TO_ZERO = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_LONG_NUMBER = b"0" * 19


class JSONError(ValueError):
    """A text is not JSON as this module reads it.

    Attributes:
        msg: what is wrong; contains nothing of the text.
        pos: index of the character, or of the byte where the text is not UTF-8; -1 if it is not known.
    """

    def __init__(self, msg: str, pos: int = -1) -> None:
        super().__init__(msg if pos < 0 else f"{msg} at {pos}")
        self.msg = msg
        self.pos = pos


def _refuse_constant(name: str) -> NoReturn:
    raise JSONError(f"{name.lstrip('-')} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise JSONError("number is out of range")
    return number


def loads(data: bytes | bytearray | memoryview | str, *, standard: bool = False) -> Any:
    """Return the value of a JSON text; `standard` means by `json.loads`, whatever else is there.

    Raises:
        JSONError: it is not JSON, or not as this module reads it (see the rules above).
    """
    encoded = _encoded(data)
    containers = encoded.count(b"[") + encoded.count(b"{")
    if containers > MAX_DEPTH:
        _check_depth(encoded)
    if standard:
        return _loads_strictly(encoded)
    if containers < _MANY or not gc.isenabled():
        return _parsed(encoded)
    # PERF: the collector finds nothing in a value that is being made, but walks it again and again: half a million
    # arrays in 1 MiB take 90 to 105 ms with it and 47 without; fewer containers gain nothing.
    gc.disable()
    try:
        return _parsed(encoded)
    finally:
        gc.enable()


def _parsed(encoded: bytes) -> Any:
    if orjson is not None and _LONG_NUMBER not in encoded.translate(_DIGITS_TO_ZERO):
        try:
            return orjson.loads(encoded)
        except orjson.JSONDecodeError:
            pass  # the standard library is the authority: it accepts, or says what is wrong in its words
    return _loads_strictly(encoded)


def _encoded(data: bytes | bytearray | memoryview | str) -> bytes:
    if not isinstance(data, str):
        return bytes(data)
    try:
        return data.encode("utf-8")
    except UnicodeEncodeError as error:
        raise JSONError("lone surrogate", error.start) from None


def _loads_strictly(encoded: bytes) -> Any:
    try:
        text = encoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JSONError("invalid UTF-8", error.start) from None
    if text.startswith("\ufeff"):
        raise JSONError("byte order mark", 0)
    try:
        value = json.loads(text, parse_float=_finite_float, parse_constant=_refuse_constant)
    except JSONError:
        raise
    except json.JSONDecodeError as error:
        raise JSONError(error.msg, error.pos) from None
    except RecursionError:
        raise JSONError("nested too deeply") from None
    except ValueError:
        raise JSONError("integer has too many digits") from None
    if "\\ud" in text or "\\uD" in text:
        for match in _ESCAPE.finditer(text):
            if match[1] is not None:
                raise JSONError("lone surrogate", match.start())
    return value


def _check_depth(encoded: bytes) -> None:
    """Raise if brackets outside strings nest deeper than MAX_DEPTH. What is not JSON is left to the parser.

    A block of brackets is only looked at one by one if it could reach so deep.
    """
    if b"\\" in encoded:
        encoded = encoded.replace(b"\\\\", b"").replace(b'\\"', b"")
    structure = encoded.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    if b'"' in structure:
        structure = _STRING.sub(b"", structure)
    steps = structure.translate(_STEPS)
    depth = 0
    for start in range(0, len(steps), _BLOCK):
        block = steps[start : start + _BLOCK]
        opened = block.count(1)
        if depth + opened > MAX_DEPTH and depth + max(accumulate(memoryview(block).cast("b"))) > MAX_DEPTH:
            raise JSONError("nested too deeply")
        depth += 2 * opened - len(block)


def dumps(obj: Any, *, default: Default | None = None) -> bytes:
    """Return a value as compact JSON in UTF-8.

    `default` is called with each object that JSON does not know; it returns one that JSON knows or raises
    `TypeError`. It may be called twice for the same object.

    Raises:
        ValueError: NaN, Infinity, a lone surrogate, a cycle, or nesting beyond the stack.
        TypeError: an object is not serialisable.
    """
    if orjson is not None:
        try:
            out: bytes = orjson.dumps(obj, default, _ORJSON_OPTIONS)
        except orjson.JSONEncodeError:
            pass  # integers beyond 64 bits, other keys than str, subclasses: the standard library decides
        else:
            if out.find(b"null") < 0 or _is_finite(obj):  # PERF: `in` takes 110 to 220 ns, and find 40
                return out
    encoder = _encoder if default is None else _new_encoder(default)
    try:
        return encoder.encode(obj).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deeply for JSON") from None


def quick_writer(default: Default, doubtful: bytes, long: Callable[[Any], bytes]) -> Callable[[Any], bytes | None]:
    """Return a function that writes dicts and lists as `long` does, and says None to any other value.

    Args:
        doubtful: what in the output calls for the long way.
    """
    if orjson is None:
        return lambda value: long(value) if type(value) in _CONTAINERS else None
    write, options, failure = orjson.dumps, _ORJSON_OPTIONS, orjson.JSONEncodeError

    def quick(value: Any) -> bytes | None:
        kind = type(value)
        if kind is not dict and kind is not list:
            return None
        try:
            out: bytes = write(value, default, options)
        except failure:
            return long(value)
        # PERF: `in` for bytes takes 110 to 220 ns, and find 25 to 50: `in` asks first whether b"null" is an integer.
        return out if out.find(b"null") < 0 and out.find(doubtful) < 0 else long(value)

    return quick


def _is_finite(obj: Any) -> bool:
    """Say whether a value is made of JSON's own types, without a NaN or Infinity. There must be no cycles."""
    values = [obj]
    for value in values:  # grows while it is read
        kind = type(value)
        if kind is dict:
            values.extend(value.values())
        elif kind is list or kind is tuple:
            values.extend(value)
        elif kind is float:
            if not isfinite(value):
                return False
        elif value is not None and kind is not str and kind is not int and kind is not bool:
            return False
    return True


_ORJSON_OPTIONS = 0 if orjson is None else orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _new_encoder(default: Default | None) -> json.JSONEncoder:
    def fallback(obj: Any) -> Any:
        if isinstance(obj, enum.Enum):
            return obj.value
        if isinstance(obj, uuid.UUID):
            return str(obj)
        if default is None:
            raise TypeError(f"{type(obj).__name__} is not JSON serializable")
        return default(obj)

    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=fallback)


_encoder = _new_encoder(None)
