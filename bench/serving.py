"""Start a server, wait until it listens, and leave nothing of it behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.measure import family

__all__ = ["LOAD_CPU", "LOGS", "SERVER_CPU", "Server", "pinned", "serving"]

LOGS = Path(__file__).resolve().parent.parent / "build" / "bench" / "logs"
START, STOP = 30.0, 10.0
CPUS = sorted(os.sched_getaffinity(0))
SERVER_CPU, LOAD_CPU = CPUS[0], CPUS[-1]


def pinned(cpu: int) -> Callable[[], None]:
    """Return what puts a child process on one core, for `preexec_fn`."""
    return lambda: os.sched_setaffinity(0, {cpu})


class Server:
    """A running server.

    Attributes:
        pid: its first process.
        log: the file with its output.
    """

    def __init__(self, pid: int, port: int, log: Path) -> None:
        self.pid = pid
        self.port = port
        self.log = log

    @property
    def family(self) -> list[int]:
        """The process ids of the whole tree."""
        return family(self.pid)

    @property
    def worker(self) -> int:
        """The process that serves: the last child, or the only process."""
        return self.family[-1]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def serving(
    name: str,
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    cpu: int | None = None,
) -> Iterator[Server]:
    """Run a command, in which `{port}` is replaced, for as long as the context lasts.

    Args:
        folder: its working directory.
        cpu: the only core that it may run on.

    Raises:
        RuntimeError: it ended, or did not listen in time.
    """
    port = free_port()
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=folder,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None if cpu is None else pinned(cpu),
        )
    try:
        wait_until_listening(process, port, log)
        yield Server(process.pid, port, log)
    finally:
        end(process)


def wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when a connection is accepted."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(errors="replace").strip()[-300:]
            raise RuntimeError(f"it ended with exit code {process.returncode}: {last}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"it did not listen within {START:g} seconds")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and then whatever is left of its session."""
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
