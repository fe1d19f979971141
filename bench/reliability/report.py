"""The outcome of a measurement: figures, and checks against targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Check", "Report", "page"]


MARKS = {True: "met", False: "MISSED"}


@dataclass(frozen=True, slots=True)
class Check:
    """One figure that has a target."""

    what: str
    measured: float | int | str
    target: str
    met: bool


@dataclass(slots=True)
class Report:
    """What one measurement found."""

    measurement: str
    conditions: dict[str, Any]
    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The name of the file that it is kept in: one per measurement, server and door."""
        name = self.measurement.replace(" ", "-")
        parts = [str(self.conditions[key]) for key in ("server", "door", "interface") if key in self.conditions]
        return "-".join([name, *parts])

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        return all(check.met for check in self.checks)

    def at_most(self, what: str, measured: float, limit: float, unit: str = "") -> None:
        """Check that a figure is at most a limit."""
        self.checks.append(Check(what, round(measured, 3), f"at most {limit:g} {unit}".rstrip(), measured <= limit))

    def at_least(self, what: str, measured: float, limit: float, unit: str = "") -> None:
        """Check that a figure is at least a limit."""
        self.checks.append(Check(what, round(measured, 3), f"at least {limit:g} {unit}".rstrip(), measured >= limit))

    def exactly(self, what: str, measured: Any, wanted: Any) -> None:
        """Check that a figure is what it should be."""
        shown = measured if isinstance(measured, (int, float)) else str(measured)
        self.checks.append(Check(what, shown, f"exactly {wanted}", measured == wanted))

    def lines(self) -> list[str]:
        """Return the report for a person."""
        return [
            f"{self.measurement}: {', '.join(f'{name} {value}' for name, value in self.conditions.items())}",
            *(f"  {MARKS[one.met]:6} {one.what}: {one.measured} ({one.target})" for one in self.checks),
        ]


def page(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return docs/reliability.md: for every measurement its conditions, its checks, and when and where it was made."""
    parts = [
        "# Reliability\n",
        "Written by `make reliability ARGS=publish` from the records of `make reliability`; small versions of all of\n"
        "them are among the tests. Peers were measured by the same program.\n",
    ]
    for one in documents:
        conditions = ", ".join(f"{name} {value}" for name, value in one["conditions"].items())
        rows = [
            f"| {check['what']} | {check['measured']} | {check['target']} | {MARKS[check['met']]} |"
            for check in one["checks"]
        ]
        machine = one["machine"]
        parts += [
            f"## {one['measurement'].capitalize()}\n",
            f"{conditions} (commit {one['commit']}, {one['python']}, {machine['processor']}, {machine['cores']} cores, "
            f"{one['date'][:10]})\n",
            "\n".join(["| | measured | target | |", "| --- | ---: | ---: | --- |", *rows]) + "\n",
        ]
    return "\n".join(parts)
