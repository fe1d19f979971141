"""Exceptions that are answers, and those for which there is a handler. The mechanism is in `_exception_handler`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenrir.starlette._exception_handler import (
    HANDLERS,
    ExceptionHandlers,
    StatusHandlers,
    wrap_app_handling_exceptions,
)
from fenrir.starlette.exceptions import HTTPException, WebSocketException
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, Response
from fenrir.starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocket

__all__ = ["ExceptionMiddleware"]


class ExceptionMiddleware:
    """Answers handled exceptions of the application below; others pass.

    Args:
        handlers: by status, for HTTP exceptions, or by class; the nearest class in the exception's MRO counts.
    """

    def __init__(
        self, app: ASGIApp, handlers: Mapping[Any, ExceptionHandler] | None = None, debug: bool = False
    ) -> None:
        self.app = app
        self.debug = debug
        self._status_handlers: StatusHandlers = {}
        self._exception_handlers: ExceptionHandlers = {
            HTTPException: self.http_exception,
            WebSocketException: self.websocket_exception,
        }
        for key, handler in (handlers or {}).items():
            self.add_exception_handler(key, handler)

    def add_exception_handler(self, exc_class_or_status_code: int | type[Exception], handler: ExceptionHandler) -> None:
        """Have exceptions of a class, or HTTP exceptions of a status, answered by `handler(request, exc)`."""
        if isinstance(exc_class_or_status_code, int):
            self._status_handlers[exc_class_or_status_code] = handler
        else:
            assert issubclass(exc_class_or_status_code, Exception)
            self._exception_handlers[exc_class_or_status_code] = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope[HANDLERS] = (self._exception_handlers, self._status_handlers)
        connection: Request | WebSocket = (
            Request(scope, receive, send) if scope["type"] == "http" else WebSocket(scope, receive, send)
        )
        await wrap_app_handling_exceptions(self.app, connection)(scope, receive, send)

    async def http_exception(self, request: Request, exc: Exception) -> Response:
        """Answer an HTTP exception with its detail as text."""
        assert isinstance(exc, HTTPException)
        if exc.status_code in (204, 304):
            return Response(status_code=exc.status_code, headers=exc.headers)
        return PlainTextResponse(exc.detail, status_code=exc.status_code, headers=exc.headers)

    async def websocket_exception(self, websocket: WebSocket, exc: Exception) -> None:
        """Close the WebSocket with the exception's code."""
        assert isinstance(exc, WebSocketException)
        await websocket.close(code=exc.code, reason=exc.reason)
