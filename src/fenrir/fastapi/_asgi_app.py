"""A route as an ASGI application, for who calls `route.app` and for routers that the engine can not take over."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fenrir.core.cancellation import cancel_scope
from fenrir.core.doors.asgi_inbox import Inbox
from fenrir.fastapi._body_limit import limited
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi.handler import request_response
from fenrir.fastapi.surroundings import Handles, handled, surrounded
from fenrir.starlette.types import ASGIApp

if TYPE_CHECKING:
    from fenrir.fastapi.operation import Operation
    from fenrir.fastapi.requests import Request
    from fenrir.fastapi.responses import Response

__all__ = ["asgi_app"]

log = logging.getLogger("fenrir")


def asgi_app(route: Operation, handle: Handles) -> ASGIApp:
    """Return a handler of a route with all that is around it."""
    handle = surrounded(handle, route.surroundings)
    if route.timeout is not None or route.cancel_on_disconnect:
        handle = _cancelled(route, handle)
    return limited(request_response(handle), route.max_body_size)


def _cancelled(route: Operation, handle: Handles) -> Handles:
    """Return a handler that ends at its deadline, or when the client leaves; sending its response is not its part."""

    async def call(request: Request) -> Response:
        inbox = Inbox(request._receive, asked="expect" not in request.headers)
        leaving = None
        if route.cancel_on_disconnect:
            request._receive = inbox.receive
            leaving = inbox.watch
        scope = cancel_scope(route.timeout, leaving, lambda: inbox.left)
        response: Any = await scope.run(handle(request))
        if scope.reason is None:
            made: Response = response
            return made
        log.info("%s %s was cancelled: %s", request.method, request.scope["path"], type(scope.reason).__name__)
        return await handled(request, DIALECT.adopt_error(scope.reason), route.surroundings)

    return call
