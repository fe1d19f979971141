"""The door: a Flask application on an engine that it shares with other dialects.

Here Flask's functions are hooks and error handlers of the engine, so that they stand around the routes of every
dialect and hooks of every dialect stand around Flask's views (paradigms rules 17 and 19). What is registered goes into
the tables of `Flask` as well, where extensions look for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.routing import BuildError, Rule
from werkzeug.wsgi import get_host

from fenrir.core.binding import Argument, Binding, Fixed, Given, PathValue
from fenrir.core.declare import DeclarationError, Route, Scope, Source, Stage, caller, mode_of
from fenrir.core.pattern import PatternError, angles_type_first
from fenrir.core.router import Slashes
from fenrir.core.urls import NoSuchName, url_for
from fenrir.flask._dialect import DIALECT
from fenrir.flask.app import Flask
from fenrir.flask.environ import environ_of
from fenrir.flask.globals import DOOR, request
from fenrir.flask.hooks import error_handlers, hook
from fenrir.flask.json.provider import DefaultJSONProvider
from fenrir.flask.response import reply_of
from fenrir.flask.routing import converters_of
from fenrir.flask.sessions import SecureCookieSession, SecureCookieSessionInterface, session_json_serializer
from fenrir.kit.sessions import SessionConfig, configure_sessions, session_of
from fenrir.kit.sessions.config import KEY as SESSIONS

if TYPE_CHECKING:
    from fenrir.core.application import Application, Overrides
    from fenrir.core.context import RequestContext as EngineContext
    from fenrir.core.reply import Reply
    from fenrir.flask.channels import ChannelRule
    from fenrir.flask.request import Request
    from fenrir.flask.response import Response

__all__ = ["FlaskDoor"]

F = TypeVar("F", bound=Callable[..., Any])

LAST = 1 << 10
"""More levels than blueprints can be nested: before all of them on the way in, after all of them on the way out."""

_STAGES = {
    "before_request_funcs": Stage.BEFORE_HANDLER,
    "after_request_funcs": Stage.AFTER_HANDLER,
    "teardown_request_funcs": Stage.TEARDOWN,
    "url_value_preprocessors": Stage.BEFORE_HANDLER,
}


class _ViewFunctions(dict[str, Callable[..., Any]]):
    """Views by endpoint; replacing one replaces it in all its routes."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, endpoint: str, view: Callable[..., Any]) -> None:
        super().__setitem__(endpoint, view)
        self._changed(endpoint)


class _SharedSessions(SecureCookieSessionInterface):
    """The session that all dialects share: the engine opens and saves it. Requests made by hand have their own."""

    def open_session(self, app: Any, request: Request) -> Any:
        """Return the session of a request."""
        return super().open_session(app, request) if request._c is None else session_of(request._c)

    def save_session(self, app: Any, session: Any, response: Response) -> None:
        """Keep a session, unless the engine does."""
        if request._c is None:
            super().save_session(app, session, response)


class _StrictJSON(DefaultJSONProvider):
    """What a body may be is the same for all dialects of one application."""

    strict = True


