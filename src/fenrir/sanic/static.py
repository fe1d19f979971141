"""Static files of a Sanic application.

A path never leaves its directory: it is joined by `safe_join` and then resolved, so that neither `..` nor a symbolic
link leads out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from fenrir.core.declare import DeclarationError
from fenrir.core.threads import to_thread
from fenrir.http.filenames import safe_join
from fenrir.http.ranges import parse_range
from fenrir.sanic.exceptions import FileNotFound, RangeNotSatisfiable
from fenrir.sanic.registrar import RouteDeclaration, StaticDeclaration
from fenrir.sanic.response import file, file_stream, validate_file

if TYPE_CHECKING:
    from fenrir.sanic.request import Request

__all__ = ["Window", "routes"]

_OPTIONS = {
    "use_modified_since",
    "use_content_range",
    "stream_large_files",
    "content_type",
    "strict_slashes",
    "index",
    "follow_external_symlink_files",
}
_LARGE = 1024 * 1024  # from here on `stream_large_files=True` streams


class Window(NamedTuple):
    """A part of a file; `end` is the last byte."""

    start: int
    end: int
    size: int
    total: int


def routes(declared: StaticDeclaration) -> Iterator[RouteDeclaration]:
    """Iterate over the routes that serve a file or a directory.

    Raises:
        DeclarationError: an option is unknown, or there is no such file.
    """
    if unknown := set(declared.options) - _OPTIONS:
        raise DeclarationError(
            f"static() knows {', '.join(sorted(_OPTIONS))}, not {', '.join(sorted(unknown))}", declared.source
        )
    root = Path(declared.path).resolve()
    if not root.exists():
        raise DeclarationError(f"static(): {declared.path!r} does not exist", declared.source)
    uri = declared.uri if root.is_file() else f"{declared.uri.rstrip('/')}/<__file_uri__:path>"
    yield RouteDeclaration(
        handler=_handler(root, declared.options),
        uri=uri,
        methods=frozenset({"GET", "HEAD"}),
        strict_slashes=declared.options.get("strict_slashes"),
        stream=False,
        version=None,
        name=declared.name,
        version_prefix="/v",
        error_format="",
        subprotocols=(),
        ctx=SimpleNamespace(),
        source=declared.source,
    )


def _handler(root: Path, options: dict[str, Any]) -> Callable[..., Any]:
    follow = bool(options.get("follow_external_symlink_files"))
    large = options.get("stream_large_files", False)
    limit = _LARGE if large is True else int(large)
    index = options.get("index")
    indexes = [index] if isinstance(index, str) else list(index or ())

    def find(path: str) -> Path:
        joined = root if root.is_file() else None
        if joined is None and "\0" not in path and (text := safe_join(str(root), path)) is not None:
            joined = Path(text)
            if joined.is_dir():
                joined = next((joined / name for name in indexes if (joined / name).is_file()), None)
        # SECURITY: a link may lead out of the directory although the path does not.
        if joined is None or not joined.is_file() or not (follow or joined.resolve().is_relative_to(root)):
            raise FileNotFound("File not found", path=str(root), relative_url=path)
        return joined

    async def serve(request: Request, __file_uri__: str = "") -> Any:
        path = await to_thread(find, __file_uri__)
        info = await to_thread(path.stat)
        if options.get("use_modified_since", True):
            fresh = await validate_file(request.headers, info.st_mtime)
            if fresh is not None:
                return fresh
        window = _window(request, info.st_size) if options.get("use_content_range") else None
        kind = options.get("content_type")
        if limit and info.st_size >= limit:
            return await file_stream(path, mime_type=kind, _range=window)
        return await file(path, mime_type=kind, last_modified=info.st_mtime, _range=window)

    return serve


def _window(request: Request, total: int) -> Window | None:
    header = request.headers.get("range")
    if header is None:
        return None
    ranges = parse_range(header, total)
    if ranges is None:
        return None
    if not ranges:
        raise RangeNotSatisfiable("Range Not Satisfiable", content_range=SimpleNamespace(total=total))
    start, stop = ranges[0]
    return Window(start, stop - 1, stop - start, total)
