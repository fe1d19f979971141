"""`make bench`: measure, write build/bench.json, print the table; or publish what was measured."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path

from bench import limit, peers, report, run
from bench.contenders import CONTENDERS
from bench.scenarios import SCENARIOS
from tools import programs

ROOT = Path(__file__).resolve().parent.parent
SHORT = "plaintext,json,params,body"


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contenders", default=",".join(CONTENDERS), metavar="A,B", help="default: all")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), metavar="A,B", help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load in each round (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--list", action="store_true", help="print contenders and scenarios, and measure nothing")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="measure nothing; write the figures of --output into README.md and docs/performance.*",
    )
    return parser


def show(result: run.Result) -> None:
    """Print one result."""
    figures = f"{result.cpu_us} us CPU/request, {result.per_second} requests/s, p99 {result.p99_ms} ms"
    print(f"{result.scenario:10} {result.contender:18} {result.reason or figures}", flush=True)


def main() -> int:
    """Do what the command line says; return 1 when one of our own contenders gave no figures."""
    options = arguments().parse_args()
    if options.list:
        for contender in CONTENDERS.values():
            print(f"{contender.name:18} {', '.join(contender.scenarios)}")
        return 0
    if options.publish:
        for path in report.publish(json.loads(options.output.read_text()), ROOT):
            print(f"written: {path.relative_to(ROOT)}")
        return 0
    try:
        contenders, scenarios = run.contenders(options.contenders), run.scenarios(options.scenarios)
    except ValueError as error:
        sys.exit(f"error: {error}")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # the servers end with us
    try:
        programs.install("wrk", *(["nginx"] if any(one.program == "nginx" for one in contenders) else []))
    except programs.InstallError as error:
        print(f"bench: {error}", flush=True)  # our own client makes the load then
    limit.build()
    if any(peers.PEERS in one.command for one in contenders):
        try:
            peers.prepare()
        except subprocess.CalledProcessError as error:
            sys.exit(f"error: the peers could not be installed: {error}")
    results = run.run(contenders, scenarios, rounds=options.rounds, seconds=options.seconds, report=show)
    document = run.record(results, rounds=options.rounds, seconds=options.seconds)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(document, indent=1) + "\n")
    print(report.table(document))
    print(f"written: {options.output}")
    ours = {contender.name for contender in contenders if contender.ours}
    return 1 if any(result.reason for result in results if result.contender in ours) else 0


if __name__ == "__main__":
    sys.exit(main())
