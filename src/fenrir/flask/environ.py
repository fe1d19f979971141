"""The WSGI environment of a request, for code that reads `request.environ`."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["environ_of"]


def _latin(text: str) -> str:
    """Return a decoded path as PEP 3333 wants it: its bytes read as latin-1."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def environ_of(c: RequestContext, body: BytesIO) -> dict[str, Any]:
    """Return the environment of a request with its body."""
    x = c.exchange
    connection = x.connection
    server = connection.server or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": getattr(x, "method", "GET"),
        "SCRIPT_NAME": _latin(connection.root_path),
        "PATH_INFO": _latin(x.path),
        "QUERY_STRING": x.query.decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] if server[1] is not None else ""),
        "SERVER_PROTOCOL": f"HTTP/{connection.http_version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": connection.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if connection.client is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = connection.client[0], str(connection.client[1])
    for name, value in x.headers:
        key = name.upper().replace("-", "_")
        if "_" in name:
            continue  # SECURITY: `x_forwarded_for` must not pass for `x-forwarded-for`
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]}{';' if key == 'HTTP_COOKIE' else ','}{value}" if key in environ else value
    return environ
