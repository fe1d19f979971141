"""What views call: responses, redirects, URLs, messages and files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from fenrir.core.context import current
from fenrir.flask.ctx import stream_with_context
from fenrir.flask.exceptions import NotFound, abort
from fenrir.flask.globals import current_app, request
from fenrir.flask.response import Response
from fenrir.http.dates import format_date
from fenrir.http.etags import ETag
from fenrir.kit import messages
from fenrir.kit.files import content_disposition, file_reply, guess_media_type
from fenrir.kit.static import StaticFiles

__all__ = [
    "abort",
    "flash",
    "get_debug_flag",
    "get_flashed_messages",
    "make_response",
    "redirect",
    "send_file",
    "send_from_directory",
    "stream_with_context",
    "url_for",
]


def get_debug_flag() -> bool:
    """Say whether `FLASK_DEBUG` asks for debug mode."""
    value = os.environ.get("FLASK_DEBUG", "")
    return bool(value) and value.lower() not in ("0", "false", "no")


def make_response(*args: Any) -> Response:
    """Return the response that a value would be if a view returned it; several arguments are a tuple."""
    if not args:
        return current_app.response_class()
    return current_app.make_response(args[0] if len(args) == 1 else args)


def url_for(
    endpoint: str,
    *,
    _anchor: str | None = None,
    _method: str | None = None,
    _scheme: str | None = None,
    _external: bool | None = None,
    **values: Any,
) -> str:
    """Return the URL of an endpoint; see `Flask.url_for`."""
    return current_app.url_for(
        endpoint, _anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external, **values
    )


_LOCATION_SAFE = "!#$%&'()*+,/:;=?@[]~-._"


def redirect(location: str, code: int = 302, Response: type[Response] | None = None) -> Response:
    """Return a redirect to a place; `url_for` makes places of the application.

    SECURITY: a place that came from the client must be checked first (`fenrir.http.url.is_safe_redirect`).
    """
    cls = Response or (current_app.response_class if current_app else _Response)
    shown = escape(location)
    response = cls(
        "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<h1>Redirecting...</h1>\n"
        "<p>You should be redirected automatically to the target URL: "
        f'<a href="{shown}">{shown}</a>. If not, click the link.\n',
        code,
        mimetype="text/html",
    )
    response.headers["Location"] = quote(location, safe=_LOCATION_SAFE)
    return response


_Response = Response


def flash(message: str, category: str = "message") -> None:
    """Keep a message for the next page that shows messages."""
    messages.flash(_current(), message, category)


def get_flashed_messages(with_categories: bool = False, category_filter: Iterable[str] = ()) -> Any:
    """Take the messages out of the session: texts, or (category, text)."""
    found = messages.flashed_messages(_current(), category_filter)
    return found if with_categories else [text for _, text in found]


def _current() -> Any:
    request._get_current_object()  # type: ignore[attr-defined]  # words the error when there is no request
    return current.get()


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
                " object." if as_attachment else
                "Unable to detect the MIME type because a file name is not available. Either set 'download_name', pass"
                " a file path instead of a file object, or set 'mimetype'."
            )
        response = _of_file(path_or_file, mimetype, download_name, as_attachment, last_modified)
        name = download_name or ""
    return _cached(response, name or None, max_age)


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
        media_type=mimetype,
        filename=name,
        disposition="attachment" if attached else "inline",
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
        iter(lambda: file.read(65536), b""), mimetype=mimetype, content_type=mimetype or guess_media_type(name or "")
    )
    if isinstance(file.read(0), str):
        raise ValueError("Files must be opened in binary mode or use BytesIO.")
    if hasattr(file, "getbuffer"):
        response.content_length = file.getbuffer().nbytes - file.tell()
    if name is not None:
        response.headers["Content-Disposition"] = content_disposition(name, "attachment" if attached else "inline")
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
