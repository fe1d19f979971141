"""Every way of registering something that Sanic's application and blueprint share.

The decorators only make declarations (frozen records); `Registrar` leaves open what becomes of them: an application
applies them at once, a blueprint keeps them until it is registered.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar

from fenrir.core.declare import Source, caller
from fenrir.sanic.config import FORMATS
from fenrir.sanic.errorpages import format_of_handler
from fenrir.sanic.exceptions import SanicException

__all__ = [
    "LISTENERS",
    "Declaration",
    "ExceptionDeclaration",
    "ListenerDeclaration",
    "MiddlewareDeclaration",
    "Registrar",
    "RouteDeclaration",
    "SignalDeclaration",
    "StaticDeclaration",
]

F = TypeVar("F", bound=Callable[..., Any])
METHODS = ("GET", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE")

LISTENERS = (
    "main_process_start",
    "main_process_ready",
    "main_process_stop",
    "reload_process_start",
    "reload_process_stop",
    "before_reload_trigger",
    "after_reload_trigger",
    "before_server_start",
    "after_server_start",
    "before_server_stop",
    "after_server_stop",
)


@dataclass(frozen=True, slots=True, eq=False)
class RouteDeclaration:
    """One call of `route`; `methods` None for a WebSocket."""

    handler: Callable[..., Any]
    uri: str
    methods: frozenset[str] | None
    strict_slashes: bool | None
    stream: bool
    version: int | str | float | None
    name: str
    version_prefix: str
    error_format: str
    subprotocols: tuple[str, ...]
    ctx: SimpleNamespace
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class MiddlewareDeclaration:
    """A function before (`request`) or after (`response`) the handler."""

    call: Callable[..., Any]
    location: str
    priority: int
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class ExceptionDeclaration:
    """A function (request, exception) for classes of exceptions."""

    call: Callable[..., Any]
    exceptions: tuple[type[BaseException], ...]
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class ListenerDeclaration:
    """A function (app) or (app, loop) at start or stop."""

    call: Callable[..., Any]
    event: str
    priority: int


@dataclass(frozen=True, slots=True, eq=False)
class StaticDeclaration:
    """A file or a directory to serve; `options` as of `fenrir.sanic.static`."""

    uri: str
    path: str
    name: str
    options: dict[str, Any]
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class SignalDeclaration:
    """A function for an event."""

    call: Callable[..., Any]
    event: str
    condition: dict[str, Any] | None


Declaration = (
    RouteDeclaration
    | MiddlewareDeclaration
    | ExceptionDeclaration
    | ListenerDeclaration
    | StaticDeclaration
    | SignalDeclaration
)


def _listening(event: str) -> Any:
    """Make the method that registers listeners of one event."""

    def register(self: Registrar, listener: Any = None, *, priority: int = 0) -> Any:
        if listener is not None:
            return self._listen(listener, event, priority)
        return lambda call: self._listen(call, event, priority)

    register.__name__ = event
    register.__doc__ = f"Register a listener `(app)` for {event}."
    return register


class Registrar:
    """The registering methods; subclasses say in `_declare` what becomes of a declaration."""

    name: str | None
    strict_slashes: bool | None = None

    def _declare(self, declaration: Declaration) -> None:
        raise NotImplementedError

    def generate_name(self, *objects: Any) -> str:
        """Return the full name of the first object that has one. Raises `ValueError` when none has."""
        for thing in objects:
            name = thing if isinstance(thing, str) else getattr(thing, "name", None) or getattr(thing, "__name__", None)
            if name and isinstance(name, str):
                return name if self.name is None or name.startswith(f"{self.name}.") else f"{self.name}.{name}"
        raise ValueError("Could not generate a name for handler")

    # ----------------------------------------------------------------- routes
    def route(
        self,
        uri: str,
        methods: Iterable[str] | None = None,
        *,
        strict_slashes: bool | None = None,
        stream: bool = False,
        version: int | str | float | None = None,
        name: str | None = None,
        version_prefix: str = "/v",
        error_format: str | None = None,
        websocket: bool = False,
        subprotocols: Iterable[str] | None = None,
        **ctx: Any,
    ) -> Callable[[F], F]:
        """Register a handler `(request, **path values)`.

        Args:
            methods: GET by default.
            strict_slashes: a slash at the end makes another path.
            stream: leave the body unread, for `request.stream`.
            version: put before the path as `/v1`.
            error_format: auto, text, json or html.
            ctx: keywords that begin with `ctx_` are put on `route.ctx`.

        Raises:
            TypeError: an unknown keyword.
            ValueError: the handler takes no request.
        """
        unknown = [key for key in ctx if not key.startswith("ctx_")]
        if unknown:
            raise TypeError(f"Unexpected keyword arguments: {', '.join(unknown)}")
        if error_format is not None and error_format not in FORMATS:
            raise SanicException(f"Unknown format: {error_format}")
        source = caller()

        def decorator(handler: F) -> F:
            _check_signature(handler, websocket)
            verbs = None if websocket else frozenset(method.upper() for method in (methods or ("GET",)))
            self._declare(
                RouteDeclaration(
                    handler=handler,
                    uri=uri if uri.startswith("/") or not uri else "/" + uri,
                    methods=verbs,
                    strict_slashes=strict_slashes if strict_slashes is not None else self.strict_slashes,
                    stream=stream or bool(getattr(handler, "is_stream", False)),
                    version=version,
                    name=self.generate_name(name, handler),
                    version_prefix=version_prefix,
                    error_format=error_format or format_of_handler(handler),
                    subprotocols=tuple(subprotocols or ()),
                    ctx=SimpleNamespace(**{key.removeprefix("ctx_"): value for key, value in ctx.items()}),
                    source=source,
                )
            )
            return handler

        return decorator

    def add_route(
        self, handler: Callable[..., Any], uri: str, methods: Iterable[str] | None = None, **options: Any
    ) -> Callable[..., Any]:
        """Register a handler or a view (`HTTPMethodView.as_view()`); options as of `route`."""
        view = getattr(handler, "view_class", None)
        if view is not None:
            verbs = [method for method in METHODS if getattr(view, method.lower(), None) is not None]
            methods = verbs
            if any(hasattr(getattr(view, method.lower()), "is_stream") for method in verbs):
                options["stream"] = True
        self.route(uri, methods, **options)(handler)
        return handler

    def get(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for GET; options as of `route`."""
        return self.route(uri, ("GET",), **options)

    def post(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for POST; options as of `route`."""
        return self.route(uri, ("POST",), **options)

    def put(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for PUT; options as of `route`."""
        return self.route(uri, ("PUT",), **options)

    def head(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for HEAD; options as of `route`."""
        return self.route(uri, ("HEAD",), **options)

    def options(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for OPTIONS; options as of `route`."""
        return self.route(uri, ("OPTIONS",), **options)

    def patch(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for PATCH; options as of `route`."""
        return self.route(uri, ("PATCH",), **options)

    def delete(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a handler for DELETE; options as of `route`."""
        return self.route(uri, ("DELETE",), **options)

    def websocket(self, uri: str, **options: Any) -> Callable[[F], F]:
        """Register a WebSocket handler `(request, ws, **path values)`; options as of `route`."""
        return self.route(uri, websocket=True, **options)

    def add_websocket_route(self, handler: F, uri: str, **options: Any) -> F:
        """Register a WebSocket handler; options as of `route`."""
        return self.websocket(uri, **options)(handler)

    def static(self, uri: str, file_or_directory: Any, *, name: str = "static", **options: Any) -> None:
        """Serve a file, or the files below a directory; options as of `fenrir.sanic.static.serve`."""
        self._declare(StaticDeclaration(uri, str(file_or_directory), self.generate_name(name), options, caller()))

    # ------------------------------------------------------------- middleware
    def middleware(self, middleware_or_request: Any, attach_to: str = "request", *, priority: int = 0) -> Any:
        """Register middleware: `@app.middleware`, `@app.middleware("request")`, `@app.middleware("response")`."""
        if callable(middleware_or_request):
            return self.register_middleware(middleware_or_request, attach_to, priority=priority)
        return lambda call: self.register_middleware(call, middleware_or_request, priority=priority)

    def register_middleware(self, middleware: F, attach_to: str = "request", *, priority: int = 0) -> F:
        """Register middleware before ("request") or after ("response") the handler."""
        if attach_to not in ("request", "response"):
            raise SanicException(f"middleware attaches to 'request' or 'response', not {attach_to!r}")
        self._declare(MiddlewareDeclaration(middleware, attach_to, priority, caller()))
        return middleware

    def on_request(self, middleware: Any = None, *, priority: int = 0) -> Any:
        """Register middleware `(request)` before the handler; what it returns is the answer."""
        if callable(middleware):
            return self.register_middleware(middleware, "request", priority=priority)
        return lambda call: self.register_middleware(call, "request", priority=priority)

    def on_response(self, middleware: Any = None, *, priority: int = 0) -> Any:
        """Register middleware `(request, response)` after the handler; what it returns replaces the response."""
        if callable(middleware):
            return self.register_middleware(middleware, "response", priority=priority)
        return lambda call: self.register_middleware(call, "response", priority=priority)

    # -------------------------------------------------------------- exceptions
    def exception(self, *exceptions: Any) -> Callable[[F], F]:
        """Register a handler `(request, exception)` for classes of exceptions."""
        classes = tuple(cls for one in exceptions for cls in (one if isinstance(one, list | tuple) else (one,)))
        for cls in classes:
            if not (inspect.isclass(cls) and issubclass(cls, BaseException)):
                raise TypeError(f"exception() takes classes of exceptions, not {cls!r}")
        source = caller()

        def decorator(call: F) -> F:
            self._declare(ExceptionDeclaration(call, classes, source))
            return call

        return decorator

    def all_exceptions(self, call: F) -> F:
        """Register a handler for every exception."""
        return self.exception(Exception)(call)

    # --------------------------------------------------------------- listeners
    def listener(self, listener_or_event: Any, event_or_none: str | None = None, *, priority: int = 0) -> Any:
        """Register a listener: `@app.listener("before_server_start")`."""
        if callable(listener_or_event):
            if event_or_none is None:
                raise SanicException("Invalid event registration: Missing event name.")
            return self._listen(listener_or_event, event_or_none, priority)
        return lambda call: self._listen(call, listener_or_event, priority)

    def _listen(self, call: F, event: str, priority: int) -> F:
        if event not in LISTENERS:
            raise SanicException(f"Invalid event: {event}; known are {', '.join(LISTENERS)}")
        self._declare(ListenerDeclaration(call, event, priority))
        return call

    main_process_start = _listening("main_process_start")
    main_process_ready = _listening("main_process_ready")
    main_process_stop = _listening("main_process_stop")
    reload_process_start = _listening("reload_process_start")
    reload_process_stop = _listening("reload_process_stop")
    before_reload_trigger = _listening("before_reload_trigger")
    after_reload_trigger = _listening("after_reload_trigger")
    before_server_start = _listening("before_server_start")
    after_server_start = _listening("after_server_start")
    before_server_stop = _listening("before_server_stop")
    after_server_stop = _listening("after_server_stop")

    # ----------------------------------------------------------------- signals
    def signal(self, event: Any, *, condition: dict[str, Any] | None = None) -> Callable[[F], F]:
        """Register a handler of an event `namespace.reference.action`; a part may be `<name>`."""
        text = str(getattr(event, "value", event))

        def decorator(call: F) -> F:
            self._declare(SignalDeclaration(call, text, condition))
            return call

        return decorator

    def add_signal(self, handler: F, event: Any, condition: dict[str, Any] | None = None) -> F:
        """Register a handler of an event."""
        return self.signal(event, condition=condition)(handler)


def _check_signature(handler: Callable[..., Any], websocket: bool) -> None:
    try:
        count = len(inspect.signature(handler).parameters)
    except (TypeError, ValueError):
        return
    name = getattr(handler, "__name__", type(handler).__name__)
    if websocket and count < 2 and not _is_variadic(handler):
        raise ValueError(f"Required parameter `request` and/or `ws` missing in the {name}() route?")
    if not count:
        raise ValueError(f"Required parameter `request` missing in the {name}() route?")


def _is_variadic(handler: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(handler).parameters.values())
