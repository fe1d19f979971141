"""Coverage-guided fuzzing of the interpreted request parser and frame reader with atheris: `make fuzz GUIDED=1`.

atheris (dependency group `fuzz`) sees which branches of the interpreted form an input reaches and keeps the inputs that
reach new ones, in build/guided. Every input is judged as in the campaign: both forms, whole and in pieces.

The first bytes choose the cuts, the options and the target; the rest is what the parser reads.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import atheris

from fuzz.engine import FOUND, Finding, verdict
from fuzz.grammar import seeds
from fuzz.shrink import minimise
from fuzz.targets import TARGETS

CORPUS = FOUND.parent / "guided"


def _sample(name: str, data: bytes) -> Any:
    """Return the sample that these bytes are."""
    provider = atheris.FuzzedDataProvider(data)
    options = provider.ConsumeIntInRange(0, 5)
    places = [provider.ConsumeIntInRange(0, 400) for _ in range(provider.ConsumeIntInRange(0, 3))]
    text = provider.ConsumeBytes(provider.remaining_bytes())
    if name == "request":
        return text, places, options % 3
    return text, places, options % 3, options // 3


def main() -> int:
    """Run until the time is over or something is found; return 1 when something was."""
    parser = argparse.ArgumentParser(prog="fuzz.guided", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", nargs="?", choices=("request", "frames"), default="request")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, help="without it a new one, which is printed")
    options = parser.parse_args()
    target = TARGETS[options.target]()
    _instrument(target)
    folder = CORPUS / options.target
    folder.mkdir(parents=True, exist_ok=True)
    if options.target == "request":
        for number, data in enumerate(seeds()):
            (folder / f"seed-{number}").write_bytes(data)

    def judge(data: bytes) -> None:
        sample = _sample(options.target, data)
        if verdict(target, sample) is not None:
            small = minimise(sample, lambda s: verdict(target, s) is not None)
            finding = Finding(options.target, 0, small, verdict(target, small) or "")
            path = finding.write(FOUND)
            print(f'FOUND {finding}\nagain: make fuzz ARGS="--replay {path.relative_to(Path.cwd())}"', flush=True)
            raise RuntimeError(finding.verdict)

    seed = int(time.time()) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    limits = [f"-max_total_time={options.seconds}", f"-seed={seed}", "-max_len=4096", "-timeout=10"]
    atheris.Setup([sys.argv[0], *limits, str(folder)], judge)
    atheris.Fuzz()  # ends the process
    return 0


def _instrument(target: Any) -> None:
    """Let atheris see the branches of the interpreted form."""
    parser = target.interpreted
    for name, function in vars(parser).items():
        if callable(function) and hasattr(function, "__code__"):
            setattr(parser, name, atheris.instrument_func(function))


if __name__ == "__main__":
    sys.exit(main())
