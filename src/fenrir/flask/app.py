"""The application class: a Flask door with an engine of its own, served by any ASGI server and directly by Asteri."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteri.exchange import Doors
from asteri.wsgi import WSGIApplication, wsgi_app
from fenrir.core.application import Application
from fenrir.core.declare import Hook, Mode, Stage, caller
from fenrir.core.doors.asgi import asgi_door
from fenrir.core.doors.wsgi import WSGIDoor, both_doors
from fenrir.core.threads import THREADS
from fenrir.flask._dialect import DIALECT
from fenrir.flask.config import Config
from fenrir.flask.door import FlaskDoor
from fenrir.flask.helpers import get_debug_flag, get_load_dotenv
from fenrir.http.forms import FormLimits
from fenrir.kit.sessions import session_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Flask"]


class _LiveConfig(Config):
    """A configuration that tells its application of every change."""

    changed: Any = None

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if self.changed is not None:
            self.changed(key)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several keys."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Set a key that is missing."""
        if key not in self:
            self[key] = default
        return self[key]


class _Wrapped:
    """The application behind WSGI middleware, as the ASGI door needs it."""

    def __init__(self, engine: Application, application: WSGIApplication) -> None:
        self.application = application
        self.http = wsgi_app(application, threads=THREADS, name="flask-wsgi")
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


class Flask(FlaskDoor):
    """A Flask application.

    Args:
        import_name: usually `__name__`; templates, static files and the instance folder are found from it.
        static_url_path: prefix of static files, the folder's name by default.
        root_path: instead of the directory of the module.
    """

    config_class = _LiveConfig
    test_client_class: type[Any] | None = None
    test_cli_runner_class: type[Any] | None = None

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
        if static_host is not None or host_matching or subdomain_matching:
            raise TypeError("matching of hosts and subdomains is not supported yet; see PARITY.md of fenrir.flask")
        if instance_path is not None and not Path(instance_path).is_absolute():
            raise ValueError("If an instance path is provided it must be absolute. A relative path was given instead.")
        engine = Application(DIALECT, import_name)
        super().__init__(
            engine,
            engine.scope,
            import_name,
            static_url_path=static_url_path,
            static_folder=static_folder,
            template_folder=template_folder,
            root_path=root_path,
            instance_path=instance_path or _instance_path(import_name),
            instance_relative_config=instance_relative_config,
        )
        engine.facade = self
        self._wsgi = WSGIDoor(engine)
        self._wrapped: _Wrapped | None = None
        self.config["DEBUG"] = get_debug_flag()
        self.config.changed = self._config_changed  # type: ignore[attr-defined]
        self._limit()
        # Before all hooks of the user: inline, because it only looks.
        engine.add_hook(Hook(Stage.BEFORE_HANDLER, self._begin, Mode.INLINE, DIALECT.name, caller(), order=-(1 << 62)))

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Say whether a template's output is escaped: texts, and files that are HTML or XML by their name."""
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    def _config_changed(self, key: str) -> None:
        if key in ("MAX_CONTENT_LENGTH", "MAX_FORM_MEMORY_SIZE", "MAX_FORM_PARTS"):
            self._limit()

    def _limit(self) -> None:
        config = self.config
        usual = FormLimits()
        memory, parts = config["MAX_FORM_MEMORY_SIZE"], config["MAX_FORM_PARTS"]
        most = sys.maxsize
        self.engine.body_limit = config["MAX_CONTENT_LENGTH"]
        self.engine.form_limits = FormLimits(
            max_fields=most if parts is None else parts,
            max_files=most if parts is None else parts,
            max_field_size=most if memory is None else memory,
            max_memory=max(usual.max_memory, usual.max_memory if memory is None else memory),
            max_size=most if config["MAX_CONTENT_LENGTH"] is None else config["MAX_CONTENT_LENGTH"],
        )

    def _begin(self, c: RequestContext) -> None:
        if self.config["TRUSTED_HOSTS"] is not None:
            self.request_of(c).host  # noqa: B018 - raises for a host that is not trusted
        if c.exchange.headers.get("cookie") is not None:
            session_of(c)  # a permanent session lives on although no view asks for it

    @both_doors
    def __call__(self, *args: Any) -> Any:
        """Serve as a WSGI application (environ, start_response), or as an ASGI 3 one (scope, receive, send)."""
        if len(args) == 2:
            return self.wsgi_app(*args)
        return self.engine(*args) if self._wrapped is None else asgi_door(self._wrapped)(*args)

    @property
    def wsgi_app(self) -> WSGIApplication:
        """The application for WSGI servers; middleware may take its place: `app.wsgi_app = Fix(app.wsgi_app)`."""
        return self._wsgi if self._wrapped is None else self._wrapped.application

    @wsgi_app.setter
    def wsgi_app(self, application: WSGIApplication) -> None:
        # Middleware may be there for security, so it must stand in every way to the application.
        self._wrapped = _Wrapped(self.engine, application)

    def close(self) -> None:
        """End the loop behind the WSGI door, if a WSGI server has called the application."""
        self._wsgi.close()

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors; through the WSGI middleware, if there is any."""
        doors = self.engine.__asteri__(version)
        if doors is None or self._wrapped is None:
            return doors
        return Doors(self._wrapped.http, doors.websocket)

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
        cli = import_module("fenrir.flask.cli")
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
        """Return a client for tests; see `fenrir.flask.testing.FlaskClient`."""
        client_class = self.test_client_class
        if client_class is None:
            client_class = import_module("fenrir.flask.testing").FlaskClient
        return client_class(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> Any:
        """Return a runner of commands for tests; see `fenrir.flask.testing.FlaskCliRunner`."""
        runner_class = self.test_cli_runner_class
        if runner_class is None:
            runner_class = import_module("fenrir.flask.testing").FlaskCliRunner
        return runner_class(self, **kwargs)


def _instance_path(import_name: str) -> str:
    """Return `instance` beside the outermost package of a module."""
    module = sys.modules.get(import_name.partition(".")[0])
    file = getattr(module, "__file__", None)
    if file is None:
        return str(Path.cwd() / "instance")
    path = Path(file).resolve()
    outside = path.parent.parent if path.name == "__init__.py" else path.parent
    return str(outside / "instance")
