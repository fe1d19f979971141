"""The door: everything that a Flask application does, on any engine.

`Flask` is a door with an engine of its own; a hybrid application makes one on the engine that it shares with the other
dialects. There is one door per engine (`ctx.door_of`), and `current_app` stands for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fenrir.core.binding import Argument, Binding, Fixed, Given, PathValue
from fenrir.core.context import RequestContext, current
from fenrir.core.declare import DeclarationError, Mode, Route, Source, Stage, caller, mode_of
from fenrir.core.pattern import PatternError, angles_type_first
from fenrir.core.plan import Plan
from fenrir.core.router import Found, Slashes
from fenrir.core.threads import in_worker, on_loop
from fenrir.flask._dialect import DIALECT
from fenrir.flask.blueprints import Blueprint
from fenrir.flask.config import Config, ConfigAttribute, default_config
from fenrir.flask.ctx import DOOR, AppContext, ManualRequest
from fenrir.flask.exceptions import Aborter
from fenrir.flask.globals import g, request, session
from fenrir.flask.helpers import get_flashed_messages, redirection
from fenrir.flask.hooks import hook
from fenrir.flask.json.provider import DefaultJSONProvider, JSONProvider
from fenrir.flask.logging import create_logger
from fenrir.flask.request import Request
from fenrir.flask.response import Response
from fenrir.flask.routing import BuildError, Rule, URLMap
from fenrir.flask.scaffold import LAST, Scaffold, Site, method_set
from fenrir.flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    session_json_serializer,
)
from fenrir.flask.still import exchange_of
from fenrir.flask.templating import DispatchingJinjaLoader, Environment, _default_template_ctx_processor
from fenrir.flask.urls import build_url
from fenrir.flask.values import to_response
from fenrir.kit.sessions import Session, SessionConfig, configure_sessions, session_of
from fenrir.kit.sessions.config import KEY as SESSIONS

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.declare import Scope
    from fenrir.core.reply import Reply

__all__ = ["FlaskDoor"]

F = TypeVar("F", bound=Callable[..., Any])


class _ViewFunctions(dict[str, Callable[..., Any]]):
    """Views by endpoint; replacing one replaces it in all its routes."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, endpoint: str, view: Callable[..., Any]) -> None:
        super().__setitem__(endpoint, view)
        self._changed(endpoint)


