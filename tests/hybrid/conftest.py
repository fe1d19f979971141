"""What the tests of the hybrid application share."""

from __future__ import annotations

import pytest

from fenrir import Fenrir


@pytest.fixture(params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    """Return the door through which requests go."""
    return str(request.param)


@pytest.fixture
def app() -> Fenrir:
    """Return an empty application."""
    return Fenrir(__name__, secret_key="sharing", static_folder=None)
