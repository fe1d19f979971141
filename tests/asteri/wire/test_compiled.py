"""The switch between compiled and interpreted modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import asteri
from asteri.wire.compiled import compiled_modules

PROBE = """
import asteri
from asteri.wire.request_cy import RequestParser
from asteri.wire import response_cy
from asteri.wire.compiled import compiled_modules
import sys
print(any(compiled_modules().values()), sys.modules["asteri.wire.request_cy"].__file__.endswith(".py"))
"""


def test_every_module_is_listed() -> None:
    forms = compiled_modules()
    assert {"asteri.wire.request_cy", "asteri.wire.response_cy", "asteri.wire.exchange_cy"} <= set(forms)


@pytest.mark.slow
def test_the_source_wins_when_asked() -> None:
    environment = {**os.environ, "ASTERI_PURE": "1", "PYTHONPATH": str(Path(asteri.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
