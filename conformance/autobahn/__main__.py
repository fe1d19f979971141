"""Run cases against an Asteri of its own: `python -m conformance.autobahn [--door direct|asgi] [PATTERN ...]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.autobahn.peer import Outcome, run_case
from conformance.autobahn.suite import VERSION, load_cases, select

__all__ = ["main", "run", "serving"]

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ("*",)
HEAVY = ("9.*", "12.*", "13.*")
WAITING, WORKING = 24, 2  # cases at once: most only wait for a second, those of `HEAVY` use a processor


@contextlib.contextmanager
def serving(door: str, *options: str, **environment: str) -> Iterator[int]:
    """Serve the echo application in a process of its own; give the port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    command = [sys.executable, "-m", "asteri", f"conformance.autobahn.echo:{door}", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--log-level", "error", *options], cwd=ROOT, env={**os.environ, **environment}
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError("the server does not listen") from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


async def run(cases: Sequence[type], port: int, verbose: bool = False) -> list[Outcome]:
    """Run cases, many at once, and return their outcomes in the order of the cases."""
    heavy = select(cases, HEAVY)
    light = [case for case in cases if case not in heavy]
    outcomes: dict[type, Outcome] = {}

    async def one(case: type, turn: asyncio.Semaphore) -> None:
        async with turn:
            outcome = outcomes[case] = await run_case(case, "127.0.0.1", port)
        if verbose and outcome.verdict != "OK":
            print(f"{outcome.number:8} {outcome.verdict:13} {outcome.reason}", flush=True)

    # One after the other: those that work would make this client too late for the others.
    for group, at_once in ((light, WAITING), (heavy, WORKING)):
        turn = asyncio.Semaphore(at_once)
        await asyncio.gather(*(one(case, turn) for case in group))
    return [outcomes[case] for case in cases]


def table(results: dict[str, list[Outcome]], command: str) -> str:
    """Return the results as a page."""
    verdicts = ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED")
    lines = [
        "# Autobahn",
        "",
        f"The cases of autobahntestsuite {VERSION} as a client, against an echo on Asteri in a process of its own.",
        f"Written by `{command}` on Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}.",
        "",
        f"| door | section | cases | {' | '.join(verdicts)} | seconds |",
        f"|---|---|---|{'---|' * len(verdicts)}---|",
    ]
    for door, outcomes in results.items():
        sections = {outcome.number.split(".")[0] for outcome in outcomes}
        for section in [*sorted(sections, key=int), "all"]:
            chosen = [o for o in outcomes if section in ("all", o.number.split(".")[0])]
            counted = Counter(o.verdict for o in chosen)
            cells = " | ".join(str(counted[verdict]) for verdict in verdicts)
            lines.append(f"| {door} | {section} | {len(chosen)} | {cells} | {sum(o.seconds for o in chosen):.0f} |")
    lines += [
        "",
        "Everything that is not OK:",
        "",
        "| door | case | verdict | what the suite says |",
        "|---|---|---|---|",
    ]
    for door, outcomes in results.items():
        lines += [f"| {door} | {o.number} | {o.verdict} | {o.reason} |" for o in outcomes if o.verdict != "OK"]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and report; return 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="python -m conformance.autobahn", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=EVERYTHING, help='cases, as "1.1.1" or "7.*"; default: all')
    parser.add_argument(
        "--door", choices=("direct", "asgi"), action="append", help="default: both, one after the other"
    )
    parser.add_argument("--write", type=Path, help="file for the table")
    parser.add_argument("--option", action="append", default=[], help="a further argument for asteri")
    given = parser.parse_args(arguments)
    cases = select(load_cases(), given.patterns)
    results: dict[str, list[Outcome]] = {}
    for door in given.door or ("direct", "asgi"):
        print(f"{len(cases)} cases of autobahntestsuite {VERSION}, {door} door", flush=True)
        began = time.monotonic()
        with serving(door, *given.option) as port:
            results[door] = asyncio.run(run(cases, port, verbose=True))
        counted = Counter(outcome.verdict for outcome in results[door])
        print(
            ", ".join(f"{count} {verdict}" for verdict, count in counted.items()),
            f"in {time.monotonic() - began:.0f} s",
        )
    if given.write is not None:
        words = ["python -m conformance.autobahn", *(sys.argv[1:] if arguments is None else arguments)]
        given.write.write_text(table(results, " ".join(map(str, words))))
    return int(any(o.verdict == "FAILED" for outcomes in results.values() for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
