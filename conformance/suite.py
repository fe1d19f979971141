"""What a suite is: one folder below `suites`, with a record, pinned requirements, and two lists of tests.

`suite.toml` says which source distribution has the tests, which of its files are left out and why, and how they are
run. `baseline.txt` lists the tests that pass on the original: they are the total, so a file that can not be imported
loses its tests instead of making the total smaller. `failing.toml` lists those of them that do not pass on ours, by
reason. A new suite is one more folder.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SUITES", "LeftOut", "RecordError", "Suite", "suites"]

SUITES = Path(__file__).parent / "suites"


class RecordError(Exception):
    """A record can not be read; the message says what is wrong in which file."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that say nothing about a drop-in.

    Attributes:
        files: patterns for paths below the folder of the tests.
    """

    reason: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """A project's own tests.

    Attributes:
        name: of its folder here.
        package: its name on the package index.
        version: of its source distribution.
        adopts: what is adopted when it runs on ours.
        tests: the folder of the tests in the source distribution.
        code: what is removed from it, so that only the installed package can be imported.
        left_out: files that are not run.
        deselected: tests that are not run, with the reason: they depend on the machine.
        arguments: for pytest.
        parallel: further arguments when it runs in several processes (pytest-xdist); None: it must not.
        environment: variables for the tests.
        files: written into the tree before the tests run, by path.
    """

    name: str
    package: str
    version: str
    adopts: str
    tests: str = "tests"
    code: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    deselected: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    parallel: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Suite:
        """Return the suite of a folder.

        Raises:
            RecordError: its record is incomplete, or has what no record has.
        """
        path = folder / "suite.toml"
        try:
            record = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise RecordError(f"{path.parent.name}/{path.name}: {error}") from error
        given: dict[str, Any] = {name: _frozen(value) for name, value in record.items()}
        try:
            given["left_out"] = tuple(LeftOut(row["reason"], tuple(row["files"])) for row in record.get("left_out", ()))
            return cls(name=folder.name, **given)
        except (TypeError, KeyError) as error:
            raise RecordError(f"{path.parent.name}/{path.name}: {error}") from error

    @property
    def folder(self) -> Path:
        """Where its records are."""
        return SUITES / self.name

    def is_left_out(self, file: str) -> bool:
        """Return whether a file, as a path from the root of the tree, is not run."""
        below = file.removeprefix(f"{self.tests}/")
        return any(fnmatch.fnmatch(below, pattern) for row in self.left_out for pattern in row.files)

    def select(self, tree: Path, only: Sequence[str] = ()) -> list[str]:
        """Return the test files in a tree whose path contains one of the texts, as paths from its root."""
        found = (path.relative_to(tree).as_posix() for path in sorted((tree / self.tests).rglob("test_*.py")))
        return [file for file in found if not self.is_left_out(file) and (not only or any(o in file for o in only))]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def suites(names: Iterable[str] = ()) -> list[Suite]:
    """Return suites by name; all of them when none is named.

    Raises:
        RecordError: there is no such suite, or its record is wrong.
    """
    there = sorted(path.parent.name for path in SUITES.glob("*/suite.toml"))
    chosen = list(names) or there
    for name in chosen:
        if name not in there:
            raise RecordError(f"there is no suite {name!r}; there are {', '.join(there)}")
    return [Suite.read(SUITES / name) for name in chosen]
