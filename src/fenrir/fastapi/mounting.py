"""Mounted applications: anything that speaks ASGI, through its direct door where it has one."""

from __future__ import annotations

from typing import Any

from asteri.asgi import asgi_doors
from fenrir.core.declare import DeclarationError, Mount, Scope, Source
from fenrir.fastapi._dialect import DIALECT

__all__ = ["mount_of"]


def mount_of(prefix: str, app: Any, scope: Scope, source: Source) -> Mount:
    """Return the mount of an application.

    Raises:
        DeclarationError: the prefix is no fixed path, or the application is not callable.
    """
    if (prefix and not prefix.startswith("/")) or "{" in prefix:
        raise DeclarationError(f"a mount needs a prefix of fixed text that begins with '/', not {prefix!r}", source)
    if not callable(app):
        raise DeclarationError(f"{app!r} is no ASGI application", source)
    over_asgi = asgi_doors(app)

    def doors() -> Any:
        return (app.__asteri__(1) if hasattr(app, "__asteri__") else None) or over_asgi

    async def call(exchange: Any, prefix: str) -> None:
        serving = doors().http(exchange)
        if serving is not None:
            await serving

    async def channel(channel: Any, prefix: str) -> None:
        await doors().websocket(channel)

    return Mount(prefix.rstrip("/"), call, channel, app, "ASGI", DIALECT, scope, source)
