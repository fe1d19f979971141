"""The program that measures start-up runs on both, and really on both."""

from __future__ import annotations

import pytest

from bench.startup import STEPS, measure


@pytest.mark.slow
@pytest.mark.parametrize("adopted", [False, True])
def test_every_step_is_measured(adopted: bool) -> None:
    seen = measure(adopted, routes=20, models=5)
    assert tuple(seen) == STEPS
    assert all(seconds >= 0 for seconds in seen.values())
