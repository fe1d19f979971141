"""The WSGI environment of a request, for code that reads `request.environ`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from asteri.wsgi import build_environ
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


def _body(c: RequestContext) -> Any:
    body = c.kept_body
    if body is None:
        body = c.exchange.buffered
    return io.BytesIO(body) if body is not None else io.BufferedReader(BodyInput(c.exchange), PIECE)


class _Handshake:
    """The channel of a WebSocket as the request that it began with."""

    method = "GET"

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


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
    environ = build_environ(x if hasattr(x, "method") else _Handshake(x), body)
    if x.connection.client is None:
        del environ["REMOTE_ADDR"]  # `request.remote_addr` is None then, not ""
    return environ
