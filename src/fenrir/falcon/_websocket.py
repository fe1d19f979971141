"""How a WebSocket route runs, and what an exception there means: a close code, 3000 above the status."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.core.context import unhandled
from fenrir.core.errors import StatusError, find_error_handler
from fenrir.falcon._round import Round, round_of
from fenrir.falcon.errors import WebSocketDisconnected
from fenrir.falcon.ws import WebSocket, http_status_to_ws_code

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["websocket_adapter"]

log = logging.getLogger("falcon")


def websocket_adapter(responder: Callable[..., Any]) -> Callable[[RequestContext], Any]:
    """Return a handler `(c)` around `on_websocket(req, ws, **params)`."""

    async def serve(c: RequestContext) -> None:
        run = round_of(c)
        run.match()
        run.async_req.is_websocket = True
        ws = WebSocket(c.channel, run.settings.ws_options)
        try:
            for call in run.settings.request_ws:
                await call(run.async_req, ws)
            for call in run.settings.resource_ws:
                await call(run.async_req, ws, run.resource, run.params)
            await responder(run.async_req, ws, **run.params)
            await ws.close()
        except Exception as exc:
            await _fail(run, ws, exc)

    return serve


async def _fail(run: Round, ws: WebSocket, exc: Exception) -> None:
    c = run.c
    found = find_error_handler(c.plan.scope if c.plan is not None else c.app.scope, exc)
    if found is not None and found[0].dialect.name == "falcon" and not _is_answer(found[0].key, exc):
        handler = found[0].user
        more = {"ws": ws} if "ws" in inspect.signature(handler).parameters else {}
        try:
            await handler(run.async_req, None, found[1], run.params, **more)
        except Exception as second:
            await _close(c, ws, second)
        return
    await _close(c, ws, exc)


def _is_answer(key: object, exc: Exception) -> bool:
    """Say whether a handler of all exceptions was found for one that is an answer by itself."""
    return key in (Exception, StatusError) and isinstance(exc, (StatusError, WebSocketDisconnected))


async def _close(c: RequestContext, ws: WebSocket, exc: Exception) -> None:
    if isinstance(exc, WebSocketDisconnected):
        return
    if isinstance(exc, StatusError):
        await ws.close(http_status_to_ws_code(exc.http_status))
        return
    c.error = exc
    if (watcher := unhandled.get()) is not None:
        watcher.append(exc)
    log.error("unhandled %s in WebSocket %s", type(exc).__name__, c.channel.path, exc_info=exc)
    await ws.close(round_of(c).settings.ws_options.error_close_code)
