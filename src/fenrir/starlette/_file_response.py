"""`FileResponse`: a file as an answer, whole or in ranges.

The file is looked at once, when the response is sent. Over ASGI it is read through anyio; a request that the engine
serves reads it in the engine's own threads.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fenrir.core.context import current
from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.http.headers import MutableHeaders as ReplyHeaders
from fenrir.kit.headers import Headers, MutableHeaders
from fenrir.starlette._ranges import (
    MalformedRange,
    Piece,
    UnsatisfiableRange,
    multipart_pieces,
    parse_range_header,
    size_of,
)
from fenrir.starlette._response import (
    Background,
    PlainTextResponse,
    Response,
    denying,
    tells_by_error,
    until_disconnect,
)
from fenrir.starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from anyio import AsyncFile

__all__ = ["FileResponse"]


class FileResponse(Response):
    """A file, sent with ETag and Last-Modified; a `Range` of the request is honoured.

    Attributes:
        path: of the file, opened when the response is sent.
        filename: under which a browser saves it.
        chunk_size: bytes that are read at once.
        max_ranges: a request for more is answered with the whole file.
    """

    chunk_size = 64 * 1024
    max_ranges = 100

    def __init__(
        self,
        path: str | os.PathLike[str],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
        filename: str | None = None,
        stat_result: os.stat_result | None = None,
        content_disposition_type: str = "attachment",
    ) -> None:
        self.path = path
        self.status_code = status_code
        self.filename = filename
        self.media_type = media_type or guess_type(filename or path)[0] or "application/octet-stream"
        self.background = background
        self.init_headers(headers)
        self.headers.setdefault("accept-ranges", "bytes")
        if filename is not None:
            encoded = quote(filename)
            name = f'filename="{filename}"' if encoded == filename else f"filename*=utf-8''{encoded}"
            self.headers.setdefault("content-disposition", f"{content_disposition_type}; {name}")
        self.stat_result = stat_result
        if stat_result is not None:
            self.set_stat_headers(stat_result)

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        """Set the headers that the file's size and time give, where they are missing."""
        tag = hashlib.md5(f"{stat_result.st_mtime}-{stat_result.st_size}".encode(), usedforsecurity=False).hexdigest()
        self.headers.setdefault("content-length", str(stat_result.st_size))
        self.headers.setdefault("last-modified", formatdate(stat_result.st_mtime, usegmt=True))
        self.headers.setdefault("etag", f'"{tag}"')

    def _look(self) -> os.stat_result:
        """Return what the system says of the file. Blocks. Raises `RuntimeError` when there is none."""
        try:
            info = Path(self.path).stat()
        except FileNotFoundError as missing:
            raise RuntimeError(f"File at path {self.path} does not exist.") from missing
        if not stat.S_ISREG(info.st_mode):
            raise RuntimeError(f"File at path {self.path} is not a file.")
        return info

    # --------------------------------------------------------------- what to send
    def _choose(
        self, method: str, header: Callable[[str], str | None], size: int
    ) -> tuple[int, MutableHeaders, list[Piece]] | Response:
        """Return status, headers and body for a request, or the response that refuses its range."""
        headers = MutableHeaders(raw=self.raw_headers[:])
        wanted = header("range")
        whole: list[Piece] = [(0, size)]
        if self.status_code != 200 or wanted is None or method not in ("GET", "HEAD", ""):
            return self.status_code, headers, whole
        condition = header("if-range")
        if condition is not None and not self._allows_range(condition):
            return self.status_code, headers, whole
        try:
            ranges = parse_range_header(wanted, size, self.max_ranges)
        except MalformedRange as malformed:
            return PlainTextResponse(str(malformed), status_code=400)
        except UnsatisfiableRange:
            return PlainTextResponse(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        if not ranges:
            return self.status_code, headers, whole
        if len(ranges) == 1:
            start, stop = ranges[0]
            headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
            headers["content-length"] = str(stop - start)
            return 206, headers, [ranges[0]]
        headers["content-type"], pieces = multipart_pieces(ranges, size, headers["content-type"])
        headers["content-length"] = str(size_of(pieces))
        return 206, headers, pieces

    def _allows_range(self, condition: str) -> bool:
        """Say whether the client's part is of this version of the file; a weak tag never says so (RFC 9110 §13.1.5)."""
        return not condition.startswith("W/") and condition in (self.headers["last-modified"], self.headers["etag"])

    # ----------------------------------------------------------------- over ASGI
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        is_http = scope["type"] == "http"
        method = scope["method"].upper() if is_http else ""
        info = self.stat_result
        if info is None:
            info = await to_thread(self._look)
            self.set_stat_headers(info)
        chosen = self._choose(method, Headers(scope=scope).get, info.st_size)
        if isinstance(chosen, Response):
            await chosen(scope, receive, send)
            return
        status, headers, pieces = chosen
        send = denying(scope, send)
        by_path = is_http and status != 206 and "http.response.pathsend" in scope.get("extensions", {})

        async def deliver() -> None:
            await send({"type": "http.response.start", "status": status, "headers": headers.raw})
            if method == "HEAD":
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif by_path:
                await send({"type": "http.response.pathsend", "path": str(self.path)})
            else:
                await self._send_pieces(send, pieces)

        if not is_http or method == "HEAD" or by_path or tells_by_error(scope):
            await deliver()
        else:
            await until_disconnect(receive, deliver, _disconnect)
        await self._afterwards()

    async def _send_pieces(self, send: Send, pieces: list[Piece]) -> None:
        last = len(pieces) - 1
        async with _opened(self.path) as file:
            for number, piece in enumerate(pieces):
                if isinstance(piece, bytes):
                    await send({"type": "http.response.body", "body": piece, "more_body": number < last})
                    continue
                start, stop = piece
                await file.seek(start)
                while True:
                    chunk = await file.read(min(self.chunk_size, stop - start))
                    start += len(chunk)
                    if start < stop and not chunk:
                        raise RuntimeError(f"File at path {self.path} is shorter than expected.")
                    more = start < stop or number < last
                    await send({"type": "http.response.body", "body": chunk, "more_body": more})
                    if start >= stop:
                        break

    # ----------------------------------------------------------- over an exchange
    def __reply__(self) -> Reply:
        """Return the reply to the current request: one of its own, as an application may keep the response."""
        if self._answers_itself or self._has_body:
            return super().__reply__()
        request = current.get().http
        info = self.stat_result
        if info is None:
            info = self._look()
            self.set_stat_headers(info)
        chosen = self._choose(request.method, request.headers.get, info.st_size)
        if isinstance(chosen, Response):
            return chosen.__reply__()
        status, headers, pieces = chosen
        return Reply(status, ReplyHeaders.of(headers.raw), stream=self._read(pieces), background=self.background)

    async def _read(self, pieces: list[Piece]) -> AsyncIterator[bytes]:
        file = await to_thread(open, self.path, "rb")
        try:
            for piece in pieces:
                if isinstance(piece, bytes):
                    yield piece
                    continue
                start, stop = piece
                await to_thread(file.seek, start)
                while start < stop:
                    chunk = await to_thread(file.read, min(self.chunk_size, stop - start))
                    if not chunk:
                        raise RuntimeError(f"File at path {self.path} is shorter than expected.")
                    start += len(chunk)
                    yield chunk
        finally:
            await to_thread(file.close)


FileResponse._answers_itself = False


@asynccontextmanager
async def _opened(path: str | os.PathLike[str]) -> AsyncIterator[AsyncFile[bytes]]:
    import anyio

    file: Any = await anyio.open_file(path, mode="rb")
    try:
        yield file
    finally:
        with anyio.CancelScope(shield=True):  # it is closed whatever ends the sending
            await file.aclose()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
