"""Run suites and extensions on ours: `python -m conformance [NAME ...] [--only TEXT] [arguments for pytest]`.

    python -m conformance                          every suite, and RESULTS.md
    python -m conformance flask --only views       the files of one whose path contains a text
    python -m conformance flask -k async -x        what else is given goes to pytest
    python -m conformance flask --real             the same tests on the original
    python -m conformance extensions Flask-Caching third-party packages, see extensions/README.md

A run of a whole suite that finds tests which pass now takes them out of the record of the failing ones. It ends with 1
when a test that is recorded as passing is lost: it failed in the run, and again alone. `--accept` records the loss.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence

from conformance import failing, identifiers
from conformance.environment import Unmade, of_suite
from conformance.extension import Extension, extensions, measure
from conformance.page import PAGE, render
from conformance.running import Outcome, again, run
from conformance.suite import RecordError, Suite, suites

__all__ = ["main"]

AGAIN_AT_MOST = 30  # more is no accident


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; return 1 when something is lost, 2 when it can not be run."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="suites; or `extensions` and names of records")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="files whose path contains it")
    parser.add_argument("--real", action="store_true", help="run the original instead of ours")
    parser.add_argument("--baseline", action="store_true", help="run the original and write what passes as the total")
    parser.add_argument("--accept", action="store_true", help="record what is lost as failing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="for suites that allow several")
    given, rest = parser.parse_known_args(arguments)
    try:
        if given.names[:1] == ["extensions"]:
            lost = sum([_extension(extension, given.accept) for extension in extensions(given.names[1:])])
        else:
            lost = sum([_suite(suite, given, rest) for suite in suites(given.names)])
        if not (given.real or given.baseline or given.only or rest):
            PAGE.write_text(render(suites(), extensions()), encoding="utf-8")
    except (RecordError, Unmade) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(lost > 0)


def _suite(suite: Suite, given: argparse.Namespace, rest: Sequence[str]) -> int:
    """Run a suite, report, and return how many tests are lost."""
    environment = of_suite(suite)
    files = suite.select(environment.tree, given.only)
    if not files:  # pytest would run whatever it finds
        wanted = "".join(f" {text!r}" for text in given.only)
        raise RecordError(f"{suite.name}: no test file{wanted} in {environment.tree}")
    deselected = [word for test in suite.deselected for word in ("--deselect", test)]
    options = [*suite.arguments]
    if suite.parallel is not None and given.processes > 1:
        options += ["-n", str(given.processes), *suite.parallel]
    adopts = None if given.real or given.baseline else suite.adopts
    outcome = run(environment, [*options, *deselected, *rest, *files], adopts=adopts, variables=suite.environment)
    if given.baseline:
        return _write_baseline(suite, outcome, bool(given.only or rest))
    total = identifiers.load((suite.folder / "baseline.txt").read_text(encoding="utf-8"))
    # A file that is no longer there loses its tests, it does not make the total smaller.
    total = {test for test in total if not given.only or any(text in test.partition("::")[0] for text in given.only)}
    if rest:  # pytest was told to leave some out
        total &= set(outcome.outcomes)
    if not total:
        raise RecordError(f"{suite.name}: nothing that passes on the original was run, see {outcome.log}")
    if adopts and outcome.foreign:
        raise RecordError(f"{suite.name}: the original was imported: {', '.join(outcome.foreign)}, see {outcome.log}")
    record = suite.folder / "failing.toml"
    reasons = failing.load(record.read_text(encoding="utf-8")) if record.exists() else {}
    passed = outcome.passed & total
    lost = total - passed - (set(reasons) if adopts else set())
    if lost and len(lost) <= AGAIN_AT_MOST:
        passed |= again(environment, sorted(lost), suite.arguments, adopts=adopts, variables=suite.environment)
        lost -= passed
    _report(suite.name, outcome, total, passed, lost)
    if adopts and not given.only and not rest:
        settled = failing.settle(reasons, passed | (set(reasons) - total), lost if given.accept else ())
        if settled != reasons:
            record.write_text(failing.dump(settled), encoding="utf-8")
            print(f"{suite.name}: {len(reasons)} tests were recorded as failing, {len(settled)} are now")
    return 0 if given.accept and outcome.complete else len(lost)


def _write_baseline(suite: Suite, outcome: Outcome, partial: bool) -> int:
    if partial or not outcome.complete or outcome.uncollected:
        raise RecordError(f"{suite.name}: only a complete run of the original is a baseline, see {outcome.log}")
    (suite.folder / "baseline.txt").write_text(identifiers.dump(outcome.passed), encoding="utf-8")
    print(f"{suite.name}: {len(outcome.passed)} tests pass on the original, {Counter(outcome.outcomes.values())}")
    return 0


def _extension(extension: Extension, accept: bool) -> int:
    result = measure(extension)
    for outcome in (result.real, result.ours):
        if not outcome.complete:
            raise RecordError(f"{extension.name}: pytest ended early, see {outcome.log}")
    if not result.total:
        raise RecordError(f"{extension.name}: no test passes on the original, see {result.real.log}")
    if len(result.total) < (extension.total or 0) and not accept:
        told = f"only {len(result.total)} of {extension.total} tests pass on the original"
        raise RecordError(f"{extension.name}: {told}, see {result.real.log}; --accept records it")
    if result.ours.foreign:
        told = f"the original was imported: {', '.join(result.ours.foreign)}"
        raise RecordError(f"{extension.name}: {told}, see {result.ours.log}")
    new = result.failing - set(extension.failing)
    lost = new if extension.total is not None and not accept else frozenset()
    _report(extension.name, result.ours, set(result.total), set(result.passed), set(new))
    if not lost:
        extension.write(len(result.total), {test: extension.failing.get(test, "") for test in result.failing})
    return len(lost)


def _report(name: str, outcome: Outcome, total: set[str], passed: set[str], lost: set[str]) -> None:
    print(f"{name}: {len(passed)}/{len(total)} ({outcome.seconds:.0f} s), log: {outcome.log}", flush=True)
    if not outcome.complete:
        print("  pytest ended early")
    counted = Counter(test.partition("::")[0] for test in total - passed)
    for file, count in counted.most_common():
        print(f"  -{count:4}  {file}  {outcome.uncollected.get(file, '')}".rstrip())
    for test in sorted(lost)[:AGAIN_AT_MOST]:
        print(f"  lost: {test}: {outcome.why(test)}")
    if len(lost) > AGAIN_AT_MOST:
        print(f"  and {len(lost) - AGAIN_AT_MOST} more are lost")


if __name__ == "__main__":
    sys.exit(main())
