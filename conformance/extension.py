"""What an extension is: a third-party package that runs on a framework, its record, and how it is run.

The record is one TOML file in `extensions`, described in the README there. Its first part is written by people, its
last part (`total`, `passed`, `failing`) by the runner.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import failing
from conformance.environment import STORE, Environment, needs, prepared
from conformance.running import Outcome, again, run
from conformance.suite import RecordError

__all__ = ["EXTENSIONS", "Extension", "Result", "extensions", "measure"]

EXTENSIONS = Path(__file__).parent / "extensions"
WRITTEN = '# What follows is written by `make conformance ARGS="extensions NAME"`; the reasons are ours.\n'


@dataclass(frozen=True, slots=True)
class Extension:
    """A package and what is run of it; the fields are those of its record."""

    name: str
    package: str
    version: str
    adopts: str
    ran: str
    requirements: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None
    passed: int | None = None
    failing: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Extension:
        """Return the extension of a record.

        Raises:
            RecordError: the record is incomplete, or has what no record has.
        """
        try:
            record: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
            record["failing"] = failing.of_record(record)
            given: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
            }
            made = cls(name=path.stem, **given)
        except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
            raise RecordError(f"extensions/{path.name}: {error}") from error
        if not made.tests and not made.own:
            raise RecordError(f"extensions/{path.name}: neither `tests` nor `own`: nothing would be run")
        return made

    @property
    def path(self) -> Path:
        """Its record."""
        return EXTENSIONS / f"{self.name}.toml"

    def prepare(self) -> Environment:
        """Return its environment, made when it is missing or out of date."""
        return prepared(
            STORE / "extensions" / self.name,
            [f"{self.package}=={self.version}", *self.requirements, *needs("standard", "flask", "fastapi")],
            source=(self.package, self.version) if self.tests else None,
            code=self.code,
            files={
                **{name: (EXTENSIONS / name).read_text(encoding="utf-8") for name in self.own},
                # Else pytest would take the configuration of the project that the tree stands in.
                **({} if self.tests else {"pytest.ini": "[pytest]\n"}),
            },
        )

    def write(self, total: int, reasons: Mapping[str, str]) -> None:
        """Write the last part of the record."""
        text = self.path.read_text(encoding="utf-8")
        head = re.split(r"(?m)^(?:# What follows is written|total *=|passed *=|\[\[failing\]\])", text, maxsplit=1)[0]
        counts = f"total = {total}\npassed = {total - len(reasons)}\n"
        tail = failing.dump(reasons)
        self.path.write_text(head.rstrip("\n") + f"\n\n{WRITTEN}{counts}" + (f"\n{tail}" if tail else ""), "utf-8")


@dataclass(frozen=True, slots=True)
class Result:
    """What a package's tests told, on the original and on ours.

    Attributes:
        total: tests that pass on the original.
        passed: those of them that pass on ours.
    """

    real: Outcome
    ours: Outcome
    total: frozenset[str]
    passed: frozenset[str]

    @property
    def failing(self) -> frozenset[str]:
        """The tests that pass on the original only."""
        return self.total - self.passed


def measure(extension: Extension) -> Result:
    """Run an extension's tests on the original and on ours; a few that fail on ours only are run again, alone."""
    environment = extension.prepare()
    arguments = [*extension.arguments, *extension.tests, *extension.own]
    real = run(environment, arguments, adopts=None, variables=extension.environment, name="original")
    ours = run(environment, arguments, adopts=extension.adopts, variables=extension.environment)
    total, passing = aligned(real, ours)
    passed = total & passing
    unexpected = sorted(total - passed - set(extension.failing))
    if len(unexpected) <= 10:
        options = {"adopts": extension.adopts, "variables": extension.environment}
        passed |= again(environment, unexpected, extension.arguments, **options)
    return Result(real, ours, frozenset(total), frozenset(passed))


def aligned(real: Outcome, ours: Outcome) -> tuple[set[str], set[str]]:
    """Return what passed in two runs, under ids that both have.

    Parameters may be made anew in every run (a random token): tests of one function that only one of the runs knows are
    numbered, and those that passed are counted against each other.
    """
    total, passing = real.passed & set(ours.outcomes), ours.passed & set(real.outcomes)
    for outcome, other, found in ((real, ours, total), (ours, real, passing)):
        numbers: Counter[str] = Counter()
        for test in sorted(outcome.passed - set(other.outcomes)):
            function = test.partition("[")[0]
            numbers[function] += 1
            found.add(f"{function}[{numbers[function]} of a run]")
    return total, passing


def extensions(names: Iterable[str] = ()) -> list[Extension]:
    """Return extensions by the name of their record; all of them when none is named.

    Raises:
        RecordError: there is no such record, or it is wrong.
    """
    there = sorted(path.stem for path in EXTENSIONS.glob("*.toml") if path.name != "tried.toml")
    chosen = list(names) or there
    for name in chosen:
        if name not in there:
            raise RecordError(f"there is no record extensions/{name}.toml; there are {', '.join(there) or 'none'}")
    return [Extension.read(EXTENSIONS / f"{name}.toml") for name in chosen]
