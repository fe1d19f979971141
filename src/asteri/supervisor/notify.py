"""What a child tells its supervisor: lines on a socket pair, and what its end means.

A child says `ready` when it serves, `watch <directory>` for a directory with imported source files, `changed <path>`
(the file watcher). The supervisor says nothing: the end of the stream tells a child that its supervisor is gone,
however it died. For this to work no child may hold another one's supervisor end; the arbiter closes them after a
fork.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

__all__ = ["CHANGED", "READY", "WATCH", "End", "Link", "pair"]

READY = "ready"
WATCH = "watch"
CHANGED = "changed"


def pair() -> tuple[Link, End]:
    """Return the supervisor's and the child's end."""
    ours, theirs = socket.socketpair()
    return Link(ours), End(theirs)


class End:
    """The child's end. It becomes readable when the supervisor is gone."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._end.fileno()

    def ready(self) -> None:
        """Say that this worker serves."""
        self._tell(READY)

    def watch(self, directories: Iterable[str]) -> None:
        """Say that source files of these directories are in use: in one piece, as each may restart the watcher."""
        self._tell(*(f"{WATCH} {directory}" for directory in directories))

    def changed(self, paths: str) -> None:
        """Say that files have changed."""
        self._tell(f"{CHANGED} {paths}")

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _tell(self, *lines: str) -> None:
        text = "".join(line.replace("\n", "?") + "\n" for line in lines)
        try:
            self._end.sendall(text.encode("utf-8", "surrogateescape"))
        except (BrokenPipeError, ConnectionResetError):
            return  # the supervisor is gone; whoever waits on this end learns it there


class Link:
    """The supervisor's end."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._rest = b""
        self._ended = False

    def fileno(self) -> int:
        """Return the descriptor for `select`."""
        return self._end.fileno()

    def ended(self) -> bool:
        """Return whether the child has closed its end, or died."""
        return self._ended

    def read(self) -> list[tuple[str, str]]:
        """Return the complete lines that have come as (word, argument), without waiting."""
        try:
            data = self._end.recv(65536)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data = b""
        self._ended = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        parts = (line.decode("utf-8", "surrogateescape").partition(" ") for line in lines)
        return [(word, argument) for word, _, argument in parts]

    def close(self) -> None:
        """Close this end."""
        self._end.close()
