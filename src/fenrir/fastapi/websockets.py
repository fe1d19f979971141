"""WebSockets: a view of the channel, with upstream's names."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from asteri.exchange import ChannelClosed
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.responses import Response
from fenrir.http.json import dumps, loads

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["WebSocket", "WebSocketDisconnect", "WebSocketState"]


class WebSocketState(enum.Enum):
    """How far one side is."""

    CONNECTING = 0
    CONNECTED = 1
    DISCONNECTED = 2
    RESPONSE = 3


class WebSocketDisconnect(ChannelClosed):
    """The peer has closed the connection.

    Attributes:
        code: of RFC 6455 §7.4.
        reason: the peer's, possibly empty.
    """

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        super().__init__(code, reason or "")


class WebSocket(HTTPConnection):
    """A WebSocket connection.

    Attributes:
        client_state, application_state: how far the peer and we are.
    """

    _kind = "websocket"

    def __init__(self, c: RequestContext) -> None:
        super().__init__(c)
        self.client_state = WebSocketState.CONNECTING
        self.application_state = WebSocketState.CONNECTING

    @property
    def _scheme(self) -> str:
        return "wss" if super()._scheme == "https" else "ws"

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Complete the handshake."""
        await self._c.channel.accept(subprotocol, list(headers or ()))
        self.client_state = self.application_state = WebSocketState.CONNECTED

    async def _received(self) -> str | bytes:
        if self.application_state is not WebSocketState.CONNECTED:
            raise RuntimeError('WebSocket is not connected. Need to call "accept" first.')
        try:
            return await self._c.channel.receive()
        except ChannelClosed as closed:
            self.client_state = WebSocketState.DISCONNECTED
            raise WebSocketDisconnect(closed.code, closed.reason) from closed

    async def receive_text(self) -> str:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is binary."""
        message = await self._received()
        if not isinstance(message, str):
            raise KeyError("text")
        return message

    async def receive_bytes(self) -> bytes:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is text."""
        message = await self._received()
        if not isinstance(message, bytes):
            raise KeyError("bytes")
        return message

    async def receive_json(self, mode: str = "text") -> Any:
        """Return the JSON value of the next message."""
        _check_mode(mode)
        return loads(await (self.receive_text() if mode == "text" else self.receive_bytes()))

    async def receive(self) -> dict[str, Any]:
        """Return the next message as ASGI spells it."""
        if self.client_state is WebSocketState.CONNECTING:
            self.client_state = WebSocketState.CONNECTED
            return {"type": "websocket.connect"}
        try:
            message = await self._c.channel.receive()
        except ChannelClosed as closed:
            self.client_state = WebSocketState.DISCONNECTED
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

    async def _send(self, data: str | bytes) -> None:
        if self.application_state is WebSocketState.CONNECTING:
            raise RuntimeError('WebSocket is not connected. Need to call "accept" first.')
        if self.application_state is not WebSocketState.CONNECTED:
            raise RuntimeError('Cannot call "send" once a close message has been sent.')
        try:
            await self._c.channel.send(data)
        except ChannelClosed as closed:
            self.application_state = WebSocketState.DISCONNECTED
            raise WebSocketDisconnect(1006) from closed

    async def send_text(self, data: str) -> None:
        """Send a text message."""
        await self._send(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        await self._send(data)

    async def send_json(self, data: Any, mode: str = "text") -> None:
        """Send a JSON value, as text or in a binary message."""
        _check_mode(mode)
        text = dumps(data)
        await self._send(text.decode("utf-8") if mode == "text" else text)

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection; before `accept` the handshake is refused with 403."""
        self.application_state = WebSocketState.DISCONNECTED
        await self._c.channel.close(code, reason or "")

    async def send_denial_response(self, response: Response) -> None:
        """Answer the handshake with an HTTP response."""
        reply = response.__reply__()
        self.application_state = WebSocketState.DISCONNECTED
        await self._c.channel.reject(reply.status, reply.headers.raw, reply.body)


def _check_mode(mode: str) -> None:
    if mode not in ("text", "binary"):
        raise RuntimeError('The "mode" argument should be "text" or "binary".')
