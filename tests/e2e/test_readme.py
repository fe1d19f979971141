"""The README keeps its word: each of its curl lines, run against the demo, gives the answer that stands below it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..demo import ROOT, SERVERS, running

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")]

BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)


def lines() -> list[tuple[str, str]]:
    """Return the commands of the README with their answers, in order."""
    found = []
    for block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        for part in block.split("$ ")[1:]:
            command, _, answer = part.partition("\n")
            found.append((command, answer))
    return found


@pytest.fixture(params=SERVERS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with running(request.param, tmp_path / "shop.db") as address:
        yield address


def test_every_line_answers_as_written(address: str) -> None:
    assert len(lines()) >= 8
    for command, answer in lines():
        assert command.startswith("curl "), "only curl lines have answers in the README"
        command = command.replace("http://127.0.0.1:8000", address)
        ran = subprocess.run(["bash", "-c", command], capture_output=True, timeout=20, check=False)
        assert ran.stdout.decode().rstrip("\n") == answer.rstrip("\n"), command
