"""What the repository itself promises: dependencies, seams, and nothing in it that belongs to one machine or person."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Spelled in pieces, so that this file passes its own test.
FOREIGN = {
    "a path of one machine": r"/(?:work|root|home)/\.?(?:main|wt|tmp|shared|venv|pyenv|mirror|library)\b|/Users/\w",
    "a package registry's host": "|".join(
        re.escape(name) + r"\.(?:org|com|net|io)\b"
        for name in ("pypi", "py" + "thonhosted", "npm" + "js", "deb.deb" + "ian", "proxy.go" + "lang", "crat" + "es")
    ),
    "a mail address": r"\b[\w.+-]+@(?!example\.|localhost)[\w-]+\.(?:com|org|net|io|dev|de|edu)\b",
}

# A third-party library enters through one file (or one folder): the seam where it could be replaced.
SEAMS = {
    "jinja2": ("src/fenrir/kit/templating",),
    "itsdangerous": ("src/fenrir/kit/sessions",),
    "pydantic": ("src/fenrir/kit/validation", "src/fenrir/fastapi"),
    "pydantic_core": ("src/fenrir/kit/validation", "src/fenrir/fastapi"),
}
ONE_FILE_EACH = ("jinja2", "itsdangerous", "orjson")


def tracked() -> list[Path]:
    """Return the files under version control."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def metadata() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level package of every import in a file, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def importers(library: str) -> list[str]:
    return [
        path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("src/**/*.py")) if library in set(imports(path))
    ]


@pytest.mark.parametrize("what", FOREIGN)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(FOREIGN[what].encode())
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0].decode(errors='replace')}")
    assert found == []


def test_no_built_or_locked_file_is_tracked() -> None:
    refused = re.compile(r"\.(?:so|pyd|c|pyc|whl|lock)$|^src/fenrir/kit/openapi/assets/")
    written = {"bench/limit.c"}  # C by hand: the limit that servers are compared with, not a generated module
    names = {path.relative_to(ROOT).as_posix() for path in tracked()}
    assert {name for name in names if refused.search(name)} - written == set()


def test_the_core_dependencies_are_six() -> None:
    assert sorted(metadata()["project"]["dependencies"]) == [
        "anyio>=4.9",
        "click>=8.2",
        "itsdangerous>=2.2",
        "jinja2>=3.1.6",
        "multipart>=2.0.1",
        "pydantic>=2.12",
    ]


def test_requirements_have_lower_bounds_and_no_caps() -> None:
    document = metadata()
    project = document["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *document["dependency-groups"].values(),
    ]
    for requirement in (entry for entries in lists for entry in entries):
        if requirement != "fenrir[flask]":  # an extra of our own in another one
            assert re.fullmatch(r"[\w.-]+(?:\[[\w,]+\])?>=[\d.]+", requirement.split(";")[0].strip()), requirement


@pytest.mark.parametrize("library", SEAMS)
def test_a_library_is_imported_behind_its_seam_only(library: str) -> None:
    assert [name for name in importers(library) if not name.startswith(SEAMS[library])] == []


@pytest.mark.parametrize("library", ONE_FILE_EACH)
def test_a_library_is_imported_in_one_file(library: str) -> None:
    assert len(importers(library)) <= 1, importers(library)


def test_only_adopt_touches_the_import_system() -> None:
    touching = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.glob("src/fenrir/**/*.py"))
        if re.search(r"\bmeta_path\b", path.read_text()) and path.name != "adopt.py"
    ]
    assert touching == []


def test_the_engine_knows_no_paradigm_by_name() -> None:
    names = re.compile(r"\b(?:fastapi|flask|falcon|sanic|bottle|starlette|django)\b", re.IGNORECASE)
    found = []
    for path in sorted(ROOT.glob("src/fenrir/core/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            words = [getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", "") or ""]
            if names.search(" ".join(word.replace("_", " ") for word in words if isinstance(word, str))):
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    assert found == []
