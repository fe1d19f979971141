"""The application class: what happens in a request, method by method, and the doors to it.

The methods of dispatching are upstream's, because extensions call, replace and override them. Every request that needs
one of them (there are hooks, receivers of signals, a session, an overridden method) takes that way, through any door:
`serve` is the whole of it, and the WSGI door is nothing but `serve`. What needs none of them is served by the engine's
plan of its route (`engine`), with the same answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from urllib.parse import quote
from weakref import ref

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import BuildError, RequestRedirect, RoutingException
from werkzeug.wrappers import Response as WerkzeugResponse

from asteri.exchange import Doors
from asteri.wsgi import WSGIApplication, wsgi_app
from fenrir.core.background import wait_for
from fenrir.core.doors.asgi import asgi_door
from fenrir.core.doors.wsgi import both_doors
from fenrir.core.threads import THREADS
from fenrir.flask import cli
from fenrir.flask.application import App
from fenrir.flask.ctx import AppContext, RequestContext
from fenrir.flask.engine import FlaskEngine, rendered
from fenrir.flask.globals import CONTEXT, _cv_app, _cv_request, request, request_ctx
from fenrir.flask.helpers import get_debug_flag, get_load_dotenv
from fenrir.flask.request import Request
from fenrir.flask.response import Response
from fenrir.flask.sessions import SecureCookieSessionInterface, SessionInterface
from fenrir.flask.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)

if TYPE_CHECKING:
    from types import TracebackType

    from fenrir.core.application import Application
    from fenrir.core.context import RequestContext as EngineContext
    from fenrir.core.reply import Reply

__all__ = ["Flask"]

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

_sentinel: Any = object()

PRESERVE = "werkzeug.debug.preserve_context"
"""The key of the environ under which a test client asks for the contexts."""

STAGES = frozenset(
    {
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
    }
)
"""The methods of a request. When one of them is another than ours, no request takes a way around them."""


class Flask(App):
    """A Flask application.

    Args:
        import_name: usually `__name__`; templates, static files and the instance folder are found from it.
        static_url_path: prefix of static files, the folder's name by default.
        static_host: host of static files, where hosts are matched.
        host_matching, subdomain_matching: rules may name a host, or a subdomain of SERVER_NAME.
        root_path: instead of the directory of the module.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()
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

    @cached_property
    def engine(self) -> Application:
        """The engine, made when a server asks for it; until then nothing holds the application but its users."""
        return FlaskEngine(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in STAGES:
            self.__dict__["_altered"] = True
        super().__setattr__(name, value)

    # ------------------------------------------------------------- dispatching
    def full_dispatch_request(self) -> Response:
        """Serve the current request: hooks before, view, error handlers, hooks after."""
        self._got_first_request = True
        try:
            request_started.send(self, _async_wrapper=self.ensure_sync)
            value = self.preprocess_request()
            if value is None:
                value = self.dispatch_request()
        except Exception as exc:
            value = self.handle_user_exception(exc)
        return self.finalize_request(value)

    def dispatch_request(self) -> Any:
        """Call the view of the current request, or raise what the routing found."""
        current = request_ctx.request
        if current.routing_exception is not None:
            self.raise_routing_exception(current)
        rule: Any = current.url_rule
        if getattr(rule, "provide_automatic_options", False) and current.method == "OPTIONS":
            return self.make_default_options_response()
        return self.ensure_sync(self.view_functions[rule.endpoint])(**cast("dict[str, Any]", current.view_args))

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise why no rule matched; in debug mode a redirect that would lose a form is a mistake of its own."""
        exc = cast(HTTPException, request.routing_exception)
        keeps_form = exc.code in {307, 308} or request.method in {"GET", "HEAD", "OPTIONS"}
        if self.debug and isinstance(exc, RequestRedirect) and not keeps_form:
            from fenrir.flask.debughelpers import FormDataRoutingRedirect

            raise FormDataRoutingRedirect(request)
        raise exc

    def preprocess_request(self) -> Any:
        """Run the hooks before the view; return what the first one answers that does, None if none does."""
        names: tuple[str | None, ...] = (None, *reversed(request.blueprints))
        for name in names:
            for preprocessor in self.url_value_preprocessors.get(name, ()):
                preprocessor(request.endpoint, request.view_args)
        for name in names:
            for function in self.before_request_funcs.get(name, ()):
                value = self.ensure_sync(function)()
                if value is not None:
                    return value
        return None

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """Make a response of a value, and show it to the hooks after.

        Args:
            from_error_handler: an error here is logged, because nothing is left that could answer it.
        """
        response = self.make_response(rv)
        try:
            response = self.process_response(response)
            request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("Request finalizing failed with an error while handling an error")
        return response

    def process_response(self, response: Response) -> Response:
        """Run the hooks that see every response, and save the session."""
        context: RequestContext = request_ctx._get_current_object()
        for function in context._after_request_functions:
            response = self.ensure_sync(function)(response)
        for name in (*request.blueprints, None):
            for function in reversed(self.after_request_funcs.get(name, ())):
                response = self.ensure_sync(function)(response)
        if not self.session_interface.is_null_session(context._session):
            self.session_interface.save_session(self, context._session, response)
        return response

    def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods of the path."""
        response = self.response_class()
        response.allow.update(request_ctx.url_adapter.allowed_methods())  # type: ignore[union-attr]
        return response

    def make_response(self, rv: Any) -> Response:
        """Return the response that a value would be if a view returned it.

        Raises:
            TypeError: it is none.
        """
        status: Any = None
        headers: Any = None
        if isinstance(rv, tuple):
            if len(rv) == 3:
                rv, status, headers = rv
            elif len(rv) == 2 and isinstance(rv[1], Headers | dict | tuple | list):
                rv, headers = rv
            elif len(rv) == 2:
                rv, status = rv
            else:
                raise TypeError(
                    "The view function did not return a valid response tuple. The tuple must have the form"
                    " (body, status, headers), (body, status), or (body, headers)."
                )
        if rv is None:
            raise TypeError(
                f"The view function for {request.endpoint!r} did not return a valid response. The function either"
                " returned None or ended without a return statement."
            )
        if not isinstance(rv, self.response_class):
            if isinstance(rv, str | bytes | bytearray | Iterator | AsyncIterator):
                rv = self.response_class(cast(Any, rv), status=status, headers=headers)
                status = headers = None
            elif isinstance(rv, dict | list):
                rv = self.json.response(rv)
            else:
                rv = self._forced(rv)
        response = cast(Response, rv)
        if status is not None:
            if isinstance(status, str | bytes | bytearray):
                response.status = cast(str, status)
            else:
                response.status_code = status
        if headers:
            response.headers.update(headers)
        return response

    def _forced(self, value: Any) -> Response:
        """Return another class's response, an exception or a WSGI application as a response of ours."""
        wrong = (
            "The view function did not return a valid response. The return type must be a string, dict, list, tuple"
            f" with headers or status, Response instance, or WSGI callable, but it was a {type(value).__name__}."
        )
        if not isinstance(value, WerkzeugResponse):
            if hasattr(value, "__reply__"):  # a response of another dialect
                return self.response_class.over(value.__reply__())
            if not callable(value):
                raise TypeError(wrong)
        try:
            return cast(Response, self.response_class.force_type(value, request.environ))
        except TypeError as exc:
            raise TypeError(f"{exc}\n{wrong}").with_traceback(sys.exc_info()[2]) from None

    # ------------------------------------------------------------------ errors
    def handle_http_exception(self, e: HTTPException) -> Any:
        """Return the answer of the handler of an HTTP exception; the exception itself if there is none."""
        if e.code is None or isinstance(e, RoutingException):
            return e  # an answer that was raised, or a redirect of the routing
        handler = self._find_error_handler(e, request.blueprints)
        return e if handler is None else self.ensure_sync(handler)(e)

    def handle_user_exception(self, e: Exception) -> Any:
        """Return the answer to an exception of a view or a hook before it; raise it again if there is no handler."""
        if isinstance(e, BadRequestKeyError) and (self.debug or self.config["TRAP_BAD_REQUEST_ERRORS"]):
            e.show_exception = True
        if isinstance(e, HTTPException) and not self.trap_http_exception(e):
            return self.handle_http_exception(e)
        handler = self._find_error_handler(e, request.blueprints)
        if handler is None:
            raise e
        return self.ensure_sync(handler)(e)

    def handle_exception(self, e: Exception) -> Response:
        """Answer an exception that nobody took with 500; in tests and debug mode raise it again."""
        exc_info = sys.exc_info()
        got_request_exception.send(self, _async_wrapper=self.ensure_sync, exception=e)
        propagate = self.config["PROPAGATE_EXCEPTIONS"]
        if propagate is None:
            propagate = self.testing or self.debug
        if propagate:
            raise e
        self.log_exception(cast(Any, exc_info))
        error = InternalServerError(original_exception=e)
        handler = self._find_error_handler(error, request.blueprints)
        value = error if handler is None else self.ensure_sync(handler)(error)
        return self.finalize_request(value, from_error_handler=True)

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log an exception that nobody took."""
        self.logger.error(f"Exception on {request.path} [{request.method}]", exc_info=exc_info)

    # ---------------------------------------------------------------- teardown
    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:
        """Run the teardown of the current request: all of it, then raise the first error that it had."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        functions = [
            function
            for name in (*request.blueprints, None)
            for function in self.teardown_request_funcs.get(name, ())[::-1]
        ]
        self._tear_down(functions, request_tearing_down, exc)

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:
        """Run the teardown of the current application context, as `do_teardown_request` does."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        self._tear_down(self.teardown_appcontext_funcs[::-1], appcontext_tearing_down, exc)

    def _tear_down(self, functions: list[Callable[..., Any]], signal: Any, exc: BaseException | None) -> None:
        first: BaseException | None = None
        for function in functions:
            try:
                self.ensure_sync(function)(exc)
            except Exception as error:
                first = first or error
        signal.send(self, _async_wrapper=self.ensure_sync, exc=exc)
        if first is not None:
            raise first

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
        found: RequestContext = c.note(CONTEXT, self._context)
        return found

    def _context(self, c: EngineContext) -> RequestContext:
        return RequestContext.of(self, c)

    def request_of(self, c: EngineContext) -> Request:
        """Return the request of a request that the engine serves, with the rule of its route."""
        made = self.request_class.of(c)
        made.json_module = self.json
        plan = c.plan
        if plan is not None:
            rule = plan.route.options.get("rule")
            if rule is not None:
                made.url_rule = rule
                made.view_args = {**(rule.defaults or {}), **c.path_values}
        return made

    def begin_after(self, c: EngineContext) -> None:
        """Know that a request has functions of `after_this_request`."""

    def rendered(self, c: EngineContext, value: Any) -> Reply:
        """Return the reply that the value of a view is."""
        return rendered(self, c, value)

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
        return self.engine(*args) if self._middleware() is None else asgi_door(_Wrapped(self))(*args)

    def _middleware(self) -> WSGIApplication | None:
        """Return the WSGI application before this one. SECURITY: it must stand in every way to the application."""
        replaced = "wsgi_app" in self.__dict__ or type(self).wsgi_app is not Flask.wsgi_app
        return self.wsgi_app if replaced else None

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors; through the WSGI middleware, if there is any."""
        doors = self.engine.__asteri__(version)
        if doors is None or self._middleware() is None:
            return doors
        return Doors(_Wrapped(self).http, doors.websocket)

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
    """Return the view of static files: a function, as any view; without a cycle, so that the app can be forgotten."""
    reference = ref(app)

    def static(**values: Any) -> Any:
        app = reference()
        assert app is not None
        return app.send_static_file(**values)

    return static


class _Wrapped:
    """The application behind WSGI middleware, as the ASGI door needs it."""

    def __init__(self, app: Flask) -> None:
        engine = app.engine
        self.http = wsgi_app(app.wsgi_app, threads=THREADS, name="flask-wsgi")
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


_ANCHOR_SAFE = "%!#$&'()*+,/:;=?@"
