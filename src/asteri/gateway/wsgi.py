"""The gateway to a WSGI application (PEP 3333): `asteri --interface wsgi`. `wsgi_cy` has what happens in a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

from asteri.exchange import Channel, Doors, Exchange
from asteri.gateway.wsgi_cy import Call
from asteri.pending import Pending
from asteri.threads import Threads

__all__ = ["WSGIApplication", "wsgi_app", "wsgi_doors"]

WSGIApplication: TypeAlias = Callable[[dict[str, Any], Callable[..., Callable[[bytes], object]]], Iterable[bytes]]

_THREADS = 40  # as many as the peers have


def wsgi_doors(application: WSGIApplication, threads: Threads) -> Doors:
    """Return the doors of a WSGI application, which runs in `threads`."""
    return Doors(_Bridge(application, threads), _no_websocket)


def wsgi_app(
    application: WSGIApplication, *, threads: int = _THREADS, name: str = "asteri-wsgi"
) -> Callable[..., Awaitable[None]]:
    """Return a callable `(exchange, script_name="")` that answers with a WSGI application, and is to be awaited.

    Args:
        threads: how many threads it may take, which are its own.
        name: what they are called.

    Awaiting it raises what the application raises, after the stream was aborted if it had begun. `script_name` is the
    percent-decoded prefix under which the application is mounted; the exchange's path begins with it.
    """
    return _Bridge(application, Threads(threads, name))


async def _no_websocket(channel: Channel) -> None:
    """Refuse a handshake: WSGI knows no WebSocket."""
    await channel.reject(501, (), b"")


class _Bridge:
    """A WSGI application and its threads."""

    def __init__(self, application: WSGIApplication, threads: Threads) -> None:
        self._application = application
        self._threads = threads

    def __call__(self, exchange: Exchange, script_name: str = "") -> Awaitable[None]:
        done = _Done()
        done.call = call = Call(self._application, exchange, script_name, self._threads, done)
        self._threads.submit(call.run)
        return done


class _Done(Pending):
    """The end of a call. Cancelling it makes the thread's next exchange with the loop fail."""

    __slots__ = ("_future", "_told", "_wrong", "call", "ended")
    call: Call  # which removes itself at the end: it is a reference cycle

    def __init__(self) -> None:
        self.begin()

    def cancel(self) -> bool:
        if self.ended:
            return False
        self.call.give_up()
        self.end(asyncio.CancelledError())
        return True
