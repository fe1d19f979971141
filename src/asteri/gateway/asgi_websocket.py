"""A `Channel` for an ASGI application: the `websocket` protocol of ASGI 3, spec version 2.4.

The events map one to one onto the channel's methods; nothing is queued here. What the server owes when the application
returns or raises is the channel's owner's business.

Rules
    1. `receive` gives `websocket.connect` first, then messages, then `websocket.disconnect` as often as it is asked.
    2. After a disconnect `send` raises `Disconnected`, an OSError. Only `websocket.close` is let through and does
       nothing: the application can not know in time.
    3. An event that does not fit the state is the application's error: RuntimeError; one that is malformed: ValueError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asteri.exchange import Channel, ChannelClosed, Disconnected
from asteri.gateway.asgi_cy import base_scope

__all__ = ["serve"]

Message = MutableMapping[str, Any]
Application = Callable[[dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]


async def serve(app: Application, channel: Channel, state: dict[str, Any] | None = None) -> None:
    """Run an ASGI application over a channel.

    Args:
        app: the application.
        channel: not yet accepted.
        state: what lifespan left; the application gets a shallow copy.
    """
    events = _Events(channel)
    await app(_scope(channel, state), events.receive, events.send)


def _scope(channel: Channel, state: dict[str, Any] | None) -> dict[str, Any]:
    scope: dict[str, Any] = base_scope("websocket", channel, state)
    scope["scheme"] = "wss" if channel.connection.scheme == "https" else "ws"
    scope["subprotocols"] = list(channel.subprotocols)
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


class _Events:
    """The two callables of one ASGI connection and what they remember."""

    __slots__ = ("_accepted", "_answered", "_body", "_channel", "_connected", "_denial", "_gone")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._connected = False  # websocket.connect was given
        self._accepted = False
        self._answered = False  # closed or denied by the application
        self._gone = False  # a disconnect was seen
        self._denial: Message | None = None
        self._body: list[bytes] = []

    async def receive(self) -> Message:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        try:
            data = await self._channel.receive()
        except ChannelClosed as closed:
            self._gone = True
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        if isinstance(data, str):
            return {"type": "websocket.receive", "text": data}
        return {"type": "websocket.receive", "bytes": data}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self._answered:
            raise RuntimeError(f"{kind} after the application has ended the connection")
        if self._gone and kind != "websocket.close":
            raise Disconnected("the WebSocket is closed")
        try:
            if not self._accepted:
                await self._send_connecting(kind, message)
            elif kind == "websocket.send":
                await self._channel.send(_payload(message))
            elif kind == "websocket.close":
                code, reason = message.get("code"), message.get("reason")
                await self._channel.close(1000 if code is None else code, reason or "")
                self._answered = True
            else:
                raise RuntimeError(f"{kind} after websocket.accept")
        except ChannelClosed as closed:
            self._gone = True
            raise Disconnected(f"the WebSocket is closed ({closed.code})") from closed

    async def _send_connecting(self, kind: str, message: Message) -> None:
        if self._denial is not None:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"{kind} inside a denial response")
            self._body.append(bytes(message.get("body", b"")))
            if not message.get("more_body", False):
                headers = [(bytes(name), bytes(value)) for name, value in self._denial.get("headers") or ()]
                await self._channel.reject(self._denial["status"], headers, b"".join(self._body))
                self._answered = True
        elif kind == "websocket.accept":
            headers = [(bytes(name), bytes(value)) for name, value in message.get("headers") or ()]
            await self._channel.accept(message.get("subprotocol"), headers)
            self._accepted = True
        elif kind == "websocket.close":
            await self._channel.close()
            self._answered = True
        elif kind == "websocket.http.response.start":
            self._denial = message
        else:
            raise RuntimeError(f"{kind} before websocket.accept")


def _payload(message: Message) -> Any:
    text, data = message.get("text"), message.get("bytes")
    if (text is None) == (data is None):
        raise ValueError("websocket.send needs either text or bytes")
    return data if text is None else text
