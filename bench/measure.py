"""What a process tree has used so far, read from /proc (Linux)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Memory", "cpu_seconds", "descriptors", "family", "memory", "threads"]

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for listing in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                waiting.extend(map(int, listing.read_text().split()))
            except OSError:
                continue
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Return the CPU time of processes; one that has ended counts nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of one process.

    Attributes:
        proportional: pages in memory, those shared with other processes divided among them (PSS).
        private: pages that this process alone has (what goes when it goes).
        resident: all pages in memory (RSS).
    """

    proportional: int
    private: int
    resident: int


def memory(pid: int) -> Memory:
    """Return the memory of one process now."""
    return parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())


def parse_rollup(text: str) -> Memory:
    """Read /proc/PID/smaps_rollup."""
    sizes = {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB$", text, re.MULTILINE)}
    return Memory(sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Rss"])


def descriptors(pid: int) -> int:
    """Return how many file descriptors a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
