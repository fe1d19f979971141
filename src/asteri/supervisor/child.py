"""Forking: what a process must shed and close before it may run something else.

A forked child calls a function that is named by a string, so that whoever forks need not import it. It ends by
`os._exit`, because the stack below belongs to its parent; exit functions that were registered after the fork are run,
the parent's are not. The random module reseeds itself after a fork; descriptors are not inherited over an exec.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asteri.errors import ExitCode
from asteri.log import LOGGER
from asteri.supervisor import notify, signals

__all__ = ["Child", "fork"]


@dataclass(slots=True, eq=False)
class Child:
    """A forked process, as its parent sees it.

    Attributes:
        generation: number of the version of the application that it runs.
        kill_at: when it is killed if it still runs (monotonic); None while it is wanted.
        ready_at: when it said that it serves; None before.
    """

    pid: int
    link: notify.Link
    generation: int = 0
    ready_at: float | None = None
    kill_at: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether nobody has asked it to end."""
        return self.kill_at is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal. The pid can not be another process's: it stays ours until we have reaped it."""
        os.kill(self.pid, number)

    def reap(self) -> int | None:
        """Return the exit code, or minus the signal's number; None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.send(signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.link.close()


def fork(target: str, arguments: tuple[Any, ...], shed: Callable[[], None]) -> Child:
    """Start `module:function` with `arguments` and the child's end of a link; its result is the exit code.

    `shed` runs first in the child, with signals held back: it closes what belongs to the parent.
    """
    link, end = notify.pair()
    with signals.held_back():
        pid = os.fork()
        if pid == 0:
            link.close()
            shed()
    if pid == 0:
        _run(target, (*arguments, end))
    end.close()
    return Child(pid, link)


def _run(target: str, arguments: tuple[Any, ...]) -> None:
    code = int(ExitCode.FAILURE)
    try:
        # Until the child has something better to do with it; the default action would leave a core file.
        signal.signal(signal.SIGQUIT, lambda number, frame: os._exit(ExitCode.OK))
        atexit._clear()
        atexit.register(logging.shutdown)
        module, _, function = target.partition(":")
        code = int(getattr(importlib.import_module(module), function)(*arguments))
    except BaseException:
        LOGGER.exception("the process ended by an exception")
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
