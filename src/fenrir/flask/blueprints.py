"""Blueprints: registrations that are kept, and applied each time the blueprint is registered."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from fenrir.core.declare import Scope, Source, Stage, caller
from fenrir.flask.hooks import key_of
from fenrir.flask.scaffold import Scaffold, Site

if TYPE_CHECKING:
    from fenrir.flask.door import FlaskDoor

__all__ = ["Blueprint", "BlueprintSetupState"]

OWN_GROUP = "the blueprint's name"
"""Stands for a `cli_group` that nobody said."""

F = TypeVar("F", bound=Callable[..., Any])


class BlueprintSetupState(Site):
    """One registration of a blueprint.

    Attributes:
        blueprint: what is registered.
        options: the keywords of `register_blueprint`.
        first_registration: the blueprint was not registered before with this application.
        url_prefix, url_defaults: for its rules.
        name_prefix: names of the blueprints around it.
    """

    def __init__(self, blueprint: Blueprint, app: FlaskDoor, options: dict[str, Any], first_registration: bool) -> None:
        prefix = options.get("name_prefix", "")
        parent: Site = app.sites.get(prefix) or app.site
        name = f"{prefix}.{options.get('name', blueprint.name)}".lstrip(".")
        super().__init__(app, Scope(name, parent.scope), name, parent.level + 1)
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        self.name_prefix: str = prefix
        own: str | None = options.get("url_prefix")
        self.url_prefix = own if own is not None else blueprint.url_prefix
        self.url_defaults: dict[str, Any] = {**blueprint.url_values_defaults, **(options.get("url_defaults") or {})}

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Callable[..., Any] | None = None, **options: Any
    ) -> None:
        """Register a rule below the prefix."""
        automatic = options.pop("provide_automatic_options", None)
        self.add_rule(rule, endpoint, view_func, automatic, options, caller())

    def add_rule(
        self,
        rule: str,
        endpoint: str | None,
        view_func: Callable[..., Any] | None,
        automatic: bool | None,
        options: dict[str, Any],
        source: Source,
    ) -> None:
        if self.url_prefix is not None:
            rule = f"{self.url_prefix.rstrip('/')}/{rule.lstrip('/')}" if rule else self.url_prefix
        defaults = {**self.url_defaults, **(options.get("defaults") or {})}
        if endpoint is None:
            endpoint = getattr(view_func, "__name__", None)
        named = f"{self.name}.{endpoint}" if endpoint is not None else None
        self.app.add_rule(self, rule, named, view_func, automatic, {**options, "defaults": defaults}, source)


class Blueprint(Scaffold):
    """A part of an application, with a name of its own for its endpoints.

    Args:
        url_prefix: before all its rules.
        subdomain: not supported; None.
        url_defaults: values for all its rules.
        cli_group: name of the group of its commands; None: they stand beside those of the application.
    """

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
        cli_group: str | None = OWN_GROUP,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")
        if subdomain is not None:
            raise TypeError("subdomains are not supported yet; see PARITY.md of fenrir.flask")
        self.name = name
        self.url_prefix = url_prefix
        self.url_values_defaults = url_defaults or {}
        self.deferred_functions: list[Callable[[BlueprintSetupState], None]] = []
        self._children: list[tuple[Blueprint, dict[str, Any]]] = []
        self._registered = False
        self.cli_group = cli_group

    def _apply(self, call: Callable[[Any], None]) -> None:
        self.record(call)

    def record(self, func: Callable[[BlueprintSetupState], None]) -> None:
        """Call a function with the state of each registration. Raises AssertionError once it was registered."""
        if self._registered:
            raise AssertionError(
                f"The blueprint '{self.name}' has already been registered at least once, no further setup is possible."
                " Make sure all imports, decorators, functions, etc. needed to set up the blueprint are done before"
                " registering it."
            )
        self.deferred_functions.append(func)

    def record_once(self, func: Callable[[BlueprintSetupState], None]) -> None:
        """Call a function with the state of the first registration with an application."""

        def once(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(once)

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
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest a blueprint in this one."""
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._children.append((blueprint, options))

    def make_setup_state(
        self, app: FlaskDoor, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """Return the state of a registration; a subclass may return one of its own."""
        return BlueprintSetupState(self, app, options, first_registration)

    def register(self, app: FlaskDoor, options: dict[str, Any]) -> None:
        """Apply all registrations to an application. Called by `app.register_blueprint`.

        Raises:
            ValueError: the name is taken.
        """
        first = self not in app.blueprints.values()
        state = self.make_setup_state(app, options, first)
        name = str(state.name)
        if name in app.blueprints:
            same = app.blueprints[name] is self
            raise ValueError(
                f"The name '{name}' is already registered for {'this' if same else 'a different'} blueprint."
                + (" Use 'name=' to provide a unique name." if same else "")
            )
        app.blueprints[name] = self
        app.sites[name] = state
        self._registered = True
        if self.has_static_folder:
            state.add_url_rule(f"{self.static_url_path}/<path:filename>", "static", self.send_static_file)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options.get("cli_group", self.cli_group))
        for child, child_options in self._children:
            own = child_options.get("url_prefix")
            own = child.url_prefix if own is None else own
            joined = state.url_prefix if own is None else own
            if state.url_prefix is not None and own is not None:
                joined = f"{state.url_prefix.rstrip('/')}/{own.lstrip('/')}"
            child.register(app, {**child_options, "url_prefix": joined, "name_prefix": name})

    def _register_commands(self, app: FlaskDoor, name: str, group: str | None) -> None:
        if "cli" not in vars(self) or not self.cli.commands:
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
            return
        self.cli.name = name if group is OWN_GROUP else group
        app.cli.add_command(self.cli)

    # ------------------------------------------------- for the whole application
    def _apply_to_app(self, call: Callable[[Site], None]) -> None:
        self.record_once(lambda state: call(state.app.site))

    def _app_hook(self, stage: Stage, f: F, *, values: bool = False) -> F:
        source = caller()
        self._apply_to_app(lambda site: site.add_hook(stage, f, source, values=values))
        return f

    def before_app_request(self, f: F) -> F:
        """Call a function before each request of the application."""
        return self._app_hook(Stage.BEFORE_HANDLER, f)

    def after_app_request(self, f: F) -> F:
        """Call a function with each response of the application."""
        return self._app_hook(Stage.AFTER_HANDLER, f)

    def teardown_app_request(self, f: F) -> F:
        """Call a function at the end of each request of the application."""
        return self._app_hook(Stage.TEARDOWN, f)

    def app_url_value_preprocessor(self, f: F) -> F:
        """Do as `url_value_preprocessor`, for the application."""
        return self._app_hook(Stage.BEFORE_HANDLER, f, values=True)

    def app_url_defaults(self, f: F) -> F:
        """Do as `url_defaults`, for the application."""
        self._apply_to_app(lambda site: site.app.url_default_functions.setdefault(None, []).append(f))
        return f

    def app_context_processor(self, f: F) -> F:
        """Do as `context_processor`, for the application."""
        self._apply_to_app(lambda site: site.app.template_context_processors.setdefault(None, []).append(f))
        return f

    def app_errorhandler(self, code: Any) -> Callable[[F], F]:
        """Register an error handler for the application."""
        key, source = key_of(code), caller()

        def decorator(f: F) -> F:
            self._apply_to_app(lambda site: site.add_error_handler(key, f, source))
            return f

        return decorator

    def app_template_filter(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template filter."""
        return self._named("filter", name)

    def app_template_test(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template test."""
        return self._named("test", name)

    def app_template_global(self, name: str | None = None) -> Callable[[F], F]:
        """Register a template global."""
        return self._named("global", name)

    def add_app_template_filter(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template filter."""
        self._named("filter", name)(f)

    def add_app_template_test(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template test."""
        self._named("test", name)(f)

    def add_app_template_global(self, f: Callable[..., Any], name: str | None = None) -> None:
        """Register a template global."""
        self._named("global", name)(f)

    def _named(self, kind: str, name: str | None) -> Callable[[F], F]:
        def decorator(f: F) -> F:
            self.record_once(lambda state: getattr(state.app, f"add_template_{kind}")(f, name))
            return f

        return decorator
