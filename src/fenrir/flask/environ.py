"""The WSGI environment of a request, for code that reads `request.environ`."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from fenrir.core.threads import in_worker, on_loop

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["BodyInput", "environ_from", "environ_of"]


PIECE = 1 << 18
"""Bytes that are asked for at a time: each time the loop is asked."""


class BodyInput(io.RawIOBase):
    """The body of a request as a file, read from the client when somebody reads it.

    Only worker threads can wait for the client; the loop can not, so `async def` views have their body read before.
    """

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, at most as much as fits."""
        if self._ended or not len(buffer):
            return 0
        if not in_worker():
            raise RuntimeError("the body of this request can be read only by the thread that serves it")
        piece: bytes = on_loop(self._exchange.read(len(buffer)))
        if not piece:
            self._ended = True
        buffer[: len(piece)] = piece
        return len(piece)


def _latin(text: str) -> str:
    """Return a decoded path as PEP 3333 wants it: its bytes read as latin-1."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _body(c: RequestContext) -> Any:
    body = c.kept_body
    if body is None:
        body = c.exchange.buffered
    return io.BytesIO(body) if body is not None else io.BufferedReader(BodyInput(c.exchange), PIECE)


def environ_of(c: RequestContext) -> dict[str, Any]:
    """Return the environment of a request, always the same dictionary for one request."""
    environ: dict[str, Any] = c.note("wsgi: environ", _environ)
    return environ


def _environ(c: RequestContext) -> dict[str, Any]:
    x = c.exchange
    given: dict[str, Any] | None = getattr(x, "environ", None)
    if given is not None:  # it came through the WSGI door
        if c.kept_body is not None:  # and the engine has read its body
            given["wsgi.input"] = io.BytesIO(c.kept_body)
        return given
    return environ_from(x, _body(c))


def environ_from(x: Any, body: Any) -> dict[str, Any]:
    """Return the environment of an exchange or of a channel, with a file for its body."""
    connection = x.connection
    server = connection.server or ("localhost", 80)
    query = x.query.decode("latin-1")
    raw = x.raw_path.decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": getattr(x, "method", "GET"),
        "SCRIPT_NAME": _latin(connection.root_path),
        "PATH_INFO": _latin(x.path),
        "QUERY_STRING": query,
        "REQUEST_URI": f"{raw}?{query}" if query else raw,
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] if server[1] is not None else ""),
        "SERVER_PROTOCOL": f"HTTP/{connection.http_version}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": connection.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if connection.client is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = connection.client[0], str(connection.client[1])
    for name, value in x.headers:
        if "_" in name:
            continue  # SECURITY: `x_forwarded_for` must not pass for `x-forwarded-for`
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        environ[key] = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}" if key in environ else value
    return environ