class FlaskDoor(Scaffold):
    """Flask's registration methods and contexts on an engine.

    Args:
        engine: where everything is registered.
        scope: whose routes the hooks are for.
        import_name: of the module; the current directory is the root if there is none.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    config_class: type[Config] = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    jinja_environment: type[Environment] = Environment
    jinja_options: MutableMapping[str, Any] = {}  # noqa: RUF012 - every application has a copy
    session_interface: SessionInterface = SecureCookieSessionInterface()

    testing = ConfigAttribute("TESTING")
    secret_key = ConfigAttribute("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute("PERMANENT_SESSION_LIFETIME")

    def __init__(
        self,
        engine: Application,
        scope: Scope,
        import_name: str | None = None,
        *,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = None,
        template_folder: str | os.PathLike[str] | None = "templates",
        root_path: str | None = None,
        instance_path: str | None = None,
        instance_relative_config: bool = False,
    ) -> None:
        if DOOR in engine.extensions:
            raise DeclarationError("the application has a Flask door already", caller())
        if root_path is None and import_name is None:
            root_path = str(Path.cwd())
        super().__init__(import_name or "fenrir", static_folder, static_url_path, template_folder, root_path)
        self.engine = engine
        engine.extensions[DOOR] = self
        self.instance_path = instance_path or str(Path(self.root_path, "instance"))
        self.config = self.config_class(self.instance_path if instance_relative_config else self.root_path, {})
        self.config.update(default_config())
        self.extensions: dict[str, Any] = {}
        self.blueprints: dict[str, Blueprint] = {}
        self.site = Site(self, scope, None, 0)
        self.sites: dict[str, Site] = {}
        self.url_map = URLMap()
        self.view_functions: dict[str, Callable[..., Any]] = _ViewFunctions(self._view_changed)
        self._rules: dict[str, list[tuple[Rule, Site, Source]]] = {}
        self.url_default_functions: dict[str | None, list[Callable[..., Any]]] = {}
        self.template_context_processors: dict[str | None, list[Callable[[], dict[str, Any]]]] = {
            None: [_default_template_ctx_processor]
        }
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]] = []
        self.teardown_appcontext_funcs: list[Callable[[BaseException | None], Any]] = []
        self.shell_context_processors: list[Callable[[], dict[str, Any]]] = []
        self.aborter = Aborter()
        self.json = self.json_provider_class(self)
        self.jinja_options = dict(self.jinja_options)
        self._sessions: tuple[tuple[Any, ...], SessionConfig] | None = None
        if SESSIONS not in engine.extensions:
            configure_sessions(engine, self._session_config)
        if self.has_static_folder:
            self.add_url_rule(f"{self.static_url_path}/<path:filename>", "static", self.send_static_file)

    def _apply(self, call: Callable[[Any], None]) -> None:
        call(self.site)

    # ------------------------------------------------------------ attributes
    @cached_property
    def name(self) -> str:  # type: ignore[override]
        """The name of the application: its module's, or its file's if it is the main module."""
        if self.import_name == "__main__":
            file = getattr(sys.modules["__main__"], "__file__", None)
            return Path(file).stem if file else "__main__"
        return self.import_name

    @property
    def debug(self) -> bool:
        """Debug mode: nothing is ever executed for a client in it."""
        return bool(self.config["DEBUG"])

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value

    @cached_property
    def logger(self) -> logging.Logger:
        """The logger of the application's name."""
        return create_logger(self)

    def log_exception(self, exc_info: Any) -> None:
        """Log an exception that nobody handled."""
        c = current.get()
        self.logger.error("Exception on %s [%s]", c.exchange.path, c.exchange.method, exc_info=exc_info)

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> Any:
        """Open a file of the instance folder."""
        return Path(self.instance_path, resource).open(mode, encoding=None if "b" in mode else encoding)

    # ---------------------------------------------------------------- routes
    def add_rule(
        self,
        site: Site,
        rule: str,
        endpoint: str | None,
        view_func: Callable[..., Any] | None,
        automatic: bool | None,
        options: dict[str, Any],
        source: Source,
    ) -> None:
        """Add a rule for a place; `add_url_rule` of applications and blueprints comes down to this."""
        if endpoint is None:
            if view_func is None:
                raise AssertionError("expected view func if endpoint is not provided.")
            endpoint = view_func.__name__
        methods = method_set(options.get("methods"), view_func)
        if automatic is None:
            automatic = getattr(view_func, "provide_automatic_options", None)
        if automatic is None:
            automatic = "OPTIONS" not in methods and bool(self.config["PROVIDE_AUTOMATIC_OPTIONS"])
        strict = options.get("strict_slashes")
        try:
            pattern = angles_type_first(rule, self.url_map.table)
        except PatternError as error:
            raise DeclarationError(str(error), source) from None
        added = ({"HEAD"} if "GET" in methods else set()) | ({"OPTIONS"} if automatic else set())
        made = Rule(
            rule=rule,
            endpoint=endpoint,
            methods=frozenset(methods | added),
            pattern=pattern,
            defaults=dict(options.get("defaults") or {}),
            strict_slashes=self.url_map.strict_slashes if strict is None else bool(strict),
            provide_automatic_options=automatic,
        )
        self.url_map.add(made)
        self._rules.setdefault(endpoint, []).append((made, site, source))
        if view_func is not None:
            self.set_view(endpoint, view_func, made)
        elif endpoint in self.view_functions:
            self._add_route(made, site, source)

    def set_view(self, endpoint: str, view: Callable[..., Any], rule: Rule | None = None) -> None:
        """Set the view of an endpoint. Raises AssertionError if it has another one."""
        before = self.view_functions.get(endpoint)
        if before is None:
            dict.__setitem__(self.view_functions, endpoint, view)
            for made, site, source in self._rules.get(endpoint, []):
                self._add_route(made, site, source)
        elif before != view:
            raise AssertionError(f"View function mapping is overwriting an existing endpoint function: {endpoint}")
        elif rule is not None:
            made, site, source = self._rules[endpoint][-1]
            self._add_route(made, site, source)

    def _add_route(self, rule: Rule, site: Site, source: Source) -> None:
        view = self.view_functions[rule.endpoint]
        methods = rule.methods - {"OPTIONS"} if rule.provide_automatic_options else rule.methods
        self.engine.add_route(
            Route(
                pattern=rule.pattern,
                methods=frozenset(methods),
                handler=view,
                mode=mode_of(view, DIALECT.blocking),
                name=rule.endpoint,
                dialect=DIALECT,
                scope=site.scope,
                source=source,
                bind=lambda _: self._bind(rule, site.scope),
                bind_late=True,
                options={
                    "app": self,
                    "rule": rule,
                    "blueprint": site.name,
                    "defaults": rule.defaults,
                    "slashes": Slashes.APPEND_308 if rule.strict_slashes else Slashes.EITHER,
                    "automatic_options": rule.provide_automatic_options,
                },
                document=rule.endpoint.rpartition(".")[2] != "static",  # files are no operations of an API
            )
        )

    def _bind(self, rule: Rule, scope: Scope) -> Binding:
        """Bind the values of the path; where hooks may change `request.view_args`, those are asked at the call."""
        before = scope.hooks_of(Stage.BEFORE_HANDLER)
        if any(hook.dialect == DIALECT.name and hook.user is not None for hook in before):
            view = self.view_functions[rule.endpoint]

            def call(c: RequestContext) -> Any:
                return view(**(self.request_of(c).view_args or {}))

            return Binding(arguments=(Argument(None, Given(lambda c: c)),), handler=call)
        names = rule.pattern.names
        values = [Argument(name, PathValue(place)) for place, name in enumerate(names)]
        fixed = [Argument(name, Fixed(value)) for name, value in rule.defaults.items() if name not in names]
        return Binding(arguments=(*values, *fixed))

    def _view_changed(self, endpoint: str) -> None:
        """Put a view that was exchanged in `view_functions` into its routes."""
        view = self.view_functions[endpoint]
        mode = mode_of(view, DIALECT.blocking)
        self.engine.routes[:] = [
            replace(route, handler=view, mode=mode)
            if route.name == endpoint and route.options.get("app") is self
            else route
            for route in self.engine.routes
        ]
        self.engine.changed()

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Register a blueprint; options are `url_prefix`, `url_defaults`, `name` and those of its own state."""
        blueprint.register(self, options)

    def iter_blueprints(self) -> Any:
        """Iterate over the blueprints in order of registration."""
        return self.blueprints.values()

    # ----------------------------------------------------------------- hooks
    def teardown_appcontext(self, f: F) -> F:
        """Call a function at the end of each request and of each application context made by hand."""
        self.teardown_appcontext_funcs.append(f)
        # Outside of all others: on the way out it comes last.
        self.engine.add_hook(hook(self, Stage.TEARDOWN, f, caller(), -LAST), self.site.scope)
        return f

    def shell_context_processor(self, f: F) -> F:
        """Add names to `fenrir shell`."""
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, Any]:
        """Return the names that a shell begins with."""
        names: dict[str, Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # ------------------------------------------------------------- templates
    @cached_property
    def jinja_env(self) -> Environment:
        """The Jinja2 environment, made at its first use from `jinja_options`."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """Return the environment of templates; `jinja_environment` is its class."""
        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        reload = self.config["TEMPLATES_AUTO_RELOAD"]
        options.setdefault("auto_reload", self.debug if reload is None else reload)
        environment = self.jinja_environment(self, **options)
        # The context has request, session and g too; templates that are imported without it find the proxies here.
        environment.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            request=request,
            session=session,
            g=g,
        )
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Return the loader over the folders of the application and its blueprints."""
        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Say whether a template's output is escaped; here everything is."""
        return True

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what the context processors return; values that are there stay."""
        own = context.copy()
        c = current.get(None)
        names = reversed(self.request_of(c).blueprints) if c is not None and c.app is self.engine else ()
        for name in (None, *names):
            for processor in self.template_context_processors.get(name, ()):
                context.update(self.ensure_sync(processor)())
        context.update(own)

    def template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template filter."""
        return self._named(self.add_template_filter, name)

    def template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template test."""
        return self._named(self.add_template_test, name)

    def template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template global."""
        return self._named(self.add_template_global, name)

    def add_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template filter."""
        self.jinja_env.filters[name or f.__name__] = f

    def add_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template test."""
        self.jinja_env.tests[name or f.__name__] = f

    def add_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template global."""
        self.jinja_env.globals[name or f.__name__] = f

    @staticmethod
    def _named(add: Callable[[Callable[..., Any], str | None], None], name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            add(f, name)
            return f

        return decorator

    # ------------------------------------------------------------------ URLs
    def url_for(
        self,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Return the URL of an endpoint (of a route's name in other dialects).

        Args:
            endpoint: one that begins with a dot belongs to the current blueprint.
            values: of the path; what is not in it becomes the query.

        Raises:
            BuildError: there is no such endpoint, or values are missing.
        """
        return build_url(self, endpoint, _anchor, _method, _scheme, _external, values)

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add what the functions of `url_defaults` add."""
        parts = endpoint.split(".")[:-1]
        for name in (None, *(".".join(parts[: place + 1]) for place in range(len(parts)))):
            for function in self.url_default_functions.get(name, ()):
                function(endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
        """Ask the functions in `url_build_error_handlers` for a URL."""
        raised: Exception = error
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as other:
                raised = other
            else:
                if url is not None:
                    return url
        raise raised

    # -------------------------------------------------------------- requests
    def request_of(self, c: RequestContext) -> Request:
        """Return the request of a context."""
        found: Request = c.view(DIALECT)
        return found

    def response_of(self, c: RequestContext, reply: Reply) -> Response:
        """Return a reply as a response."""
        return self.response_class.over(reply)

    def session_of(self, c: RequestContext) -> Session:
        """Return the session of a context."""
        return session_of(c)

    def make_response(self, rv: Any) -> Response:
        """Return the response that a value would be if a view returned it."""
        c = current.get(None)
        return to_response(self, rv, self.request_of(c).endpoint if c is not None else None)

    def redirect(self, location: str, code: int = 302) -> Response:
        """Return a redirect."""
        made: Response = redirection(location, code, self.response_class)
        return made

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return how many seconds a client may keep a file without asking."""
        value = self.config["SEND_FILE_MAX_AGE_DEFAULT"]
        return int(value.total_seconds()) if hasattr(value, "total_seconds") else value

    def _session_config(self) -> SessionConfig:
        config = self.config
        values = (
            config["SECRET_KEY"],
            tuple(config["SECRET_KEY_FALLBACKS"] or ()),
            config["SESSION_COOKIE_NAME"],
            config["SESSION_COOKIE_DOMAIN"] or None,
            config["SESSION_COOKIE_PATH"] or config["APPLICATION_ROOT"],
            config["SESSION_COOKIE_HTTPONLY"],
            config["SESSION_COOKIE_SECURE"],
            config["SESSION_COOKIE_SAMESITE"],
            config["SESSION_COOKIE_PARTITIONED"],
            config["PERMANENT_SESSION_LIFETIME"],
            config["SESSION_REFRESH_EACH_REQUEST"],
            config["MAX_COOKIE_SIZE"],
        )
        if self._sessions is None or self._sessions[0] != values:
            key, fallbacks, name, domain, path, httponly, secure, samesite, partitioned, life, refresh, size = values
            made = SessionConfig(
                secret_key=key,
                fallbacks=fallbacks[::-1],  # upstream's list has the newest last
                cookie_name=name,
                domain=domain,
                path=path,
                httponly=httponly,
                secure=secure,
                samesite=samesite,
                partitioned=partitioned,
                lifetime=life,
                refresh_each_request=refresh,
                private=False,
                max_size=size,
                serializer=session_json_serializer,
                session_class=SecureCookieSession,
            )
            self._sessions = (values, made)
        return self._sessions[1]

    # -------------------------------------------------------------- contexts
    def app_context(self) -> AppContext:
        """Return an application context, for use outside of requests."""
        return AppContext(self)

    def request_context(self, environ: dict[str, Any]) -> ManualRequest:
        """Return the context of a request that an environ describes."""
        return ManualRequest(self, exchange_of(environ))

    def test_request_context(self, *args: Any, **kwargs: Any) -> ManualRequest:
        """Return the context of a request made by hand; see `fenrir.flask.testing.EnvironBuilder` for the arguments."""
        from fenrir.flask.testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    def _base_url(self) -> str:
        host = self.config["SERVER_NAME"] or "localhost"
        return f"{self.config['PREFERRED_URL_SCHEME']}://{host}{self.config['APPLICATION_ROOT']}"

    def new_request(self, exchange: Any) -> RequestContext:
        """Return a request context for an exchange, with the route that serves it."""
        c = RequestContext(exchange, self.engine)
        found = self.engine.frozen.router.find(exchange.method, exchange.path)
        if type(found) is Found and isinstance(found.target, Plan):
            c.plan, c.values = found.target, found.values
        else:
            c.miss = found
        return c

    def _hooks_here(self, stage: Stage) -> Any:
        c = current.get()
        scope = c.plan.scope if c.plan is not None else self.engine.scope
        return [hook for hook in scope.hooks_of(stage) if hook.unrouted or c.plan is not None]

    def preprocess_request(self) -> Response | None:
        """Run the hooks before the view for the current request; return the response of the one that answers."""
        c = current.get()
        for before in self._hooks_here(Stage.BEFORE_HANDLER):
            reply = self.ensure_sync(before.call)(c)
            if reply is not None:
                return self.response_of(c, reply)
        return None

    def process_response(self, response: Response) -> Response:
        """Run the hooks that see every response for the current request."""
        c = current.get()
        reply = response.__reply__()
        for after in self._hooks_here(Stage.AFTER_HANDLER)[::-1]:
            reply = self.ensure_sync(after.call)(c, reply) or reply
        for change in c.late or ():
            change(c, reply)
        return self.response_of(c, reply)

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Run the teardown of the current request."""
        c = current.get()
        for teardown in self._hooks_here(Stage.TEARDOWN)[::-1]:
            self.ensure_sync(teardown.call)(c, exc)

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Run the teardown of an application context."""
        for function in reversed(self.teardown_appcontext_funcs):
            self.ensure_sync(function)(exc)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that plain code may call: a coroutine function runs on the loop of the request."""
        if mode_of(func) is not Mode.LOOP:
            return func

        def call(*args: Any, **kwargs: Any) -> Any:
            coroutine = func(*args, **kwargs)
            return on_loop(coroutine) if in_worker() else asyncio.run(coroutine)

        return call

    async_to_sync = ensure_sync

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"
