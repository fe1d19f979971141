"""What a WebSocket's peer may cost, with the precedent of each number."""

from __future__ import annotations

from dataclasses import dataclass

from asteri.settings import Settings
from asteri.wire.deflate import DeflateSettings

__all__ = ["WebSocketLimits"]

DEFLATE = DeflateSettings()


@dataclass(frozen=True, slots=True)
class WebSocketLimits:
    """Limits and deadlines of WebSocket connections; times in seconds.

    Attributes:
        max_message: bytes of one message, inflated (uvicorn's default too); more is closed with 1009.
        max_fragments: frames of one message; more is closed with 1009. Autobahn's suite sends 65536.
        max_controls: pings and pongs in 10 s; more is closed with 1008 (1000 is what HTTP/2 servers allow).
        ping_interval: time from ping to ping; None for none (20 s is the `websockets` library's default).
        pong_timeout: how long nothing at all may arrive after a ping.
        close_timeout: how long to wait for the peer's close frame.
        write_timeout: how long the peer may refuse to read what we send.
        origins: allowed values of Origin, lower-case; None allows all.
        deflate: settings of permessage-deflate; None never compresses.
    """

    max_message: int = 1 << 24
    max_fragments: int = 1 << 17
    max_controls: int = 1000
    ping_interval: float | None = 20.0
    pong_timeout: float = 20.0
    close_timeout: float = 10.0
    write_timeout: float = 60.0
    origins: frozenset[str] | None = None
    deflate: DeflateSettings | None = DEFLATE

    @classmethod
    def of(cls, settings: Settings) -> WebSocketLimits:
        """Return what the server's options say."""
        return cls(
            max_message=settings.ws_max_message,
            ping_interval=settings.ws_ping_interval or None,
            pong_timeout=settings.ws_ping_timeout,
            write_timeout=settings.write_timeout,
            origins=frozenset(origin.lower() for origin in settings.ws_origins) or None,
            deflate=DEFLATE if settings.ws_deflate else None,
        )
