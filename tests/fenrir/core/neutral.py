"""A dialect that belongs to no framework, and an application that is short to write down in tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fenrir.core.application import Application
from fenrir.core.binding import Argument, Binding, FromNode, Given, Node, NodeKind, PathValue
from fenrir.core.context import RequestContext
from fenrir.core.converters import Converters, integer, string
from fenrir.core.declare import ErrorHandler, Hook, Mode, Mount, Route, Scope, Stage, mode_of, source_of
from fenrir.core.dialect import Dialect, Fast, Renderer
from fenrir.core.errors import StatusError
from fenrir.core.pattern import braces
from fenrir.core.reply import HasReply, Reply
from fenrir.http.headers import MutableHeaders
from fenrir.testing import AsyncClient, Client

__all__ = ["App", "context", "dialect", "reply"]

converters = Converters(default=string())
converters.register("int", integer())
JSON = ((b"content-type", b"application/json"),)


def reply(status: int = 200, body: bytes = b"", **more: Any) -> Reply:
    return Reply(status, MutableHeaders(), body, **more)


def _dump(value: Any) -> bytes | None:
    return json.dumps(value).encode() if type(value) in (dict, list) else None


def _render(c: RequestContext, value: Any) -> Reply:
    if isinstance(value, HasReply):
        return value.__reply__()
    if isinstance(value, bytes):
        return reply(200, value)
    if isinstance(value, (str, int, dict, list)) or value is None:
        return Reply(200, MutableHeaders(JSON), json.dumps(value).encode())
    return reply(stream=value)


def _error(c: RequestContext, exc: Exception) -> Reply:
    assert isinstance(exc, StatusError)
    headers = MutableHeaders(list(exc.http_headers))
    return Reply(exc.http_status, headers, f"{exc.http_status} {exc.http_detail}".encode())


def dialect(name: str = "neutral", *, fast: bool = True, **more: Any) -> Dialect:
    return Dialect(
        name=name,
        parse=braces,
        converters=converters,
        renderer=lambda route: Renderer(_render, Fast(200, JSON, _dump) if fast else None),
        error=_error,
        request=lambda c: c,
        response=lambda c, given: given,
        **more,
    )


NEUTRAL = dialect()


def context(c: RequestContext) -> RequestContext:
    """For `Given`: the whole context."""
    return c


class App:
    """An engine with short ways to declare; every function may be `def` or `async def`."""

    def __init__(self, spoken: Dialect = NEUTRAL) -> None:
        self.dialect = spoken
        self.engine = Application(spoken)

    def scope(self, label: str, parent: Scope | None = None) -> Scope:
        return Scope(label, parent or self.engine.scope)

    def route(
        self,
        path: str = "/",
        handler: Callable[..., Any] | None = None,
        *,
        methods: Iterable[str] = ("GET",),
        nodes: Iterable[Node] = (),
        scope: Scope | None = None,
        mode: Mode | None = None,
        takes: str = "",
        name: str | None = None,
        binding: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """Declare a route; the handler gets the values of the path by name and those of the nodes in order.

        Args:
            takes: "c" when the handler wants the context first.
        """

        def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
            pattern = braces(path, converters)
            graph = tuple(nodes)
            arguments = [Argument(None, Given(context))] if takes == "c" else []
            arguments += [Argument(None, FromNode(index)) for index in range(len(graph))]
            arguments += [Argument(p.name, PathValue(index)) for index, p in enumerate(pattern.parameters)]
            bound = Binding(arguments=tuple(arguments), nodes=graph, **(binding or {}))
            self.engine.add_route(
                Route(
                    pattern=pattern,
                    methods=frozenset(methods),
                    handler=handler,
                    mode=mode or mode_of(handler),
                    name=name,
                    dialect=self.dialect,
                    scope=scope or self.engine.scope,
                    source=source_of(handler),
                    bind=lambda overrides: bound,
                    **more,
                )
            )
            return handler

        return declare if handler is None else declare(handler)

    def hook(self, stage: Stage, mode: Mode | None = None, scope: Scope | None = None, **more: Any) -> Any:
        def declare(call: Callable[..., Any]) -> Callable[..., Any]:
            hook = Hook(stage, call, mode or mode_of(call), self.dialect.name, source_of(call), user=call, **more)
            self.engine.add_hook(hook, scope)
            return call

        return declare

    def on_error(self, key: type[BaseException] | int, mode: Mode | None = None, scope: Scope | None = None) -> Any:
        def declare(call: Callable[..., Any]) -> Callable[..., Any]:
            handler = ErrorHandler(key, call, mode or mode_of(call), self.dialect, source_of(call), user=call)
            self.engine.add_error_handler(handler, scope)
            return call

        return declare

    def mount(self, prefix: str, call: Callable[[Any, str], Any], channel: Any = None, kind: str = "asgi") -> None:
        self.engine.add_mount(
            Mount(prefix, call, channel, call, kind, self.dialect, self.engine.scope, source_of(call))
        )

    def client(self, door: str = "direct", **options: Any) -> Client:
        return Client(self.engine, door=door, **options)

    def async_client(self, door: str = "direct", **options: Any) -> AsyncClient:
        return AsyncClient(self.engine, door=door, **options)  # type: ignore[arg-type]


def manager(call: Callable[..., Any], *, early: bool = False, mode: Mode | None = None) -> Node:
    """Return a node for a factory of context managers, which `contextlib` made from a generator."""
    wrapped = call.__wrapped__  # type: ignore[attr-defined]
    kind = NodeKind.ASYNC_CONTEXT if mode_of(wrapped) is Mode.LOOP else NodeKind.CONTEXT
    return Node(call, mode or mode_of(wrapped), kind=kind, early=early)
