"""The application: the registration methods on an engine (`FastAPIDoor`), and the drop-in class with its own."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, Unpack

from asteri.exchange import Doors
from fenrir.core.application import Application
from fenrir.core.context import State, unhandled
from fenrir.core.declare import DeclarationError, ErrorHandler, Hook, ListenerStage, Mode, Scope, Stage, caller, mode_of
from fenrir.core.errors import InternalError, StatusError
from fenrir.core.reply import Reply
from fenrir.fastapi._dialect import DIALECT
from fenrir.fastapi.datastructures import URLPath
from fenrir.fastapi.exceptions import FastAPIError
from fenrir.fastapi.openapi.document import get_openapi
from fenrir.fastapi.options import IncludeOptions, check_options
from fenrir.fastapi.place import Declared, Inclusion, Place
from fenrir.fastapi.responses import StreamingResponse
from fenrir.fastapi.routing import Registrar
from fenrir.kit.mounting import asgi_mount
from fenrir.kit.openapi import DocsOptions, install_docs

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["AppOptions", "FastAPI", "FastAPIDoor", "Middleware"]

F = TypeVar("F", bound=Callable[..., Any])
log = logging.getLogger("fenrir.error")


class Middleware(NamedTuple):
    """An ASGI middleware class with its options, for `FastAPI(middleware=[...])`."""

    cls: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}


class FastAPIDoor(Registrar):
    """FastAPI's registration methods on an engine, whatever dialects it speaks besides.

    Args:
        options: defaults of all routes that are registered here.
    """

    def __init__(self, engine: Application, scope: Scope | None = None, **options: Unpack[IncludeOptions]) -> None:
        self.engine = engine
        self.scope = scope or engine.scope
        self._place = Place.of(engine, self.scope, options)

    def _take(self, item: Declared | Inclusion) -> None:
        self._place.take(item)

    # ------------------------------------------------------------ middleware
    def middleware(self, kind: str) -> Callable[[F], F]:
        """Register `async def (request, call_next) -> response` around everything; `kind` is "http"."""
        source = caller()
        if kind != "http":
            raise DeclarationError(f"middleware({kind!r}): only 'http' is known here", source)

        def register(function: F) -> F:
            async def wrap(c: RequestContext, call_next: Callable[[], Awaitable[Reply]]) -> Reply:
                async def following(request: Any) -> StreamingResponse:
                    return StreamingResponse.over(await call_next())

                response = await function(c.view(DIALECT), following)
                reply: Reply = response.__reply__()
                return reply

            hook = Hook(Stage.WRAP, wrap, Mode.LOOP, DIALECT.name, source, function)
            if self.engine.home is DIALECT:
                # Upstream's last one added is the outermost; among dialects the order of registration holds.
                hook = Hook(Stage.WRAP, wrap, Mode.LOOP, DIALECT.name, source, function, order=-hook.order)
            self.engine.add_hook(hook)
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
                return expected(c, exc) or _as_reply(await handler(c.view(DIALECT), exc))

        else:

            def call(c: RequestContext, exc: Exception) -> Reply | None:  # type: ignore[misc]
                return expected(c, exc) or _as_reply(handler(c.view(DIALECT), exc))

        self.engine.add_error_handler(ErrorHandler(key, call, mode, DIALECT, caller(), handler), self.scope)

    # -------------------------------------------------------------- lifespan
    def on_event(self, event: str) -> Callable[[F], F]:
        """Register a function for "startup" or "shutdown"."""
        warnings.warn("on_event is deprecated, use a lifespan instead", DeprecationWarning, stacklevel=2)

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
            LookupError: no route has that name with these parameters.
        """
        for plan in self.engine.frozen.plans:
            known = plan.route.options.get("name", plan.route.name)
            if known == name and set(plan.route.pattern.names) == set(path_params):
                return URLPath(plan.route.pattern.build(path_params))
        raise LookupError(f"no route {name!r} with the parameters {sorted(path_params)}")


def _as_reply(response: Any) -> Reply | None:
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


class AppOptions(TypedDict, total=False):
    """Options of `FastAPI` besides those named in its signature."""

    summary: str | None
    servers: Sequence[Mapping[str, Any]] | None
    openapi_tags: Sequence[Mapping[str, Any]] | None
    terms_of_service: str | None
    contact: Mapping[str, Any] | None
    license_info: Mapping[str, Any] | None
    root_path: str
    root_path_in_servers: bool
    responses: Mapping[int | str, Mapping[str, Any]] | None
    callbacks: Sequence[Any] | None
    webhooks: Any
    deprecated: bool | None
    include_in_schema: bool
    swagger_ui_oauth2_redirect_url: str | None
    swagger_ui_init_oauth: Mapping[str, Any] | None
    swagger_ui_parameters: Mapping[str, Any] | None
    generate_unique_id_function: Callable[[Any], str] | None
    separate_input_output_schemas: bool
    openapi_external_docs: Mapping[str, Any] | None
    strict_content_type: bool
    max_body_size: int | None
    redirect_slashes: bool


