"""The gateway to a WSGI application: `asteri --interface wsgi`."""

from __future__ import annotations

from concurrent.futures import Executor

from asteri.exchange import Channel, Doors
from asteri.wsgi import WSGIApplication, wsgi_app

__all__ = ["wsgi_doors"]


def wsgi_doors(application: WSGIApplication, *, executor: Executor | None = None) -> Doors:
    """Return the doors of a WSGI application, which runs in the threads of `executor` (None: the loop's own)."""
    return Doors(wsgi_app(application, executor=executor), _no_websocket)


async def _no_websocket(channel: Channel) -> None:
    """Refuse a handshake: WSGI knows no WebSocket."""
    await channel.reject(501, (), b"")
