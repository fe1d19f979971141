"""Sending files from views."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from fenrir.core.context import current
from fenrir.flask.exceptions import NotFound
from fenrir.flask.globals import current_app
from fenrir.flask.response import Response, with_charset
from fenrir.http.dates import format_date
from fenrir.http.etags import ETag
from fenrir.http.headers import format_params
from fenrir.kit.files import file_reply, guess_media_type
from fenrir.kit.static import StaticFiles

__all__ = ["send_file", "send_from_directory"]


def send_file(
    path_or_file: str | os.PathLike[str] | IO[bytes],
    mimetype: str | None = None,
    as_attachment: bool = False,
    download_name: str | None = None,
    conditional: bool = True,
    etag: bool | str = True,
    last_modified: datetime | int | float | None = None,
    max_age: int | Callable[[str | None], int | None] | None = None,
) -> Response:
    """Return a response that sends a file. SECURITY: never pass a path that a client made; see `send_from_directory`.

    Args:
        path_or_file: a path (relative to `root_path`), or an open file in binary mode.
        download_name: under which a browser saves it.
        max_age: seconds that a client may keep it without asking, or a function of the name.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if isinstance(path_or_file, str | os.PathLike):
        path = Path(current_app.root_path, path_or_file)
        name = path.name if download_name is None else download_name
        response = _of_path(path, mimetype, name, as_attachment, conditional, etag, last_modified, None)
    else:
        if download_name is None and (mimetype is None or as_attachment):
            raise TypeError(
                "No name provided for attachment. Either set 'download_name' or pass a file path instead of a file"
                " object."
                if as_attachment
                else "Unable to detect the MIME type because a file name is not available. Either set 'download_name',"
                " pass a file path instead of a file object, or set 'mimetype'."
            )
        response = _of_file(path_or_file, mimetype, download_name, as_attachment, last_modified)
        name = download_name or ""
    return _cached(response, name or None, max_age)


def _content_type(mimetype: str | None, name: str) -> str:
    return guess_media_type(name, "application/octet-stream") if mimetype is None else with_charset(mimetype)


def _disposition(name: str, attached: bool) -> str:
    """Return the header that names a file, for old clients in ASCII as well."""
    kind = "attachment" if attached else "inline"
    if name.isascii():
        return format_params(kind, {"filename": name})
    simple = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    return f"{format_params(kind, {'filename': simple})}; filename*=UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"


def _of_path(
    path: Path,
    mimetype: str | None,
    name: str,
    attached: bool,
    conditional: bool,
    etag: bool | str,
    last_modified: datetime | int | float | None,
    status: os.stat_result | None,
) -> Response:
    c = current.get()
    moment = datetime.fromtimestamp(last_modified) if isinstance(last_modified, int | float) else last_modified
    reply = file_reply(
        path,
        method=c.http.method,
        request=c.exchange.headers,
        headers={"content-disposition": _disposition(name, attached)},
        media_type=_content_type(mimetype, name),
        etag=ETag(etag) if isinstance(etag, str) else None,
        last_modified=moment,
        stat_result=status,
        conditional=conditional,
    )
    if etag is False:
        reply.headers.remove("etag")
    return current_app.response_class.over(reply)


def _of_file(
    file: IO[bytes],
    mimetype: str | None,
    name: str | None,
    attached: bool,
    last_modified: datetime | int | float | None,
) -> Response:
    response = current_app.response_class(
        iter(lambda: file.read(65536), b""), content_type=_content_type(mimetype, name or "")
    )
    if isinstance(file.read(0), str):
        raise ValueError("Files must be opened in binary mode or use BytesIO.")
    if hasattr(file, "getbuffer"):
        response.content_length = file.getbuffer().nbytes - file.tell()
    if name is not None:
        response.headers["Content-Disposition"] = _disposition(name, attached)
    if last_modified is not None:
        response.headers["Last-Modified"] = format_date(last_modified)
    response.call_on_close(file.close)
    return response


def _cached(response: Response, name: str | None, max_age: int | Callable[[str | None], int | None] | None) -> Response:
    if max_age is None:
        max_age = current_app.get_send_file_max_age
    seconds = max_age(name) if callable(max_age) else max_age
    response.headers["Cache-Control"] = "no-cache" if seconds is None else f"public, max-age={seconds}"
    if seconds:
        response.headers["Expires"] = format_date(time.time() + seconds)
    return response


def send_from_directory(directory: str | os.PathLike[str], path: str, **options: Any) -> Response:
    """Return a response that sends a file below a directory; the path may come from a client.

    Args:
        options: of `send_file`.

    Raises:
        NotFound: there is no such file, or it lies elsewhere.
    """
    root = Path(current_app.root_path, directory)
    found = StaticFiles(root).find(path)
    if found is None:
        raise NotFound
    options.setdefault("download_name", Path(path).name)
    return send_file(found.path, **options)
