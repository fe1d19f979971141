"""bench.startup: both contenders build, start and describe the same application."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.startup import CONTENDERS, PHASES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_small_run_gives_figures(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    command = [sys.executable, "-m", "bench.startup", "--routes", "8", "--models", "4", "--rounds", "1"]
    done = subprocess.run([*command, "--json", str(record)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(CONTENDERS)
    seconds = json.loads(record.read_text())["seconds"]
    assert all(list(phases) == list(PHASES) for phases in seconds.values())
    assert all(value > 0 for phases in seconds.values() for value in phases.values())
