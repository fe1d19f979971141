"""WebSocket connections for responders, over the channel of the server."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from asteri.exchange import ChannelClosed
from fenrir.falcon import status_codes
from fenrir.falcon.constants import WebSocketPayloadType
from fenrir.falcon.errors import OperationNotAllowed, PayloadTypeError, WebSocketDisconnected
from fenrir.falcon.http_error import HeaderArg, header_items
from fenrir.falcon.media.base import BinaryBaseHandlerWS, TextBaseHandlerWS
from fenrir.falcon.media.handlers import MissingDependencyHandler
from fenrir.falcon.media.json import JSONHandlerWS
from fenrir.falcon.media.msgpack import MessagePackHandlerWS

if TYPE_CHECKING:
    from asteri.exchange import Channel

__all__ = ["WebSocket", "WebSocketOptions", "http_status_to_ws_code"]

log = logging.getLogger("falcon")


def http_status_to_ws_code(http_status: int) -> int:
    """Return the close code that stands for a status: 3000 more."""
    return http_status + 3000


class WebSocketOptions:
    """What an application decides about its WebSocket connections."""

    def __init__(self) -> None:
        binary: BinaryBaseHandlerWS = MissingDependencyHandler(
            "default WebSocket media handler for BINARY payloads", "msgpack"
        )
        if importlib.util.find_spec("msgpack") is not None:
            binary = MessagePackHandlerWS()
        self.media_handlers: dict[WebSocketPayloadType, Any] = {
            WebSocketPayloadType.TEXT: JSONHandlerWS(),
            WebSocketPayloadType.BINARY: binary,
        }
        self.error_close_code = 1011
        self.max_receive_queue = 4
        self.default_close_reasons = {1000: "Normal Closure", 1011: "Internal Server Error"}
        for name in status_codes.__all__:
            if name[5:].isdigit() and int(name[5:]) < 600:
                code, _, phrase = getattr(status_codes, name).partition(" ")
                self.default_close_reasons[http_status_to_ws_code(int(code))] = phrase
        self.default_close_reasons[3011] = "Internal Server Error"


class WebSocket:
    """One connection: accept it, then send and receive."""

    def __init__(self, channel: Channel, options: WebSocketOptions) -> None:
        self._channel = channel
        self._options = options
        self._state = "unaccepted"
        self._close_code: int | None = None

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """The subprotocols that the client offers."""
        return tuple(self._channel.subprotocols)

    @property
    def unaccepted(self) -> bool:
        """Say whether the handshake is still to be answered."""
        return self._state == "unaccepted"

    @property
    def closed(self) -> bool:
        """Say whether the connection has ended."""
        return self._state == "closed"

    @property
    def ready(self) -> bool:
        """Say whether messages can be sent."""
        return self._state == "accepted"

    @property
    def supports_accept_headers(self) -> bool:
        """Return True: headers can be sent with the handshake."""
        return True

    async def accept(self, subprotocol: str | None = None, headers: HeaderArg | None = None) -> None:
        """Accept the handshake.

        Raises:
            OperationNotAllowed: it was answered before.
            WebSocketDisconnected: the client left.
            ValueError: the subprotocol is no text, or is given as a header.
        """
        if self.closed:
            raise OperationNotAllowed("accept() may not be called on a closed WebSocket connection")
        if not self.unaccepted:
            raise OperationNotAllowed("accept() may only be called once on an open WebSocket connection")
        if subprotocol is not None and not isinstance(subprotocol, str):
            raise ValueError("WebSocket subprotocol must be a string")
        pairs = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in header_items(headers)]
        if any(name == b"sec-websocket-protocol" for name, _ in pairs):
            raise ValueError("name the subprotocol by the subprotocol argument, not by a header")
        try:
            await self._channel.accept(subprotocol, pairs)
        except ChannelClosed as gone:
            raise self._left(gone) from gone
        self._state = "accepted"

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close the connection; before `accept` this refuses it. A second call does nothing.

        Raises:
            ValueError: the code may not be used (RFC 6455 §7.4.1).
        """
        if code is None:
            code = 1000
        elif not isinstance(code, int):
            raise ValueError("code must be an int")
        elif code < 1000:
            raise ValueError("Invalid close code. The value must be >= 1000")
        elif 1015 <= code <= 1999 or 1004 <= code <= 1006:
            raise ValueError("Invalid close code. Only unreserved codes may be used.")
        if self.closed:
            return
        self._state, self._close_code = "closed", code
        await self._channel.close(code, reason or self._options.default_close_reasons.get(code) or "")

    def _require_accepted(self) -> None:
        if self.unaccepted:
            raise OperationNotAllowed("WebSocket connection has not yet been accepted")
        if self.closed:
            raise WebSocketDisconnected(self._close_code)

    def _left(self, gone: ChannelClosed) -> WebSocketDisconnected:
        self._state, self._close_code = "closed", gone.code
        return WebSocketDisconnected(gone.code)

    async def _send(self, data: str | bytes | bytearray | memoryview) -> None:
        try:
            await self._channel.send(data)
        except ChannelClosed as gone:
            raise self._left(gone) from gone

    async def _receive(self) -> str | bytes:
        try:
            return await self._channel.receive()
        except ChannelClosed as gone:
            raise self._left(gone) from gone

    async def send_text(self, payload: str) -> None:
        """Send text. Raises `WebSocketDisconnected` when the client left, `TypeError` for what is no text."""
        self._require_accepted()
        if not isinstance(payload, str):
            raise TypeError("payload must be a string")
        await self._send(payload)

    async def send_data(self, payload: bytes | bytearray | memoryview) -> None:
        """Send bytes. Raises `WebSocketDisconnected` when the client left, `TypeError` for what is no bytes."""
        self._require_accepted()
        if not isinstance(payload, (bytes, bytearray, memoryview)):
            raise TypeError("payload must be a byte string")
        await self._send(payload)

    async def send_media(self, media: object, payload_type: WebSocketPayloadType = WebSocketPayloadType.TEXT) -> None:
        """Send an object, serialised by the handler for the type of message."""
        self._require_accepted()
        await self._send(self._handlers[payload_type].serialize(media))

    @property
    def _handlers(self) -> Mapping[WebSocketPayloadType, TextBaseHandlerWS | BinaryBaseHandlerWS]:
        return self._options.media_handlers

    async def receive_text(self) -> str:
        """Receive text. Raises `WebSocketDisconnected`, or `PayloadTypeError` when bytes came."""
        self._require_accepted()
        message = await self._receive()
        if not isinstance(message, str):
            raise PayloadTypeError("Missing TEXT (0x01) payload")
        return message

    async def receive_data(self) -> bytes:
        """Receive bytes. Raises `WebSocketDisconnected`, or `PayloadTypeError` when text came."""
        self._require_accepted()
        message = await self._receive()
        if isinstance(message, str):
            raise PayloadTypeError("Missing BINARY (0x02) payload")
        return message

    async def receive_media(self) -> Any:
        """Receive an object, by the handler for the type of message that came."""
        self._require_accepted()
        message = await self._receive()
        kind = WebSocketPayloadType.TEXT if isinstance(message, str) else WebSocketPayloadType.BINARY
        return self._options.media_handlers[kind].deserialize(message)
