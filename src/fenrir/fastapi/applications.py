"""The application: Starlette's, whose requests run on the engine.

`router.routes`, `user_middleware` and `exception_handlers` are the truth, as upstream; the engine takes them over when
it freezes. Through the direct door a request meets the engine alone. ASGI middleware, a stack of the user's own, or a
route that no table of paths can hold need an ASGI server's door: then `middleware_stack` stands around the engine, or
around the router itself.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, Unpack, cast

from asteri.asgi import asgi_doors
from asteri.exchange import Doors
from fenrir.core.application import Application
from fenrir.core.context import RequestContext
from fenrir.core.declare import ErrorHandler, Mode, Mount, Route, caller
from fenrir.core.doors.asgi import asgi_door
from fenrir.core.reply import Reply
from fenrir.fastapi import routing
from fenrir.fastapi._body_limit import AppBodyLimit
from fenrir.fastapi._changes import APPLICATIONS
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi._replaced import replaced
from fenrir.fastapi.collecting import Collector, can_collect, unmatched_mount
from fenrir.fastapi.datastructures import Default
from fenrir.fastapi.door import EngineApp, as_reply, middleware_hook, scope_hook
from fenrir.fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from fenrir.fastapi.exceptions import (
    FastAPIDeprecationWarning,
    HTTPException,
    RequestValidationError,
    StarletteHTTPException,
    WebSocketRequestValidationError,
)
from fenrir.fastapi.frontend import Directory, Fallback

# Applications replace these two here to have pages of their own.
from fenrir.fastapi.openapi.docs import get_redoc_html as get_redoc_html
from fenrir.fastapi.openapi.docs import get_swagger_ui_html as get_swagger_ui_html
from fenrir.fastapi.openapi.serving import described_channels, documentation
from fenrir.fastapi.openapi.utils import get_openapi
from fenrir.fastapi.operation import Operation
from fenrir.fastapi.options import AnyRouteOptions, IncludeOptions
from fenrir.fastapi.requests import Request
from fenrir.fastapi.responses import JSONResponse, Response
from fenrir.fastapi.surroundings import can_hook
from fenrir.fastapi.unique_ids import generate_unique_id
from fenrir.fastapi.verbs import Verbs
from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.applications import Starlette
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.middleware import Middleware, wrap
from fenrir.starlette.middleware.base import BaseHTTPMiddleware
from fenrir.starlette.middleware.errors import ServerErrorMiddleware
from fenrir.starlette.middleware.exceptions import ExceptionMiddleware
from fenrir.starlette.routing import BaseRoute
from fenrir.starlette.types import ASGIApp, Receive, Send

__all__ = ["FastAPI", "HTTPException", "Request", "Response"]

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger("fenrir")

# What the dialect answers by itself: the handlers that are in force when nobody has put others there.
_OWN: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (StarletteHTTPException, http_exception_handler),
    (RequestValidationError, request_validation_exception_handler),
)


class FastAPI(Verbs, Starlette):
    """A FastAPI application: an ASGI application, and one for Asteri's direct door.

    Args:
        title, summary, description, version, terms_of_service, contact, license_info, servers, openapi_tags,
            openapi_external_docs, webhooks, separate_input_output_schemas, root_path_in_servers: documentation.
        openapi_url, docs_url, redoc_url, swagger_ui_*: where documentation is served; None switches it off.
        dependencies, default_response_class, responses, callbacks, deprecated, include_in_schema,
            generate_unique_id_function, strict_content_type, max_body_size, form_limits, timeout,
            cancel_on_disconnect: of all routes.
        lifespan, on_startup, on_shutdown: what runs around the life of the application.
        exception_handlers: by class or status; the one of 500 or `Exception` answers what nobody handles.
        middleware: ASGI middleware, the first one outermost.
        telemetry: taken and ignored.
        asyncapi_url: where AsyncAPI's document of WebSockets and event streams is served; not upstream's, so nowhere.
        extra: kept in `extra`.

    Attributes:
        engine: what serves the requests.
        router: what declares the routes.
        dependency_overrides: dependency -> replacement, for tests.
    """

    def __init__(
        self,
        *,
        debug: bool = False,
        routes: list[BaseRoute] | None = None,
        title: str = "FastAPI",
        summary: str | None = None,
        description: str = "",
        version: str = "0.1.0",
        openapi_url: str | None = "/openapi.json",
        openapi_tags: list[dict[str, Any]] | None = None,
        servers: list[dict[str, Any]] | None = None,
        dependencies: Sequence[Any] | None = None,
        default_response_class: Any = Default(JSONResponse),
        redirect_slashes: bool = True,
        docs_url: str | None = "/docs",
        redoc_url: str | None = "/redoc",
        swagger_ui_oauth2_redirect_url: str | None = "/docs/oauth2-redirect",
        swagger_ui_init_oauth: dict[str, Any] | None = None,
        middleware: Sequence[Middleware] | None = None,
        exception_handlers: Mapping[Any, Callable[..., Any]] | None = None,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        lifespan: Callable[[Any], Any] | None = None,
        terms_of_service: str | None = None,
        contact: dict[str, Any] | None = None,
        license_info: dict[str, Any] | None = None,
        openapi_prefix: str = "",
        root_path: str = "",
        root_path_in_servers: bool = True,
        responses: dict[int | str, Any] | None = None,
        callbacks: list[BaseRoute] | None = None,
        webhooks: routing.APIRouter | None = None,
        deprecated: bool | None = None,
        include_in_schema: bool = True,
        swagger_ui_parameters: dict[str, Any] | None = None,
        generate_unique_id_function: Any = Default(generate_unique_id),
        separate_input_output_schemas: bool = True,
        openapi_external_docs: dict[str, Any] | None = None,
        strict_content_type: bool = True,
        max_body_size: int | None = None,
        form_limits: Mapping[str, int] | None = None,
        telemetry: Any = None,
        asyncapi_url: str | None = None,
        timeout: float | None = None,
        cancel_on_disconnect: bool | None = None,
        **extra: Any,
    ) -> None:
        self.engine = engine = Application(DIALECT, title)
        engine.facade = self
        self.max_body_size = max_body_size
        self.debug = debug
        self.title, self.summary, self.description, self.version = title, summary, description, version
        self.terms_of_service, self.contact, self.license_info = terms_of_service, contact, license_info
        self.openapi_url, self.openapi_tags, self.asyncapi_url = openapi_url, openapi_tags, asyncapi_url
        self.root_path_in_servers = root_path_in_servers
        self.docs_url, self.redoc_url = docs_url, redoc_url
        self.swagger_ui_oauth2_redirect_url = swagger_ui_oauth2_redirect_url
        self.swagger_ui_init_oauth = swagger_ui_init_oauth
        self.swagger_ui_parameters = swagger_ui_parameters
        self.servers = servers or []
        self.separate_input_output_schemas = separate_input_output_schemas
        self.openapi_external_docs = openapi_external_docs
        self.extra = extra
        self.openapi_version = "3.1.0"
        self.openapi_schema: dict[str, Any] | None = None
        self._openapi_routes_version: int | None = None
        if openapi_url:
            assert title, "A title must be provided for OpenAPI, e.g.: 'My API'"
            assert version, "A version must be provided for OpenAPI, e.g.: '2.1.0'"
        self.webhooks = webhooks or routing.APIRouter()
        if openapi_prefix:
            log.warning('"openapi_prefix" has been deprecated in favor of "root_path", which follows more closely the '
                        "ASGI standard, is simpler, and more automatic.")  # fmt: skip
        if root_path:
            warnings.warn(
                "The `root_path` parameter is deprecated. Configure the server's root path instead, for example with "
                "`fastapi run --root-path /api/v1`.",
                FastAPIDeprecationWarning,
                stacklevel=2,
            )
        self.root_path = root_path or openapi_prefix
        self.state = engine.state
        self.router: routing.APIRouter = routing.APIRouter(
            routes=routes,
            redirect_slashes=redirect_slashes,
            dependency_overrides_provider=self,
            on_startup=on_startup,
            on_shutdown=on_shutdown,
            lifespan=lifespan,
            default_response_class=default_response_class,
            dependencies=dependencies,
            callbacks=callbacks,
            deprecated=deprecated,
            include_in_schema=include_in_schema,
            responses=responses,
            generate_unique_id_function=generate_unique_id_function,
            strict_content_type=strict_content_type,
            max_body_size=max_body_size,
            form_limits=form_limits,
            timeout=timeout,
            cancel_on_disconnect=cancel_on_disconnect,
        )
        self.exception_handlers = dict(exception_handlers or {})
        for key, handler in _OWN:
            self.exception_handlers.setdefault(key, handler)
        self.exception_handlers.setdefault(
            WebSocketRequestValidationError, cast(Any, websocket_request_validation_exception_handler)
        )
        self.user_middleware = list(middleware or ())
        self.middleware_stack: ASGIApp | None = None
        self._hooked = False
        self._built: ASGIApp | None = None
        self._collects = True
        self._completes_scopes = False
        self._error_handlers: list[ErrorHandler] = []
        engine.body_limit = max_body_size
        engine.add_lifespan(lambda: self.router.lifespan_context(self), lifespan)
        collector = Collector(engine.scope)
        engine.add_source(lambda: self._declarations(collector))
        engine.unmatched = self._unmatched
        engine.last_resort = self._last_resort
        self.router.observe(self._changed)
        APPLICATIONS.add(self)
        self.setup()

    def _changed(self) -> None:
        self.engine.changed()
        built = self.middleware_stack is not None and self.middleware_stack is self._built
        if built and self._collects != can_collect(self.router):  # what is in the middle is another thing now
            self.middleware_stack = None

    # ------------------------------------------------------------- to engine
    def _declarations(self, collector: Collector) -> Iterator[Route | Mount]:
        """Give the engine what it freezes: the error handlers as they are now, and the routes."""
        handlers = self.engine.scope.error_handlers
        others = [known for known in handlers if known not in self._error_handlers]  # of doors of other dialects
        self._error_handlers = [
            ErrorHandler(key, _error_call(handler), Mode.LOOP, DIALECT, _HERE, handler)
            for key, handler in self.exception_handlers.items()
            if key not in (500, Exception) and (key, handler) not in _OWN
        ]
        handlers[:] = others + self._error_handlers
        return collector.collect(self.router)

    def _unmatched(self) -> Mount | None:
        router = self.router
        if next(router._low_priority(), None) is None and router.default == router.not_found:
            return None
        return unmatched_mount(router.serve_unmatched, self.engine.scope)

    async def _last_resort(self, c: RequestContext, exc: Exception) -> Reply | None:
        """Answer what no handler took, on the direct door; `ServerErrorMiddleware` does so on the other one."""
        request = c.view(DIALECT)
        if self.debug:
            made = ServerErrorMiddleware(self, debug=True)
            response = await run_in_threadpool(made.debug_response, request, exc)
        else:
            handler = self._error_handler
            if handler is None:
                return None
            response = await _called(handler, request, exc)
        reply: Reply = response.__reply__()
        return reply

    @property
    def _error_handler(self) -> Callable[..., Any] | None:
        return next((call for key, call in self.exception_handlers.items() if key in (500, Exception)), None)

    # ----------------------------------------------------------------- doors
    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors, or None when requests have to come through ASGI."""
        if version != 1:
            return None
        reason = self._needs_asgi()
        if reason:
            log.info("%s: requests go through ASGI: %s", self.title, reason)
            return None
        if not self._hooked:
            self._hooked = True
            for entry in self.user_middleware:  # the outermost first
                self.engine.add_hook(middleware_hook(entry, self.router))
        doors = self.engine.__asteri__(version)
        if doors is not None and not all(_is_dispatch(entry) for entry in self.user_middleware):
            # SECURITY: hooks stand around HTTP only; a WebSocket has to pass the same hosts, schemes and sessions.
            doors = doors._replace(websocket=asgi_doors(self).websocket)
        return doors

    def _needs_asgi(self) -> str:
        """Return why the direct door can not be used, "" when it can."""
        if type(self).build_middleware_stack is not FastAPI.build_middleware_stack or (
            "build_middleware_stack" in self.__dict__
        ):
            return "the middleware stack is the user's own"
        if type(self).__call__ is not FastAPI.__call__:
            return "the class has a __call__ of its own"
        if other := replaced():
            return f"{other} was replaced"
        for entry in self.user_middleware:
            if not can_hook(entry):
                return f"{getattr(entry.cls, '__name__', entry.cls)} is ASGI middleware"
        if self.root_path:
            return "root_path is set on the application"
        if not can_collect(self.router):
            return "a route decides by itself what it matches"
        return ""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the engine, or the router, inside all middleware."""
        errors = Middleware(ServerErrorMiddleware, handler=self._error_handler, debug=self.debug)
        limit = Middleware(AppBodyLimit, max_body_size=self.max_body_size)
        if not replaced() and can_collect(self.router):
            if self.user_middleware and not self._completes_scopes:
                self._completes_scopes = True
                self.engine.add_hook(scope_hook())
            engine = EngineApp(asgi_door(self.engine, raises=True), self.router)
            return wrap(engine, [errors, limit, *self.user_middleware])
        others = {key: call for key, call in self.exception_handlers.items() if key not in (500, Exception)}
        inner = Middleware(ExceptionMiddleware, handlers=others, debug=self.debug)
        routed = EngineApp(self._serve_routed, self.router) if self._has_resources else self.router
        return wrap(routed, [errors, limit, *self.user_middleware, inner])

    @property
    def _has_resources(self) -> bool:
        """Some dependency of a route is to be made when the application starts."""
        places = (context.effective_route for context in routing.iter_route_contexts(self.router.routes))
        return any(isinstance(place, Operation) and place.bind({}).resources for place in places)

    async def _serve_routed(self, scope: Any, receive: Receive, send: Send) -> None:
        # The engine makes those dependencies, also for an application whose routes are tried one by one.
        serve = asgi_door(self.engine) if scope["type"] == "lifespan" else self.router
        await serve(scope, receive, send)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application."""
        if self.root_path:
            scope["root_path"] = self.root_path
        if self.middleware_stack is None:
            self._collects = can_collect(self.router)
            self._built = self.middleware_stack = self.build_middleware_stack()
        await super().__call__(scope, receive, send)

    # ---------------------------------------------------------- declarations
    def add_api_route(  # type: ignore[override]
        self, path: str, endpoint: Callable[..., Any], **options: Unpack[AnyRouteOptions]
    ) -> None:
        """Declare a handler for `methods` (GET by default), without decorating it."""
        self.router.add_api_route(path, endpoint, **options)

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Any] | None = None,
    ) -> None:
        """Declare a handler of WebSocket connections, without decorating it."""
        self.router.add_api_websocket_route(path, endpoint, name=name, dependencies=dependencies)

    def include_router(self, router: routing.APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take over all routes of a router, those too that it gets later."""
        self.router.include_router(router, **options)

    def frontend(
        self,
        path: str,
        *,
        directory: Directory,
        fallback: Fallback = "auto",
        check_dir: bool | Literal["auto"] = "auto",
    ) -> None:
        """Serve the files of a built front end for what no route takes; see `APIRouter.frontend`."""
        self.router.frontend(path, directory=directory, fallback=fallback, check_dir=check_dir)

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[F], F]:
        """Declare a plain function `(websocket) -> None`."""
        return self.router.websocket_route(path, name)

    def middleware(self, middleware_type: str) -> Callable[[F], F]:
        """Register `async (request, call_next) -> response` around everything; the type is "http"."""
        if middleware_type != "http":
            raise routing.RouterError(f"middleware({middleware_type!r}): only 'http' is known here", caller())

        def register(function: F) -> F:
            self.add_middleware(BaseHTTPMiddleware, dispatch=function)
            return function

        return register

    def exception_handler(self, exc_class_or_status_code: int | type[Exception]) -> Callable[[F], F]:
        """Register `(request, exception) -> response` for a class of exceptions or a status."""

        def register(function: F) -> F:
            self.add_exception_handler(exc_class_or_status_code, function)
            return function

        return register

    def add_exception_handler(self, exc_class_or_status_code: int | type[Exception], handler: Any) -> None:
        """Do as `exception_handler`, without decorating."""
        super().add_exception_handler(exc_class_or_status_code, handler)
        self.engine.changed()

    def on_event(self, event_type: str) -> Callable[[F], F]:
        """Register a function for "startup" or "shutdown"."""
        routing.deprecated_event(stacklevel=2)

        def register(function: F) -> F:
            self.router.add_event_handler(event_type, function)
            return function

        return register

    def add_event_handler(self, event_type: str, func: Callable[[], Any]) -> None:
        """Do as `on_event`, without decorating."""
        self.router.add_event_handler(event_type, func)

    @property
    def dependency_overrides(self) -> dict[Any, Any]:
        """Replacements of dependencies; a change holds from the next request on."""
        return self.engine.overrides

    @dependency_overrides.setter
    def dependency_overrides(self, overrides: Mapping[Any, Any] | None) -> None:
        self.engine.overrides.clear()
        self.engine.overrides.update(overrides or {})

    # --------------------------------------------------------- documentation
    def setup(self) -> None:
        """Add the routes of documentation; subclasses may add others."""
        for path, endpoint in documentation(cast(Any, self), self.engine):
            self.add_route(path, endpoint, include_in_schema=False)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made when the routes have changed and kept in `openapi_schema`."""
        version = self.router._get_routes_version()
        if not self.openapi_schema or self._openapi_routes_version != version:
            self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                openapi_version=self.openapi_version,
                summary=self.summary,
                description=self.description,
                terms_of_service=self.terms_of_service,
                contact=self.contact,
                license_info=self.license_info,
                routes=self.routes,
                webhooks=self.webhooks.routes,
                tags=self.openapi_tags,
                servers=self.servers,
                separate_input_output_schemas=self.separate_input_output_schemas,
                external_docs=self.openapi_external_docs,
            )
            self._openapi_routes_version = version
        return self.openapi_schema

    def asyncapi(self) -> dict[str, Any]:
        """Return the AsyncAPI document of the WebSockets and event streams as they are now."""
        return described_channels(cast(Any, self), self.engine)


def _is_dispatch(entry: Middleware) -> bool:
    cls: Any = entry.cls
    return isinstance(cls, type) and issubclass(cls, BaseHTTPMiddleware)


_HERE = caller()


async def _called(handler: Callable[..., Any], request: Any, exc: Exception) -> Any:
    if is_async_callable(handler):
        return await handler(request, exc)
    return await run_in_threadpool(handler, request, exc)


def _error_call(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def call(c: RequestContext, exc: Exception) -> Reply | None:
        return as_reply(await _called(handler, c.view(DIALECT), exc))

    return call
