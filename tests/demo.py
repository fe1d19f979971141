"""The demo as a process: `examples/hybrid` on any of the servers that it has to run on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["HYBRID", "ROOT", "SERVERS", "running"]

ROOT = Path(__file__).parent.parent
HYBRID = ROOT / "examples" / "hybrid"
PATIENCE = 20.0

SERVERS = {
    "asteri": ["fenrir", "run", "app:app", "--host", "127.0.0.1", "--port", "PORT"],
    # Asked to stop, uvicorn waits for open streams without end, unless it is told how long.
    "uvicorn": ["uvicorn", "app:app", "--host", "127.0.0.1", "--port", "PORT", "--timeout-graceful-shutdown", "2"],
    "hypercorn": ["hypercorn", "app:app", "--bind", "127.0.0.1:PORT"],
}


@contextmanager
def running(server: str, database: Path, *, van_seconds: float = 4.0) -> Iterator[str]:
    """Start the demo as its README says, and return its address; it must end by itself when it is asked to."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DEMO_DATABASE": str(database),
        "DEMO_VAN_SECONDS": str(van_seconds),
    }
    command = [sys.executable, "-m", *(word.replace("PORT", str(port)) for word in SERVERS[server])]
    log = database.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=HYBRID, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_for(port, process, log)
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the demo did not start:\n{log.read_text(errors='replace')}")
