"""Handlers as classes: a method per HTTP method, or the events of a WebSocket. An instance is one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any, Literal

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, Response
from fenrir.starlette.types import Message, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocket

__all__ = ["HTTPEndpoint", "WebSocketEndpoint"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")


class HTTPEndpoint:
    """Serves each HTTP method by the method of its name; HEAD by `get` when there is no `head`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.scope = scope
        self.receive = receive
        self.send = send
        self._allowed_methods = [method for method in METHODS if self._handler(method) is not None]

    def _handler(self, method: str) -> Callable[..., Any] | None:
        handler: Callable[..., Any] | None = getattr(self, method.lower(), None)
        if handler is None and method == "HEAD":
            return self._handler("GET")
        return handler

    def __await__(self) -> Generator[Any, None, None]:
        return self.dispatch().__await__()

    async def dispatch(self) -> None:
        """Answer the request."""
        request: Request = Request(self.scope, receive=self.receive, send=self.send)
        method = request.method
        handler = self._handler(method) if method in self._allowed_methods else self.method_not_allowed
        assert handler is not None
        if is_async_callable(handler):
            response = await handler(request)
        else:
            response = await run_in_threadpool(handler, request)
        await response(self.scope, self.receive, self.send)

    async def method_not_allowed(self, request: Request) -> Response:
        """Answer 405; within an application by its handler of that exception."""
        headers = {"Allow": ", ".join(self._allowed_methods)}
        if "app" in self.scope:
            raise HTTPException(status_code=405, headers=headers)
        return PlainTextResponse("Method Not Allowed", status_code=405, headers=headers)


class WebSocketEndpoint:
    """Serves a WebSocket.

    Attributes:
        encoding: what messages must be: "text", "bytes", "json", or None for either of the first two.
    """

    encoding: Literal["text", "bytes", "json"] | None = None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        self.scope = scope
        self.receive = receive
        self.send = send

    def __await__(self) -> Generator[Any, None, None]:
        return self.dispatch().__await__()

    async def dispatch(self) -> None:
        """Serve the connection until one side closes it."""
        websocket: WebSocket = WebSocket(self.scope, receive=self.receive, send=self.send)
        await self.on_connect(websocket)
        code = 1000
        try:
            while (message := await websocket.receive())["type"] == "websocket.receive":
                await self.on_receive(websocket, await self.decode(websocket, message))
            code = int(message.get("code") or 1000)
        except Exception:
            code = 1011
            raise
        finally:
            await self.on_disconnect(websocket, code)

    async def decode(self, websocket: WebSocket, message: Message) -> Any:
        """Return the content of a message. Closes with 1003 and raises `RuntimeError` when it is of another kind."""
        text, data = message.get("text"), message.get("bytes")
        if self.encoding == "text":
            if text is None:
                await self._refuse(websocket, "Expected text websocket messages, but got bytes")
            return text
        if self.encoding == "bytes":
            if data is None:
                await self._refuse(websocket, "Expected bytes websocket messages, but got text")
            return data
        if self.encoding == "json":
            try:
                return json.loads(text if text is not None else message["bytes"].decode("utf-8"))
            except json.JSONDecodeError:
                await self._refuse(websocket, "Malformed JSON data received.")
        assert self.encoding is None, f"Unsupported 'encoding' attribute {self.encoding}"
        return text if text is not None else data

    async def _refuse(self, websocket: WebSocket, reason: str) -> None:
        await websocket.close(code=1003)
        raise RuntimeError(reason)

    async def on_connect(self, websocket: WebSocket) -> None:
        """Take the connection; override to look at it before."""
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        """Take a message; override."""

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Learn of the end; override."""
