"""The same application has the same document whether FastAPI or our dialect builds it."""

from __future__ import annotations

import json
from typing import Any

import fastapi
import pytest

import fenrir.fastapi
from tests.fenrir.kit.openapi.oracle_apps import APPS


@pytest.mark.parametrize("name", APPS)
def test_documents_are_equal(name: str) -> None:
    theirs: dict[str, Any] = APPS[name](fastapi).openapi()
    ours: dict[str, Any] = APPS[name](fenrir.fastapi).openapi()
    assert ours == theirs
    assert json.dumps(ours) == json.dumps(theirs)  # the order too
