"""What a large application costs before its first request: import, declarations, start, and the document on demand.

    python -m bench.startup [--routes 500] [--models 200] [--rounds 5] [--json FILE]

Each round runs each contender in a fresh interpreter, one after the other, and counts processor time in the process
itself. The models of the application are counted apart: they cost both the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

CONTENDERS = ("fastapi", "fenrir.fastapi")
PHASES = ("import", "models", "routes", "start", "document")


async def start(app: Any) -> None:
    """Run the lifespan and answer one request: from here on it serves."""
    sent: list[Any] = []
    steps = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(steps)

    async def send(message: Any) -> None:
        sent.append(message)

    async def body() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/part0/r0/1",
        "raw_path": b"/part0/r0/1",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"a")],
        "client": ("127.0.0.1", 1),
        "server": ("a", 80),
    }
    await app(scope, body, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    assert status == 200, sent


def measure(name: str, routes: int, models: int) -> dict[str, float]:
    """Return the seconds of processor time of each phase, in this interpreter."""
    marks = [time.process_time()]
    api = import_module(name)
    marks.append(time.process_time())
    large = import_module("bench.apps.large_app")  # Pydantic has been imported by the framework
    made = large.make_models(models)
    marks.append(time.process_time())
    app = large.declare(api, made, routes)
    marks.append(time.process_time())
    asyncio.run(start(app))
    marks.append(time.process_time())
    assert len(app.openapi()["paths"]) == routes
    marks.append(time.process_time())
    return {phase: end - begin for phase, begin, end in zip(PHASES, marks[:-1], marks[1:], strict=True)}


def main() -> int:
    """Measure all contenders in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=500)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.routes, options.models)))
        return 0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    size = ["--routes", str(options.routes), "--models", str(options.models)]
    # Installed packages come with their bytecode: a first round that does not count writes it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for number in range(options.rounds + 1):
        for name in CONTENDERS:
            command = [sys.executable, "-m", "bench.startup", "--one", name, *size]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            if number:
                found[name].append(json.loads(done.stdout))
    medians = {
        name: {phase: statistics.median(one[phase] for one in rounds) for phase in PHASES}
        for name, rounds in found.items()
    }
    for name, phases in medians.items():
        ready = phases["import"] + phases["routes"] + phases["start"]
        row = "  ".join(f"{phase} {phases[phase] * 1000:7.0f}" for phase in PHASES)
        print(f"{name:15} {row}  = ready in {ready * 1000:.0f} ms without the models")
    if options.json:
        record = {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "routes": options.routes,
            "models": options.models,
            "rounds": options.rounds,
            "seconds": medians,
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
