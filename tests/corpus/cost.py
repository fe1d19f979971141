"""Measure the processor time of a function that takes an input of any size, so that noise does not decide."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["NOTHING", "growth", "more", "seconds"]

Input = TypeVar("Input")
ROUNDS = 3  # at least
PATIENCE = 25  # rounds at most: the least of them is what a function costs, the rest is the machine's
SAMPLE = 0.002  # seconds; shorter calls are repeated
NOTHING = 0.00005  # seconds that do not count: a copy of the input and its page faults


def seconds(function: Callable[[Input], object], data: Input, bound: float) -> float:
    """Return the least time that was seen, as soon as it is within the bound."""
    with _without_collection():
        least = _sample(function, data, 1)
        for _ in range(PATIENCE):
            if least <= bound:
                break
            least = min(least, _sample(function, data, 1))
    return least


def growth(function: Callable[[Input], object], make: Callable[[int], Input], size: int, bound: float) -> float:
    """Return how many times the cost of an input its double has, as soon as that is within the bound.

    It is the mean over three doublings, of which the last is that of `size`: a threshold of the allocator or of a cache
    counts in one of them, what is quadratic in all. Both ends are measured in turn, and each by its least time.
    """
    small, large = make(size // 4), make(2 * size)
    with _without_collection():
        number = max(1, int(SAMPLE / max(_sample(function, small, 1), 1e-7)))
        least = [float("inf"), float("inf")]
        for round_ in range(PATIENCE):
            least[0] = min(least[0], _sample(function, small, number))
            least[1] = min(least[1], _sample(function, large, max(1, number // 8)))
            if round_ >= ROUNDS - 1 and least[1] <= bound**3 * (least[0] + NOTHING):
                break
    return float((least[1] / (least[0] + NOTHING)) ** (1 / 3))


def more(function: Callable[[Input], object], small: Input, large: Input, bound: float) -> float:
    """Return the seconds by which the large input exceeds `bound` times the small one, each by its least time."""
    with _without_collection():
        least = [float("inf"), float("inf")]
        for _ in range(2 * ROUNDS):
            least[0] = min(least[0], _sample(function, small, 1))
            least[1] = min(least[1], _sample(function, large, 1))
    return least[1] - bound * least[0]


def _sample(function: Callable[[Input], object], data: Input, number: int) -> float:
    begun = time.process_time()
    for _ in range(number):
        function(data)
    return (time.process_time() - begun) / number


@contextmanager
def _without_collection() -> Iterator[None]:
    """Switch the garbage collector off, as timeit does: it walks the heap of the whole test session."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
