"""Signals as readable bytes.

The interpreter's wake-up descriptor turns a signal into one byte on a pipe, so that the supervisor waits for signals,
for workers and for deadlines in one `select`, and nothing ever runs inside a signal handler.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["HANDLED", "SignalPipe", "held_back"]

HANDLED = frozenset(
    {
        signal.SIGTERM,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGHUP,
        signal.SIGCHLD,
        signal.SIGTTIN,
        signal.SIGTTOU,
    }
)
"""What the supervisor reacts to."""


def _nothing(number: int, frame: FrameType | None) -> None:
    """Stand in as handler: the byte on the pipe is all that is wanted."""


@contextmanager
def held_back() -> Iterator[None]:
    """Hold the handled signals back: around a fork, so that a child never writes into its parent's pipe."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class SignalPipe:
    """The signals of this process, to be waited for with `select`. Main thread only."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        self._former = {number: signal.signal(number, _nothing) for number in HANDLED}
        self._former_fd = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)

    def fileno(self) -> int:
        """Return the descriptor that is readable when a signal has come."""
        return self._read_end

    def read(self) -> list[signal.Signals]:
        """Return the signals that have come, in their order, without waiting."""
        try:
            return [signal.Signals(byte) for byte in os.read(self._read_end, 4096)]
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Put the former handlers back."""
        signal.set_wakeup_fd(self._former_fd)
        for number, handler in self._former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(self._read_end)
        os.close(self._write_end)

    def forget(self) -> None:
        """Give a forked child default handlers; for use right after the fork, with signals held back."""
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        os.close(self._read_end)
        os.close(self._write_end)
