"""WebSockets: over ASGI's events, or over the engine's channel."""

from __future__ import annotations

import enum
import json
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Self

from asteri.exchange import ChannelClosed
from fenrir.starlette._exchange import ChannelEnds
from fenrir.starlette.requests import HTTPConnection, StateT
from fenrir.starlette.responses import Response
from fenrir.starlette.types import Message, Receive, Scope, Send

if TYPE_CHECKING:
    from asteri.exchange import Channel
    from fenrir.core.context import RequestContext

__all__ = ["WebSocket", "WebSocketClose", "WebSocketDisconnect", "WebSocketDisconnected", "WebSocketState"]


class WebSocketState(enum.Enum):
    """How far one side is."""

    CONNECTING = 0
    CONNECTED = 1
    DISCONNECTED = 2
    RESPONSE = 3


# PERF: a member looked up through its class is a call before 3.12; these are read for every message.
CONNECTING, CONNECTED, DISCONNECTED, RESPONSE = WebSocketState

_SENDABLE = {
    CONNECTING: ("websocket.accept", "websocket.close", "websocket.http.response.start"),
    CONNECTED: ("websocket.send", "websocket.close"),
    RESPONSE: ("websocket.http.response.body",),
}
_AFTER = {
    "websocket.accept": CONNECTED,
    "websocket.close": DISCONNECTED,
    "websocket.http.response.start": RESPONSE,
}


class WebSocketDisconnect(ChannelClosed):
    """The peer has closed the connection.

    Attributes:
        code: of RFC 6455 §7.4.
        reason: the peer's, possibly empty.
    """

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        super().__init__(code, reason or "")


class WebSocketDisconnected(RuntimeError):
    """A WebSocket was used that is not (or no longer) connected."""


class WebSocket(HTTPConnection[StateT]):
    """A WebSocket connection.

    Attributes:
        client_state, application_state: how far the peer and we are.
    """

    _kind = "websocket"
    _channel: Channel | None = None
    _receive: Receive
    _send: Send

    client_state = CONNECTING
    application_state = CONNECTING

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(scope)
        assert scope["type"] == "websocket"
        self._receive = receive
        self._send = send

    @classmethod
    def of(cls, c: RequestContext) -> Self:
        """Return the view of a connection that the engine serves."""
        made = super().of(c)
        made._channel = c.channel
        ends = ChannelEnds(c.channel)
        made._receive, made._send = ends.receive, ends.send
        return made

    # ---------------------------------------------------------------- events
    async def receive(self) -> Message:
        """Return the next ASGI event. Raises `RuntimeError` when there can be none."""
        if self.client_state is CONNECTING:
            expected: tuple[str, ...] = ("websocket.connect",)
        elif self.client_state is CONNECTED:
            expected = ("websocket.receive", "websocket.disconnect")
        else:
            raise WebSocketDisconnected('Cannot call "receive" once a disconnect message has been received.')
        message = await self._receive()
        kind = message["type"]
        if kind not in expected:
            raise RuntimeError(f"Expected ASGI message {_either(expected)}, but got {kind!r}")
        self.client_state = DISCONNECTED if kind == "websocket.disconnect" else CONNECTED
        return message

    async def send(self, message: Message) -> None:
        """Send an ASGI event.

        Raises:
            RuntimeError: it is not its turn.
            WebSocketDisconnect: the peer is gone.
        """
        state = self.application_state
        if state is DISCONNECTED:
            raise WebSocketDisconnected('Cannot call "send" once a close message has been sent.')
        kind = message["type"]
        if kind not in _SENDABLE[state]:
            raise RuntimeError(f"Expected ASGI message {_either(_SENDABLE[state])}, but got {kind!r}")
        if state is RESPONSE:
            if not message.get("more_body", False):
                self.application_state = DISCONNECTED
        else:
            self.application_state = _AFTER.get(kind, state)
        try:
            await self._send(message)
        except OSError as gone:
            if state is not CONNECTED:
                raise
            self.application_state = DISCONNECTED
            raise WebSocketDisconnect(1006) from gone

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Complete the handshake."""
        if self.client_state is CONNECTING:
            await self.receive()
        await self.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers or []})

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection; before `accept` the handshake is refused with 403."""
        await self.send({"type": "websocket.close", "code": code, "reason": reason or ""})

    async def send_denial_response(self, response: Response) -> None:
        """Answer the handshake with an HTTP response."""
        if "websocket.http.response" not in self.scope.get("extensions", {}):
            raise RuntimeError("The server doesn't support the Websocket Denial Response extension.")
        await response(self.scope, self.receive, self.send)

    # -------------------------------------------------------------- messages
    async def _message(self, kind: str) -> Any:
        """Return the content of the next message. Raises `KeyError` when it is not of this kind."""
        if self.application_state is not CONNECTED:
            raise WebSocketDisconnected('WebSocket is not connected. Need to call "accept" first.')
        channel = self._channel
        if channel is not None and self.client_state is CONNECTED:
            try:
                data = await channel.receive()
            except ChannelClosed as closed:
                self.client_state = DISCONNECTED
                raise WebSocketDisconnect(closed.code, closed.reason) from closed
            if isinstance(data, str) is not (kind == "text"):
                raise KeyError(kind)
            return data
        message = await self.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        return message[kind]

    async def receive_text(self) -> str:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is binary."""
        text: str = await self._message("text")
        return text

    async def receive_bytes(self) -> bytes:
        """Return the next message. Raises `WebSocketDisconnect`, and `KeyError` when it is text."""
        data: bytes = await self._message("bytes")
        return data

    async def receive_json(self, mode: str = "text") -> Any:
        """Return the JSON value of the next message."""
        _check_mode(mode)
        if mode == "text":
            return json.loads(await self._message("text"))
        return json.loads((await self._message("bytes")).decode("utf-8"))

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

    async def send_text(self, data: str) -> None:
        """Send a text message."""
        if self._channel is None or self.application_state is not CONNECTED:
            await self.send({"type": "websocket.send", "text": data})
        else:
            await self._send_over(self._channel, data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        if self._channel is None or self.application_state is not CONNECTED:
            await self.send({"type": "websocket.send", "bytes": data})
        else:
            await self._send_over(self._channel, data)

    async def _send_over(self, channel: Channel, data: str | bytes) -> None:
        try:
            await channel.send(data)
        except ChannelClosed as closed:
            self.application_state = DISCONNECTED
            raise WebSocketDisconnect(1006) from closed

    async def send_json(self, data: Any, mode: str = "text") -> None:
        """Send a JSON value, as text or in a binary message."""
        _check_mode(mode)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
        await (self.send_text(text) if mode == "text" else self.send_bytes(text.encode("utf-8")))


def _either(kinds: tuple[str, ...]) -> str:
    *first, last = [f'"{kind}"' for kind in kinds]
    return f"{', '.join(first)} or {last}" if first else last


def _check_mode(mode: str) -> None:
    if mode not in ("text", "binary"):
        raise RuntimeError('The "mode" argument should be "text" or "binary".')


class WebSocketClose:
    """The ASGI application that closes a WebSocket."""

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        self.code = code
        self.reason = reason or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close", "code": self.code, "reason": self.reason})
