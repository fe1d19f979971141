"""Middleware as one function: `dispatch(request, call_next) -> response`.

The application below runs in a task of its own, because `call_next` returns at the head of its answer, and it goes on
while the body is read: a stream of one message at a time leads from it to the response that `call_next` returned. What
it sets in context variables is carried over to the function: at the head of the answer and again at its end. What
the function has read of the body is replayed to the application, if it was kept; a client that leaves is reported to
both. Background work of the application is not cut off by an answer that is complete, but its `receive` tells a
disconnect from then on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from fenrir.starlette._groups import create_collapsing_task_group
from fenrir.starlette.requests import ClientDisconnect, Request
from fenrir.starlette.responses import Response
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["BaseHTTPMiddleware", "DispatchFunction", "RequestResponseEndpoint"]

RequestResponseEndpoint = Callable[[Request], Awaitable[Response]]
DispatchFunction = Callable[[Request, RequestResponseEndpoint], Awaitable[Response]]

_UNSET = object()


class BaseHTTPMiddleware:
    """Base of such middleware: define `dispatch`, or give a function."""

    def __init__(self, app: ASGIApp, dispatch: DispatchFunction | None = None) -> None:
        self.app = app
        self.dispatch_func: DispatchFunction = self.dispatch if dispatch is None else dispatch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = _CachedRequest(scope, receive, send)
        below = _Below(self.app, request, scope, send)
        with below:
            async with create_collapsing_task_group() as below.tasks:
                response = await self.dispatch_func(request, below.call_next)
                await response(scope, request.replay, send)
                below.finish()
        if below.error is not None:
            raise below.error

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Answer a request; `await call_next(request)` is what the application answers."""
        raise NotImplementedError


class _CachedRequest(Request):
    """A request whose body can be given to the application below, after or instead of being read here."""

    _replayed = False  # the application has been given the end of the body
    _left = False  # and that the client has left

    async def replay(self) -> Message:
        """ASGI's receive for the application."""
        if self._left:
            return {"type": "http.disconnect"}
        if self._replayed:
            return await self._replay_disconnect()
        if self._stream_consumed or hasattr(self, "_body"):
            # Without the body kept, an empty one: the application must not wait for what will never come.
            self._replayed = True
            return {"type": "http.request", "body": getattr(self, "_body", b""), "more_body": False}
        try:
            async with aclosing(self.stream()) as pieces:
                piece = await anext(pieces)
        except ClientDisconnect:
            self._left = True
            return {"type": "http.disconnect"}
        self._replayed = self._stream_consumed
        return {"type": "http.request", "body": piece, "more_body": not self._stream_consumed}

    async def _replay_disconnect(self) -> Message:
        if not self._is_disconnected:
            message = await self.receive()
            if message["type"] != "http.disconnect":
                raise RuntimeError(f"Unexpected message received: {message['type']}")
        self._left = True
        return {"type": "http.disconnect"}


class _Below:
    """One call of the application below.

    Attributes:
        error: what it has raised and nobody has seen.
    """

    tasks: TaskGroup

    def __init__(self, app: ASGIApp, request: _CachedRequest, scope: Scope, send: Send) -> None:
        import anyio  # here and below: an application whose middleware are hooks never needs it

        self._app = app
        self._request = request
        self._scope = scope
        self._forward = send
        self._to_above, self._messages = anyio.create_memory_object_stream["Message"]()
        self._answered = anyio.Event()
        self._context: Context | None = None
        self.error: Exception | None = None

    def __enter__(self) -> None:
        """Hold the stream."""

    def __exit__(self, *_: object) -> None:
        self._to_above.close()
        self._messages.close()

    def finish(self) -> None:
        """Note that the answer has been sent, whether it was the application's or another."""
        self._answered.set()
        self._messages.close()

    async def call_next(self, request: Request) -> Response:
        """Start the application, and return its answer when the head is there."""
        from anyio import EndOfStream

        self.tasks.start_soon(self._run)
        try:
            info: Mapping[str, Any] | None = None
            while (message := await self._messages.receive())["type"] != "http.response.start":
                if message["type"] == "http.response.debug":
                    info = message["info"]
                elif message["type"] == "http.response.early_hint":
                    await self._forward(message)
                else:
                    raise AssertionError(f"Unexpected message: {message}")
        except EndOfStream:
            self._adopt_context()
            error = self._take_error()
            if error is None:
                raise RuntimeError("No response returned.") from None
            # Keep the error's own story: the end of the stream is none of it.
            raise error from error.__cause__ or error.__context__
        self._adopt_context()
        response = _StreamingResponse(status_code=message["status"], content=self._body(), info=info)
        response.raw_headers = message.get("headers", [])
        return response

    async def _run(self) -> None:
        with self._to_above:
            try:
                await self._app(self._scope, self._receive, self._send)
            except Exception as exc:
                self.error = exc
            self._context = copy_context()

    async def _receive(self) -> Message:
        """ASGI's receive for the application: whatever comes first, the next message or the end of the answer."""
        from anyio import create_task_group

        message: Message = {"type": "http.disconnect"}
        if not self._answered.is_set():
            async with create_task_group() as race:

                async def wait_answered() -> None:
                    await self._answered.wait()
                    race.cancel_scope.cancel()

                race.start_soon(wait_answered)
                message = await self._request.replay()
                race.cancel_scope.cancel()
        return {"type": "http.disconnect"} if self._answered.is_set() else message

    async def _send(self, message: Message) -> None:
        """ASGI's send for the application."""
        from anyio import BrokenResourceError

        self._context = copy_context()
        try:
            await self._to_above.send(message)
        except BrokenResourceError:
            return  # another answer was sent instead, or the rest is not wanted
        if message["type"] == "http.response.pathsend" or (
            message["type"] == "http.response.body" and not message.get("more_body", False)
        ):
            # Background work begins when the last byte has been sent.
            await self._answered.wait()

    async def _body(self) -> AsyncGenerator[bytes | Message, None]:
        async for message in self._messages:
            if message["type"] == "http.response.pathsend":
                yield message
                break
            assert message["type"] == "http.response.body", f"Unexpected message: {message}"
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body", False):
                break
        else:
            if (error := self._take_error()) is not None:
                # Half an answer must not get an end: the server cuts it off.
                self._adopt_context()
                raise error
        self._adopt_context()

    def _take_error(self) -> Exception | None:
        error, self.error = self.error, None
        return error

    def _adopt_context(self) -> None:
        if self._context is not None:
            for variable, value in self._context.items():
                if variable.get(_UNSET) is not value:
                    variable.set(value)


class _StreamingResponse(Response):
    """What the application below answers; the body is forwarded piece by piece."""

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        self.body_iterator = content
        self.status_code = status_code
        self.media_type = media_type
        self.background = None
        self.info = info
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.info is not None:
            await send({"type": "http.response.debug", "info": self.info})
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        by_path = False
        async for piece in self.body_iterator:
            if isinstance(piece, dict):
                by_path = True
                await send(piece)
            else:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not by_path:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        if self.background is not None:
            await self.background()
