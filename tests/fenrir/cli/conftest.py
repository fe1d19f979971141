"""A directory with an application in it, and the command line called there in this process."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fenrir.cli import main

Fenrir = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty directory; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    path, modules = sys.path[:], set(sys.modules)
    handlers = logging.getLogger("fenrir").handlers[:]
    yield tmp_path
    sys.path[:] = path
    logging.getLogger("fenrir").handlers[:] = handlers
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None) or tmp_path).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def fenrir(here: Path) -> Fenrir:
    """Call `fenrir ARGUMENTS` in this directory."""

    def call(*arguments: str, input: str | None = None) -> Result:
        return CliRunner().invoke(main, arguments, input=input, prog_name="fenrir")

    return call
