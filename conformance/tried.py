"""Packages that were tried once on the drop-ins, in an environment that was not kept: too large, or not on the index.

The record is `extensions/tried.toml`, written by people: a table `[[tried]]` for each package with its `package`,
`version`, `on`, what `ran`, `passed` and `of` (tests that pass on the original), and a `reason` where these differ.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from conformance.suite import RecordError

__all__ = ["RECORD", "Tried", "tried"]

RECORD = Path(__file__).parent / "extensions" / "tried.toml"


@dataclass(frozen=True, slots=True)
class Tried:
    """One package; the fields are those of its table."""

    package: str
    version: str
    on: str
    ran: str
    passed: int
    of: int
    reason: str = ""


def tried(path: Path = RECORD) -> list[Tried]:
    """Return what was tried, by name and framework.

    Raises:
        RecordError: a table is incomplete, or what was lost has no reason.
    """
    try:
        found = [Tried(**table) for table in tomllib.loads(path.read_text(encoding="utf-8"))["tried"]]
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise RecordError(f"extensions/{path.name}: {error}") from error
    for one in found:
        if not 0 <= one.passed <= one.of or (one.passed < one.of) != bool(one.reason):
            raise RecordError(f"extensions/{path.name}: {one.package}: {one.passed} of {one.of}, reason {one.reason!r}")
    return sorted(found, key=lambda one: (one.package.lower(), one.on))
