"""Segments of several parts (`{name}.txt`, `{a}.{b}`, `v{major:int}`), matched without backtracking over the whole.

Each parameter takes as much as it can. A parameter of any text ends where the next fixed text stands; because *which*
of these places works does not depend on where the parameter began, a place that failed once is never tried again, and
a hostile segment costs time linear in its length. A combined regular expression would cost a power of it.
"""

from __future__ import annotations

from typing import Any

from fenrir.core.converters import Converter
from fenrir.core.pattern import Segment, Static, takes_segments

__all__ = ["Mixed"]


class Mixed:
    """The matcher of one segment with more than one part, or with parts that take several segments."""

    __slots__ = ("_converters", "_last", "_loose", "_prefix", "_separators", "_suffix")

    def __init__(self, segment: Segment) -> None:
        # Fixed text before, between and after the parameters; "" between two that touch.
        texts = [""]
        converters: list[Converter] = []
        for part in segment:
            if isinstance(part, Static):
                texts[-1] += part.text
            else:
                converters.append(part.converter)
                texts.append("")
        several = takes_segments(segment)
        self._converters = converters
        self._prefix = texts[0]
        self._suffix = texts[-1]
        self._separators = texts[1:-1]
        self._loose = [_is_loose(converter, several) for converter in converters]
        self._last = len(converters) - 1

    def match(self, text: str) -> list[Any] | None:
        """Return the values, the last one first, or None."""
        start = len(self._prefix)
        end = len(text) - len(self._suffix)
        if end < start or not text.startswith(self._prefix) or not text.endswith(self._suffix):
            return None
        return self._fit(text[start:end], 0, 0, [end - start + 1] * len(self._converters))

    def _fit(self, body: str, index: int, start: int, failed: list[int]) -> list[Any] | None:
        """Fit the parameters from `index` on to the text from `start` on; `failed`: the first end that did, of each."""
        converter = self._converters[index]
        if index == self._last:
            value = _value(converter, body[start:])
            return None if value is None else [value[0]]
        separator = self._separators[index]
        loose = self._loose[index]
        stop = failed[index] if loose else len(body) + 1
        while stop > start:
            end = body.rfind(separator, start, stop - 1 + len(separator))
            if end < 0:
                break
            value = _value(converter, body[start:end])
            if value is not None:
                values = self._fit(body, index + 1, end + len(separator), failed)
                if values is not None:
                    values.append(value[0])
                    return values
                if loose:
                    failed[index] = end
            stop = end
        return None


def _is_loose(converter: Converter, several: bool) -> bool:
    """Return whether only the beginning of a text decides if it matches."""
    return converter.free and converter.plain and (converter.multi_segment or not several)


def _value(converter: Converter, text: str) -> tuple[Any] | None:
    if converter.compiled.fullmatch(text) is None:
        return None
    try:
        return (converter.convert(text),)
    except ValueError:
        return None
