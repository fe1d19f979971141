"""Mounting: ASGI and WSGI applications answer what is below a prefix, with the hooks of the outer one around them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from asteri.asgi import asgi_doors
from asteri.exchange import Doors
from asteri.wsgi import wsgi_app
from fenrir.core.declare import DeclarationError, Mount, Scope, Source
from fenrir.core.dialect import Dialect
from fenrir.core.threads import THREADS

__all__ = ["asgi_mount", "is_asgi", "wsgi_mount"]

Serve = Callable[[Any, str], Awaitable[None]]


def is_asgi(app: Any) -> bool:
    """Say whether an application is ASGI rather than WSGI: a coroutine function, or a callable of three arguments."""
    if hasattr(app, "__asteri__"):
        return True
    call = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004 - the bound method is wanted
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(part.default is part.empty and part.kind in positional for part in parameters) == 3


def asgi_mount(prefix: str, app: Any, dialect: Dialect, scope: Scope, source: Source) -> Mount:
    """Return the mount of an ASGI application; one with a direct door is called through it.

    Raises:
        DeclarationError: the prefix is no fixed path, or the application can not be called.
    """
    over_asgi = asgi_doors(app)

    def doors() -> Doors:
        return (app.__asteri__(1) if hasattr(app, "__asteri__") else None) or over_asgi

    async def call(exchange: Any, prefix: str) -> None:
        serving = doors().http(exchange)
        if serving is not None:
            await serving

    async def channel(channel: Any, prefix: str) -> None:
        await doors().websocket(channel)

    return _mount(prefix, app, "ASGI", call, channel, dialect, scope, source)


def wsgi_mount(
    prefix: str, app: Callable[..., Iterable[bytes]], dialect: Dialect, scope: Scope, source: Source
) -> Mount:
    """Return the mount of a WSGI application, which runs in threads in the request's context.

    Raises:
        DeclarationError: the prefix is no fixed path, or the application can not be called.
    """
    # Threads of its own: a slow legacy application does not take those of the handlers. They start on first use.
    bridge = wsgi_app(app, threads=THREADS, name="fenrir-wsgi")

    async def call(exchange: Any, prefix: str) -> None:
        exchange.path = exchange.rest  # PEP 3333: PATH_INFO is empty for the prefix itself
        await bridge(exchange)

    return _mount(prefix, app, "WSGI", call, None, dialect, scope, source)


def _mount(
    prefix: str, app: Any, kind: str, call: Serve, channel: Serve | None, dialect: Dialect, scope: Scope, source: Source
) -> Mount:
    if (prefix and not prefix.startswith("/")) or "<" in prefix or "{" in prefix:
        raise DeclarationError(f"a mount needs a prefix of fixed text that begins with '/', not {prefix!r}", source)
    if not callable(app):
        raise DeclarationError(f"{app!r} is no {kind} application", source)
    return Mount(prefix.rstrip("/"), call, channel, app, kind, dialect, scope, source)