class FlaskDoor(Flask):
    """Flask's registration methods and contexts on an engine.

    Args:
        engine: where everything is registered.
        scope: whose routes the hooks are for.
        import_name: of the module; the current directory is the root if there is none.
    """

    session_interface = _SharedSessions()
    json_provider_class = _StrictJSON
    shares_requests = True
    wraps_typed_views = False  # by the plans of the engine

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
    ) -> None:
        if DOOR in engine.extensions:
            raise DeclarationError("the application has a Flask door already", caller())
        if root_path is None and import_name is None:
            root_path = str(Path.cwd())
        self.__dict__["engine"] = engine
        engine.extensions[DOOR] = self
        self._scopes: dict[str | None, tuple[Scope, int]] = {None: (scope, 0)}
        self._sessions: tuple[tuple[Any, ...], SessionConfig] | None = None
        super().__init__(
            import_name or "fenrir",
            static_url_path,
            static_folder,
            template_folder=template_folder,
            root_path=root_path,
        )
        if SESSIONS not in engine.extensions:
            configure_sessions(engine, self._session_config)

    def _check_setup_finished(self, f_name: str) -> None:
        """Allow it at any time: the engine compiles again."""

    @property
    def view_functions(self) -> dict[str, Callable[..., Any]]:
        """The views by endpoint."""
        found: dict[str, Callable[..., Any]] = self.__dict__.setdefault("_views", _ViewFunctions(self._view_changed))
        return found

    @view_functions.setter
    def view_functions(self, views: dict[str, Callable[..., Any]]) -> None:
        self.view_functions.update(views)

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Say whether a template's output is escaped; here everything is."""
        return True

    @property
    def dependency_overrides(self) -> Overrides:
        """Dependencies and what replaces them, those of all dialects."""
        return self.engine.overrides

    # ---------------------------------------------------------- registration
    def _place(self, name: str | None) -> tuple[Scope, int]:
        """Return the scope of a blueprint and how deep it is nested."""
        found = self._scopes.get(name)
        if found is None:
            assert name is not None
            outer, level = self._place(name.rpartition(".")[0] or None)
            found = self._scopes[name] = (Scope(name, outer), level + 1)
        return found

    def _add_function(self, table: str, key: str | None, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise DeclarationError(f"a hook must be callable, not {f!r}", caller())
        super()._add_function(table, key, f)
        stage = _STAGES.get(table)
        if stage is None:
            return
        scope, level = self._place(key)
        values = table == "url_value_preprocessors"
        made = hook(self, stage, f, caller(), level - LAST if values else level, values=values)
        self.engine.add_hook(made, scope)

    def teardown_appcontext(self, f: F) -> F:
        """Call a function at the end of each request and of each application context made by hand."""
        super().teardown_appcontext(f)
        # Outside of all others: on the way out it comes last.
        self.engine.add_hook(hook(self, Stage.TEARDOWN, f, caller(), -LAST), self._place(None)[0])
        return f

    def _add_error_handler(
        self, key: str | None, code: int | None, cls: type[Exception], f: Callable[..., Any]
    ) -> None:
        super()._add_error_handler(key, code, cls, f)
        scope, _ = self._place(key)
        for handler in error_handlers(self, code, cls, f, caller(), scope.error_handlers):
            self.engine.add_error_handler(handler, scope)

    def _rule_added(self, rule: Rule) -> None:
        super()._rule_added(rule)
        source = self._sources[id(rule)]
        if rule.host or (rule.subdomain or "") or rule.redirect_to is not None or rule.websocket:
            raise DeclarationError(
                f"rule {rule.rule!r}: hosts, subdomains and redirects are for an application of its own; mount a Flask",
                source,
            )
        if rule.build_only:
            return
        if rule.endpoint in self.view_functions:
            self._add_route(rule, source)

    def _channel_added(self, channel: ChannelRule) -> None:
        scope, _ = self._place(self._blueprint_of(channel.rule))
        self.engine.add_route(channel.route(self, self.url_map, scope))

    def _blueprint_of(self, rule: Rule) -> str | None:
        name = rule.endpoint.rpartition(".")[0] or None
        return name if name in self.blueprints else None

    def _add_route(self, rule: Rule, source: Source) -> None:
        view = self.view_functions[rule.endpoint]
        injection = self._injection(rule, view)
        said = self._said.get(id(rule), {})
        try:
            pattern = angles_type_first(rule.rule, converters_of(self.url_map, convert=True))
        except PatternError as error:
            raise DeclarationError(str(error), source) from None
        methods = frozenset(rule.methods or ())
        automatic = bool(getattr(rule, "provide_automatic_options", False))
        scope, _ = self._place(self._blueprint_of(rule))
        self.engine.add_route(
            Route(
                pattern=pattern,
                methods=methods - {"OPTIONS"} if automatic else methods,
                handler=view,
                mode=mode_of(view, DIALECT.blocking),
                name=rule.endpoint,
                dialect=DIALECT,
                scope=scope,
                source=source,
                bind=lambda overrides: self._bind(rule, pattern.names, scope, overrides),
                bind_late=True,
                options={
                    **said,
                    "app": self,
                    "rule": rule,
                    "slashes": Slashes.EITHER if rule.strict_slashes is False else Slashes.APPEND_308,
                    "automatic_options": automatic,
                    "model": injection.model if injection is not None else None,
                },
                # Files are no operations of an API.
                document=said.get("include_in_schema", rule.endpoint.rpartition(".")[2] != "static"),
            )
        )

    def _bind(self, rule: Rule, names: Any, scope: Scope, overrides: Mapping[Any, Any]) -> Binding:
        """Bind the values of the path; where hooks may change `request.view_args`, those are asked at the call."""
        view = self.view_functions[rule.endpoint]
        before = scope.hooks_of(Stage.BEFORE_HANDLER)
        changeable = any(hook.dialect == DIALECT.name and hook.user is not None for hook in before)
        config = self.config
        injection = self._injection(rule, view)
        if injection is not None:
            # What hooks may have changed is not what the path says, and neither are defaults.
            taken = frozenset(rule.defaults or ()) | (frozenset(names) if changeable else frozenset())
            return injection.shared(names, overrides, taken)

        def call(c: EngineContext, **values: Any) -> Any:
            if config["TRUSTED_HOSTS"] is not None:
                get_host(environ_of(c), config["TRUSTED_HOSTS"])  # raises for another one
            return view(**((self.context_of(c).request.view_args or {}) if changeable else values))

        arguments = [Argument(None, Given(lambda c: c))]
        if not changeable:
            fixed = {name: value for name, value in (rule.defaults or {}).items() if name not in names}
            arguments += [Argument(name, PathValue(place)) for place, name in enumerate(names)]
            arguments += [Argument(name, Fixed(value)) for name, value in fixed.items()]
        return Binding(arguments=tuple(arguments), handler=call)

    def _view_changed(self, endpoint: str) -> None:
        """Put a view that was exchanged in `view_functions` into its routes."""
        view = self.view_functions[endpoint]
        mode = mode_of(view, DIALECT.blocking)
        known = {id(route.options.get("rule")) for route in self.engine.routes}
        self.engine.routes[:] = [
            replace(route, handler=view, mode=mode)
            if route.name == endpoint and route.options.get("app") is self
            else route
            for route in self.engine.routes
        ]
        self.engine.changed()
        for rule in self.url_map.iter_rules() if endpoint in self.url_map._rules_by_endpoint else ():
            if rule.endpoint == endpoint and id(rule) not in known and id(rule) in self._sources:
                self._add_route(rule, self._sources[id(rule)])

    # -------------------------------------------------------------- requests
    def begin_after(self, c: EngineContext) -> None:
        """See to it that the functions run, also where the handler is one of another dialect."""
        c.before_sending(self._leftover)

    def _leftover(self, c: EngineContext, reply: Reply) -> None:
        if self.context_of(c)._after:
            new = self.rendered(c, self.response_class.over(reply))
            reply.status, reply.headers, reply.body, reply.stream = new.status, new.headers, new.body, new.stream

    def rendered(self, c: EngineContext, value: Any) -> Reply:
        """Return the reply that a value is, with what `after_this_request` makes of it."""
        response = self.make_response(value)
        context = self.context_of(c)
        while context._after:
            response = self.ensure_sync(context._after.pop(0))(response)
        return reply_of(response)

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """Return the URL of an endpoint, or the path of a route of another dialect by its name."""
        if endpoint not in self.url_map._rules_by_endpoint and endpoint in self.engine.frozen.names:
            try:
                own = {name: value for name, value in values.items() if not name.startswith("_")}
                return url_for(self.engine, endpoint, own)
            except NoSuchName as error:
                raise BuildError(endpoint, values, None) from error
        return super().url_for(endpoint, **values)

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
