"""Measure one thing, or all, and say whether the targets are met."""

from __future__ import annotations

import argparse
import datetime
import inspect
import json
import platform
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.reliability import abuse, attackers, context, footprint, idle, readers, soak
from bench.reliability.report import Report, page
from bench.run import commit, machine

ROOT = Path(__file__).resolve().parents[2]
MEASUREMENTS: dict[str, Callable[..., Report]] = {
    "footprint": footprint.measure,
    "idle": idle.measure,
    "readers": readers.measure,
    "context": context.measure,
    "attackers": attackers.measure,
    "abuse": abuse.measure,
    "soak": soak.measure,
}


def arguments() -> argparse.ArgumentParser:
    """Return the command line: the options of a measurement are the parameters of its function."""
    parser = argparse.ArgumentParser(prog="python -m bench.reliability", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="measurement", metavar="MEASUREMENT", required=True)
    commands.add_parser("all", help="every measurement in full size; about ten minutes")
    commands.add_parser("publish", help="measure nothing; write docs/reliability.md from build/reliability")
    for name, call in MEASUREMENTS.items():
        command = commands.add_parser(name, help=(inspect.getdoc(call) or "").splitlines()[0])
        for parameter in inspect.signature(call).parameters.values():
            flag = f"--{parameter.name.replace('_', '-')}"
            if isinstance(parameter.default, bool):
                command.add_argument(flag, action=argparse.BooleanOptionalAction, default=parameter.default)
            else:
                kind = type(parameter.default)
                command.add_argument(flag, type=kind, default=parameter.default, help="default: %(default)s")
    return parser


def circumstances() -> dict[str, Any]:
    """Return what the figures depend on."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"date": now, "commit": commit(), "python": python, "machine": machine()}


def main() -> int:
    """Measure, print the report, write build/reliability/NAME.json; return 1 when a target is missed."""
    options = vars(arguments().parse_args())
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # the servers end with us
    chosen = options.pop("measurement")
    folder = ROOT / "build" / "reliability"
    folder.mkdir(parents=True, exist_ok=True)
    if chosen == "publish":
        documents = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        (ROOT / "docs" / "reliability.md").write_text(page(documents), encoding="utf-8")
        print("written: docs/reliability.md")
        return 0
    met = True
    for name in MEASUREMENTS if chosen == "all" else [chosen]:
        report = MEASUREMENTS[name](**options)
        document = json.dumps({**asdict(report), "met": report.met, **circumstances()}, indent=1)
        (folder / f"{report.file}.json").write_text(document + "\n")
        print(document, flush=True)
        print("\n".join(report.lines()), flush=True)
        met = met and report.met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
