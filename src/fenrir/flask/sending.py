"""Sending files from views: Werkzeug's functions, told about the application and the request."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import werkzeug.utils
from werkzeug.exceptions import NotFound

from fenrir.flask.globals import current_app, request
from fenrir.flask.response import Response
from fenrir.kit.static import StaticFiles

__all__ = ["send_file", "send_from_directory"]


def _of_here(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a call with what the application and the request say."""
    if options.get("max_age") is None:
        options["max_age"] = current_app.get_send_file_max_age
    return {
        **options,
        "environ": request.environ,
        "use_x_sendfile": current_app.config["USE_X_SENDFILE"],
        "response_class": current_app.response_class,
        "_root_path": current_app.root_path,
    }


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
    options = {
        "mimetype": mimetype,
        "as_attachment": as_attachment,
        "download_name": download_name,
        "conditional": conditional,
        "etag": etag,
        "last_modified": last_modified,
        "max_age": max_age,
    }
    return werkzeug.utils.send_file(path_or_file, **_of_here(options))  # type: ignore[return-value]


def send_from_directory(directory: str | os.PathLike[str], path: str | os.PathLike[str], **kwargs: Any) -> Response:
    """Return a response that sends a file below a directory; the path may come from a client.

    Args:
        kwargs: of `send_file`.

    Raises:
        NotFound: there is no such file, or it lies elsewhere.
    """
    if current_app.shares_requests and StaticFiles(Path(current_app.root_path, directory)).find(str(path)) is None:
        raise NotFound  # SECURITY: a link is the usual way out of a folder
    return werkzeug.utils.send_from_directory(directory, path, **_of_here(kwargs))  # type: ignore[return-value]
