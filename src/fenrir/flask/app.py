"""The application class: contexts, URLs, and the doors to what `dispatching` does.

A request that needs more than its view (there are hooks, receivers of signals, a session, an overridden method) is
served by `serve`, through any door; the WSGI door is nothing but that. A request that needs no more is served by the
engine's plan of its route (`engine`), with the same answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from inspect import iscoroutinefunction
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote
from weakref import ref

from werkzeug.routing import BuildError

from asteri.exchange import Doors
from asteri.wsgi import WSGIApplication, wsgi_app
from fenrir.core.background import wait_for
from fenrir.core.doors.asgi import asgi_door
from fenrir.core.doors.wsgi import both_doors
from fenrir.core.threads import THREADS
from fenrir.flask import cli
from fenrir.flask.ctx import AppContext, RequestContext
from fenrir.flask.dispatching import Dispatching
from fenrir.flask.engine import FlaskEngine, ready_of, rendered
from fenrir.flask.flags import get_debug_flag, get_load_dotenv
from fenrir.flask.globals import CONTEXT, _cv_app, _cv_request
from fenrir.flask.incidental import incidental
from fenrir.flask.request import Request
from fenrir.flask.scaffold import setupmethod

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.context import RequestContext as EngineContext
    from fenrir.core.dialect import Ready
    from fenrir.core.reply import Reply

__all__ = ["Flask"]

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

PRESERVE = "werkzeug.debug.preserve_context"
"""The key of the environ under which a test client asks for the contexts."""

_STAGES = (
    "create_url_adapter",
    "dispatch_request",
    "do_teardown_appcontext",
    "do_teardown_request",
    "ensure_sync",
    "finalize_request",
    "full_dispatch_request",
    "handle_exception",
    "handle_http_exception",
    "handle_user_exception",
    "make_default_options_response",
    "make_response",
    "preprocess_request",
    "process_response",
    "raise_routing_exception",
    "request_context",
    "app_context",
)


class Flask(Dispatching):
    """A Flask application.

    Args:
        import_name: usually `__name__`; templates, static files and the instance folder are found from it.
        static_url_path: prefix of static files, the folder's name by default.
        static_host: host of static files, where hosts are matched.
        host_matching, subdomain_matching: rules may name a host, or a subdomain of SERVER_NAME.
        root_path: instead of the directory of the module.
        title, version, summary, description, servers, tags: what the OpenAPI document says of the application.
        openapi_url, asyncapi_url: where documents are served; nowhere by default, as upstream has none.
        docs_url, redoc_url: where Swagger UI and ReDoc show the one of `openapi_url`.
    """

    shares_requests = False  # with other dialects: forms are then read by the engine, and links not followed
    debug_pages = False  # unhandled exceptions are answered with their traceback; for the development server
    _altered = False  # a stage was replaced on this very object

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
        *,
        title: str | None = None,
        version: str = "0.1.0",
        summary: str | None = None,
        description: str | None = None,
        servers: Sequence[Mapping[str, Any]] | None = None,
        tags: Sequence[Mapping[str, Any]] | None = None,
        openapi_url: str | None = None,
        asyncapi_url: str | None = None,
        docs_url: str | None = None,
        redoc_url: str | None = None,
    ) -> None:
        super().__init__(
            import_name,
            static_url_path,
            static_folder,
            static_host,
            host_matching,
            subdomain_matching,
            template_folder,
            instance_path,
            instance_relative_config,
            root_path,
        )
        self.cli = cli.AppGroup()
        self.cli.name = self.name
        if self.has_static_folder:
            if bool(static_host) != host_matching:
                raise AssertionError("Invalid static_host/host_matching combination")
            self.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                endpoint="static",
                host=static_host,
                view_func=_static_view(self),
            )
        self._about: dict[str, Any] = {
            "title": title,
            "version": version,
            "summary": summary,
            "description": description,
            "servers": servers,
            "tags": tags,
        }
        if openapi_url or asyncapi_url or docs_url or redoc_url:
            self.serve_documents(openapi_url, asyncapi_url=asyncapi_url, docs_url=docs_url, redoc_url=redoc_url)

    @cached_property
    def engine(self) -> Application:
        """The engine, made when a server asks for it; until then nothing holds the application but its users."""
        return FlaskEngine(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _STAGES:
            self.__dict__["_altered"] = True
        super().__setattr__(name, value)

    # --------------------------------------------------------------- documents
    @setupmethod
    def serve_documents(
        self,
        openapi_url: str | None = "/openapi.json",
        *,
        asyncapi_url: str | None = None,
        docs_url: str | None = "/docs",
        redoc_url: str | None = None,
        **about: Any,
    ) -> None:
        """Add rules that serve what the application is; the constructor does so with keywords of the same names.

        Args:
            openapi_url, asyncapi_url: of the documents.
            docs_url, redoc_url: of Swagger UI and ReDoc, which show the first of them.
            about: `title`, `version`, `summary`, `description`, `servers`, `tags`, in the place of the constructor's.

        Raises:
            TypeError: a keyword is unknown.
            ValueError: a page is to be served without the document that it shows.
        """
        if unknown := about.keys() - self._about.keys():
            raise TypeError(f"serve_documents() got an unexpected keyword argument {min(unknown)!r}")
        self._about.update(about)
        urls = {"openapi_url": openapi_url, "asyncapi_url": asyncapi_url, "docs_url": docs_url, "redoc_url": redoc_url}
        import_module("fenrir.flask.documents").serve_documents(self, urls)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document of all rules; typed views have schemas in it."""
        document: dict[str, Any] = import_module("fenrir.flask.documents").openapi(self)
        return document

    def asyncapi(self) -> dict[str, Any]:
        """Return the AsyncAPI document of the WebSockets."""
        document: dict[str, Any] = import_module("fenrir.flask.documents").asyncapi(self)
        return document

    # ---------------------------------------------------------------- contexts
    def app_context(self) -> AppContext:
        """Return an application context, for use outside of requests."""
        return AppContext(self)

    def request_context(self, environ: dict[str, Any]) -> RequestContext:
        """Return the context of a request that a WSGI environment describes."""
        return RequestContext(self, environ)

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        """Return the context of a request made by hand; see `testing.EnvironBuilder` for the arguments."""
        from fenrir.flask.testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    def context_of(self, c: EngineContext) -> RequestContext:
        """Return the context of a request that the engine serves, always the same one."""
        notes = c.notes
        if notes is None:
            notes = c.notes = {}
            c.held = True
        found: RequestContext | None = notes.get(CONTEXT)
        if found is None:
            found = notes[CONTEXT] = RequestContext.of(self, c)
        return found

    def request_of(self, c: EngineContext) -> Request:
        """Return the request of a request that the engine serves, with the rule of its route."""
        made = self.request_class.of(c)
        made.json_module = self.json
        return made

    def begin_after(self, c: EngineContext) -> None:
        """Know that a request has functions of `after_this_request`."""

    def rendered(self, c: EngineContext, value: Any) -> Reply:
        """Return the reply that the value of a view is."""
        return rendered(self, c, value)

    @cached_property
    def ready(self) -> Callable[[EngineContext, Any], Ready | None]:
        """The short way from the value of a view to what is sent, where nothing stands around the view."""
        return ready_of(self)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that plain code may call: a coroutine function runs on a loop."""
        return self.async_to_sync(func) if iscoroutinefunction(func) else func

    def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that waits for a coroutine function: on the loop of the request, or in the background."""

        def call(*args: Any, **kwargs: Any) -> Any:
            return wait_for(func(*args, **kwargs))

        return call

    # -------------------------------------------------------------------- URLs
    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Return the URL of an endpoint.

        Args:
            endpoint: one that begins with a dot belongs to the current blueprint.
            values: of the path; what is not in it becomes the query.

        Raises:
            BuildError: there is no such endpoint, or values are missing.
            RuntimeError: there is no request, and no SERVER_NAME.
        """
        within = _cv_request.get(None)
        if within is not None:
            adapter = within.url_adapter
            if endpoint.startswith("."):
                blueprint = within.request.blueprint
                endpoint = endpoint[1:] if blueprint is None else f"{blueprint}{endpoint}"
            if _external is None:
                _external = _scheme is not None
        else:
            context = _cv_app.get(None)
            adapter = self.create_url_adapter(None) if context is None else context.url_adapter
            if adapter is None:
                raise RuntimeError(
                    "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also configure"
                    " 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed."
                )
            if _external is None:
                _external = True
        if _scheme is not None and not _external:
            raise ValueError("When specifying '_scheme', '_external' must be True.")
        self.inject_url_defaults(endpoint, values)
        try:
            url = cast(Any, adapter).build(
                endpoint, values, method=_method, url_scheme=_scheme, force_external=_external
            )
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
            return self.handle_url_build_error(error, endpoint, values)
        if _anchor is not None:
            url = f"{url}#{quote(_anchor, safe=_ANCHOR_SAFE)}"
        return cast(str, url)

    # ------------------------------------------------------------------- doors
    def serve(self, context: RequestContext, answer: Callable[[Any], R], preserve: Any = None) -> R:
        """Serve a request from the push of its context to the pop, and return what `answer` makes of the response.

        Args:
            preserve: is given the contexts, for a test client that looks at them afterwards.
        """
        error: BaseException | None = None
        try:
            try:
                context.push()
                response = self.full_dispatch_request()
            except Exception as exc:
                error = exc
                response = self.handle_exception(exc)
            except BaseException as exc:
                error = exc
                raise
            return answer(response)
        finally:
            if preserve is not None:
                preserve(_cv_app.get())
                preserve(_cv_request.get())
            if error is not None and self.should_ignore_error(error):
                error = None
            context.pop(error)

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve as a WSGI application; middleware may take its place: `app.wsgi_app = Fix(app.wsgi_app)`."""
        context = self.request_context(environ)
        return self.serve(context, lambda response: response(environ, start_response), environ.get(PRESERVE))

    @both_doors
    def __call__(self, *args: Any) -> Any:
        """Serve as a WSGI application (environ, start_response), or as an ASGI 3 one (scope, receive, send)."""
        if len(args) == 2:
            return self.wsgi_app(*args)
        wrapped = self._wrapped()
        return self.engine(*args) if wrapped is None else wrapped.asgi(*args)

    def _middleware(self) -> WSGIApplication | None:
        """Return the WSGI application before this one. SECURITY: it must stand in every way to the application."""
        if type(self).__call__ is not _CALL:  # what watches an application replaces this on the class
            return MethodType(type(self).__call__, self)
        replaced = "wsgi_app" in self.__dict__ or type(self).wsgi_app is not _WSGI_APP
        return self.wsgi_app if replaced else None

    def _speaker(self) -> WSGIApplication | None:
        """Return who speaks the protocol of WebSockets itself: middleware, or this application if a view may."""
        views = [rule.endpoint in self.view_functions for rule in self.url_map.iter_rules() if rule.websocket]
        if not all(views):  # there are others, which the engine serves
            return None
        return self._middleware() or (self.wsgi_app if views else None)

    def _wrapped(self) -> _Wrapped | None:
        """Return the way through the WSGI middleware, if there is any; made once."""
        middleware = self._middleware()
        if middleware is None:
            return None
        made: _Wrapped | None = self.__dict__.get("_way")
        if made is None or made.application != middleware:
            made = self.__dict__["_way"] = _Wrapped(self, middleware)
        return made

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors; through the WSGI middleware, if there is any."""
        doors = self.engine.__asteri__(version)
        wrapped = self._wrapped()
        return doors if doors is None or wrapped is None else Doors(wrapped.http, doors.websocket)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve on Asteri until a signal comes; see `fenrir.flask.serving.run_simple` for the options.

        Does nothing while a command of `flask` imports the module.

        Args:
            host, port: those of SERVER_NAME, or 127.0.0.1 and 5000.
            debug: instead of the application's debug mode.
            load_dotenv: read `.env` and `.flaskenv` first.
        """
        serving = import_module("fenrir.flask.serving")
        if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
            if not serving.is_running_from_reloader():
                import click

                click.secho(
                    " * Ignoring a call to 'app.run()' that would block the current 'flask' CLI command.\n"
                    "   Only call 'app.run()' in an 'if __name__ == \"__main__\"' guard.",
                    fg="red",
                )
            return
        if get_load_dotenv(load_dotenv):
            cli.load_dotenv()
            if "FLASK_DEBUG" in os.environ:
                self.debug = get_debug_flag()
        if debug is not None:
            self.debug = bool(debug)
        own_host, _, own_port = (self.config.get("SERVER_NAME") or "").partition(":")
        host = host or own_host or "127.0.0.1"
        port = int(next((value for value in (port, own_port or None) if value is not None), 5000))
        options = {"use_reloader": self.debug, "use_debugger": self.debug, "threaded": True, **options}
        cli.show_server_banner(self.debug, self.name)
        serving.run_simple(host, port, self, **options)

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> Any:
        """Return a client for tests; see `testing.FlaskClient`."""
        cls = self.test_client_class or import_module("fenrir.flask.testing").FlaskClient
        return cls(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> Any:
        """Return a runner of commands for tests; see `testing.FlaskCliRunner`."""
        cls = self.test_cli_runner_class or import_module("fenrir.flask.testing").FlaskCliRunner
        return cls(self, **kwargs)


def _static_view(app: Flask) -> Callable[..., Any]:
    """Return the view of static files; without a cycle, so that an application can be forgotten."""
    found = ref(app)

    def static(**values: Any) -> Any:
        owner = found()
        assert owner is not None  # it serves this request
        return owner.send_static_file(**values)

    return static


class _Wrapped:
    """The application behind WSGI middleware, as the ASGI door needs it."""

    def __init__(self, app: Flask, middleware: WSGIApplication) -> None:
        engine = app.engine
        self.application = middleware
        self.http = wsgi_app(middleware, threads=THREADS, name="flask-wsgi")
        self.asgi = asgi_door(self)
        self.websocket = engine.websocket
        self.lifespan = engine.lifespan
        self._engine = engine

    @property
    def lifespan_state(self) -> dict[str, Any]:
        """What lifespan context managers gave: the engine's."""
        return self._engine.lifespan_state

    @lifespan_state.setter
    def lifespan_state(self, state: dict[str, Any]) -> None:
        self._engine.lifespan_state = state


STAGES: dict[str, Any] = {name: getattr(Flask, name) for name in _STAGES}
"""The methods of a request. When one of them is another than these, no request takes a way around them."""

_WSGI_APP: Any = Flask.wsgi_app
_CALL: Any = Flask.__call__

_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"


__getattr__ = incidental(__name__)
