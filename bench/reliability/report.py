"""The outcome of a measurement: figures, and checks against targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Check", "Report"]


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
        marks = {True: "met   ", False: "MISSED"}
        return [
            f"{self.measurement}: {', '.join(f'{name} {value}' for name, value in self.conditions.items())}",
            *(f"  {marks[one.met]} {one.what}: {one.measured} ({one.target})" for one in self.checks),
        ]
