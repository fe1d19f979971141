"""The exception that says a WebSocket has ended."""

from __future__ import annotations

from asteri.exchange import ChannelClosed

__all__ = ["WebSocketDisconnect"]


class WebSocketDisconnect(ChannelClosed):
    """The peer has closed the connection.

    Attributes:
        code: of RFC 6455 §7.4.
        reason: the peer's, possibly empty.
    """

    def __init__(self, code: int = 1000, reason: str | None = None) -> None:
        super().__init__(code, reason or "")
