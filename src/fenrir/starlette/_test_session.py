"""The client's end of a WebSocket in memory.

The application runs as a task of the portal's loop; two unbounded streams carry ASGI's messages. What the session
does is done by calls into the loop, so a session may be used from ordinary, blocking test code. Leaving the session
sends a disconnect, then cancels the application, then raises what it raised.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, Literal, Self

import anyio
import anyio.from_thread

from fenrir.starlette._httpx import httpx
from fenrir.starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from anyio.abc import TaskStatus
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from fenrir.starlette.types import ASGIApp, Message, Scope

__all__ = ["PortalFactory", "Upgrade", "WebSocketDenialResponse", "WebSocketTestSession"]

PortalFactory = Callable[[], AbstractContextManager[anyio.from_thread.BlockingPortal]]


class WebSocketDenialResponse(httpx.Response, WebSocketDisconnect):  # type: ignore[misc]
    """The application answered the handshake with an HTTP response; it is raised, and read like one."""


class WebSocketTestSession:
    """A WebSocket connection, opened by `with`.

    Attributes:
        accepted_subprotocol: what the application chose.
        extra_headers: headers of the handshake's answer, as pairs of bytes.
    """

    __test__ = False

    _to_app: MemoryObjectSendStream[Message]
    _from_app: MemoryObjectReceiveStream[Message]
    portal: anyio.from_thread.BlockingPortal
    exit_stack: ExitStack

    def __init__(self, app: ASGIApp, scope: Scope, portal_factory: PortalFactory) -> None:
        self.app = app
        self.scope = scope
        self.portal_factory = portal_factory
        self.accepted_subprotocol: str | None = None
        self.extra_headers: list[tuple[bytes, bytes]] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.portal = stack.enter_context(self.portal_factory())
            finished, scope = self.portal.start_task(self._run)
            # In reverse order on the way out: disconnect, cancel, and the application's exception at last.
            stack.callback(finished.result)
            stack.callback(self.portal.call, scope.cancel)
            self.send({"type": "websocket.connect"})
            answer = self.receive()
            self._raise_on_close(answer)
            self.accepted_subprotocol = answer.get("subprotocol")
            self.extra_headers = answer.get("headers")
            stack.callback(self.close, 1000)
            self.exit_stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> bool | None:
        return self.exit_stack.__exit__(*exc_info)

    async def _run(self, *, task_status: TaskStatus[anyio.CancelScope]) -> None:
        async with contextlib.AsyncExitStack() as stack:
            self._to_app, inbound = anyio.create_memory_object_stream["Message"](math.inf)
            outbound, self._from_app = anyio.create_memory_object_stream["Message"](math.inf)
            for stream in (self._to_app, inbound, outbound, self._from_app):
                stack.enter_context(stream)
            scope = stack.enter_context(anyio.CancelScope())
            task_status.started(scope)
            await self.app(self.scope, inbound.receive, outbound.send)
            # The client may still read what the application sent before it returned.
            await anyio.sleep_forever()

    def _raise_on_close(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(code=message.get("code", 1000), reason=message.get("reason", ""))
        if message["type"] == "websocket.http.response.start":
            status, headers, body = message["status"], message["headers"], bytearray()
            more = True
            while more:
                message = self.receive()
                assert message["type"] == "websocket.http.response.body"
                body += message["body"]
                more = message.get("more_body", False)
            raise WebSocketDenialResponse(status_code=status, headers=headers, content=bytes(body))

    def send(self, message: Message) -> None:
        """Give the application one ASGI message."""
        self.portal.call(self._to_app.send, message)

    def send_text(self, data: str) -> None:
        """Send a text message."""
        self.send({"type": "websocket.receive", "text": data})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self.send({"type": "websocket.receive", "bytes": data})

    def send_json(self, data: Any, mode: Literal["text", "binary"] = "text") -> None:
        """Send a JSON value."""
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        self.send_text(text) if mode == "text" else self.send_bytes(text.encode())

    def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Tell the application that the client has gone."""
        self.send({"type": "websocket.disconnect", "code": code, "reason": reason})

    def receive(self) -> Message:
        """Return the application's next ASGI message."""
        message: Message = self.portal.call(self._from_app.receive)
        return message

    def _receive_data(self) -> Message:
        message = self.receive()
        self._raise_on_close(message)
        return message

    def receive_text(self) -> str:
        """Return the next message. Raises `WebSocketDisconnect` when the application closes."""
        text: str = self._receive_data()["text"]
        return text

    def receive_bytes(self) -> bytes:
        """Return the next message. Raises `WebSocketDisconnect` when the application closes."""
        data: bytes = self._receive_data()["bytes"]
        return data

    def receive_json(self, mode: Literal["text", "binary"] = "text") -> Any:
        """Return the JSON value of the next message."""
        return json.loads(self.receive_text() if mode == "text" else self.receive_bytes())


class Upgrade(Exception):
    """A request was an upgrade: carries the session out of the HTTP client."""

    def __init__(self, session: WebSocketTestSession) -> None:
        super().__init__("the request is a WebSocket handshake")
        self.session = session
