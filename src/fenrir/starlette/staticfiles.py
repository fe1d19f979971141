"""Static files: an application that serves the files below some folders.

SECURITY: what is looked up is a path without `.` and `..`, below a folder, and the real place of what is found must lie
in that folder too, unless links are to be followed.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard

from fenrir.core.threads import to_thread
from fenrir.http.conditional import evaluate
from fenrir.http.dates import parse_date
from fenrir.http.etags import parse_etag
from fenrir.starlette._paths import get_route_path
from fenrir.starlette.datastructures import URL, Headers
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.responses import FileResponse, RedirectResponse, Response
from fenrir.starlette.types import Receive, Scope, Send
from fenrir.starlette.websockets import WebSocketClose

__all__ = ["NotModifiedResponse", "StaticFiles"]

PathLike = str | os.PathLike[str]


class NotModifiedResponse(Response):
    """The client has the file already (RFC 9110 §15.4.5)."""

    NOT_MODIFIED_HEADERS = ("cache-control", "content-location", "date", "etag", "expires", "vary")

    def __init__(self, headers: Headers) -> None:
        kept = {name: value for name, value in headers.items() if name in self.NOT_MODIFIED_HEADERS}
        super().__init__(status_code=304, headers=kept)


class StaticFiles:
    """Serves files.

    Args:
        packages: of Python, whose folder `statics` is served, or pairs of a package and a folder in it.
        html: serve `index.html` for a folder, and `404.html` for what is missing.
        check_dir: require now that `directory` exists, instead of at the first request.
        follow_symlink: links may lead out of the folder.
    """

    def __init__(
        self,
        *,
        directory: PathLike | None = None,
        packages: Sequence[str | tuple[str, str]] | None = None,
        html: bool = False,
        check_dir: bool = True,
        follow_symlink: bool = False,
    ) -> None:
        self.directory = directory
        self.packages = packages
        self.all_directories = self.get_directories(directory, packages)
        self.html = html
        self.config_checked = False
        self.follow_symlink = follow_symlink
        if check_dir and directory is not None and not Path(directory).is_dir():
            raise RuntimeError(f"Directory '{directory}' does not exist")

    def get_directories(
        self, directory: PathLike | None = None, packages: Sequence[str | tuple[str, str]] | None = None
    ) -> list[PathLike]:
        """Return the folders in which files are looked for, in order."""
        found: list[PathLike] = [] if directory is None else [directory]
        for entry in packages or ():
            package, folder = (entry, "statics") if isinstance(entry, str) else entry
            spec = importlib.util.find_spec(package)
            assert spec is not None and spec.origin is not None, f"Package {package!r} could not be found."
            path = os.path.normpath(Path(spec.origin).parent / folder)
            assert Path(path).is_dir(), f"Directory '{folder!r}' in package {package!r} could not be found."
            found.append(path)
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        assert scope["type"] == "http"
        if not self.config_checked:
            await self.check_config()
            self.config_checked = True
        response = await self.get_response(self.get_path(scope), scope)
        await response(scope, receive, send)

    def get_path(self, scope: Scope) -> str:
        """Return the path of the file below the folder, in the spelling of the operating system."""
        return os.path.normpath(os.path.join(*get_route_path(scope).split("/")))  # noqa: PTH118

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a request for a path. Raises `HTTPException`: 404, 405, or 401 for what may not be read."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(status_code=405, headers={"Allow": "GET, HEAD"})
        try:
            full_path, status = await to_thread(self.lookup_path, path)
        except PermissionError:
            raise HTTPException(status_code=401) from None
        except OSError as exc:
            if exc.errno == errno.ENAMETOOLONG:
                raise HTTPException(status_code=404) from None
            raise
        except ValueError:  # a null byte
            raise HTTPException(status_code=404) from None
        if _is_file(status):
            return self.file_response(full_path, status, scope)
        if self.html:
            return await self._page(path, status, scope)
        raise HTTPException(status_code=404)

    async def _page(self, path: str, status: os.stat_result | None, scope: Scope) -> Response:
        """Answer with the index of a folder, or with the page for what is missing."""
        if status is not None and stat.S_ISDIR(status.st_mode):
            full_path, index = await to_thread(self.lookup_path, os.path.join(path, "index.html"))  # noqa: PTH118
            if _is_file(index):
                if scope["path"].endswith("/"):
                    return self.file_response(full_path, index, scope)
                # Relative links in the page are meant from within the folder.
                url = URL(scope=scope)
                return RedirectResponse(url=url.replace(path=f"{url.path}/"))
        full_path, missing = await to_thread(self.lookup_path, "404.html")
        if _is_file(missing):
            return FileResponse(full_path, stat_result=missing, status_code=404)
        raise HTTPException(status_code=404)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return the real path and the status of what is at a path, in the first folder that has it. Blocks."""
        # A join with an absolute path is that path.
        if not path.startswith(("/", "\\")):
            place = os.path.abspath if self.follow_symlink else os.path.realpath
            for directory in self.all_directories:
                full_path = place(os.path.join(directory, path))  # noqa: PTH118
                root = place(directory)
                if os.path.commonpath([full_path, root]) != root:
                    continue
                try:
                    return full_path, os.stat(full_path)  # noqa: PTH116
                except (FileNotFoundError, NotADirectoryError):
                    continue
        return "", None

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Answer with a file, or with 304 when the client has it."""
        response = FileResponse(full_path, status_code=status_code, stat_result=stat_result)
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response

    async def check_config(self) -> None:
        """Raise `RuntimeError` when the folder is none: a mistake should not look like missing files."""
        if self.directory is None:
            return
        try:
            status = await to_thread(os.stat, self.directory)
        except FileNotFoundError:
            raise RuntimeError(f"StaticFiles directory '{self.directory}' does not exist.") from None
        if not stat.S_ISDIR(status.st_mode):
            raise RuntimeError(f"StaticFiles path '{self.directory}' is not a directory.")

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:
        """Say whether the client has what is about to be sent."""
        etag = parse_etag(response_headers.get("etag", ""))
        modified = parse_date(response_headers.get("last-modified", ""))
        return evaluate("GET", _Fields(request_headers), etag=etag, last_modified=modified) == 304


class _Fields:
    """The fields of a request that make it conditional on what the client has."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def getall(self, name: str) -> list[str]:
        return self._headers.getlist(name) if name in ("if-none-match", "if-modified-since") else []


def _is_file(status: os.stat_result | None) -> TypeGuard[os.stat_result]:
    return status is not None and stat.S_ISREG(status.st_mode)
