"""Dispatching: what happens to a request between the push of its context and the pop, method by method.

The methods are upstream's, because extensions call, replace and override them.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, cast

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequestKeyError, HTTPException, InternalServerError
from werkzeug.routing import RequestRedirect, RoutingException, WebsocketMismatch
from werkzeug.wrappers import Response as WerkzeugResponse

from fenrir.flask.application import App
from fenrir.flask.channels import UpgradeRequired
from fenrir.flask.globals import request, request_ctx
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

    from fenrir.flask.ctx import RequestContext

__all__ = ["Dispatching"]

_sentinel: Any = object()


class Dispatching(App):
    """An application that can serve the request that is current."""

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    session_interface: SessionInterface = SecureCookieSessionInterface()

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
        if rule.websocket and rule.endpoint not in self.view_functions:
            raise UpgradeRequired(told=current._c is not None)  # a handshake, on a server that can not answer it
        view = self.view_functions[rule.endpoint]
        injection = self._injection(rule, view)
        if injection is not None:
            return injection.call(request_ctx._get_current_object(), view)
        return self.ensure_sync(view)(**cast("dict[str, Any]", current.view_args))

    def raise_routing_exception(self, request: Request) -> NoReturn:
        """Raise why no rule matched; in debug mode a redirect that would lose a form is a mistake of its own."""
        exc = cast(HTTPException, request.routing_exception)
        if self._channels and isinstance(exc, WebsocketMismatch):
            raise UpgradeRequired(told=request._c is not None)
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
            self.session_interface.save_session(context.app, context._session, response)
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
            if isinstance(rv, str | bytes | bytearray | Iterator) or (
                isinstance(rv, AsyncIterator) and not callable(rv)
            ):
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
