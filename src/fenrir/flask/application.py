"""The part of an application that serves nothing: what is registered, configured and built.

`app.Flask` is the whole of it. The tables of `Scaffold` and Werkzeug's map of rules are the one truth about what is
registered; the engine reads them when it has to serve.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from werkzeug.exceptions import Aborter, BadRequest, BadRequestKeyError
from werkzeug.routing import BuildError, Map, MapAdapter, Rule
from werkzeug.utils import redirect as werkzeug_redirect
from werkzeug.wsgi import get_host

from fenrir.core.application import Overrides
from fenrir.core.declare import Source, caller
from fenrir.flask.channels import ChannelRule
from fenrir.flask.config import Config, ConfigAttribute, default_config
from fenrir.flask.ctx import _AppCtxGlobals
from fenrir.flask.flags import get_debug_flag
from fenrir.flask.flashing import get_flashed_messages
from fenrir.flask.globals import g, request, session
from fenrir.flask.injecting import injecting, typed_view
from fenrir.flask.json.provider import DefaultJSONProvider, JSONProvider
from fenrir.flask.logging import create_logger
from fenrir.flask.origins import _split_blueprint_path
from fenrir.flask.routing import counted
from fenrir.flask.scaffold import Scaffold, _endpoint_from_view_func, find_package, setupmethod
from fenrir.flask.signatures import Asked, asked_by
from fenrir.flask.templating import DispatchingJinjaLoader, Environment

if TYPE_CHECKING:
    from fenrir.flask.app import Flask
    from fenrir.flask.blueprints import Blueprint
    from fenrir.flask.injection import Injection
    from fenrir.flask.request import Request

__all__ = ["App"]

F = TypeVar("F", bound=Callable[..., Any])

SAYS = (
    "dependencies",
    "deprecated",
    "description",
    "include_in_schema",
    "openapi_extra",
    "operation_id",
    "response_description",
    "responses",
    "summary",
    "tags",
)
"""Options of rules that upstream does not have."""


def _timedelta(value: timedelta | int | None) -> timedelta | None:
    return value if value is None or isinstance(value, timedelta) else timedelta(seconds=value)


def _subdomain(request: Request, server: str) -> str:
    """Return the subdomain of a request; of a host that does not end with the server's name an invalid one."""
    name = server.lower()
    name = name.removesuffix(":443" if request.scheme in {"https", "wss"} else ":80")
    host = request.host.lower()
    if host != name and not host.endswith(f".{name}"):
        # Under upstream's name of the module, which is what filters of warnings know.
        text = f"Current server name {host!r} doesn't match configured server name {name!r}"
        warnings.warn_explicit(text, UserWarning, __file__, 0, "flask.app", _warned)
        return "<invalid>"
    return host[: -len(name)].rstrip(".")


_warned: dict[Any, Any] = {}


