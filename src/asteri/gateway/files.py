"""Files as bodies of answers: `http.response.pathsend` of ASGI, `wsgi.file_wrapper` of WSGI.

What lies in the page cache goes from there to the socket (`sendfile`), as long as the socket takes it. What would have
to be waited for is read in a thread, `PIECE` bytes at a time: a slow disk stops one answer and not the worker. The
bytes for which the socket has no room are read as well and left to the transport, which waits for room; TLS, and
exchanges that have no socket, get everything so.

PERF: 1 MiB costs the worker 200 microseconds from the page cache, 800 when it is read in a thread, 210 when an
application reads it on the loop (16 connections, CPU time of the worker).
"""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import PurePath

from asteri.exchange import Exchange, HeaderPairs, Sink

__all__ = ["send_part", "send_path"]

SMALL = 65536  # up to this size reading and one write are cheaper than two
PIECE = 262144
TURN = 1048576  # bytes after which others have their turn
_WITHOUT_WAITING = getattr(os, "RWF_NOWAIT", None)  # Linux


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
    file = await asyncio.get_running_loop().run_in_executor(None, _File, path)
    try:
        sink = await _send(exchange, status, headers, file, trailers_follow)
    except asyncio.CancelledError:
        asyncio.get_running_loop().run_in_executor(None, file.close)  # which waits for a thread that is reading
        raise
    except BaseException:
        file.close()
        raise
    file.close()
    return sink


async def send_part(sink: Sink, file: int, read: Callable[[int, int], bytes], offset: int, end: int) -> None:
    """Send the bytes of a file from `offset` to `end`, or to its end if that comes before.

    Args:
        file: the descriptor of a regular file.
        read: returns up to so many bytes from an offset on; called in a thread.
    """
    loop = asyncio.get_running_loop()
    send_file: Callable[[int, int, int], int] | None = getattr(sink, "send_file", None)
    turn = 0
    while offset < end:
        if send_file is not None and _is_cached(file, offset, min(PIECE, end - offset)):
            sent = send_file(file, offset, min(PIECE, end - offset))
            offset += sent
            turn += sent
            if turn >= TURN:
                turn = 0
                await asyncio.sleep(0)
            if sent:
                continue
        piece = await loop.run_in_executor(None, read, min(PIECE, end - offset), offset)
        if not piece:
            return
        offset += len(piece)
        await sink.write(piece)


async def _send(
    exchange: Exchange, status: int, headers: HeaderPairs, file: _File, trailers_follow: bool
) -> Sink | None:
    size = file.size
    length = next((value for name, value in headers if name.lower() == b"content-length"), None)
    if length is None and not trailers_follow:
        length = b"%d" % size
        headers = [*headers, (b"content-length", length)]
    bodiless = exchange.method == "HEAD" or status in (204, 304)
    if not trailers_follow:
        if bodiless:
            exchange.respond(status, headers, b"")
            return None
        if size <= SMALL:
            data = await asyncio.get_running_loop().run_in_executor(None, file.read_at, size, 0)
            if length == b"%d" % len(data):
                exchange.respond(status, headers, data)
                return None
    sink = exchange.begin(status, headers)
    if not bodiless:
        await send_part(sink, file.fileno(), file.read_at, 0, size)
    if trailers_follow:
        return sink
    await sink.finish()
    return None


def _is_cached(file: int, offset: int, size: int) -> bool:
    """Tell whether a part of a file can be read without waiting for the disk, by its first and its last byte."""
    if _WITHOUT_WAITING is None:
        return False
    byte = bytearray(1)
    try:
        return all(os.preadv(file, [byte], at, _WITHOUT_WAITING) for at in (offset, offset + size - 1))
    except OSError:  # it would have to be waited for, or this file system can not tell
        return False


class _File(FileIO):
    """A regular file that is read in threads, and may be closed while one of them reads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._lock = threading.Lock()
        # Without O_NONBLOCK opening a FIFO would wait for its writer.
        super().__init__(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
        found = os.fstat(self.fileno())
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise OSError(f"{str(path)!r} is not a regular file")
        self.size = found.st_size

    def read_at(self, size: int, offset: int) -> bytes:
        with self._lock:
            return os.pread(self.fileno(), size, offset)

    def close(self) -> None:
        with self._lock:
            super().close()
