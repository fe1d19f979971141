"""The campaign: every target gets its share of the time, every sample comes from a seed that can be told again."""

from __future__ import annotations

import ast
import hashlib
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

from fuzz.shrink import minimise

__all__ = ["FOUND", "Finding", "Tally", "Target", "campaign", "replay", "verdict"]

FOUND = Path(__file__).resolve().parent.parent / "build" / "fuzz"
ENOUGH = 5  # findings of one target, after which it is left alone


class Target(Protocol):
    """What is compared with what."""

    name: str
    executions: int
    """Runs of the code under test so far, peers not counted."""

    def sample(self, chance: Random) -> Any:
        """Return plain data (what `ast.literal_eval` reads) to be judged."""

    def judge(self, sample: Any) -> str | None:
        """Return what is wrong, None if everybody agrees. An exception is a finding as well."""

    def close(self) -> None:
        """Give back what the target holds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A disagreement, with the smallest sample that shows it."""

    target: str
    number: int  # of the sample under the campaign's seed
    sample: Any
    verdict: str

    def write(self, folder: Path) -> Path:
        """Write the reproducer; its file can be replayed."""
        text = repr(self.sample)
        path = folder / f"{self.target}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.txt"
        folder.mkdir(parents=True, exist_ok=True)
        comment = "".join(f"# {line}\n" for line in self.verdict.splitlines())
        path.write_text(f"# {self.target}\n{comment}{text}\n", encoding="utf-8")
        return path


@dataclass(slots=True)
class Tally:
    """What one target did."""

    target: str
    samples: int = 0
    executions: int = 0
    seconds: float = 0.0


def verdict(target: Target, sample: Any) -> str | None:
    """Judge one sample; an exception that the code under test does not document is a verdict too."""
    try:
        return target.judge(sample)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        return f"{type(error).__name__}: {error} ({places})"


def _kind(text: str) -> str:
    """Return the part of a verdict that stays while its sample is made smaller."""
    return text.partition(":")[0]


def campaign(
    targets: Iterable[Target],
    seed: int,
    *,
    seconds: float | None = None,
    samples: int | None = None,
    first: int = 0,
) -> tuple[list[Tally], list[Finding]]:
    """Run each target for so many seconds or samples, from the sample numbered `first` on."""
    tallies: list[Tally] = []
    findings: list[Finding] = []
    for target in targets:
        tally = Tally(target.name)
        kinds: set[str] = set()
        begun = time.monotonic()
        done = target.executions
        while (samples is None or tally.samples < samples) and len(kinds) < ENOUGH:
            if seconds is not None and time.monotonic() - begun >= seconds:
                break
            number = first + tally.samples
            sample = target.sample(Random(f"{target.name} {seed} {number}"))
            tally.samples += 1
            wrong = verdict(target, sample)
            if wrong is None or _kind(wrong) in kinds:
                continue
            kind = _kind(wrong)
            kinds.add(kind)
            small = minimise(sample, lambda s: _kind(verdict(target, s) or "") == kind)  # noqa: B023 - used at once
            findings.append(Finding(target.name, number, small, verdict(target, small) or wrong))
        tally.seconds = time.monotonic() - begun
        tally.executions = target.executions - done
        tallies.append(tally)
    return tallies, findings


def replay(path: Path, targets: dict[str, Target]) -> Finding | None:
    """Judge a reproducer again."""
    text = path.read_text(encoding="utf-8")
    name = text.splitlines()[0].removeprefix("# ")
    sample = ast.literal_eval(text)
    wrong = verdict(targets[name], sample)
    return None if wrong is None else Finding(name, 0, sample, wrong)
