"""WebSocket routes: what an exception in a handler does to its channel.

A channel that was not yet accepted is refused with an HTTP answer; an accepted one is closed with a code of RFC
6455 §7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteri.exchange import ChannelClosed
from fenrir.core.context import Raises
from fenrir.core.errors import StatusError, find_error_handler, neutral
from fenrir.core.exits import SwallowedError
from fenrir.core.hooks import call_hook, raises
from fenrir.core.reply import HasReply, Reply
from fenrir.core.report import report
from fenrir.http.headers import MutableHeaders
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
    if exc is not None and c.raises is Raises.ALL:
        raise exc
    if exc is None or (isinstance(exc, ChannelClosed | SwallowedError) and not raises(c)):
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
            if not isinstance(outcome, HasReply):
                return  # it did what had to be done to the channel
            if await _refused(c, outcome.__reply__()):
                return
    exc = neutral(exc)
    channel = c.channel
    if isinstance(exc, ChannelError):
        await channel.close(exc.code, exc.reason)
    elif isinstance(exc, StatusError):
        headers = MutableHeaders([("content-type", "application/json"), *exc.http_headers])
        answer = Reply(exc.http_status, headers, dumps({"detail": exc.http_detail}))
        if not await _refused(c, answer):
            await channel.close(1008)  # "policy violation"
    else:
        c.error = exc
        report(c, exc)
        raise exc


async def _refused(c: RequestContext, reply: Reply) -> bool:
    """Answer the handshake with a reply; False when the channel was accepted before."""
    try:
        await c.channel.reject(reply.status, reply.headers.raw, reply.body)
    except RuntimeError:
        return False
    except ChannelClosed:
        pass  # the client did not wait
    return True
