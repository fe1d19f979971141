"""Files as replies: conditional requests, ranges and the name under which a browser saves them.

`file_reply` is what every dialect's way of sending a file comes down to. It looks at the file once, answers 304, 412 or
416 where RFC 9110 asks for it, and otherwise streams exactly as many bytes as it promised: a file that grows meanwhile
is cut there, one that shrinks ends the connection. Every step that touches the disk while streaming runs in a worker
thread.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import secrets
import stat as modes
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote

from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.http.conditional import evaluate
from fenrir.http.dates import format_date
from fenrir.http.etags import ETag
from fenrir.http.headers import MutableHeaders
from fenrir.http.ranges import content_range, if_range_matches, parse_range, unsatisfied_range

__all__ = ["CHUNK", "content_disposition", "file_etag", "file_reply", "guess_media_type"]

CHUNK = 256 * 1024
"""Bytes that are read at once: larger ones no longer make it faster, and each stream holds one."""


class RequestHeaders(Protocol):
    """The fields of the request; `asteri.exchange.Headers` has them."""

    def get(self, name: str) -> str | None:
        """Return the first value of a field."""

    def getall(self, name: str) -> list[str]:
        """Return all values of a field."""


def guess_media_type(name: str, default: str = "application/octet-stream") -> str:
    """Return the media type that the end of a file name stands for, with a charset if it is text."""
    kind = mimetypes.guess_type(name)[0] or default
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def content_disposition(filename: str, kind: str = "attachment") -> str:
    """Return the header that gives a download its name (RFC 6266); a name beyond ASCII is encoded."""
    encoded = quote(filename)
    if encoded == filename:
        return f'{kind}; filename="{filename}"'
    return f"{kind}; filename*=utf-8''{encoded}"


def file_etag(status: os.stat_result) -> ETag:
    """Return the tag of a file as it is now: a hash of its time and its size."""
    text = f"{status.st_mtime}-{status.st_size}"
    return ETag(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def file_reply(
    path: str | os.PathLike[str],
    *,
    method: str,
    request: RequestHeaders,
    status: int = 200,
    headers: Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]] = (),
    media_type: str | None = None,
    filename: str | None = None,
    disposition: str = "attachment",
    etag: ETag | None = None,
    last_modified: datetime | None = None,
    stat_result: os.stat_result | None = None,
    conditional: bool = True,
) -> Reply:
    """Return the reply that sends a file. Blocks for one `stat`; the file is opened when it is sent.

    Args:
        method: of the request: conditions and ranges count for GET and HEAD only.
        request: the request's headers.
        headers: of the answer; what is given here is not set again.
        filename: under which a browser saves it; sets Content-Disposition.
        etag, last_modified: in the place of those made from the file.
        conditional: look at the preconditions and the range of the request.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: there is no such file.
    """
    info = stat_result if stat_result is not None else Path(path).stat()
    if not modes.S_ISREG(info.st_mode):
        raise IsADirectoryError(f"{os.fspath(path)!r} is no regular file")
    answer = MutableHeaders(headers)
    answer.setdefault("content-type", media_type or guess_media_type(filename or os.fspath(path)))
    if filename is not None:
        answer.setdefault("content-disposition", content_disposition(filename, disposition))
    tag = etag or file_etag(info)
    moment = last_modified or datetime.fromtimestamp(int(info.st_mtime), UTC)
    answer.setdefault("accept-ranges", "bytes")
    answer.setdefault("last-modified", format_date(moment))
    answer.setdefault("etag", str(tag))
    size = info.st_size
    if not conditional or status != 200 or method not in ("GET", "HEAD"):
        return _whole(path, status, answer, size)
    demanded = evaluate(method, request, etag=tag, last_modified=moment)
    if demanded is not None:
        for name in ("content-type", "content-disposition", "accept-ranges"):
            answer.remove(name)
        return Reply(demanded, answer)
    wanted = request.get("range")
    if wanted is None or not _range_counts(request, tag, moment):
        return _whole(path, status, answer, size)
    ranges = parse_range(wanted, size)
    if ranges is None:
        return _whole(path, status, answer, size)
    if not ranges:
        answer.set("content-range", unsatisfied_range(size))
        answer.set("content-type", "text/plain; charset=utf-8")
        return Reply(416, answer, b"Requested Range Not Satisfiable")
    return _one_range(path, answer, size, ranges[0]) if len(ranges) == 1 else _many_ranges(path, answer, size, ranges)


def _range_counts(request: RequestHeaders, tag: ETag, moment: datetime) -> bool:
    condition = request.get("if-range")
    return condition is None or if_range_matches(condition, etag=tag, last_modified=moment)


def _whole(path: str | os.PathLike[str], status: int, headers: MutableHeaders, size: int) -> Reply:
    headers.set("content-length", str(size))
    return Reply(status, headers, stream=_pieces(path, [(b"", 0, size)], b""))


def _one_range(path: str | os.PathLike[str], headers: MutableHeaders, size: int, wanted: tuple[int, int]) -> Reply:
    start, stop = wanted
    headers.set("content-range", content_range(start, stop, size))
    headers.set("content-length", str(stop - start))
    return Reply(206, headers, stream=_pieces(path, [(b"", start, stop)], b""))


def _many_ranges(
    path: str | os.PathLike[str], headers: MutableHeaders, size: int, ranges: Sequence[tuple[int, int]]
) -> Reply:
    """Return several ranges as multipart/byteranges (RFC 9110 §14.6)."""
    boundary = secrets.token_hex(16)
    kind = headers["content-type"]
    parts: list[tuple[bytes, int, int]] = []
    for number, (start, stop) in enumerate(ranges):
        head = f"{'' if number == 0 else chr(13) + chr(10)}--{boundary}\r\ncontent-type: {kind}\r\n"
        head += f"content-range: {content_range(start, stop, size)}\r\n\r\n"
        parts.append((head.encode("latin-1"), start, stop))
    end = f"\r\n--{boundary}--\r\n".encode("ascii")
    headers.set("content-type", f"multipart/byteranges; boundary={boundary}")
    headers.set("content-length", str(sum(len(head) + stop - start for head, start, stop in parts) + len(end)))
    return Reply(206, headers, stream=_pieces(path, parts, end))


async def _pieces(
    path: str | os.PathLike[str], parts: Sequence[tuple[bytes, int, int]], end: bytes
) -> AsyncIterator[bytes]:
    file: BinaryIO = await to_thread(open, path, "rb")
    try:
        for head, start, stop in parts:
            if head:
                yield head
            left = stop - start
            await to_thread(file.seek, start)
            while left:
                piece = await to_thread(file.read, min(left, CHUNK))
                if not piece:
                    return  # it has become shorter: the missing bytes tell the client
                left -= len(piece)
                yield piece
        if end:
            yield end
    finally:
        await to_thread(file.close)
