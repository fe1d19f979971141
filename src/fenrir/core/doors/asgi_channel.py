"""A WebSocket connection over ASGI, with the laws of `asteri.exchange.Channel`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asteri.exchange import AnswerError, ChannelClosed, HeaderPairs
from fenrir.core.doors.asgi_values import (
    ASGIHeaders,
    Message,
    Receive,
    Send,
    checked_body,
    checked_close,
    checked_head,
    checked_pairs,
    connection_of,
    paths_of,
)

__all__ = ["ASGIChannel"]


class ASGIChannel:
    """One WebSocket connection over ASGI; `raises` as of an exchange."""

    def __init__(self, scope: Any, receive: Receive, send: Send, raises: bool = False) -> None:
        self.raises = raises
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method = "GET"
        self.path, self.raw_path = paths_of(scope)
        self.query: bytes = scope.get("query_string", b"")
        self.headers = ASGIHeaders(scope["headers"])
        self.connection = connection_of(scope)
        self.subprotocols: Sequence[str] = tuple(scope.get("subprotocols", ()))
        self.buffered = b""
        self.app: Any = None
        self._state = "new"
        self._left = False  # the client did not wait for an answer
        self._closed: ChannelClosed | None = None

    async def _connect(self) -> None:
        if self._state == "new":
            message = await self._receive()
            self._state = "connecting"
            if message["type"] == "websocket.disconnect":
                self._left = True
                self._close_with(message)

    def _close_with(self, message: Message) -> None:
        self._state = "closed"
        self._closed = ChannelClosed(message.get("code") or 1005, message.get("reason") or "")

    def _check(self) -> None:
        if self._closed is not None:
            raise ChannelClosed(self._closed.code, self._closed.reason)

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
        pairs = checked_pairs(headers)
        await self._connect()
        self._check()
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "open"
        await self._deliver({"type": "websocket.accept", "subprotocol": subprotocol, "headers": pairs})

    async def hand_over(self, app: Callable[[Any, Any, Any], Awaitable[None]], scope: Any) -> None:
        """Let another ASGI application serve the connection by the messages themselves."""
        self._check()
        if self._state != "new":
            raise AnswerError("this channel has been answered already")
        self._state = "closed"
        self._closed = ChannelClosed(1006)
        await app(scope, self._receive, self._send)

    async def _deliver(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError as exc:
            self._close_with({"code": 1006})
            raise ChannelClosed(1006) from exc

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        pairs, _ = checked_head(status, headers)
        await self._connect()
        if self._left:
            return
        if self._state != "connecting":
            raise AnswerError("this channel has been answered already")
        self._state = "closed"
        self._closed = ChannelClosed(1006)
        if "websocket.http.response" in self.scope.get("extensions", {}):
            start = {"type": "websocket.http.response.start", "status": status, "headers": pairs}
            await self._deliver(start)
            await self._deliver({"type": "websocket.http.response.body", "body": body})
        else:
            await self._deliver({"type": "websocket.close", "code": 1000})

    async def receive(self) -> str | bytes:
        self._check()
        if self._state != "open":
            raise AnswerError("accept the channel before receiving")
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._close_with(message)
            self._check()
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        self._check()
        if self._state != "open":
            raise AnswerError("accept the channel before sending")
        if isinstance(data, str):
            await self._deliver({"type": "websocket.send", "text": data})
        else:
            await self._deliver({"type": "websocket.send", "bytes": checked_body(data)})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        checked_close(code)
        await self._connect()
        if self._state == "connecting":  # the server makes a 403 of it
            self._state = "closed"
            self._closed = ChannelClosed(1006)
            await self._deliver({"type": "websocket.close", "code": code, "reason": reason})
        elif self._state == "open":
            self._state = "closed"
            self._closed = ChannelClosed(code, reason)
            try:
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
            except OSError:
                self._close_with({"code": 1006})  # the peer was faster
