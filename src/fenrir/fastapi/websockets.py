"""WebSockets: a view of the channel, with upstream's names."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from asteri.exchange import ChannelClosed
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.responses import Response
from fenrir.http.json import dumps, loads
from fenrir.starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["WebSocket", "WebSocketDisconnect", "WebSocketState"]


class WebSocketState(enum.Enum):
    """How far one side is."""

    CONNECTING = 0
    CONNECTED = 1
    DISCONNECTED = 2
    RESPONSE = 3


# PERF: a member looked up through its class is a call before 3.12; these are read for every message.
CONNECTING, CONNECTED, DISCONNECTED, _ = WebSocketState


class WebSocket(HTTPConnection):
    """A WebSocket connection.

    Attributes:
        client_state, application_state: how far the peer and we are.
    """

    _kind = "websocket"

    def __init__(self, c: RequestContext) -> None:
        super().__init__(c)
        self._channel = c.channel
        self.client_state = CONNECTING
        self.application_state = CONNECTING

    @property
    def _scheme(self) -> str:
        return "wss" if super()._scheme == "https" else "ws"

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Complete the handshake."""
        await self._channel.accept(subprotocol, list(headers or ()))
        self.client_state = self.application_state = CONNECTED

    def _require_accepted(self) -> None:
        if self.application_state is not CONNECTED:
            raise RuntimeError('WebSocket is not connected. Need to call "accept" first.')

    def _left(self, closed: ChannelClosed) -> WebSocketDisconnect:
        """Note that the peer has closed the connection."""
        self.client_state = DISCONNECTED
        return WebSocketDisconnect(closed.code, closed.reason)

    async def receive_text(self) -> str:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is binary."""
        self._require_accepted()
        try:
            message = await self._channel.receive()
        except ChannelClosed as closed:
            raise self._left(closed) from closed
        if not isinstance(message, str):
            raise KeyError("text")
        return message

    async def receive_bytes(self) -> bytes:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is text."""
        self._require_accepted()
        try:
            message = await self._channel.receive()
        except ChannelClosed as closed:
            raise self._left(closed) from closed
        if not isinstance(message, bytes):
            raise KeyError("bytes")
        return message

    async def receive_json(self, mode: str = "text") -> Any:
        """Return the JSON value of the next message."""
        _check_mode(mode)
        return loads(await (self.receive_text() if mode == "text" else self.receive_bytes()))

    async def receive(self) -> dict[str, Any]:
        """Return the next message as ASGI spells it."""
        if self.client_state is CONNECTING:
            self.client_state = CONNECTED
            return {"type": "websocket.connect"}
        try:
            message = await self._channel.receive()
        except ChannelClosed as closed:
            self.client_state = DISCONNECTED
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}

    async def iter_text(self) -> AsyncIterator[str]:
        """Iterate over messages until the peer closes."""
        try:
            while True:
                yield await self.receive_text()
        except WebSocketDisconnect:
            return

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Iterate over messages until the peer closes."""
        try:
            while True:
                yield await self.receive_bytes()
        except WebSocketDisconnect:
            return

    async def iter_json(self) -> AsyncIterator[Any]:
        """Iterate over the JSON values of messages until the peer closes."""
        try:
            while True:
                yield await self.receive_json()
        except WebSocketDisconnect:
            return

    def _require_open(self) -> None:
        if self.application_state is CONNECTED:
            return
        if self.application_state is CONNECTING:
            raise RuntimeError('WebSocket is not connected. Need to call "accept" first.')
        raise RuntimeError('Cannot call "send" once a close message has been sent.')

    def _unsent(self) -> WebSocketDisconnect:
        """Note that nothing can be sent any more."""
        self.application_state = DISCONNECTED
        return WebSocketDisconnect(1006)

    async def send_text(self, data: str) -> None:
        """Send a text message."""
        self._require_open()
        try:
            await self._channel.send(data)
        except ChannelClosed as closed:
            raise self._unsent() from closed

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self._require_open()
        try:
            await self._channel.send(data)
        except ChannelClosed as closed:
            raise self._unsent() from closed

    async def send_json(self, data: Any, mode: str = "text") -> None:
        """Send a JSON value, as text or in a binary message."""
        _check_mode(mode)
        text = dumps(data)
        await (self.send_text(text.decode()) if mode == "text" else self.send_bytes(text))

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection; before `accept` the handshake is refused with 403."""
        self.application_state = DISCONNECTED
        await self._channel.close(code, reason or "")

    async def send_denial_response(self, response: Response) -> None:
        """Answer the handshake with an HTTP response."""
        reply = response.__reply__()
        self.application_state = DISCONNECTED
        await self._channel.reject(reply.status, reply.headers.raw, reply.body)


def _check_mode(mode: str) -> None:
    if mode not in ("text", "binary"):
        raise RuntimeError('The "mode" argument should be "text" or "binary".')
