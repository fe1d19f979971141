"""Mounting: ASGI and WSGI applications answer what is below a prefix, with the hooks of the outer one around them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asteri.asgi import asgi_doors
from asteri.wsgi import wsgi_app
from fenrir.core.application import Application
from fenrir.core.declare import DeclarationError, Mount, caller
from fenrir.core.threads import THREADS
from fenrir.hybrid._dialect import NATIVE

__all__ = ["asgi_mount", "is_asgi", "wsgi_mount"]


def is_asgi(app: Any) -> bool:
    """Say whether an application is ASGI rather than WSGI: a coroutine function, or a callable of three arguments.

    Raises:
        DeclarationError: it can not be called.
    """
    if hasattr(app, "__asteri__"):
        return True
    if not callable(app):
        raise DeclarationError(f"{app!r} is no application", caller())
    call = app if inspect.isroutine(app) else app.__call__
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(needed) == 3


def asgi_mount(engine: Application, prefix: str, app: Any) -> None:
    """Mount an ASGI application; one with a direct door is called through it."""

    over_asgi = asgi_doors(app)

    async def call(exchange: Any, prefix: str) -> None:
        doors = (app.__asteri__(1) if hasattr(app, "__asteri__") else None) or over_asgi
        serving = doors.http(exchange)
        if serving is not None:
            await serving

    async def channel(channel: Any, prefix: str) -> None:
        doors = (app.__asteri__(1) if hasattr(app, "__asteri__") else None) or over_asgi
        await doors.websocket(channel)

    _add(engine, prefix, app, "ASGI", call, channel)


def wsgi_mount(engine: Application, prefix: str, app: Callable[..., Iterable[bytes]]) -> None:
    """Mount a WSGI application: it runs in worker threads, in the request's context."""
    # Threads of its own: a slow legacy application does not take those of the handlers. They start on first use.
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="fenrir-wsgi")
    bridge = wsgi_app(app, executor=threads)

    async def call(exchange: Any, prefix: str) -> None:
        exchange.path = exchange.rest
        await bridge(exchange)

    _add(engine, prefix, app, "WSGI", call, None)


def _add(
    engine: Application,
    prefix: str,
    app: Any,
    kind: str,
    call: Callable[[Any, str], Awaitable[None]],
    channel: Callable[[Any, str], Awaitable[None]] | None,
) -> None:
    source = caller()
    if not prefix.startswith("/") or "<" in prefix or "{" in prefix:
        raise DeclarationError(f"a mount needs a prefix of fixed text that begins with '/', not {prefix!r}", source)
    engine.add_mount(
        Mount(
            prefix=prefix.rstrip("/"),
            call=call,
            channel=channel,
            app=app,
            kind=kind,
            dialect=NATIVE,
            scope=engine.scope,
            source=source,
        )
    )
