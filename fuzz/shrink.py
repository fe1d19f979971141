"""Small reproducers: a sample is nested plain data, and whatever can be left out of it without losing the fault, is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["minimise", "smaller"]


def smaller(value: Any) -> Iterator[Any]:
    """Yield simpler values of the same shape, the simplest first."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            for simpler in smaller(item):
                yield (*value[:index], simpler, *value[index + 1 :])
    elif isinstance(value, list | bytes | str):
        step = size = len(value)
        whole: Any = value
        while step:
            for start in range(0, size, step):
                yield whole[:start] + whole[start + step :]
            step //= 2
        if isinstance(value, list):
            for index, item in enumerate(value):
                for simpler in smaller(item):
                    yield [*value[:index], simpler, *value[index + 1 :]]
    elif isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, int) and value:
        yield 0
        yield value // 2
        yield value - 1 if value > 0 else value + 1


def minimise(sample: Any, fails: Callable[[Any], bool], tries: int = 4000) -> Any:
    """Return a sample that still fails and of which nothing more can be left out, or the best after so many tries."""
    progress = True
    while progress:
        progress = False
        for simpler in smaller(sample):
            tries -= 1
            if tries < 0:
                return sample
            if fails(simpler):
                sample = simpler
                progress = True
                break
    return sample
