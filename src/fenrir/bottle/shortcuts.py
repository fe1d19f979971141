"""What Bottle's callbacks end with: `abort`, `redirect`, `static_file`; and Basic authentication as a decorator."""

from __future__ import annotations

import functools
import hashlib
import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar
from urllib.parse import urljoin

from fenrir.bottle.app import request, response
from fenrir.bottle.response import HTTPError, HTTPResponse
from fenrir.bottle.text import parse_date, parse_range_header

__all__ = ["abort", "auth_basic", "redirect", "static_file"]

F = TypeVar("F", bound=Callable[..., Any])


def abort(code: int = 500, text: str = "Unknown Error.") -> NoReturn:
    """Raise an HTTP error."""
    raise HTTPError(code, text)


def redirect(url: str, code: int | None = None) -> NoReturn:
    """Raise a redirect: 303, or 302 for HTTP/1.0; headers and cookies of `response` go with it."""
    if not code:
        code = 302 if request.get("SERVER_PROTOCOL") == "HTTP/1.0" else 303
    answer: HTTPResponse = response.copy(cls=HTTPResponse)
    answer.status = code
    answer.body = ""
    answer.set_header("Location", urljoin(request.url, url))
    raise answer


class _Part:
    """A part of an open file."""

    def __init__(self, file: IO[bytes], offset: int, length: int) -> None:
        self._file = file
        self._left = length
        file.seek(offset)

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (piece := self._file.read(min(self._left, 1 << 16))):
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def static_file(
    filename: str,
    root: str,
    mimetype: str | bool | None = True,
    download: str | bool = False,
    charset: str = "UTF-8",
    etag: str | bool | None = None,
    headers: Mapping[str, Any] | None = None,
) -> HTTPResponse:
    """Return a response with a file below `root`: conditional, and in part when the client asks for a part.

    Args:
        mimetype: True to guess it from the name, None for none.
        download: offer it as a download, of this name if it is a text.
        etag: None to make one, False for none.
    """
    # Not resolved: links in the root are its owner's, as upstream.
    base = Path(os.path.abspath(root))  # noqa: PTH100
    path = Path(os.path.abspath(base / filename.strip("/\\")))  # noqa: PTH100
    if not path.is_relative_to(base):
        return HTTPError(403, "Access denied.")
    if not path.is_file():
        return HTTPError(404, "File does not exist.")
    if not os.access(path, os.R_OK):
        return HTTPError(403, "You do not have permission to access this file.")
    fields = _described(path, mimetype, download, charset, headers)
    info = path.stat()
    fields["Last-Modified"] = formatdate(info.st_mtime, usegmt=True)
    if etag is None:
        mark = f"{info.st_dev}:{info.st_ino}:{info.st_mtime}:{info.st_size}:{path}"
        etag = hashlib.sha1(mark.encode("utf8", "surrogateescape"), usedforsecurity=False).hexdigest()
    environ = request.environ
    if etag:
        fields["ETag"] = etag
        if environ.get("HTTP_IF_NONE_MATCH") == etag:
            return HTTPResponse(status=304, headers=fields)
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE", "").split(";")[0].strip())
    if since is not None and since >= int(info.st_mtime):
        return HTTPResponse(status=304, headers=fields)
    fields["Accept-Ranges"] = "bytes"
    fields["Content-Length"] = str(info.st_size)
    wanted = environ.get("HTTP_RANGE")
    if not wanted:
        return HTTPResponse("" if request.method == "HEAD" else path.open("rb"), headers=fields)
    ranges = list(parse_range_header(wanted, info.st_size))
    if not ranges:
        return HTTPError(416, "Requested Range Not Satisfiable")
    start, stop = ranges[0]
    fields["Content-Range"] = f"bytes {start}-{stop - 1}/{info.st_size}"
    fields["Content-Length"] = str(stop - start)
    opened = None if request.method == "HEAD" else path.open("rb")
    body: Any = _Part(opened, start, stop - start) if opened is not None else ""
    return HTTPResponse(body, 206, fields)


def _described(
    path: Path, mimetype: str | bool | None, download: str | bool, charset: str, headers: Mapping[str, Any] | None
) -> dict[str, Any]:
    fields: dict[str, Any] = dict(headers or {})
    if mimetype is True:
        mimetype, encoding = mimetypes.guess_type(download if isinstance(download, str) else path.name)
        if encoding:
            mimetype = "application/gzip" if encoding == "gzip" else f"application/x-{encoding}"
    if mimetype:
        kind = str(mimetype)
        textual = kind.startswith("text/") or kind == "application/javascript"
        fields["Content-Type"] = (
            f"{kind}; charset={charset}" if charset and textual and "charset=" not in kind else kind
        )
    if download:
        name = path.name if download is True else download
        fields["Content-Disposition"] = f'attachment; filename="{name.replace(chr(34), "")}"'
    return fields


def auth_basic(
    check: Callable[[str, str], bool], realm: str = "private", text: str = "Access denied"
) -> Callable[[F], F]:
    """Return a decorator that lets only users pass for whom `check(user, password)` is true."""

    def decorator(func: F) -> F:
        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            user, password = request.auth or (None, None)
            if user is None or not check(user, password or ""):
                error = HTTPError(401, text)
                error.add_header("WWW-Authenticate", f'Basic realm="{realm}"')
                return error
            return func(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorator
