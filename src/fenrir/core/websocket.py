"""WebSocket routes: what an exception in a handler does to its channel.

A channel that was not yet accepted is refused with an HTTP answer; an accepted one is closed with a code of RFC
6455 §7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteri.exchange import ChannelClosed
from fenrir.core.errors import StatusError, find_error_handler
from fenrir.core.exits import SwallowedError
from fenrir.core.hooks import call_hook
from fenrir.core.report import report
from fenrir.http.json import dumps

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["ChannelError", "fail_channel"]


class ChannelError(Exception):
    """An exception that is a WebSocket close: code and reason of RFC 6455 §7.4."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


async def fail_channel(c: RequestContext, exc: BaseException | None) -> None:
    """End a channel whose handler raised."""
    if exc is None or isinstance(exc, ChannelClosed | SwallowedError):
        return  # the peer left, or a dependency has dealt with it: a channel owes no response
    if not isinstance(exc, Exception):
        raise exc
    scope = c.plan.scope if c.plan is not None else c.app.scope
    found = find_error_handler(scope, exc)
    if found is not None:
        handler, exc = found
        try:
            outcome = await call_hook(handler.call, handler.mode, c, exc)
        except Exception as second:
            exc = second
        else:
            if outcome is None:
                return
    channel = c.channel
    if isinstance(exc, ChannelError):
        await channel.close(exc.code, exc.reason)
    elif isinstance(exc, StatusError):
        # Before accept this is an HTTP answer; afterwards `reject` is not possible and the code says "policy".
        body = dumps({"detail": exc.http_detail})
        headers = [(b"content-type", b"application/json")]
        headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in exc.http_headers]
        try:
            await channel.reject(exc.http_status, headers, body)
        except RuntimeError:
            await channel.close(1008)
    else:
        c.error = exc
        report(c, exc)
        raise exc
