"""`app.test_client()` and `app.test_cli_runner()`: Werkzeug's client and Click's runner, told about the application.

Requests go through the WSGI door of the application, with whatever middleware stands before it. In a `with` block the
contexts of the last request stay, so that a test can look at `g`, `session` and `request` after it: the environ carries
a function under "werkzeug.debug.preserve_context", and whoever serves the request hands its contexts to that function
instead of ending them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import werkzeug.test
from click.testing import CliRunner, Result
from werkzeug.test import Client
from werkzeug.wrappers import Request as WerkzeugRequest
from werkzeug.wrappers import Response as WerkzeugResponse

from fenrir.flask.incidental import incidental

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from werkzeug.test import TestResponse

    from fenrir.flask.app import Flask

__all__ = ["EnvironBuilder", "FlaskCliRunner", "FlaskClient"]

PRESERVE = "werkzeug.debug.preserve_context"


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Builds the environ of a request; host, root and scheme are those of the application's configuration.

    Args:
        app: the application.
        path: a path, or a whole URL.
        base_url: replaces host, root and scheme together.
        subdomain: goes before the configured server name.
        url_scheme: instead of PREFERRED_URL_SCHEME.
        args, kwargs: of `werkzeug.test.EnvironBuilder`.
    """

    def __init__(
        self,
        app: Flask,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise AssertionError('Cannot pass "subdomain" or "url_scheme" with "base_url".')
        if base_url is None:
            config = app.config
            given = urlsplit(path)
            host = given.netloc or (f"{subdomain}." if subdomain else "") + (config.get("SERVER_NAME") or "localhost")
            scheme = given.scheme or url_scheme or config["PREFERRED_URL_SCHEME"]
            base_url = f"{scheme}://{host}/{config['APPLICATION_ROOT'].lstrip('/')}"
            path = f"{given.path}?{given.query}" if given.query else given.path
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return a value as the application writes JSON."""
        return self.app.json.dumps(obj, **kwargs)


class FlaskClient(Client):
    """A client in the tests' own process.

    Attributes:
        application: the application.
        environ_base: what every environ begins with.
    """

    application: Flask

    def __init__(
        self, application: Flask, response_wrapper: type[Any] | None = None, *args: Any, **kwargs: Any
    ) -> None:
        if response_wrapper is not None and not issubclass(response_wrapper, WerkzeugResponse):
            response_wrapper = None  # responses come back as Werkzeug's client makes them
        super().__init__(application, response_wrapper, *args, **kwargs)
        self.preserve_context = False
        self._new_contexts: list[AbstractContextManager[Any]] = []
        self._context_stack = ExitStack()
        self.environ_base: dict[str, Any] = {
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_USER_AGENT": f"Werkzeug/{version('werkzeug')}",
        }

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Open the session as the next request would see it, and save what is changed.

        Args:
            args, kwargs: of `app.test_request_context`, for sessions that depend on the request.

        Raises:
            TypeError: the client keeps no cookies.
            RuntimeError: there is no session, for want of a secret key perhaps.
        """
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Create a client with 'use_cookies=True'.")
        app = self.application
        interface = app.session_interface
        builder = EnvironBuilder(app, *args, **kwargs)
        try:
            environ = builder.get_environ()
        finally:
            builder.close()
        self._add_cookies_to_wsgi(environ)
        context = app.request_context(environ)
        with context:
            session = interface.open_session(app, context.request)
        if session is None:
            raise RuntimeError("Session backend did not open a session.")
        yield session
        if interface.is_null_session(session):
            return
        response = app.response_class()
        with context:
            interface.save_session(app, session, response)
        self._update_cookies_from_response(
            context.request.host.partition(":")[0], context.request.path, response.headers.getlist("Set-Cookie")
        )

    def _copy_environ(self, other: dict[str, Any]) -> dict[str, Any]:
        """Return an environ with the base of all, and with the wish to keep the contexts."""
        made = {**self.environ_base, **other}
        if self.preserve_context:
            made[PRESERVE] = self._new_contexts.append
        return made

    def _request_from_builder_args(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> WerkzeugRequest:
        given = args[0] if args else None
        if isinstance(given, werkzeug.test.EnvironBuilder):
            builder = copy(given)
            builder.environ_base = self._copy_environ(dict(builder.environ_base or {}))
            return builder.get_request()
        if isinstance(given, dict):
            builder = EnvironBuilder.from_environ(given, app=self.application, environ_base=self._copy_environ({}))
            return builder.get_request()
        if given is not None and hasattr(given, "environ"):  # a request
            request = copy(given)
            request.environ = self._copy_environ(request.environ)
            return cast("WerkzeugRequest", request)
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def open(self, *args: Any, buffered: bool = False, follow_redirects: bool = False, **kwargs: Any) -> TestResponse:
        """Send a request, given as the arguments of `EnvironBuilder`, as a builder, an environ or a request."""
        request = self._request_from_builder_args(args, kwargs)
        # What the request before left is over: contexts are kept for one request only, and not over a redirect.
        self._context_stack.close()
        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        response.json_module = self.application.json  # type: ignore[assignment]
        while self._new_contexts:
            self._context_stack.enter_context(self._new_contexts.pop(0))
        return response

    def __enter__(self) -> Self:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


class FlaskCliRunner(CliRunner):
    """Runs commands of an application in the tests' own process."""

    def __init__(self, app: Flask, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(self, cli: Any = None, args: Any = None, **kwargs: Any) -> Result:  # type: ignore[override]
        """Run a command, `app.cli` by default, with `obj` finding the application."""
        from fenrir.flask.cli import ScriptInfo

        if cli is None:
            cli = self.app.cli
        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(cli, args, **kwargs)


__getattr__ = incidental(__name__)
