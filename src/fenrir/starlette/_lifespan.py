"""The lifespan of an application: the forms in which it may be given, and ASGI's messages for it."""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

from fenrir.starlette.exceptions import StarletteDeprecationWarning
from fenrir.starlette.types import Lifespan, Receive, Scope, Send

__all__ = ["DefaultLifespan", "as_lifespan", "serve_lifespan"]


class DefaultLifespan:
    """The lifespan of an application without one."""

    def __init__(self, router: Any) -> None:
        """Take the router, as upstream's does; nothing is done with it."""

    def __call__(self, app: object) -> Self:
        return self

    async def __aenter__(self) -> None:
        """Do nothing at startup."""

    async def __aexit__(self, *exc_info: object) -> None:
        """Do nothing at shutdown."""


def as_lifespan(lifespan: Lifespan[Any] | None, router: Any) -> Lifespan[Any]:
    """Return a function from the application to an async context manager."""
    if lifespan is None:
        return DefaultLifespan(router)
    if inspect.isasyncgenfunction(lifespan):
        _deprecated("async generator function", lifespan)
        return asynccontextmanager(lifespan)
    if inspect.isgeneratorfunction(lifespan):
        _deprecated("generator function", lifespan)
        return _of_generator(lifespan)
    return lifespan


def _deprecated(form: str, lifespan: Callable[..., Any]) -> None:
    """Warn at the function itself; filters know the warning by upstream's module."""
    warnings.warn_explicit(
        f"{form} lifespans are deprecated, use an @contextlib.asynccontextmanager function instead",
        StarletteDeprecationWarning,
        filename=lifespan.__code__.co_filename,
        lineno=lifespan.__code__.co_firstlineno,
        module="starlette.routing",
    )


def _of_generator(lifespan: Callable[[Any], Iterator[Any]]) -> Lifespan[Any]:
    manager = contextmanager(lifespan)

    @asynccontextmanager
    async def entered(app: Any) -> AsyncIterator[Any]:
        with manager(app) as state:
            yield state

    return entered


async def serve_lifespan(lifespan: Lifespan[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Speak ASGI's lifespan protocol around a lifespan. What it raises is reported, then raised again."""
    event = "startup"
    await receive()
    try:
        async with lifespan(scope.get("app")) as state:
            if state is not None:
                if "state" not in scope:
                    raise RuntimeError('The server does not support "state" in the lifespan scope.')
                scope["state"].update(state)
            await send({"type": "lifespan.startup.complete"})
            event = "shutdown"
            await receive()
    except BaseException:
        await send({"type": f"lifespan.{event}.failed", "message": traceback.format_exc()})
        raise
    await send({"type": "lifespan.shutdown.complete"})
