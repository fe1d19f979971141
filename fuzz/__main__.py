"""The command: `python -m fuzz`, which `make fuzz ARGS=...` calls."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from asteri.wire.compiled import compiled_modules
from fuzz.engine import FOUND, Finding, campaign, replay
from fuzz.targets import TARGETS


def show(finding: Finding, seed: int) -> None:
    """Print a finding and write its reproducer."""
    path = finding.write(FOUND)
    print(f"\nFOUND {finding.target}, sample {finding.number} of seed {seed}: {finding.verdict}\n{finding.sample!r}")
    print(f'again: make fuzz ARGS="--replay {os.path.relpath(path)}"', flush=True)


def main() -> int:
    """Run the campaign; return 1 when something was found and 2 when it could not be run."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {' '.join(TARGETS)}; all without any")
    parser.add_argument("--seconds", type=float, help="in all, shared by the targets (20)")
    parser.add_argument("--samples", type=int, help="for each target, instead of a time")
    parser.add_argument("--seed", type=int, help="without it a new one, which is printed")
    parser.add_argument("--first", type=int, default=0, help="the number of the first sample")
    parser.add_argument("--replay", type=Path, action="append", help="a file of build/fuzz")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {' '.join(sorted(unknown))}")
    interpreted = [name for name, compiled in compiled_modules().items() if not compiled]
    if interpreted:
        print(f"nothing to compare with: not compiled are {' '.join(interpreted)}", file=sys.stderr)
        return 2
    if options.replay:
        targets = {name: target() for name, target in TARGETS.items()}
        findings = [finding for path in options.replay if (finding := replay(path, targets))]
        for finding in findings:
            show(finding, 0)
        return 1 if findings else 0
    seed = int(time.time()) if options.seed is None else options.seed
    seconds = options.seconds if options.samples else options.seconds or 20.0
    print(f"seed {seed}", flush=True)
    found = 0
    executions = 0
    for name in names:
        target = TARGETS[name]()
        try:
            (tally,), findings = campaign(
                [target],
                seed,
                seconds=seconds and seconds / len(names),
                samples=options.samples,
                first=options.first,
            )
        finally:
            target.close()
        for finding in findings:
            show(finding, seed)
        found += len(findings)
        executions += tally.executions
        rate = tally.executions / tally.seconds if tally.seconds else 0.0
        print(
            f"{name:18} {tally.samples:9,} samples {tally.executions:11,} executions {rate:9,.0f}/s"
            f" {tally.seconds:7.1f} s {len(findings)} found",
            flush=True,
        )
    print(f"{executions:,} executions, {found} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
