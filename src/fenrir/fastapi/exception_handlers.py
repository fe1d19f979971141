"""The handlers that are in force when an application registers none, to be called from its own."""

from __future__ import annotations

from fenrir.fastapi.exceptions import RequestValidationError, StarletteHTTPException, WebSocketRequestValidationError
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import JSONResponse, Response
from fenrir.fastapi.websockets import WebSocket
from fenrir.http.json import dumps
from fenrir.http.status import forbids_body
from fenrir.kit.validation import jsonable_encoder

__all__ = [
    "http_exception_handler",
    "request_validation_exception_handler",
    "websocket_request_validation_exception_handler",
]


async def http_exception_handler(request: Request, exc: StarletteHTTPException) -> Response:
    """Answer with the detail."""
    if forbids_body(exc.status_code):
        return Response(status_code=exc.status_code, headers=exc.headers)
    return JSONResponse({"detail": exc.detail}, status_code=exc.status_code, headers=exc.headers)


async def request_validation_exception_handler(request: Request, exc: RequestValidationError) -> JSONResponse:
    """Answer 422 with the errors."""
    return JSONResponse({"detail": jsonable_encoder(exc.errors())}, status_code=422)


async def websocket_request_validation_exception_handler(
    websocket: WebSocket, exc: WebSocketRequestValidationError
) -> None:
    """Close with 1008 and the errors."""
    # RFC 6455 §5.5.1: a reason has at most 123 bytes.
    await websocket.close(1008, dumps(jsonable_encoder(exc.errors()))[:123].decode("utf-8", "ignore"))
