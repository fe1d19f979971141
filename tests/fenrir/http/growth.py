"""Checks that a parser takes time in proportion to its input."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["assert_linear"]


def _seconds(function: Callable[[Any], object], data: Any) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        function(data)
        best = min(best, time.process_time() - start)
    return best


def assert_linear(function: Callable[[Any], object], make: Callable[[int], Any], size: int = 1024) -> None:
    """Assert that eight times the input takes less than 24 times as long (64 times if it were quadratic)."""
    small, large = make(size), make(8 * size)
    limit = 24 * _seconds(function, small) + 0.003
    assert _seconds(function, large) < limit
