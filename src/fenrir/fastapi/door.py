"""FastAPI's registration methods on an engine that speaks other dialects besides (`app.fastapi` of a hybrid one)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, Unpack

from fenrir.core.application import Application
from fenrir.core.context import RequestContext, unhandled
from fenrir.core.declare import (
    DeclarationError,
    ErrorHandler,
    Hook,
    ListenerStage,
    Mode,
    Scope,
    Source,
    Stage,
    caller,
    mode_of,
)
from fenrir.core.errors import InternalError, StatusError
from fenrir.core.reply import Reply
from fenrir.fastapi._changes import APPLICATIONS
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi.collecting import Collector
from fenrir.fastapi.datastructures import URLPath
from fenrir.fastapi.exceptions import FastAPIError
from fenrir.fastapi.options import AnyRouteOptions, IncludeOptions, RouterOptions, check_options
from fenrir.fastapi.responses import StreamingResponse
from fenrir.fastapi.routing import APIRouter, deprecated_event
from fenrir.fastapi.verbs import Verbs
from fenrir.kit.mounting import asgi_mount
from fenrir.starlette._exchange import complete_scope
from fenrir.starlette._rewriting import take_over
from fenrir.starlette.middleware import Middleware
from fenrir.starlette.middleware._hook import CallNext, WrapHook, nothing_inside, wrap_hook_of
from fenrir.starlette.middleware.base import BaseHTTPMiddleware
from fenrir.starlette.routing import BaseRoute, NoMatchFound
from fenrir.starlette.types import ASGIApp, Receive, Send

__all__ = [
    "EngineApp",
    "FastAPIDoor",
    "as_reply",
    "middleware_hook",
    "route_error_handler",
    "route_hook",
    "scope_hook",
    "wrap_hook",
]

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger("fenrir.error")


class FastAPIDoor(Verbs):
    """FastAPI's registration methods on an engine.

    Args:
        options: defaults of all routes that are registered here.

    Attributes:
        router: holds what was registered here.
    """

    def __init__(self, engine: Application, scope: Scope | None = None, **options: Unpack[RouterOptions]) -> None:
        check_options("FastAPIDoor", options, RouterOptions)
        self.engine = engine
        self.scope = scope or engine.scope
        self._collector = Collector(self.scope)
        self._overrides = _Overrides(engine)
        self.router = APIRouter(dependency_overrides_provider=self._overrides, **options)  # type: ignore[arg-type]
        self.router.observe(self._changed)
        APPLICATIONS.add(self)

    def _changed(self) -> None:
        self.engine.changed()

    def _add(self, route: BaseRoute) -> None:
        # Each in its place among the routes of the other dialects.
        self.engine.add_source(partial(self._collector.declarations, route))

    # ---------------------------------------------------------------- routes
    def add_api_route(  # type: ignore[override]
        self, path: str, endpoint: Callable[..., Any], **options: Unpack[AnyRouteOptions]
    ) -> None:
        """Declare a handler for `methods` (GET by default), without decorating it."""
        self.router.add_api_route(path, endpoint, **options)
        self._add(self.router.routes[-1])

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Declare a handler of WebSocket connections, without decorating it."""
        self.router.add_api_websocket_route(path, endpoint, name, dependencies=dependencies)
        self._add(self.router.routes[-1])

    def include_router(self, router: APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take over all routes of a router, those too that it gets later."""
        if not isinstance(router, APIRouter):
            raise DeclarationError(f"include_router() takes an APIRouter, not {type(router).__name__}", caller())
        self.router.include_router(router, **options)
        self._add(self.router.routes[-1])
        facade = self.engine.facade
        self.engine.add_lifespan(lambda: router.lifespan_context(facade), router.lifespan_context)

    # ------------------------------------------------------------ middleware
    def middleware(self, kind: str) -> Callable[[F], F]:
        """Register `async def (request, call_next) -> response` around everything; `kind` is "http"."""
        source = caller()
        if kind != "http":
            raise DeclarationError(f"middleware({kind!r}): only 'http' is known here", source)

        def register(function: F) -> F:
            self.engine.add_hook(Hook(Stage.WRAP, wrap_hook(function), Mode.LOOP, DIALECT.name, source, function))
            return function

        return register

    def add_middleware(self, middleware_class: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Put an ASGI middleware class around the application; the last one added is the outermost."""
        self.engine.add_middleware(middleware_class, *args, **kwargs)

    # ---------------------------------------------------------------- errors
    def exception_handler(self, key: type[Exception] | int) -> Callable[[F], F]:
        """Register `(request, exception) -> response` for a class of exceptions or a status."""

        def register(function: F) -> F:
            self.add_exception_handler(key, function)
            return function

        return register

    def add_exception_handler(self, key: type[Exception] | int, handler: Callable[..., Any]) -> None:
        """Do as `exception_handler`, without decorating."""
        mode = mode_of(handler, Mode.THREAD)
        last = key in (500, Exception)

        def expected(c: RequestContext, exc: Exception) -> Reply | None:
            # Upstream's handler for Exception sees what no other handler wants: not the answers that are exceptions.
            if not last:
                return None
            if isinstance(exc, StatusError) and not isinstance(exc, InternalError):
                if key == 500 and exc.http_status == 500:
                    return None
                dialect = c.plan.dialect if c.plan is not None else c.app.home
                return dialect.error(c, dialect.adopt_error(exc))
            _note_unhandled(c, exc)
            return None

        if mode is Mode.LOOP:

            async def call(c: RequestContext, exc: Exception) -> Reply | None:
                return expected(c, exc) or as_reply(await handler(c.view(DIALECT), exc))

        else:

            def call(c: RequestContext, exc: Exception) -> Reply | None:  # type: ignore[misc]
                return expected(c, exc) or as_reply(handler(c.view(DIALECT), exc))

        self.engine.add_error_handler(ErrorHandler(key, call, mode, DIALECT, caller(), handler), self.scope)

    # -------------------------------------------------------------- lifespan
    def on_event(self, event: str) -> Callable[[F], F]:
        """Register a function for "startup" or "shutdown"."""
        deprecated_event(stacklevel=2)

        def register(function: F) -> F:
            self.add_event_handler(event, function)
            return function

        return register

    def add_event_handler(self, event: str, function: Callable[[], Any]) -> None:
        """Do as `on_event`, without decorating."""
        stages = {"startup": ListenerStage.STARTUP, "shutdown": ListenerStage.SHUTDOWN}
        if event not in stages:
            raise DeclarationError(f"an event is 'startup' or 'shutdown', not {event!r}", caller())
        self.engine.add_listener(stages[event], function, function)

    # ---------------------------------------------------------------- mounts
    def mount(self, path: str, app: Any, name: str | None = None) -> None:
        """Mount an ASGI application below a prefix."""
        self.engine.add_mount(asgi_mount(path, app, DIALECT, self.scope, caller()))

    # ----------------------------------------------------------------- names
    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Return the path of a route by its name.

        Raises:
            NoMatchFound: no route has that name with these parameters.
        """
        try:
            return self.router.url_path_for(name, **path_params)
        except NoMatchFound:
            for plan in self.engine.frozen.plans:
                if plan.route.name == name and set(plan.names) == set(path_params):
                    return URLPath(plan.route.pattern.build(path_params))
            raise


class _Overrides:
    """What the routes of a door take for the provider of overrides."""

    def __init__(self, engine: Application) -> None:
        self._engine = engine

    @property
    def dependency_overrides(self) -> dict[Any, Any]:
        """Dependencies and what replaces them."""
        return self._engine.overrides


def wrap_hook(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the engine's form of `async (request, call_next) -> response`."""

    async def wrap(c: RequestContext, call_next: Callable[[], Awaitable[Reply]]) -> Reply:
        view = c.view(DIALECT)

        async def following(request: Any) -> StreamingResponse:
            await take_over(c, view)
            return StreamingResponse.of_answer((await call_next()).copy())

        response = await function(view, following)
        reply: Reply = response.__reply__()
        return reply

    return wrap


class EngineApp:
    """The engine as the application inside all middleware.

    Attributes:
        app: the router; packages that go down a stack from one `app` to the next expect to find it at the end.
    """

    def __init__(self, door: ASGIApp, router: APIRouter) -> None:
        self.app = router
        self._door = door

    def __call__(self, scope: Any, receive: Receive, send: Send) -> Awaitable[None]:
        return self._door(scope, receive, send)


def route_hook(entry: Any, source: Source) -> Hook:
    """Return an entry of a route's middleware (see `checked_middleware`) as a hook of that route."""
    if not isinstance(entry, Middleware):
        return Hook(Stage.WRAP, wrap_hook(entry), Mode.LOOP, DIALECT.name, source, entry)
    cls: Any = entry.cls
    if issubclass(cls, BaseHTTPMiddleware):
        user = cls(nothing_inside, *entry.args, **entry.kwargs).dispatch_func
        return Hook(Stage.WRAP, wrap_hook(user), Mode.LOOP, DIALECT.name, source, user)
    call = wrap_hook_of(entry)
    assert call is not None
    return Hook(Stage.WRAP, call, Mode.LOOP, DIALECT.name, source, cls)


def route_error_handler(key: type[Exception] | int, handler: Callable[..., Any], source: Source) -> ErrorHandler:
    """Return `(request, exception) -> response` as the engine's error handler of a route."""
    mode = mode_of(handler, Mode.THREAD)
    if mode is Mode.LOOP:

        async def call(c: RequestContext, exc: Exception) -> Reply | None:
            return as_reply(await handler(c.view(DIALECT), exc))

    else:

        def call(c: RequestContext, exc: Exception) -> Reply | None:  # type: ignore[misc]
            return as_reply(handler(c.view(DIALECT), exc))

    return ErrorHandler(key, call, mode, DIALECT, source, handler)


_HERE = caller()


def scope_hook() -> Hook:
    """Return the hook that writes the matched route into the scope, where ASGI middleware asks for it."""

    def complete(c: RequestContext) -> None:
        scope = getattr(c.exchange, "scope", None)
        if scope is not None:
            complete_scope(c, scope)

    return Hook(Stage.BEFORE_HANDLER, complete, Mode.INLINE, DIALECT.name, _HERE, complete, unrouted=False)


def middleware_hook(entry: Middleware, router: APIRouter) -> Hook:
    """Return a middleware as a hook; a class that looks for the application's router finds it."""
    cls: Any = entry.cls
    if issubclass(cls, BaseHTTPMiddleware):
        user = cls(EngineApp(nothing_inside, router), *entry.args, **entry.kwargs).dispatch_func
        return Hook(Stage.WRAP, _without_asgi(wrap_hook(user)), Mode.LOOP, DIALECT.name, _HERE, user)
    call = wrap_hook_of(entry)
    assert call is not None
    return Hook(Stage.WRAP, _without_asgi(call), Mode.LOOP, DIALECT.name, _HERE, cls)


def _without_asgi(call: WrapHook) -> WrapHook:
    """Return a hook that is not there for requests through ASGI: the same middleware stands around the engine then."""

    def hook(c: RequestContext, call_next: CallNext) -> Awaitable[Reply]:
        return call(c, call_next) if getattr(c.exchange, "scope", None) is None else call_next()

    return hook


def as_reply(response: Any) -> Reply | None:
    """Return what an exception handler has answered.

    Raises:
        FastAPIError: it is no response.
    """
    if response is None:
        return None  # of a WebSocket's handler; the engine refuses it elsewhere
    if not hasattr(response, "__reply__"):
        raise FastAPIError(f"an exception handler returns a response, not {type(response).__name__}")
    reply: Reply = response.__reply__()
    return reply


def _note_unhandled(c: RequestContext, exc: Exception) -> None:
    """Log an exception that only the handler for all exceptions took, and let a test client raise it."""
    c.error = exc
    if (watcher := unhandled.get()) is not None:
        watcher.append(exc)
    log.error("unhandled %s in %s %s", type(exc).__name__, c.exchange.method, c.exchange.path, exc_info=exc)
