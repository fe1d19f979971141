"""Running pytest in an environment, on the original or on ours, and what came of every test."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.environment import ROOT, Environment

__all__ = ["Outcome", "again", "run"]

INSIDE = Path(__file__).parent / "inside"
LIMIT = 1800.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of pytest told.

    Attributes:
        outcomes: "passed", "failed", "error", "skipped", "xfailed" or "xpassed" by test id.
        messages: the first line of each failure.
        uncollected: files that could not be imported, with the last line of the reason.
        foreign: modules with an adopted name that are not ours; there must be none.
        seconds: how long it took.
        log: what pytest printed.
        complete: False when pytest ended without telling, or was stopped.
    """

    outcomes: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    uncollected: Mapping[str, str] = field(default_factory=dict)
    foreign: Sequence[str] = ()
    seconds: float = 0.0
    log: Path = Path()
    complete: bool = True

    @property
    def passed(self) -> set[str]:
        """The ids of the tests that passed."""
        return {test for test, outcome in self.outcomes.items() if outcome == "passed"}

    def why(self, test: str) -> str:
        """Return in one line what happened to a test that did not pass."""
        file = test.partition("::")[0]
        if test in self.messages:
            return self.messages[test]
        if file in self.uncollected:
            return f"{file} can not be imported: {self.uncollected[file]}"
        return self.outcomes.get(test, "it was not run")


def run(
    environment: Environment,
    arguments: Sequence[str],
    *,
    adopts: str | None,
    variables: Mapping[str, str] | None = None,
    name: str = "run",
) -> Outcome:
    """Run pytest in the environment's tree.

    Args:
        environment: where.
        arguments: for pytest: options and tests.
        adopts: what is adopted; None runs the originals.
        variables: further environment variables.
        name: of the log, in the environment's folder.
    """
    record = environment.folder / f"{name}.json"
    log = environment.folder / f"{name}.log"
    record.unlink(missing_ok=True)
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("FENRIR_", "FLASK_", "PYTEST_", "COV_"))
    }
    environ |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(INSIDE)]),
        "PATH": os.pathsep.join([str(environment.python.parent), environ.get("PATH", os.defpath)]),
        "CONFORMANCE_OUTCOMES": str(record),
        **(variables or {}),
    }
    program = ["-m", "pytest"] if adopts is None else ["-m", "fenrir.adopt", adopts, "-m", "pytest"]
    options = ["-p", "conformance_outcomes", "-p", "no:cacheprovider", "-q", "--tb=short"]
    command = [str(environment.python), *program, *options, "--continue-on-collection-errors", *arguments]
    began = time.monotonic()
    with log.open("w") as out:
        try:
            subprocess.run(
                command,
                cwd=environment.tree,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            out.write(f"\nstopped after {LIMIT:.0f} s\n")
    told = json.loads(record.read_text()) if record.exists() else None
    seconds = time.monotonic() - began
    if told is None:
        return Outcome(seconds=seconds, log=log, complete=False)
    return Outcome(**told, seconds=seconds, log=log)


def again(environment: Environment, tests: Sequence[str], arguments: Sequence[str], **options: object) -> set[str]:
    """Run each test alone, in a process of its own, and return those that pass now."""
    passed: set[str] = set()
    for test in tests:
        outcome = run(environment, [*arguments, test], name="again", **options)  # type: ignore[arg-type]
        passed |= outcome.passed & {test}
    return passed
