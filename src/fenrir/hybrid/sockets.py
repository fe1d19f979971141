"""WebSockets of a bare application: paths by the native rules, the connection is FastAPI's `WebSocket`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fenrir.core.binding import ArgumentSource, Binding, Given
from fenrir.core.converters import Converters
from fenrir.core.declare import DeclarationError, Mode, Route, Scope, Source, mode_of
from fenrir.core.pattern import PatternError
from fenrir.fastapi._dialect import DIALECT, given_by_type
from fenrir.fastapi.exceptions import WebSocketRequestValidationError
from fenrir.hybrid._dialect import NATIVE
from fenrir.kit.validation import bind_signature

__all__ = ["socket_route"]


def _given(name: str, annotation: Any, position: int) -> ArgumentSource | None:
    """Say which arguments are given: by annotation, or `websocket`/`ws` in the first place."""
    if name in ("websocket", "ws") and position == 0 and annotation in (Any, inspect.Parameter.empty):
        return Given(lambda c: c.view(DIALECT))
    return given_by_type(name, annotation, position)


def socket_route(
    path: str,
    handler: Callable[..., Any],
    name: str | None,
    dependencies: Sequence[Any],
    *,
    converters: Converters,
    scope: Scope,
    source: Source,
) -> Route:
    """Return the declaration of a handler of connections.

    Raises:
        DeclarationError: the path or the signature makes no sense, or the handler is no `async def`.
    """
    if mode_of(handler, Mode.THREAD) is not Mode.LOOP:
        raise DeclarationError("a WebSocket needs an `async def` handler: it lives as long as its connection", source)
    try:
        pattern = NATIVE.parse(path, converters)
    except PatternError as exc:
        raise DeclarationError(f"{exc} or use app.fastapi.websocket", source) from exc

    def bind(overrides: Mapping[Any, Any]) -> Binding:
        return bind_signature(
            handler,
            pattern,
            reserved=_given,
            overrides=overrides,
            dependencies=dependencies,
            invalid=WebSocketRequestValidationError,
        )

    bind({})  # a mistake in the signature is found now
    name = name or getattr(handler, "__name__", None)
    return Route(
        pattern=pattern,
        methods=frozenset(),
        handler=handler,
        mode=Mode.LOOP,
        name=name if name != "<lambda>" else None,
        dialect=DIALECT,
        scope=scope,
        source=source,
        bind=bind,
        options={"name": name},
        websocket=True,
        document=False,
    )
