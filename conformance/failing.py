"""The record of the tests that pass on the original and not on ours, grouped by reason.

    [[failing]]
    reason = "the exact text of a traceback"
    tests = ["tests/test_a.py::test_b"]

The lists are written by the runner, the reasons by people; a test without a reason has the empty one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["UNEXPLAINED", "dump", "load", "of_record", "settle"]

UNEXPLAINED = ""


def load(text: str) -> dict[str, str]:
    """Return the reason of each failing test."""
    return of_record(tomllib.loads(text))


def of_record(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason of each failing test of a record that has a list `failing`."""
    return {test: row["reason"] for row in record.get("failing", ()) for test in row["tests"]}


def dump(reasons: Mapping[str, str]) -> str:
    """Return the record as a text: the reason with the most tests first, what has none last."""
    groups: dict[str, list[str]] = {}
    for test, reason in sorted(reasons.items()):
        groups.setdefault(reason, []).append(test)
    order = sorted(groups.items(), key=lambda group: (group[0] == UNEXPLAINED, -len(group[1]), group[0]))
    lines: list[str] = []
    for reason, tests in order:
        lines += ["", "[[failing]]", f"reason = {_string(reason)}", "tests = ["]
        lines += [*(f"    {_string(test)}," for test in tests), "]"]
    return "".join(f"{line}\n" for line in lines).lstrip("\n")


def _string(text: str) -> str:
    # A JSON string is a TOML string, but for surrogates (hence no escapes above ASCII) and DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def settle(reasons: Mapping[str, str], passed: Iterable[str], lost: Iterable[str]) -> dict[str, str]:
    """Return the record after a run: without what passes now, with what is lost, its reason still to be written."""
    kept = {test: reason for test, reason in reasons.items() if test not in set(passed)}
    return kept | {test: kept.get(test, UNEXPLAINED) for test in lost}