class App(Scaffold):
    """Registration, configuration, templates and URLs.

    Attributes:
        blueprints: by full name.
        extensions: what extensions keep per application, by their own names.
        url_map: all rules, and the converters that they know.
        url_build_error_handlers: asked for a URL that can not be built.
        aborter: called by `abort`.
        json: how JSON is written and read.
    """

    aborter_class: type[Aborter] = Aborter
    jinja_environment: type[Environment] = Environment
    app_ctx_globals_class: type[Any] = _AppCtxGlobals
    config_class: type[Config] = Config
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    url_rule_class: type[Rule] = Rule
    url_map_class: type[Map] = Map
    jinja_options: dict[str, Any] = {}  # noqa: RUF012 - upstream's; a subclass or an application has its own
    default_config: Mapping[str, Any] = default_config()
    test_client_class: type[Any] | None = None
    test_cli_runner_class: type[Any] | None = None
    response_class: type[Any]
    wraps_typed_views = True  # they are called by whoever finds them in `view_functions`

    testing = ConfigAttribute("TESTING")
    secret_key = ConfigAttribute("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute("PERMANENT_SESSION_LIFETIME", _timedelta)

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
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not Path(instance_path).is_absolute():
            raise ValueError("If an instance path is provided it must be absolute. A relative path was given instead.")
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)
        self.url_build_error_handlers: list[Callable[[Exception, str, dict[str, Any]], str]] = []
        self.teardown_appcontext_funcs: list[Callable[..., Any]] = []
        self.shell_context_processors: list[Callable[[], dict[str, Any]]] = []
        self.blueprints: dict[str, Blueprint] = {}
        self.extensions: dict[str, Any] = {}
        self.url_map = counted(self.url_map_class)(host_matching=host_matching)
        self._sources: dict[int, Source] = {}
        self._said: dict[int, Mapping[str, Any]] = {}  # by rule, what it says beyond upstream's options
        self._channels: list[ChannelRule] = []
        self._injections: dict[tuple[int, Any], Injection | None] = {}  # by rule and view, or method of a view
        self.subdomain_matching = subdomain_matching
        self._got_first_request = False

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the application. It has already handled its"
                " first request, any changes will not be applied consistently.\nMake sure all imports, decorators,"
                " functions, etc. needed to set up the application are done before running it."
            )

    # --------------------------------------------------------- what it is made of
    @cached_property
    def name(self) -> str:  # type: ignore[override]
        """The name of the module; of the file for a program."""
        if self.import_name != "__main__":
            return self.import_name
        file = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if file is None else Path(file).stem

    @cached_property
    def logger(self) -> logging.Logger:
        """The logger, named as the application."""
        return create_logger(self)

    @property
    def debug(self) -> bool:
        """Debug mode."""
        mode: bool = self.config["DEBUG"]
        return mode

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    def make_config(self, instance_relative: bool = False) -> Config:
        """Return the configuration with the defaults; its files are relative to the application, or the instance."""
        defaults = dict(self.default_config)
        defaults["DEBUG"] = get_debug_flag()
        return self.config_class(self.instance_path if instance_relative else self.root_path, defaults)

    def make_aborter(self) -> Aborter:
        """Return what `abort` calls."""
        return self.aborter_class()

    def auto_find_instance_path(self) -> str:
        """Return the folder of the instance: beside the package, or below `var` where it is installed."""
        prefix, folder = find_package(self.import_name)
        return str(Path(folder, "instance") if prefix is None else Path(prefix, "var", f"{self.name}-instance"))

    def open_instance_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file of the instance, also for writing."""
        return Path(self.instance_path, resource).open(mode, encoding=None if "b" in mode else encoding)

    # ------------------------------------------------------------- templates
    @cached_property
    def jinja_env(self) -> Environment:
        """The Jinja environment."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """Return the environment for `jinja_options` and the configuration."""
        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            reload = self.config["TEMPLATES_AUTO_RELOAD"]
            options["auto_reload"] = self.debug if reload is None else reload
        environment = self.jinja_environment(self, **options)
        environment.globals.update(
            url_for=self.url_for,
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            # The context processor gives the objects themselves; imported templates have no context.
            request=request,
            session=session,
            g=g,
        )
        environment.policies["json.dumps_function"] = self.json.dumps
        return environment

    def create_global_jinja_loader(self) -> DispatchingJinjaLoader:
        """Return the loader over application and blueprints."""
        return DispatchingJinjaLoader(self)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Say whether a template's output is escaped: texts, and files that are HTML or XML by their name."""
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what the context processors return; values that are there stay."""
        own = context.copy()
        names: Iterable[str | None] = (None, *reversed(request.blueprints)) if request else (None,)
        for name in names:
            for processor in self.template_context_processors.get(name, ()):
                context.update(self.ensure_sync(processor)())
        context.update(own)

    @setupmethod
    def template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template filter."""
        return self._template_part(self.add_template_filter, name)

    @setupmethod
    def add_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template filter."""
        self.jinja_env.filters[name or f.__name__] = f

    @setupmethod
    def template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template test."""
        return self._template_part(self.add_template_test, name)

    @setupmethod
    def add_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template test."""
        self.jinja_env.tests[name or f.__name__] = f

    @setupmethod
    def template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template global."""
        return self._template_part(self.add_template_global, name)

    @setupmethod
    def add_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template global."""
        self.jinja_env.globals[name or f.__name__] = f

    @staticmethod
    def _template_part(add: Callable[..., None], name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            add(f, name=name)
            return f

        return decorator

    # ---------------------------------------------------------- registration
    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Register a blueprint; options are `url_prefix`, `url_defaults`, `name`, `subdomain` and its state's own."""
        blueprint.register(self, options)

    def iter_blueprints(self) -> Any:
        """Iterate over the blueprints in order of registration."""
        return self.blueprints.values()

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a rule.

        Args:
            endpoint: its name; the view's by default.
            provide_automatic_options: answer OPTIONS by itself.
            options: `methods`, those of `werkzeug.routing.Rule`, and for typed views and documents `dependencies`,
                `tags`, `summary`, `description`, `response_description`, `responses`, `deprecated`, `operation_id`,
                `include_in_schema`, `openapi_extra`.

        Raises:
            AssertionError: the endpoint has another view.
        """
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        options["endpoint"] = endpoint
        given = options.pop("methods", None)
        if given is None:
            given = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(given, str):
            raise TypeError('Allowed methods must be a list of strings, for example: @app.route(..., methods=["POST"])')
        methods = {item.upper() for item in given}
        required = set(getattr(view_func, "required_methods", ()))
        if provide_automatic_options is None:
            provide_automatic_options = getattr(view_func, "provide_automatic_options", None)
        if provide_automatic_options is None:
            provide_automatic_options = "OPTIONS" not in methods and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
            if provide_automatic_options:
                required.add("OPTIONS")
        # Another class of rules may have options of these names for itself.
        said = {name: options.pop(name) for name in SAYS if name in options} if self.url_rule_class is Rule else {}
        made = self.url_rule_class(rule, methods=methods | required, **options)
        if said:
            self._said[id(made)] = said
        made.provide_automatic_options = provide_automatic_options  # type: ignore[attr-defined]
        self.url_map.add(made)
        if view_func is not None:
            before = self.view_functions.get(endpoint)
            if before is not None and view_func not in (before, typed_view(before, itself=True)):
                raise AssertionError(f"View function mapping is overwriting an existing endpoint function: {endpoint}")
            self.view_functions[endpoint] = view_func if before is None else before
        self._rule_added(made)

    def _rule_added(self, rule: Rule) -> None:
        """Know of a rule that was registered, with its view if it has one."""
        self._sources[id(rule)] = caller()  # rules have no hash, and live as long as their map
        view = self.view_functions.get(rule.endpoint)
        if view is None or rule.build_only:
            return
        known = typed_view(view, itself=True)
        injection = self._injection(rule, view if known is None else known)
        if injection is not None and known is None and self.wraps_typed_views:
            self.view_functions[rule.endpoint] = injecting(view)
        self._typed_methods(rule, view)  # a mistake in one of them is to be found now

    @setupmethod
    def add_websocket_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        handler: Callable[..., Any] | None = None,
        *,
        dependencies: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        """Register a handler of WebSocket connections.

        Args:
            endpoint: its name; the handler's by default.
            handler: an `async def`; its arguments are those of handlers of a `Fenrir` application.
            dependencies: run before the handler, their values dropped.
            options: those of `werkzeug.routing.Rule`, but for hosts and subdomains.

        Raises:
            DeclarationError: the handler or its signature can not be served.
        """
        source = caller()
        if endpoint is None:
            endpoint = _endpoint_from_view_func(handler)
        known = {channel.rule.endpoint: channel.handler for channel in self._channels}
        if handler is None or endpoint in self.view_functions or known.get(endpoint, handler) != handler:
            raise AssertionError(f"View function mapping is overwriting an existing endpoint function: {endpoint}")
        made = self.url_rule_class(rule, endpoint=endpoint, websocket=True, **options)
        self.url_map.add(made)
        channel = ChannelRule(made, handler, tuple(dependencies), source)
        channel.check()
        self._channels.append(channel)
        self._channel_added(channel)

    def _channel_added(self, channel: ChannelRule) -> None:
        """Know of a WebSocket that was registered."""

    # ----------------------------------------------------------- typed views
    @cached_property
    def dependency_overrides(self) -> Overrides:
        """Dependencies and what replaces them, for tests."""
        return Overrides(self._overridden)

    def _overridden(self) -> None:
        self._injections.clear()
        if "engine" in self.__dict__:
            self.__dict__["engine"].changed()

    def _method_injection(self, rule: Rule | None, method: Callable[..., Any]) -> Injection | None:
        """Return the same for a method of a view that is a class."""
        function = getattr(method, "__func__", None)
        if rule is None or function is None:
            return None
        key = (id(rule), function)
        if key not in self._injections:
            made: Injection | None = None
            if asked_by(method, rule.arguments) is not Asked.NOTHING:
                from fenrir.flask.injection import injection_for

                # What the rule depends on is of the view, which has made the object of this method.
                made = injection_for(cast("Flask", self), rule, method, self._sources.get(id(rule)))
            self._injections[key] = made
        return self._injections[key]

    def _typed_methods(self, rule: Rule, view: Callable[..., Any]) -> dict[str, Injection]:
        """Return the typed methods of a view that is a class, by the methods of the rule that they serve."""
        cls: Any = getattr(view, "view_class", None)
        found: dict[str, Injection] = {}
        for verb in sorted(rule.methods or ()) if cls is not None else ():
            function = getattr(cls, verb.lower(), None) or getattr(cls, "dispatch_request", None)
            if inspect.isfunction(function) and verb not in ("HEAD", "OPTIONS"):
                injection = self._method_injection(rule, types.MethodType(function, cls))
                if injection is not None:
                    found[verb] = injection
        return found

    def _dependencies(self, rule: Rule) -> Sequence[Any]:
        return self._said[id(rule)].get("dependencies") or () if id(rule) in self._said else ()

    def _injection(self, rule: Rule, view: Callable[..., Any]) -> Injection | None:
        """Return what calls a view with all that its signature asks for; None if that is what its URL gives."""
        key = (id(rule), view)
        try:
            return self._injections[key]
        except KeyError:
            pass
        except TypeError:  # no such view can be kept, and none of ours is that
            return None
        made: Injection | None = None
        dependencies = self._dependencies(rule)
        if typed_view(view) is None and (dependencies or asked_by(view, rule.arguments) is not Asked.NOTHING):
            from fenrir.flask.injection import injection_for  # with the validation, which other views do not need

            made = injection_for(cast("Flask", self), rule, view, self._sources.get(id(rule)), dependencies)
        self._injections[key] = made
        return made

    @setupmethod
    def teardown_appcontext(self, f: F) -> F:
        """Call a function at the end of each application context, which is that of each request too."""
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: F) -> F:
        """Add names to the shell."""
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, Any]:
        """Return the names that a shell begins with."""
        names: dict[str, Any] = {"app": self, "g": g}
        for processor in self.shell_context_processors:
            names.update(processor())
        return names

    # ---------------------------------------------------------------- errors
    def _find_error_handler(self, e: Exception, blueprints: list[str]) -> Callable[..., Any] | None:
        """Return the handler of an exception: by status before by class, the nearest blueprint, the nearest class."""
        kind, code = self._get_exc_class_and_code(type(e))
        for wanted in (code, None) if code is not None else (None,):
            for name in (*blueprints, None):
                handlers = self.error_handler_spec[name][wanted]
                for cls in kind.__mro__ if handlers else ():
                    handler = handlers.get(cls)
                    if handler is not None:
                        return handler
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Say whether an HTTP exception is to be treated as any other, for debugging."""
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        return bool(trap) and isinstance(e, BadRequest)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Say whether teardown is not told of an error."""
        return False

    # ------------------------------------------------------------------ URLs
    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds rules and builds URLs for a request; without one, for SERVER_NAME, if that is set."""
        config = self.config
        server = config["SERVER_NAME"]
        if request is None:
            if server is None:
                return None
            return self.url_map.bind(
                server, script_name=config["APPLICATION_ROOT"], url_scheme=config["PREFERRED_URL_SCHEME"]
            )
        trusted = config["TRUSTED_HOSTS"]
        if trusted is not None:
            request.trusted_hosts = trusted
        # Raises for a host that is not trusted.
        request.host = get_host(request.environ, request.trusted_hosts)
        subdomain = None
        if self.url_map.host_matching:
            server = None  # the host of the request is what counts
        elif not self.subdomain_matching:
            subdomain = self.url_map.default_subdomain or ""
        elif server is not None:
            subdomain = _subdomain(request, server)
        return self.url_map.bind_to_environ(request.environ, server_name=server, subdomain=subdomain)

    def inject_url_defaults(self, endpoint: str, values: dict[str, Any]) -> None:
        """Add what the functions of `url_defaults` add."""
        names: Iterable[str | None] = (None,)
        if "." in endpoint:
            names = (None, *reversed(_split_blueprint_path(endpoint.rpartition(".")[0])))
        for name in names:
            for function in self.url_default_functions.get(name, ()):
                function(endpoint, values)

    def handle_url_build_error(self, error: BuildError, endpoint: str, values: dict[str, Any]) -> str:
        """Ask the functions in `url_build_error_handlers` for a URL."""
        for handler in self.url_build_error_handlers:
            try:
                url = handler(error, endpoint, values)
            except BuildError as other:
                error = other
            else:
                if url is not None:
                    return url
        raise error

    def redirect(self, location: str, code: int = 302) -> Any:
        """Return a redirect."""
        return werkzeug_redirect(location, code, self.response_class)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """Return the URL of an endpoint."""
        raise NotImplementedError

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that plain code may call."""
        raise NotImplementedError
