"""The attempts of tests that are marked `timing` (tests/conftest.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

TESTS = """
import pytest

made, ended, ran = [], [], []

@pytest.fixture(scope="module")
def shared():
    made.append("shared")
    yield
    ended.append("shared")

@pytest.fixture
def application(shared):
    made.append("application")
    yield []
    ended.append("application")

@pytest.mark.timing
def test_is_late_twice(application):
    assert application == []  # a set-up of its own
    application.append(1)
    ran.append(1)
    assert len(ran) == 3

@pytest.mark.timing
def test_is_always_late(application):
    raise TimeoutError(f"late {len(made)}")

@pytest.mark.timing
def test_is_wrong():
    made.append("wrong")
    raise ValueError("wrong")

@pytest.mark.timing
def test_skips():
    pytest.skip("no")

def test_is_not_marked():
    made.append("unmarked")
    assert False

@pytest.mark.timing
def test_is_late_as_the_last_one(application):
    ran.append(2)
    assert ran.count(2) == 2

def test_what_was_done():
    assert made.count("wrong") == made.count("unmarked") == made.count("shared") == 1
    assert made.count("application") == ended.count("application") == 3 + 3 + 2
"""


@pytest.mark.slow
def test_an_attempt_has_a_set_up_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = timing: x\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", "--tb=line", str(tmp_path)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False).stdout
    assert "3 failed, 3 passed, 1 skipped" in told, told
    for name in ("test_is_late_twice", "test_is_late_as_the_last_one", "test_what_was_done"):
        assert f"PASSED test_it.py::{name}" in told, told
    for name in ("test_is_always_late", "test_is_wrong", "test_is_not_marked"):
        assert f"FAILED test_it.py::{name}" in told, told
