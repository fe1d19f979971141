"""Every test of the engine that takes `door` runs through both doors."""

from __future__ import annotations

import pytest

from .neutral import App


@pytest.fixture(params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app() -> App:
    return App()
