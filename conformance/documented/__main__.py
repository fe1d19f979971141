"""Serve applications and check their specification: `python -m conformance.documented [NAME] [--examples N]`."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.environment import ROOT, STORE, Unmade, prepared

__all__ = ["RUNS", "Run", "main"]

VERSION = "4.32.5"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """An application and how it is asked.

    Attributes:
        folder: where the application is.
        serve: arguments of `fenrir run`.
        options: of schemathesis.
    """

    name: str
    folder: Path
    serve: tuple[str, ...]
    options: tuple[str, ...] = ()


HYBRID = ROOT / "examples" / "hybrid"
RUNS = (
    # A stream of events does not end, so nothing can be said of it when it is over.
    Run("demo", HYBRID, ("app:app",), ("--exclude-path", "/live")),
    Run("demo-api", HYBRID, ("app:app",), ("--auth", "ada:lovelace", "--include-path-regex", "^/api")),
    Run("adopted", Path(__file__).parent, ("--adopt", "fastapi", "api:app"), ("-H", "x-key: key")),
)


@contextlib.contextmanager
def serving(run: Run, scratch: Path) -> Iterator[str]:
    """Serve an application in a process of its own, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "DEMO_DATABASE": str(scratch / "demo.db"),
        "DEMO_VAN_SECONDS": "3600",
    }
    command = [sys.executable, "-m", "fenrir", "run", *run.serve, "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(command, cwd=run.folder, env=environ)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise Unmade(f"{run.name} is not served") from None
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what is named, or everything; return 1 when a check fails."""
    parser = argparse.ArgumentParser(prog="python -m conformance.documented", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*(run.name for run in RUNS), []], help="default: all")
    parser.add_argument("--examples", default="25", help="of each operation (default 25)")
    parser.add_argument("--seed", default="1", help="of what is random (default 1)")
    given = parser.parse_args(arguments)
    failed = []
    try:
        environment = prepared(STORE / "schemathesis", [f"schemathesis=={VERSION}"], source=None)
        program = environment.python.with_name("schemathesis")
        for run in RUNS:
            if given.names and run.name not in given.names:
                continue
            with tempfile.TemporaryDirectory() as scratch, serving(run, Path(scratch)) as address:
                command = [str(program), "run", f"{address}/openapi.json", "--checks", "all", "--no-color"]
                command += ["--max-examples", given.examples, "--seed", given.seed, *run.options]
                print(f"== {run.name}", flush=True)
                if subprocess.run(command, cwd=scratch, stdin=subprocess.DEVNULL).returncode:
                    failed.append(run.name)
    except Unmade as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"failed: {', '.join(failed)}" if failed else "every check passes")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
