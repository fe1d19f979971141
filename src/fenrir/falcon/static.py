"""Directories of files below a prefix."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fenrir.falcon.errors import HTTPNotFound, HTTPRangeNotSatisfiable
from fenrir.http.etags import ETag
from fenrir.http.filenames import safe_join
from fenrir.kit.files import file_reply

__all__ = ["StaticRoute"]

_FORBIDDEN = frozenset("\x00?<>:*|'\"~\\\ufffd") | {chr(code) for code in [*range(32), *range(0x80, 0xA0)]}
_LONGEST = 512


class StaticRoute:
    """The files of a directory.

    Args:
        directory: an absolute path.
        downloadable: browsers save the files under their names.
        fallback_filename: served where there is no file.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        prefix: str,
        directory: str | Path,
        downloadable: bool = False,
        fallback_filename: str | None = None,
    ) -> None:
        if not prefix.startswith("/"):
            raise ValueError("prefix must start with '/'")
        self._directory = os.path.normpath(directory)
        if not Path(self._directory).is_absolute():
            raise ValueError("directory must be an absolute path")
        self._fallback: str | None = None
        if fallback_filename is not None:
            self._fallback = os.path.normpath(Path(self._directory) / fallback_filename)
            if not Path(self._fallback).is_file():
                raise ValueError("fallback_filename is not a file")
        self._prefix = prefix if prefix.endswith("/") else prefix + "/"
        self._downloadable = downloadable

    def match(self, path: str) -> bool:
        """Say whether a path is below the prefix."""
        return path.startswith(self._prefix) or (self._fallback is not None and path == self._prefix[:-1])

    def _find(self, path: str) -> str:
        rest = path[len(self._prefix) :]
        if not rest and self._fallback is not None:
            return self._fallback
        if (
            not rest
            or rest.strip().rstrip(".") != rest
            or not _FORBIDDEN.isdisjoint(rest)
            or "//" in rest
            or len(rest) > _LONGEST
        ):
            raise HTTPNotFound
        found = safe_join(self._directory, os.path.normpath(rest))
        if found is None:
            raise HTTPNotFound
        if Path(found).is_file():
            return found
        if self._fallback is None:
            raise HTTPNotFound
        return self._fallback

    def __call__(self, req: Any, resp: Any) -> None:
        """Answer with a file."""
        if req.method == "OPTIONS":
            resp.set_header("Allow", "GET")
            resp.content_length = 0
            return
        path = Path(self._find(req.path))
        try:
            info = path.stat()
            made = file_reply(
                path,
                method=req.method,
                request=req._c.http.headers,
                media_type=resp.options.static_media_types.get(path.suffix, "application/octet-stream"),
                etag=ETag(f"{int(info.st_mtime):x}-{info.st_size:x}"),
                stat_result=info,
            )
        except OSError as exc:
            raise HTTPNotFound from exc
        resp.set_headers([(name, made.headers[name]) for name in ("etag", "last-modified") if name in made.headers])
        if made.status == 416:
            raise HTTPRangeNotSatisfiable(info.st_size)
        resp.status = made.status
        resp.set_headers(made.headers.items())
        resp.stream = made.stream
        if self._downloadable and made.status < 300:
            resp.downloadable_as = path.name
