"""The error handler object of an application: a place to override how errors look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.sanic.errorpages import error_response

if TYPE_CHECKING:
    from fenrir.sanic.request import Request
    from fenrir.sanic.response import HTTPResponse

__all__ = ["ErrorHandler"]


class ErrorHandler:
    """Renders exceptions that no `@app.exception` handler took; subclasses override `default`."""

    def __init__(self) -> None:
        self._app: Any = None
        self._pending: list[tuple[type[BaseException], Callable[..., Any]]] = []

    def attach(self, app: Any) -> None:
        """Belong to an application; handlers that were added before are registered with it now."""
        self._app = app
        pending, self._pending = self._pending, []
        for exception, handler in pending:
            app.exception(exception)(handler)

    def add(self, exception: type[BaseException], handler: Callable[..., Any]) -> None:
        """Register a handler for a class of exceptions."""
        if self._app is None:
            self._pending.append((exception, handler))
        else:
            self._app.exception(exception)(handler)

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """Return the answer to an exception."""
        return error_response(
            request, exception, request.app.config.FALLBACK_ERROR_FORMAT, bool(getattr(request.app, "debug", False))
        )
