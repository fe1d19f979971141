"""The environments of the tests, below `build/conformance`: nothing of another project is in the repository.

An environment is a virtual environment with pinned requirements and the original package, and a tree: the source
distribution without its code. Both are kept until what they are made from changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.suite import Suite
from tools.sdist import fetch

__all__ = ["ROOT", "STORE", "Environment", "Unmade", "needs", "of_suite", "prepared"]

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "build" / "conformance"


class Unmade(Exception):
    """An environment can not be made; the message is pip's."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where tests run.

    Attributes:
        python: the interpreter.
        tree: the working directory.
        folder: for logs and results.
    """

    python: Path
    tree: Path
    folder: Path


def of_suite(suite: Suite) -> Environment:
    """Return the environment of a suite, made when it is missing or out of date."""
    requirements = (suite.folder / "requirements.txt").read_text(encoding="utf-8").split()
    return prepared(
        STORE / suite.name,
        [*requirements, f"{suite.package}=={suite.version}"],
        source=(suite.package, suite.version),
        code=suite.code,
        files=suite.files,
        dependencies=False,
    )


def prepared(
    folder: Path,
    requirements: Iterable[str],
    *,
    source: tuple[str, str] | None,
    code: Iterable[str] = (),
    files: Mapping[str, str] | None = None,
    dependencies: bool = True,
) -> Environment:
    """Return an environment, made when it is missing or out of date.

    Args:
        folder: its place.
        requirements: for pip.
        source: name and version of the source distribution whose tests are kept; without one the tree is empty.
        code: what is removed from the source distribution.
        files: what is written into the tree.
        dependencies: whether pip installs what the requirements require, or they are complete.
    """
    python = folder / "venv" / "bin" / "python"
    made = Environment(python, folder / "tree", folder)
    wanted = {
        "venv": _digest(sys.version, sorted(requirements := list(requirements)), dependencies),
        "tree": _digest(source, sorted(code := list(code)), sorted((files or {}).items())),
    }
    record = folder / "made.json"
    present = json.loads(record.read_text()) if record.exists() else {}
    if present.get("venv") != wanted["venv"] or not python.exists():
        print(f"{folder.name}: installing {len(requirements)} requirements", flush=True)
        record.unlink(missing_ok=True)
        present = {}
        venv.create(folder / "venv", clear=True, with_pip=True)
        _pip(python, "install", *([] if dependencies else ["--no-deps"]), *requirements)
    if present.get("tree") != wanted["tree"] or not made.tree.exists():
        record.unlink(missing_ok=True)
        shutil.rmtree(made.tree, ignore_errors=True)
        _grow(made.tree, source, code, files or {})
    record.write_text(json.dumps(wanted))
    return made


def _grow(tree: Path, source: tuple[str, str] | None, code: Iterable[str], files: Mapping[str, str]) -> None:
    if source is None:
        tree.mkdir(parents=True)
    else:
        shutil.copytree(fetch(*source), tree, symlinks=True)
    for name in [*code, *(path.name for path in tree.glob("*.egg-info"))]:
        path = tree / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name, text in files.items():
        (tree / name).write_text(text, encoding="utf-8")
    settings = {"pytest.ini": "", "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
    if not any((tree / name).exists() and word in (tree / name).read_text() for name, word in settings.items()):
        # Else pytest looks further up and finds ours, in which every warning is an error.
        (tree / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, "--quiet"]
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "FENRIR_ADOPT")}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Unmade(f"pip {arguments[0]} failed:\n{done.stdout}{done.stderr}")


def needs(*extras: str) -> list[str]:
    """Return what Fenrir itself requires, with the requirements of extras that exist."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, None] = dict.fromkeys(project["dependencies"])
    seen: set[str] = set()
    pending = list(extras)
    while pending:
        extra = pending.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for line in project["optional-dependencies"].get(extra, ()):
            if own := re.fullmatch(rf"{project['name']}\[([\w,-]+)\]", line):
                pending += own[1].split(",")
            else:
                found[line] = None
    return list(found)