class FastAPI(FastAPIDoor):
    """A FastAPI application: an ASGI app, and an app for Asteri's direct door.

    Attributes:
        engine: the application behind it.
        state: the notebook of the application.
        dependency_overrides: dependency -> replacement, for tests.
    """

    def __init__(
        self,
        *,
        debug: bool = False,
        title: str = "FastAPI",
        version: str = "0.1.0",
        description: str = "",
        openapi_url: str | None = "/openapi.json",
        docs_url: str | None = "/docs",
        redoc_url: str | None = "/redoc",
        dependencies: Sequence[Any] | None = None,
        default_response_class: Any = None,
        lifespan: Callable[[Any], Any] | None = None,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        exception_handlers: Mapping[Any, Callable[..., Any]] | None = None,
        middleware: Sequence[Any] | None = None,
        **options: Unpack[AppOptions],
    ) -> None:
        check_options("FastAPI", options, AppOptions)
        engine = Application(DIALECT, title)
        engine.facade = self
        kept: Any = {name: value for name, value in options.items() if name in IncludeOptions.__annotations__}
        super().__init__(
            engine,
            engine.scope,
            dependencies=dependencies,
            default_response_class=default_response_class,
            **kept,
        )
        self.debug = debug
        self.title, self.version, self.description = title, version, description
        self.openapi_url, self.docs_url, self.redoc_url = openapi_url, docs_url, redoc_url
        self.root_path = (options.get("root_path") or "").rstrip("/")
        self.app_options = options
        engine.body_limit = options.get("max_body_size")
        if lifespan is not None:
            self._live(lifespan)
        for function in on_startup or ():
            self.add_event_handler("startup", function)
        for function in on_shutdown or ():
            self.add_event_handler("shutdown", function)
        for key, handler in (exception_handlers or {}).items():
            self.add_exception_handler(key, handler)
        for entry in reversed(middleware or ()):
            self.add_middleware(entry.cls, *entry.args, **entry.kwargs)
        self.openapi_schema: dict[str, Any] | None = None
        install_docs(engine, self._docs(), document=lambda: self.openapi())  # users put their own function there

    def _docs(self) -> DocsOptions:
        """Return what documentation says of the application, as its attributes are now."""
        options = self.app_options
        same = (
            "summary",
            "servers",
            "terms_of_service",
            "contact",
            "license_info",
            "root_path_in_servers",
            "swagger_ui_oauth2_redirect_url",
            "swagger_ui_init_oauth",
            "swagger_ui_parameters",
            "separate_input_output_schemas",
        )
        given: dict[str, Any] = {name: value for name, value in options.items() if name in same}
        return DocsOptions(
            title=self.title,
            version=self.version,
            description=self.description,
            tags=options.get("openapi_tags"),
            external_docs=options.get("openapi_external_docs"),
            openapi_url=self.openapi_url,
            docs_url=self.docs_url,
            redoc_url=self.redoc_url,
            **given,
        )

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once and kept in `openapi_schema`."""
        if self.openapi_schema is None:
            options = self._docs()
            routes = [plan.route for plan in self.engine.frozen.plans if plan.route.document]
            self.openapi_schema = get_openapi(
                title=options.title,
                version=options.version,
                openapi_version=options.openapi_version,
                summary=options.summary,
                description=options.description,
                routes=[route.options["documented"] for route in routes],
                tags=options.tags,
                servers=options.servers,
                terms_of_service=options.terms_of_service,
                contact=options.contact,
                license_info=options.license_info,
                separate_input_output_schemas=options.separate_input_output_schemas,
                external_docs=options.external_docs,
            )
        return self.openapi_schema

    def _live(self, lifespan: Callable[[Any], Any]) -> None:
        factory = lifespan
        if inspect.isasyncgenfunction(lifespan):
            factory = asynccontextmanager(lifespan)
        elif inspect.isgeneratorfunction(lifespan):
            inner = contextmanager(lifespan)

            @asynccontextmanager
            async def factory(app: Any) -> Any:
                with inner(app) as state:
                    yield state

        self.engine.add_lifespan(lambda: factory(self), lifespan)

    @property
    def state(self) -> State:
        """The notebook of the application."""
        return self.engine.state

    @property
    def dependency_overrides(self) -> dict[Any, Any]:
        """Replacements of dependencies; a change holds from the next request on."""
        return self.engine.overrides

    @dependency_overrides.setter
    def dependency_overrides(self, overrides: Mapping[Any, Any] | None) -> None:
        self.engine.overrides.clear()
        self.engine.overrides.update(overrides or {})

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors."""
        return self.engine.__asteri__(version)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as an ASGI application."""
        if self.root_path and scope["type"] != "lifespan":
            scope = {**scope, "root_path": self.root_path}
        await self.engine(scope, receive, send)
