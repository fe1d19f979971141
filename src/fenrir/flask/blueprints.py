"""Blueprints: registrations that are kept, and applied each time the blueprint is registered."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

from fenrir.flask.cli import AppGroup
from fenrir.flask.incidental import incidental
from fenrir.flask.scaffold import Scaffold, _endpoint_from_view_func, _sentinel, setupmethod

if TYPE_CHECKING:
    from fenrir.flask.application import App

__all__ = ["Blueprint", "BlueprintSetupState"]

F = TypeVar("F", bound=Callable[..., Any])

DeferredSetupFunction = Callable[["BlueprintSetupState"], None]


def _joined(prefix: str, rest: str) -> str:
    return f"{prefix.rstrip('/')}/{rest.lstrip('/')}"


class BlueprintSetupState:
    """One registration of a blueprint.

    Attributes:
        app, blueprint: what is registered where.
        options: the keywords of `register_blueprint`.
        first_registration: the blueprint was not registered before with this application.
        url_prefix, subdomain, url_defaults: for its rules.
        name, name_prefix: of its endpoints; the latter is the name of the blueprint around it.
    """

    def __init__(self, blueprint: Blueprint, app: App, options: Any, first_registration: bool) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        subdomain = options.get("subdomain")
        self.subdomain: str | None = blueprint.subdomain if subdomain is None else subdomain
        prefix = options.get("url_prefix")
        self.url_prefix: str | None = blueprint.url_prefix if prefix is None else prefix
        self.name: str = options.get("name", blueprint.name)
        self.name_prefix: str = options.get("name_prefix", "")
        self.url_defaults: dict[str, Any] = {**blueprint.url_values_defaults, **dict(options.get("url_defaults", ()))}

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        """Register a rule below the prefix."""
        rule, endpoint = self._placed(rule, endpoint, view_func, options)
        self.app.add_url_rule(rule, endpoint, view_func, **options)

    def add_websocket_rule(
        self, rule: str, endpoint: str | None = None, handler: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        """Register a WebSocket below the prefix."""
        rule, endpoint = self._placed(rule, endpoint, handler, options)
        self.app.add_websocket_rule(rule, endpoint, handler, **options)

    def _placed(
        self, rule: str, endpoint: str | None, view_func: Callable[..., Any] | None, options: dict[str, Any]
    ) -> tuple[str, str]:
        """Return a rule and an endpoint as they are outside of the blueprint; complete the options."""
        if self.url_prefix is not None:
            rule = _joined(self.url_prefix, rule) if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        options["defaults"] = {**self.url_defaults, **(options.pop("defaults", None) or {})}
        return rule, f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")


class Blueprint(Scaffold):
    """A part of an application, with a name of its own for its endpoints.

    Args:
        url_prefix, subdomain: before all its rules.
        url_defaults: values for all its rules.
        cli_group: the name of the group of its commands; None puts them among those of the application.
    """

    _got_registered_once = False

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | os.PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | os.PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _sentinel,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.url_values_defaults: dict[str, Any] = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self.cli = AppGroup()
        self.cli.name = name
        self.deferred_functions: list[DeferredSetupFunction] = []
        self._blueprints: list[tuple[Blueprint, dict[str, Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint '{self.name}'. It has already"
                " been registered at least once, any changes will not be applied consistently.\nMake sure all imports,"
                " decorators, functions, etc. needed to set up the blueprint are done before registering it."
            )

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> Any:
        """Open a file of the blueprint for reading."""
        return super().open_resource(resource, mode, encoding)

    # ---------------------------------------------------------- registration
    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Call a function with the state of each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Call a function with the state of the first registration with an application."""

        def once(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(once, func))

    def make_setup_state(
        self, app: App, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Return the state of a registration; a subclass may return one of its own."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest a blueprint in this one."""
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._blueprints.append((blueprint, options))

    def register(self, app: App, options: dict[str, Any]) -> None:
        """Apply all registrations to an application. Called by `app.register_blueprint`.

        Raises:
            ValueError: the name is taken.
        """
        own_name = options.get("name", self.name)
        name = f"{options.get('name_prefix', '')}.{own_name}".lstrip(".")
        if name in app.blueprints:
            which = "this" if app.blueprints[name] is self else "a different"
            where = f" '{name}'" if own_name != name else ""
            raise ValueError(
                f"The name '{own_name}' is already registered for {which} blueprint{where}. Use 'name=' to provide a"
                " unique name."
            )
        first = all(blueprint is not self for blueprint in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first)
        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>", view_func=self.send_static_file, endpoint="static"
            )
        self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._merge_commands(app, name, options.get("cli_group", self.cli_group))
        for blueprint, given in self._blueprints:
            blueprint.register(app, self._options_inside(blueprint, given, state, name))

    def _merge_blueprint_funcs(self, app: App, name: str) -> None:
        """Enter what was registered here into the tables of the application, under the name of the registration."""
        for key, codes in self.error_handler_spec.items():
            inner = name if key is None else f"{name}.{key}"
            app.error_handler_spec[inner] = defaultdict(dict)
            for code, classes in codes.items():
                for cls, f in classes.items():
                    app._add_error_handler(inner, code, cls, f)
        app.view_functions.update(self.view_functions)
        for table in _TABLES:
            for key, functions in getattr(self, table).items():
                for f in functions:
                    app._add_function(table, name if key is None else f"{name}.{key}", f)

    def _merge_commands(self, app: App, name: str, group: str | None) -> None:
        if not self.cli.commands:
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is _sentinel else group
        app.cli.add_command(self.cli)

    def _options_inside(
        self, blueprint: Blueprint, given: dict[str, Any], state: BlueprintSetupState, name: str
    ) -> dict[str, Any]:
        """Return the options of a blueprint that is nested in this registration."""
        options = given.copy()
        subdomain = options.get("subdomain")
        subdomain = blueprint.subdomain if subdomain is None else subdomain
        if subdomain is not None and state.subdomain is not None:
            subdomain = f"{subdomain}.{state.subdomain}"
        elif subdomain is None:
            subdomain = state.subdomain
        if subdomain is not None:
            options["subdomain"] = subdomain
        prefix = options.get("url_prefix")
        prefix = blueprint.url_prefix if prefix is None else prefix
        if prefix is not None and state.url_prefix is not None:
            prefix = _joined(state.url_prefix, prefix)
        elif prefix is None:
            prefix = state.url_prefix
        if prefix is not None:
            options["url_prefix"] = prefix
        options["name_prefix"] = name
        return options

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Callable[..., Any] | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Register a rule below the prefix; see `Flask.add_url_rule`."""
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func is not None and "." in getattr(view_func, "__name__", ""):
            raise ValueError("'view_func' name may not contain a dot '.' character.")
        self.record(
            lambda state: state.add_url_rule(
                rule, endpoint, view_func, provide_automatic_options=provide_automatic_options, **options
            )
        )

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
        """Register a WebSocket below the prefix; see `Flask.add_websocket_rule`."""
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        self.record(
            lambda state: state.add_websocket_rule(rule, endpoint, handler, dependencies=dependencies, **options)
        )

    # ------------------------------------------------- for the whole application
    def _for_app(self, table: str, f: F) -> F:
        self.record_once(lambda state: state.app._add_function(table, None, f))
        return f

    @setupmethod
    def before_app_request(self, f: F) -> F:
        """Call a function before each request of the application."""
        return self._for_app("before_request_funcs", f)

    @setupmethod
    def after_app_request(self, f: F) -> F:
        """Call a function with each response of the application."""
        return self._for_app("after_request_funcs", f)

    @setupmethod
    def teardown_app_request(self, f: F) -> F:
        """Call a function at the end of each request of the application."""
        return self._for_app("teardown_request_funcs", f)

    @setupmethod
    def app_context_processor(self, f: F) -> F:
        """Do as `context_processor`, for the application."""
        return self._for_app("template_context_processors", f)

    @setupmethod
    def app_url_value_preprocessor(self, f: F) -> F:
        """Do as `url_value_preprocessor`, for the application."""
        return self._for_app("url_value_preprocessors", f)

    @setupmethod
    def app_url_defaults(self, f: F) -> F:
        """Do as `url_defaults`, for the application."""
        return self._for_app("url_default_functions", f)

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[F], F]:
        """Register an error handler for the application."""

        def decorator(f: F) -> F:
            self.record_once(lambda state: state.app.register_error_handler(code, f))
            return f

        return decorator

    # ------------------------------------------------------ parts of templates
    def _template_part(self, part: str, f: Callable[..., Any], name: str | None) -> None:
        def enter(state: BlueprintSetupState) -> None:
            getattr(state.app.jinja_env, part)[name or f.__name__] = f

        self.record_once(enter)

    @setupmethod
    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template filter."""
        return _naming(self.add_app_template_filter, name)

    @setupmethod
    def add_app_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template filter."""
        self._template_part("filters", f, name)

    @setupmethod
    def app_template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template test."""
        return _naming(self.add_app_template_test, name)

    @setupmethod
    def add_app_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template test."""
        self._template_part("tests", f, name)

    @setupmethod
    def app_template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template global."""
        return _naming(self.add_app_template_global, name)

    @setupmethod
    def add_app_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template global."""
        self._template_part("globals", f, name)


_TABLES = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_default_functions",
    "url_value_preprocessors",
    "template_context_processors",
)


def _naming(add: Callable[..., None], name: str | None) -> Callable[[F], F]:
    def decorator(f: F) -> F:
        add(f, name=name)
        return f

    return decorator


__getattr__ = incidental(__name__)
