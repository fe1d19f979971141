"""A file as the body of an answer, without reading it on the loop: `http.response.pathsend` of ASGI.

The file is opened, measured and read in a thread, `PIECE` bytes at a time; so a slow disk stops one answer and not the
worker. What fits into one piece is one write.
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from io import FileIO
from pathlib import PurePath

from asteri.exchange import Exchange, HeaderPairs, Sink

__all__ = ["send_path"]

PIECE = (
    262144  # PERF: a hop to a thread costs about 50 microseconds, reading this much from the page cache about as much
)


async def send_path(
    exchange: Exchange, status: int, headers: HeaderPairs, path: str | os.PathLike[str], trailers_follow: bool = False
) -> Sink | None:
    """Answer with the contents of a file.

    Args:
        headers: without a content-length the file's size is given.
        path: absolute.
        trailers_follow: leave the stream open, and return it.

    Raises:
        ValueError: the path is relative.
        OSError: the file can not be read; nothing was sent yet.
    """
    if not PurePath(path).is_absolute():
        raise ValueError(f"http.response.pathsend needs an absolute path, not {str(path)!r}")
    loop = asyncio.get_running_loop()
    file = await loop.run_in_executor(None, _File, path)
    try:
        sink = await _send(exchange, status, headers, file, trailers_follow)
    except asyncio.CancelledError:
        loop.run_in_executor(None, file.close)  # which waits for a thread that is reading
        raise
    except BaseException:
        file.close()
        raise
    file.close()
    return sink


async def _send(
    exchange: Exchange, status: int, headers: HeaderPairs, file: _File, trailers_follow: bool
) -> Sink | None:
    loop = asyncio.get_running_loop()
    left = file.size
    length = next((value for name, value in headers if name.lower() == b"content-length"), None)
    if length is None and not trailers_follow:
        length = b"%d" % left
        headers = [*headers, (b"content-length", length)]
    if exchange.method == "HEAD" or status in (204, 304):
        if not trailers_follow:
            exchange.respond(status, headers, b"")
            return None
        left = 0
    first = await loop.run_in_executor(None, file.read, min(left, PIECE)) if left else b""
    if not trailers_follow and length == b"%d" % len(first):
        exchange.respond(status, headers, first)
        return None
    sink = exchange.begin(status, headers)
    piece = first
    while piece:
        await sink.write(piece)
        left -= len(piece)
        piece = await loop.run_in_executor(None, file.read, min(left, PIECE)) if left else b""
    if trailers_follow:
        return sink
    await sink.finish()
    return None


class _File:
    """A regular file that is read in one thread at a time, and may be closed in another."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # Without O_NONBLOCK opening a FIFO would wait for its writer.
        self._file = FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
        self._lock = threading.Lock()
        found = os.fstat(self._file.fileno())
        if not stat.S_ISREG(found.st_mode):
            self._file.close()
            raise OSError(f"{str(path)!r} is not a regular file")
        self.size = found.st_size

    def read(self, size: int) -> bytes:
        with self._lock:
            return self._file.read(size)

    def close(self) -> None:
        with self._lock:
            self._file.close()
