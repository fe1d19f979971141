"""RESULTS.md: written from the records alone, so it says the same whoever writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance import failing, identifiers
from conformance.extension import Extension
from conformance.suite import Suite
from conformance.tried import tried

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).parent / "RESULTS.md"

INTRODUCTION = """\
# Conformance

What the peers' own tests say about the drop-ins. The suites come from the package index at a pinned version; their
tests run with the framework adopted (`fenrir.adopt`), beside the original, which none of them can import. The total is
the number of tests that pass on the original. Written by `make conformance` from the records in `conformance/suites`
and `conformance/extensions`; a test that is lost makes it fail.
"""


def render(suites: Sequence[Suite], extensions: Sequence[Extension]) -> str:
    """Return the page."""
    records = [(suite, *_records(suite)) for suite in suites]
    lines = [INTRODUCTION, "| suite | version | passed | of | failing |", "|---|---|---|---|---|"]
    for suite, baseline, reasons in records:
        total, passed = len(baseline), len(baseline) - len(reasons)
        lines.append(f"| {suite.package} | {suite.version} | {passed} | {total} | {_told(reasons)} |")
    for suite, _, reasons in records:
        lines += ["", f"## {suite.package} {suite.version}", "", *_failing(reasons)]
        if suite.left_out or suite.deselected:
            lines += ["", "Not run, and not counted:", "", "| | reason |", "|---|---|"]
            lines += [f"| {_code(row.files)} | {row.reason} |" for row in suite.left_out]
            lines += [f"| {_code([test])} | {reason} |" for test, reason in suite.deselected.items()]
    lines += ["", "## Extensions", "", "Third-party packages, unmodified, on the drop-ins.", ""]
    lines += ["| package | version | on | what was run | passed | of |", "|---|---|---|---|---|---|"]
    for extension in extensions:
        counts = "– | –" if extension.total is None else f"{extension.passed} | {extension.total}"
        what = f"{extension.package} | {extension.version} | {extension.adopts} | {extension.ran}"
        lines.append(f"| {what} | {counts} |")
    for extension in extensions:
        if extension.failing:
            lines += ["", f"### {extension.package} {extension.version}", "", *_failing(extension.failing)]
    lines += ["", "### Tried once", "", "In environments that were not kept; not part of `make conformance`.", ""]
    lines += ["| package | version | on | what was run | passed | of | |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.package} | {one.version} | {one.on} | {one.ran} | {one.passed} | {one.of} | {one.reason} |"
        for one in tried()
    ]
    return "\n".join(lines) + "\n"


def _records(suite: Suite) -> tuple[set[str], dict[str, str]]:
    baseline = identifiers.load((suite.folder / "baseline.txt").read_text(encoding="utf-8"))
    record = suite.folder / "failing.toml"
    return baseline, failing.load(record.read_text(encoding="utf-8")) if record.exists() else {}


def _told(reasons: Mapping[str, str]) -> str:
    silent = sum(reason == failing.UNEXPLAINED for reason in reasons.values())
    return f"{len(reasons)}, {silent} without a reason" if silent else str(len(reasons))


def _failing(reasons: Mapping[str, str]) -> list[str]:
    """Return each failing test with its reason, as a table; what has none comes last."""
    if not reasons:
        return ["Every test passes."]
    rows = sorted(reasons.items(), key=lambda row: (row[1] == failing.UNEXPLAINED, row[0]))
    return [
        "| failing test | reason |",
        "|---|---|",
        *(f"| {_code([test])} | {reason or '**no reason is recorded**'} |" for test, reason in rows),
    ]


def _code(names: Sequence[str]) -> str:
    return " ".join(f"`{name}`".replace("|", "\\|") for name in names)
