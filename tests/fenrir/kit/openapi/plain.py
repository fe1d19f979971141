"""A dialect that validates nothing, and an application in it: routes are added with their options as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fenrir.core.application import Application
from fenrir.core.binding import Argument, Binding, PathValue
from fenrir.core.converters import DEFAULT
from fenrir.core.declare import Mode, Route, caller
from fenrir.core.dialect import Dialect, Fast, Renderer
from fenrir.core.pattern import braces
from fenrir.core.reply import Reply
from fenrir.http.headers import MutableHeaders

HTML = ((b"content-type", b"text/html; charset=utf-8"),)

PLAIN = Dialect(
    name="plain",
    parse=braces,
    converters=DEFAULT,
    renderer=lambda route: Renderer(
        lambda c, value: Reply(200, MutableHeaders(HTML), str(value).encode()),
        Fast(200, HTML, lambda value: str(value).encode()),
    ),
    error=lambda c, exc: Reply(getattr(exc, "http_status", 500)),
    request=lambda c: c,
    response=lambda c, reply: reply,
)


def plain_app() -> Application:
    """Return an application without routes."""
    return Application(PLAIN)


def add(
    engine: Application,
    path: str,
    handler: Callable[..., Any] = lambda *values: "",
    methods: frozenset[str] | None = frozenset({"GET"}),
    *,
    name: str | None = "show",
    document: bool = True,
    websocket: bool = False,
    user: Callable[..., Any] | None = None,
    **options: Any,
) -> None:
    """Add a route whose handler is given the values of the path."""
    pattern = braces(path, DEFAULT)
    arguments = tuple(Argument(None, PathValue(index)) for index in range(len(pattern.names)))
    engine.add_route(
        Route(
            pattern=pattern,
            methods=methods,
            handler=handler,
            mode=Mode.LOOP if websocket else Mode.INLINE,
            name=name,
            dialect=PLAIN,
            scope=engine.scope,
            source=caller(),
            bind=lambda overrides: Binding(arguments=arguments),
            options=options,
            document=document,
            websocket=websocket,
            user=user,
        )
    )
