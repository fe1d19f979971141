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

    __slots__ = ("_converters", "_last", "_loose", "_prefix", "_separators", "_several", "_suffix")

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
        # Loose: any text, so that only its beginning, or a slash in it, says whether it matches.
        self._loose = [converter.free and converter.plain for converter in converters]
        self._several = several
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
        loose = self._loose[index]
        if index == self._last:
            if loose:
                return [body[start:]] if self._takes(converter, body, start, len(body)) else None
            value = _value(converter, body, start, len(body))
            return None if value is None else [value[0]]
        separator = self._separators[index]
        stop = failed[index] if loose else len(body) + 1
        if loose and self._several and not converter.multi_segment:
            slash = body.find("/", start)
            stop = stop if slash < 0 else min(stop, slash + 1)
        while stop > start:
            end = body.rfind(separator, start, stop - 1 + len(separator))
            if end < 0:
                break
            stop = end
            if loose:
                if not self._takes(converter, body, start, end):
                    continue
                values = self._fit(body, index + 1, end + len(separator), failed)
                if values is not None:
                    values.append(body[start:end])
                    return values
                failed[index] = end
            else:
                value = _value(converter, body, start, end)
                values = None if value is None else self._fit(body, index + 1, end + len(separator), failed)
                if value is not None and values is not None:
                    values.append(value[0])
                    return values
        return None

    def _takes(self, converter: Converter, body: str, start: int, end: int) -> bool:
        """Return whether a loose parameter takes a text, without looking at all of it."""
        if converter.multi_segment:
            if start == end:
                return converter.regex.startswith(".*")
            return body[start] != "/" or not converter.regex.startswith("[^/]")
        if start == end:
            return converter.regex.startswith(".*")
        # Before a separator the end was chosen with care; the last parameter goes on to the end of the text.
        return not self._several or end < len(body) or body.rfind("/") < start


def _value(converter: Converter, body: str, start: int, end: int) -> tuple[Any] | None:
    if converter.compiled.fullmatch(body, start, end) is None:
        return None
    try:
        return (converter.convert(body[start:end]),)
    except ValueError:
        return None
