"""Tests of a connection that use `loop_kind` run on every loop that is installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..serving import LOOPS, current


@pytest.fixture(params=LOOPS)
def loop_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Choose the loop that `run` uses."""
    current[0] = request.param
    yield
    current[0] = "asyncio"
