"""`Fenrir`: one application that is spoken to in five ways. It chooses a dialect; it does not implement one.

Three rules decide everything here (docs/adr/0008). You get back the dialect you spoke: a decorator that only one
paradigm has belongs to that paradigm. It is decided when you register; where two readings exist you get an error with
your line and both spellings. Where frameworks differ in a name only, all names reach the same object.

`app.fastapi`, `app.flask`, `app.falcon`, `app.sanic` and `app.bottle` speak one dialect explicitly, on the same engine.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, cast

import asteri
from asteri.exchange import Doors
from fenrir.bottle.door import BottleDoor
from fenrir.core.application import Application
from fenrir.core.binding import Binding
from fenrir.core.converters import pattern_of
from fenrir.core.declare import DeclarationError, Mode, Route, Scope, caller, checked_timeout, mode_of
from fenrir.core.doors.wsgi import WSGIDoor, both_doors
from fenrir.core.pattern import PatternError
from fenrir.core.router import Slashes
from fenrir.core.urls import url_for
from fenrir.falcon.door import FalconDoor
from fenrir.fastapi import FastAPIDoor
from fenrir.fastapi._dialect import DIALECT as FASTAPI
from fenrir.fastapi.door import route_error_handler, route_hook
from fenrir.fastapi.surroundings import checked_handlers, checked_middleware
from fenrir.hybrid._dialect import NATIVE, reserved
from fenrir.hybrid.options import RouteOptions, check_options
from fenrir.hybrid.shape import Shape, shape_of
from fenrir.hybrid.sockets import socket_route
from fenrir.kit.mounting import asgi_mount, is_asgi, wsgi_mount
from fenrir.kit.openapi import DocsOptions, install_docs, openapi_document
from fenrir.kit.validation import bind_signature
from fenrir.sanic.door import SanicDoor

if TYPE_CHECKING:
    from fenrir.flask.door import FlaskDoor

__all__ = ["Fenrir"]

H = TypeVar("H", bound=Callable[..., Any])
Decorator = Callable[[H], H]
VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
SLASHES = {"strict": Slashes.STRICT, "redirect": Slashes.REDIRECT_308, "either": Slashes.EITHER}


class Fenrir:
    """A hybrid application; an ASGI 3 application and a direct one.

    Args:
        import_name: the module that it belongs to (`__name__`); templates and static files are found beside it.
        title, version, summary, description, terms_of_service, contact, license_info, servers, tags: documentation.
        docs_url, redoc_url, openapi_url, asyncapi_url: where documentation is served; None switches it off.
        secret_key: signs sessions; they refuse to work without one.
        template_folder, static_folder, static_url_path: as in Flask.
        lifespan: an async context manager factory taking the application, as in FastAPI.
        dependencies: FastAPI dependencies of every route of every dialect (not of mounts, pages of documentation and
            static files, as in FastAPI).
        body_limit: bytes that a body may have, unless a route says otherwise.
        cancel_on_disconnect: the work of a request of any dialect is cancelled when its client leaves, unless its route
            says otherwise (not of mounts).
        debug: more detail in errors.
    """

    def __init__(
        self,
        import_name: str | None = None,
        *,
        title: str = "Fenrir",
        version: str = "0.1.0",
        summary: str | None = None,
        description: str = "",
        terms_of_service: str | None = None,
        contact: Mapping[str, Any] | None = None,
        license_info: Mapping[str, Any] | None = None,
        servers: Sequence[Mapping[str, Any]] | None = None,
        tags: Sequence[Mapping[str, Any]] | None = None,
        docs_url: str | None = "/docs",
        redoc_url: str | None = "/redoc",
        openapi_url: str | None = "/openapi.json",
        asyncapi_url: str | None = "/asyncapi.json",
        secret_key: str | bytes | None = None,
        template_folder: str | None = "templates",
        static_folder: str | None = "static",
        static_url_path: str | None = None,
        lifespan: Callable[[Any], Any] | None = None,
        dependencies: Sequence[Any] = (),
        body_limit: int | None = None,
        cancel_on_disconnect: bool = False,
        debug: bool = False,
    ) -> None:
        if import_name is None:
            import_name = _calling_module()
        self.import_name = import_name
        self.title = title
        self.version = version
        self.debug = debug
        self.engine = Application(NATIVE, title)
        self.engine.facade = self
        self.engine.body_limit = body_limit
        self.engine.cancel_on_disconnect = cancel_on_disconnect
        self.dependencies = list(dependencies)
        self.converters = NATIVE.converters.extend()
        self._flask_options = {
            "import_name": import_name,
            "template_folder": template_folder,
            "static_folder": static_folder,
            "static_url_path": static_url_path,
        }
        if secret_key is not None or static_url_path is not None or find_spec("werkzeug") is not None:
            self.flask  # noqa: B018 - its routes come first, and its sessions are those of all
        self.fastapi = FastAPIDoor(self.engine, self.engine.scope, dependencies=self.dependencies)
        self.falcon = FalconDoor(self.engine, self.engine.scope)
        self.sanic = SanicDoor(self.engine, self.engine.scope)
        self.bottle = BottleDoor(self.engine, self.engine.scope)
        if secret_key is not None:
            self.secret_key = secret_key
        if lifespan is not None:
            self.engine.add_lifespan(lambda: lifespan(self), lifespan)
        if self.dependencies:
            pages = frozenset(self.engine.routes)  # static files
            self.engine.shared = lambda route, overrides: self._around(route, overrides, pages)
        self.docs = DocsOptions(
            title=title,
            version=version,
            summary=summary,
            description=description,
            terms_of_service=terms_of_service,
            contact=contact,
            license_info=license_info,
            servers=servers,
            tags=tags,
            docs_url=docs_url,
            redoc_url=redoc_url,
            openapi_url=openapi_url,
            asyncapi_url=asyncapi_url,
        )
        install_docs(self.engine, self.docs)

    @cached_property
    def flask(self) -> FlaskDoor:
        """Flask's way of speaking, on this engine.

        Raises:
            ImportError: the extra is not installed.
        """
        try:
            from fenrir.flask.door import FlaskDoor
        except ModuleNotFoundError as error:
            if error.name not in ("werkzeug", "blinker"):
                raise
            raise ImportError(
                f"Flask's dialect, templates, sessions and static files need {error.name}: pip install 'fenrir[flask]'",
                name=error.name,
            ) from error
        door = FlaskDoor(self.engine, self.engine.scope, **self._flask_options)
        door.config["SESSION_COOKIE_SAMESITE"] = "Lax"
        return door

    def __repr__(self) -> str:
        return f"<Fenrir {self.import_name!r}>"

    # ---------------------------------------------------------------- routes
    def route(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """Declare a route for a function, a resource or a view class; see `RouteOptions`.

        Raises:
            DeclarationError: the path, the signature or the shape of the handler is ambiguous or wrong.
            TypeError: an option is unknown.
        """
        check_options(options)

        def register(handler: Any) -> Any:
            self._register(path, handler, dict(options))
            return handler

        return register

    def _verb(self, verb: str, path: str, options: Any) -> Decorator[Any]:
        if "methods" in options or "method" in options:
            raise TypeError(f"{verb.lower()}() says the method already; use route() for other methods")
        return self.route(path, **options, methods=[verb])

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """GET (and HEAD); see `route`."""
        return self._verb("GET", path, options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """POST; see `route`."""
        return self._verb("POST", path, options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """PUT; see `route`."""
        return self._verb("PUT", path, options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """PATCH; see `route`."""
        return self._verb("PATCH", path, options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """DELETE; see `route`."""
        return self._verb("DELETE", path, options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """HEAD; see `route`."""
        return self._verb("HEAD", path, options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Decorator[Any]:
        """OPTIONS; see `route`."""
        return self._verb("OPTIONS", path, options)

    def add_route(self, first: Any, second: Any, **options: Any) -> None:
        """Declare a route; one argument is the path, the other the handler, in either order (rule 15).

        A Falcon resource takes `suffix=`, a function the options of `route`.
        """
        path, handler = (first, second) if isinstance(first, str) else (second, first)
        if not isinstance(path, str):
            raise DeclarationError("add_route takes a path (a string) and a handler", caller())
        if "suffix" not in options:
            check_options(options)
        self._register(path, handler, dict(options))

    def _register(self, path: str, handler: Any, options: dict[str, Any]) -> None:
        shape = shape_of(handler)
        if shape is Shape.RESOURCE:
            resource = handler() if inspect.isclass(handler) else handler
            self.falcon.add_route(path, resource, **options)
        elif shape is Shape.FLASK_VIEW:
            name = options.pop("name", None) or options.pop("endpoint", None) or handler.__name__.lower()
            self.flask.add_url_rule(path, view_func=handler.as_view(name), **options)
        elif shape is Shape.SANIC_VIEW:
            self.sanic.add_route(handler.as_view(), path, **options)
        else:
            self._native(path, handler, options)

    def _native(self, path: str, handler: Any, options: dict[str, Any]) -> None:
        source = caller()
        methods = _one_of(options, "methods", "method", ["GET"])
        if isinstance(methods, str):
            methods = [methods]
        verbs = frozenset(method.upper() for method in methods)
        own_name = getattr(handler, "__name__", None)
        name = _one_of(options, "name", "endpoint", own_name if own_name != "<lambda>" else None)
        if "slashes" in options:
            options["slashes"] = _slashes(options["slashes"])
        try:
            pattern = NATIVE.parse(path, self.converters)
        except PatternError as exc:
            raise DeclarationError(
                f"{exc} or use app.flask.route, app.sanic.route or app.bottle.route", source
            ) from exc
        stream = bool(options.pop("stream", False))
        dependencies = [*self.dependencies, *options.pop("dependencies", ())]

        def bind(overrides: Mapping[Any, Any]) -> Any:
            return bind_signature(handler, pattern, reserved=reserved, overrides=overrides, dependencies=dependencies)

        inline = bool(options.pop("inline", False))
        mode = mode_of(handler, Mode.INLINE if inline else Mode.THREAD)
        if inline and mode is Mode.LOOP:
            raise DeclarationError(
                "inline=True is for `def` handlers; an `async def` one is on the loop anyway", source
            )
        if inline and mode is Mode.THREAD:
            raise DeclarationError(
                "inline=True promises never to block, but something async stands around this `def` handler; "
                "make the handler `async def`, or leave inline out",
                source,
            )
        scope = self.engine.scope
        around = tuple(route_hook(entry, source) for entry in checked_middleware(options.pop("middleware", ()), source))
        if handlers := checked_handlers(options.pop("exception_handlers", {}), source):
            scope = Scope(path, scope)
            scope.error_handlers += [route_error_handler(key, call, source) for key, call in handlers.items()]
        self.engine.add_route(
            Route(
                pattern=pattern,
                methods=verbs,
                handler=handler,
                mode=mode,
                name=name,
                dialect=NATIVE,
                scope=scope,
                source=source,
                bind=bind,
                options=options,
                stream=stream,
                body_limit=options.pop("body_limit", None),
                timeout=checked_timeout(options.pop("timeout", None), source),
                cancel_on_disconnect=options.pop("cancel_on_disconnect", None),
                around=around,
                document=options.get("include_in_schema", True),
            )
        )

    def _around(self, route: Route, overrides: Mapping[Any, Any], pages: frozenset[Route]) -> Binding | None:
        """Return the application's dependencies for a route that did not bind them itself."""
        if route.dialect in (NATIVE, FASTAPI) or route in pages:
            return None
        return bind_signature(
            _nothing, route.pattern, reserved=reserved, overrides=overrides, dependencies=self.dependencies
        )

    def websocket(self, path: str, name: str | None = None, *, dependencies: Sequence[Any] = ()) -> Decorator[Any]:
        """Declare a WebSocket route: an `async def` that takes a `WebSocket`, values of the path, and dependencies."""
        source = caller()
        around = [*self.dependencies, *dependencies]

        def register(handler: Any) -> Any:
            route = socket_route(
                path, handler, name, around, converters=self.converters, scope=self.engine.scope, source=source
            )
            self.engine.add_route(route)
            return handler

        return register

    def mount(self, prefix: str, app: Any, name: str | None = None) -> None:
        """Hand everything below a prefix to an ASGI or a WSGI application, with this application's hooks around it."""
        make = asgi_mount if is_asgi(app) else wsgi_mount
        self.engine.add_mount(make(prefix, app, NATIVE, self.engine.scope, caller()))

    def mount_wsgi(self, prefix: str, app: Callable[..., Iterable[bytes]]) -> None:
        """Hand everything below a prefix to a WSGI application, streaming both ways."""
        self.engine.add_mount(wsgi_mount(prefix, app, NATIVE, self.engine.scope, caller()))

    def add_converter(
        self,
        name: str,
        regex: str,
        convert: Callable[[str], Any] = str,
        format: Callable[[Any], str] = str,
    ) -> None:
        """Add a type for the paths of native routes: `{version:semver}`.

        Args:
            regex: what the whole text must match, without a slash unless it may take several segments.
            convert: from the text to the value; a ValueError means that the route does not match.
            format: back, for `url_for`.

        Raises:
            ConverterError: the name is no identifier, or the expression can not be used.
        """
        made = pattern_of(regex, name=name, convert=convert)
        self.converters.register(name, replace(made, format=format))

    # --------------------------------------------------------------- routers
    def include(self, router: Any, **options: Any) -> None:
        """Include a router of any dialect: an APIRouter, a Flask or a Sanic blueprint (rule 29)."""
        dialect = next(
            (base.__module__.split(".")[1] for base in type(router).__mro__ if base.__module__.startswith("fenrir.")),
            None,
        )
        if dialect == "fastapi":
            self.fastapi.include_router(router, **options)
        elif dialect == "flask":
            self.flask.register_blueprint(router, **options)
        elif dialect == "sanic":
            self.sanic.blueprint(router, **options)
        else:
            raise DeclarationError(f"{router!r} is no router of any dialect; mount() takes applications", caller())

    include_router = include
    register_blueprint = include
    blueprint = include

    # ----------------------------------------------------------------- hooks
    def middleware(self, kind: str = "http") -> Decorator[Any]:
        """Declare a function around requests: "http" wraps, "request" precedes, "response" follows (rule 16)."""
        if kind == "http":
            return self.fastapi.middleware("http")
        if kind in ("request", "response"):
            return cast(Decorator[Any], self.sanic.middleware(kind))
        raise DeclarationError(f'middleware({kind!r}): the kinds are "http", "request" and "response"', caller())

    def add_middleware(self, middleware: Any, *args: Any, **options: Any) -> None:
        """Add an ASGI middleware class, or a Falcon component object (rule 16)."""
        if inspect.isclass(middleware):
            self.engine.add_middleware(middleware, *args, **options)
        else:
            self.falcon.add_middleware(middleware)

    def before_request(self, hook: H) -> H:
        """Flask's: called without arguments before the handler; a value that it returns is the answer."""
        self.flask.before_request(hook)
        return hook

    def after_request(self, hook: H) -> H:
        """Flask's: called with the response."""
        self.flask.after_request(hook)
        return hook

    def teardown_request(self, hook: H) -> H:
        """Flask's: called with the exception or None, after sending."""
        self.flask.teardown_request(hook)
        return hook

    def on_request(self, hook: H) -> H:
        """Sanic's request middleware."""
        self.sanic.on_request(hook)
        return hook

    def on_response(self, hook: H) -> H:
        """Sanic's response middleware."""
        self.sanic.on_response(hook)
        return hook

    def hook(self, name: str) -> Decorator[Any]:
        """Bottle's hooks: "before_request", "after_request"."""
        return self.bottle.hook(name)

    def context_processor(self, function: H) -> H:
        """Flask's: a dictionary for every template."""
        self.flask.context_processor(function)
        return function

    def template_filter(self, name: str | None = None) -> Decorator[Any]:
        """Flask's: a filter for templates."""
        return self.flask.template_filter(name)

    # ---------------------------------------------------------------- errors
    def errorhandler(self, key: type[Exception] | int) -> Decorator[Any]:
        """Flask's spelling: the handler takes the exception."""
        return self.flask.errorhandler(key)

    def exception_handler(self, key: type[Exception] | int) -> Decorator[Any]:
        """FastAPI's spelling: the handler takes the request and the exception."""
        return self.fastapi.exception_handler(key)

    def exception(self, *keys: type[Exception]) -> Decorator[Any]:
        """Sanic's spelling: the handler takes the request and the exception."""
        return cast(Decorator[Any], self.sanic.exception(*keys))

    def error(self, status: int = 500) -> Decorator[Any]:
        """Bottle's spelling: the handler takes the HTTPError."""
        return cast(Decorator[Any], self.bottle.error(status))

    def add_error_handler(self, key: Any, handler: Any = None) -> None:
        """Falcon's spelling: the handler takes req, resp, the exception and the path values."""
        self.falcon.add_error_handler(key, handler)

    # -------------------------------------------------------- start and stop
    def listener(self, event: str) -> Decorator[Any]:
        """Sanic's listeners: "before_server_start", "after_server_start", "before_server_stop", "after_server_stop"."""
        return cast(Decorator[Any], self.sanic.listener(event))

    def before_server_start(self, listener: H) -> H:
        """Run before the server accepts connections."""
        self.sanic.listener("before_server_start")(listener)
        return listener

    def after_server_start(self, listener: H) -> H:
        """Run when the application has started."""
        self.sanic.listener("after_server_start")(listener)
        return listener

    def before_server_stop(self, listener: H) -> H:
        """Run before the application stops."""
        self.sanic.listener("before_server_stop")(listener)
        return listener

    def after_server_stop(self, listener: H) -> H:
        """Run last."""
        self.sanic.listener("after_server_stop")(listener)
        return listener

    def on_event(self, event: str) -> Decorator[Any]:
        """FastAPI's: "startup" and "shutdown"."""
        return self.fastapi.on_event(event)

    def add_task(self, task: Coroutine[Any, Any, Any] | Callable[..., Any], *, name: str | None = None) -> Any:
        """Run a coroutine or a function in the background, owned by the application; see `core.lifespan.Tasks`."""
        return self.sanic.add_task(task, name=name)

    # ----------------------------------------------------- names and objects
    @property
    def state(self) -> Any:
        """The application's notebook."""
        return self.engine.state

    @property
    def ctx(self) -> Any:
        """Same as `state`."""
        return self.engine.state

    @property
    def config(self) -> Any:
        """The configuration, a mapping with Flask's keys."""
        return self.flask.config

    @property
    def secret_key(self) -> Any:
        """The key that signs sessions."""
        return self.flask.secret_key

    @secret_key.setter
    def secret_key(self, key: str | bytes | None) -> None:
        self.flask.secret_key = key

    @property
    def dependency_overrides(self) -> dict[Any, Any]:
        """Dependencies and what replaces them, for tests."""
        return self.engine.overrides

    @cached_property
    def jinja_env(self) -> Any:
        """The Jinja environment."""
        return self.flask.jinja_env

    def url_for(self, name: str, **values: Any) -> str:
        """Return the path of a route by its name. Raises LookupError with the names that are close."""
        return url_for(self.engine, name, values)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of all routes of every dialect."""
        return openapi_document(self.engine, self.docs)

    def asyncapi(self) -> dict[str, Any]:
        """Return the AsyncAPI document of all WebSockets and event streams of every dialect."""
        return import_module("fenrir.kit.asyncapi").asyncapi_document(self.engine, self.docs)  # type: ignore[no-any-return]

    # ----------------------------------------------------------------- doors
    def __asteri__(self, version: int) -> Doors | None:
        return self.engine.__asteri__(version)

    @both_doors
    def __call__(self, *args: Any) -> Any:
        """Serve as an ASGI 3 application (scope, receive, send), or as a WSGI one (environ, start_response)."""
        return self._wsgi(*args) if len(args) == 2 else self.engine(*args)

    @cached_property
    def _wsgi(self) -> WSGIDoor:
        return WSGIDoor(self.engine)

    def test_client(self, **options: Any) -> Any:
        """Return a `fenrir.testing.Client` of this application."""
        # By its name: the client stands above the applications that it tests.
        return import_module("fenrir.testing").Client(self, **options)

    def run(self, host: str = "127.0.0.1", port: int = 8000, **options: Any) -> int:
        """Serve on Asteri until a signal comes; options are those of `asteri.run`, an unknown one is an error."""
        return asteri.run(self, bind=f"{host}:{port}", **options)


def _nothing() -> None:
    """Stand for a handler that takes none of the values."""


def _calling_module() -> str:
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("fenrir."):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")) if frame is not None else "__main__"


def _one_of(options: dict[str, Any], name: str, synonym: str, default: Any) -> Any:
    """Take a value that has two names; giving both is an error (rule 14)."""
    if name in options and synonym in options:
        raise TypeError(f"{name}= and {synonym}= are the same thing; give one of them")
    return options.pop(name, options.pop(synonym, default))


def _slashes(choice: str) -> Slashes:
    try:
        return SLASHES[choice]
    except KeyError:
        raise TypeError(f"slashes={choice!r}: it is one of {', '.join(map(repr, SLASHES))}") from None
