"""What it costs to start: a FastAPI application of 500 routes and 200 models, on FastAPI and adopted.

    python -m bench.startup [--runs 5]        (make startup)

The figures are seconds of processor time, the median of the runs, one after the other and taking turns: other programs
on the machine change them little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["PROGRAM", "main", "measure"]

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("import", "models", "routes", "start", "first request", "openapi")

PROGRAM = """\
import json
import sys
import time

marks = [time.process_time()]


def mark():
    marks.append(time.process_time())


from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import create_model

mark()
models = [create_model(f"Model{n}", a=(int, ...), b=(str, "x"), c=(list[int], [])) for n in range(MODELS)]
mark()
app = FastAPI()


def page(number: int = 1) -> int:
    return number


def handler(model):
    async def handle(item: model, n: int, page: int = Depends(page), q: Annotated[str, Query()] = "x") -> model:
        return item

    return handle


for group in range(10):
    router = APIRouter(prefix=f"/group{group}")
    for n in range(ROUTES // 10):
        router.post(f"/route{n}/{{n}}")(handler(models[(group * ROUTES // 10 + n) % MODELS]))
    app.include_router(router)
mark()
with TestClient(app) as client:
    mark()
    assert client.post("/group3/route0/7", json={"a": 1}).json() == {"a": 1, "b": "x", "c": []}
    mark()
    assert len(client.get("/openapi.json").json()["paths"]) == ROUTES
    mark()
print(json.dumps([sys.modules["fastapi"].__name__, [after - before for before, after in zip(marks, marks[1:])]]))
"""


def measure(adopted: bool, routes: int = 500, models: int = 200) -> dict[str, float]:
    """Run the program once and return the seconds of each step."""
    program = PROGRAM.replace("ROUTES", str(routes)).replace("MODELS", str(models))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.py"
        file.write_text(program, encoding="utf-8")
        how = ["-m", "fenrir.adopt", "fastapi"] if adopted else []
        environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-W", "ignore", *how, str(file)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=300)
    name, seconds = json.loads(done.stdout)
    if (name == "fenrir.fastapi") != adopted:
        raise RuntimeError(f"{name} was imported")
    return dict(zip(STEPS, seconds, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.startup", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each (default 5)")
    given = parser.parse_args(arguments)
    runs: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for _ in range(given.runs):
        for adopted, seen in runs.items():
            seen.append(measure(adopted))
    print(f"{'':14} {'FastAPI':>8} {'adopted':>8}")
    for step in (*STEPS, "to the answer"):
        chosen = STEPS[:-1] if step == "to the answer" else (step,)
        row = [statistics.median(sum(run[name] for name in chosen) for run in seen) for seen in runs.values()]
        print(f"{step:14} {row[0]:8.3f} {row[1]:8.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
