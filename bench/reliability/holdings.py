"""What a worker holds at one moment, and whether it holds more later."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.measure import memory
from bench.reliability.report import Report
from bench.reliability.server import get_json
from bench.serving import Server

__all__ = ["Holdings", "compare", "look"]

GROWTH = 2.0  # per cent


@dataclass(frozen=True, slots=True)
class Holdings:
    """Memory (RSS, in bytes) and the application's own counts, when nothing goes on."""

    resident: int
    descriptors: int
    tasks: int
    threads: int
    objects: int


def look(server: Server, patience: float = 5.0) -> Holdings:
    """Return what is held once it no longer changes: the ends of connections take a moment to arrive."""
    deadline = time.monotonic() + patience
    previous: dict[str, int] = {}
    while True:
        counts: dict[str, int] = get_json(server.port, "/counts")
        if counts == previous or time.monotonic() > deadline:
            return Holdings(memory(server.worker).resident, **counts)
        previous = counts
        time.sleep(0.2)


def compare(report: Report, before: Holdings, after: Holdings) -> None:
    """Add the figures and the checks of a comparison."""
    for name in ("resident", "descriptors", "tasks", "threads", "objects"):
        report.figures[name] = [getattr(before, name), getattr(after, name)]
    for name, what in (("resident", "memory (RSS)"), ("objects", "the collector's objects")):
        first = getattr(before, name)
        growth = (getattr(after, name) - first) / first * 100
        report.at_most(f"growth of {what}", growth, GROWTH, "per cent")
    for name in ("descriptors", "tasks", "threads"):
        report.exactly(f"{name} afterwards", getattr(after, name), getattr(before, name))
