"""The engine of a Flask application: the map of rules as routes, made when the application freezes.

Each rule becomes a route of the engine's tree, and what the tree does not know (404, 405, redirects, OPTIONS) goes to
`Flask.serve`, which asks Werkzeug's map and so answers as upstream does.

A route runs its view the short way as long as nothing stands around it: no hooks, no receivers of signals, no session
that the client has, none of the methods of dispatching replaced. That is asked at every request, because extensions
change the tables whenever they like; the questions cost less than a microsecond. All else is `Flask.serve`, in the
worker thread of the request.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from werkzeug.routing import BaseConverter, Rule
from werkzeug.routing.map import Map

from fenrir.core.application import Application
from fenrir.core.binding import THE_CONTEXT, Argument, Binding, Node, PathValue
from fenrir.core.context import current
from fenrir.core.declare import Mode, Route, Source, source_of
from fenrir.core.pattern import Pattern, PatternError, angles_type_first
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.core.shields import shielded
from fenrir.core.threads import leave, to_thread
from fenrir.flask._dialect import DIALECT
from fenrir.flask.environ import environ_of
from fenrir.flask.globals import DOOR
from fenrir.flask.injecting import typed_view
from fenrir.flask.json.provider import DefaultJSONProvider
from fenrir.flask.response import Response, plain_answer, reply_of
from fenrir.flask.routing import converters_of
from fenrir.flask.sessions import SecureCookieSessionInterface
from fenrir.flask.signals import Listening, appcontext_tearing_down
from fenrir.flask.sockets import speak

if TYPE_CHECKING:
    from asteri.exchange import Channel
    from fenrir.core.application import Frozen
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Ready
    from fenrir.flask.app import Flask
    from fenrir.flask.injection import Injection

__all__ = ["FlaskEngine", "ready_of", "rendered"]

PRELOAD = 1 << 20
"""Bytes of a body that are read before a blocking view runs; of a longer one the view reads as it goes."""

_SENDING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class FlaskEngine(Application):
    """An engine whose routes are the rules of a Flask application."""

    def __init__(self, app: Flask) -> None:
        super().__init__(DIALECT, app.import_name)
        self.flask = app
        self.facade = app
        self.extensions[DOOR] = app
        self.overrides = app.dependency_overrides
        self._seen: tuple[Any, Any] = (None, None)  # the map that was read, and how often it had been changed

    @property
    def frozen(self) -> Frozen:
        """The compiled rules, those too that were added meanwhile."""
        rules: Any = self.flask.url_map
        if self._frozen is not None and self._seen != (rules, rules.changes):
            self.changed()
        return super().frozen

    def freeze(self) -> Any:
        """Compile the rules."""
        self._pull()
        return super().freeze()

    def _pull(self) -> None:
        app = self.flask
        self._seen = (app.url_map, cast(Any, app.url_map).changes)
        channels = {id(channel.rule) for channel in app._channels}
        rules = [rule for rule in app.url_map.iter_rules() if id(rule) not in channels]
        short = self._is_short(rules)
        table = converters_of(app.url_map)
        self.routes = []
        self._bindings = {}
        handlers: dict[str, Callable[..., Any]] = {}
        whole = _whole(app)
        known: list[tuple[Rule, Callable[..., Any], Pattern]] = []
        for rule in rules:
            view = app.view_functions.get(rule.endpoint)
            if view is None or rule.build_only or rule.websocket or rule.redirect_to is not None or rule.host:
                short = short and rule.build_only
                continue
            try:
                known.append((rule, view, angles_type_first(rule.rule, table)))
            except PatternError:
                short = False  # Werkzeug's map knows it, and must be asked where another rule would match too
        self.routes += [channel.route(app, app.url_map, self.scope) for channel in app._channels]
        for rule, view, pattern in known:
            handler = whole
            inner = typed_view(view) or view
            injection = app._injection(rule, inner)
            if injection is not None or hasattr(view, "view_class"):
                self.routes += self._typed_routes(rule, view, inner, pattern, injection, whole, short)
                continue
            if short:
                handler = handlers.get(rule.endpoint) or (_awaited if iscoroutinefunction(view) else _blocking)(
                    self, rule.endpoint, view, whole
                )
                handlers[rule.endpoint] = handler
            self.routes.append(self._route(rule, view, pattern, handler, short))

    def _typed_routes(
        self,
        rule: Rule,
        view: Callable[..., Any],
        inner: Callable[..., Any],
        pattern: Pattern,
        injection: Injection | None,
        whole: Callable[[RequestContext], Reply],
        short: bool,
    ) -> list[Route]:
        """Return the routes of a typed view, or of a class whose methods may be typed.

        Args:
            inner: the function of the user, where `view` is something around it.
        """
        from fenrir.flask.typed import by_method, described, short_handler, typed

        if injection is None or (view is not inner and typed_view(view, itself=True) is None):
            shortly = _awaited if iscoroutinefunction(view) else _blocking
            handler = shortly(self, rule.endpoint, view, whole) if short else whole
            made = self._route(rule, view, pattern, handler, short)
            made = made if injection is None else described(made, injection)
        else:
            # What a coroutine opens is left by the task that has opened it.
            short = short and not (injection.has_exits and iscoroutinefunction(inner))
            handler = short_handler(self, rule.endpoint, view, inner, whole, injection) if short else whole
            made = typed(self._route(rule, inner, pattern, handler, short), injection)
        methods = self.flask._typed_methods(rule, view)
        return by_method(made, methods) if methods else [made]

    def _is_short(self, rules: list[Rule]) -> bool:
        """Say whether the tree finds what Werkzeug's map would find.

        Converters of the user may need the contexts of the request, defaults may redirect, hosts and subdomains are
        not in the tree.
        """
        app = self.flask
        known = Map.default_converters
        return not (
            app.url_map.host_matching
            or app.subdomain_matching
            or _replaced(app, "create_url_adapter")
            or any(app.url_map.converters.get(name) is not known[name] for name in known)
            or any(
                rule.defaults
                or rule.redirect_to is not None
                or rule.websocket
                or (rule.subdomain or "") != (app.url_map.default_subdomain or "")
                or any(type(converter) not in known.values() for converter in _converters(rule))
                for rule in rules
            )
        )

    def _route(
        self, rule: Rule, view: Callable[..., Any], pattern: Pattern, handler: Callable[..., Any], short: bool
    ) -> Route:
        methods = None if rule.methods is None else frozenset(rule.methods)
        if methods is not None and getattr(rule, "provide_automatic_options", False):
            methods -= {"OPTIONS"}
        awaited = short and iscoroutinefunction(view)
        said = self.flask._said.get(id(rule), {})
        names = pattern.names
        binding: list[Argument] = [Argument(None, THE_CONTEXT)]
        binding += [Argument(name, PathValue(place)) for place, name in enumerate(names)]
        nodes: tuple[Node, ...] = ()
        if methods is None or methods & _SENDING:
            load = _load_all if awaited else _load_some
            nodes = (Node(load, Mode.LOOP, (Argument(None, THE_CONTEXT),), loads=True),)
        if not short:
            binding = binding[:1]
        bound = Binding(tuple(binding), nodes)
        return Route(
            pattern=pattern,
            methods=methods,
            handler=handler,
            mode=Mode.LOOP if awaited else Mode.THREAD,
            name=rule.endpoint,
            dialect=DIALECT,
            scope=self.scope,
            source=self.flask._sources.get(id(rule)) or source_of(view),
            bind=lambda _: bound,
            options={
                **said,
                "app": self.flask,
                "rule": rule if short else None,
                "slashes": Slashes.STRICT if rule.strict_slashes is not False else Slashes.EITHER,
                "automatic_options": False,
            },
            stream=True,  # the body is read by the node before, or by the view
            # Files are no operations of an API.
            document=said.get("include_in_schema", rule.endpoint.rpartition(".")[2] != "static"),
            user=view,
        )

    async def websocket(self, channel: Channel) -> None:
        """Serve one WebSocket connection, and tear down the application context that it had."""
        if (speaker := self.flask._speaker()) is not None:
            await speak(speaker, channel)
            return
        error: BaseException | None = None
        try:
            await super().websocket(channel)
        except BaseException as exc:
            error = exc
            raise
        finally:
            app = self.flask
            c = current.get()
            if c.plan is not None and (app.teardown_appcontext_funcs or appcontext_tearing_down.receivers):
                leave()
                with shielded():
                    await to_thread(app.do_teardown_appcontext, error or c.error)

    def _unrouted(self) -> Route:
        """Return the route of requests that the tree does not know."""
        bound = Binding(
            (Argument(None, THE_CONTEXT),),
            (Node(_load_some, Mode.LOOP, (Argument(None, THE_CONTEXT),), loads=True),),
        )
        return Route(
            pattern=angles_type_first("/", DIALECT.converters),
            methods=None,
            handler=_whole(self.flask),
            mode=Mode.THREAD,
            name=None,
            dialect=DIALECT,
            scope=self.scope,
            source=Source(__file__, 0),
            bind=lambda _: bound,
            options={"app": self.flask},
            stream=True,
            document=False,
        )


def _converters(rule: Rule) -> list[BaseConverter]:
    return list(rule._converters.values())


async def _load_all(c: RequestContext) -> None:
    """Read the body: a coroutine can not wait for the loop that it runs on."""
    if c.exchange.buffered is None:
        most = c.app.extensions[DOOR].config["MAX_CONTENT_LENGTH"]
        length = c.exchange.headers.get("content-length") or ""
        if most is not None and length.isdecimal() and int(length) > most:
            return  # the view is told so when it asks
        await c.read_body()


async def _load_some(c: RequestContext) -> None:
    """Read a small body, which costs less here than in the thread."""
    if c.exchange.buffered is None:
        length = c.exchange.headers.get("content-length")
        if length is not None and length.isdecimal() and int(length) <= PRELOAD:
            await c.read_body()


# ------------------------------------------------------------------ the whole way
def _whole(app: Flask) -> Callable[[RequestContext], Reply]:
    """Return the handler that serves a request with all that a Flask application may put around a view."""

    def serve(c: RequestContext) -> Reply:
        environ = getattr(c.exchange, "environ", None) or {}
        if _replaced(app, "request_context"):
            context = app.request_context(environ_of(c))
        else:
            context = app.context_of(c)
        return app.serve(context, lambda response: _reply(c, response), environ.get("werkzeug.debug.preserve_context"))

    return serve


def _replaced(app: Flask, name: str) -> bool:
    """Say whether a stage is another than ours: by a subclass, on this object, or on the class itself."""
    from fenrir.flask.app import STAGES

    return name in app.__dict__ or getattr(type(app), name) is not STAGES[name]


def _reply(c: RequestContext, response: Any) -> Reply:
    if not isinstance(response, Response) or type(response).__call__ is not Response.__call__:
        response = Response.force_type(response, environ_of(c))
    return reply_of(response)


# ------------------------------------------------------------------ the short way
def _question(engine: FlaskEngine) -> Callable[[RequestContext], bool]:
    """Return the function that says whether nothing stands around a view at this request."""
    from fenrir.flask.app import STAGES

    app = engine.flask
    altered = any(_replaced(app, name) for name in STAGES)
    rules: Any = app.url_map
    seen = getattr(rules, "changes", None)
    if altered:
        return lambda c: False

    def is_short(c: RequestContext) -> bool:
        now: Any = app.url_map
        if now is not rules or now.changes != seen:
            engine.changed()
            c.plan = None  # the tree that found it is out of date; the map is asked
            return False
        return not (
            app.before_request_funcs
            or app.after_request_funcs
            or app.teardown_request_funcs
            or app.teardown_appcontext_funcs
            or app.url_value_preprocessors
            or app._altered
            or Listening.ever
            or type(app.session_interface) is not SecureCookieSessionInterface
            or app.config["TRUSTED_HOSTS"] is not None
            or c.exchange.headers.get("cookie") is not None
        )

    return is_short


def _blocking(
    engine: FlaskEngine, endpoint: str, view: Callable[..., Any], whole: Callable[[RequestContext], Reply]
) -> Callable[..., Any]:
    app = engine.flask
    views = app.view_functions
    is_short = _question(engine)

    def call(c: RequestContext, /, **values: Any) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return whole(c)
        if not app._got_first_request:
            app._got_first_request = True
        try:
            value = view(**values)
        except Exception as exc:
            return _failed(app, c, exc)
        return value if c.plain else _finished(app, c, value)

    return call


def _awaited(
    engine: FlaskEngine, endpoint: str, view: Callable[..., Any], whole: Callable[[RequestContext], Reply]
) -> Callable[..., Any]:
    app = engine.flask
    views = app.view_functions
    is_short = _question(engine)

    async def call(c: RequestContext, /, **values: Any) -> Any:
        if not is_short(c) or views.get(endpoint) is not view:
            return await to_thread(whole, c)
        if not app._got_first_request:
            app._got_first_request = True
        try:
            value = await view(**values)
        except Exception as exc:
            return await to_thread(_failed, app, c, exc)
        return value if c.plain else await to_thread(_finished, app, c, value)

    return call


def _failed(app: Flask, c: RequestContext, exc: Exception) -> Reply:
    """Answer an exception of a view as the whole way would."""
    context = app.context_of(c)
    context.push()
    try:
        try:
            try:
                raise exc
            except Exception as same:
                response = app.finalize_request(app.handle_user_exception(same))
        except Exception as left:
            response = app.handle_exception(left)
        return _reply(c, response)
    finally:
        context.pop(exc)


def _finished(app: Flask, c: RequestContext, value: Any) -> Reply:
    """Show the response to the session and to the functions of `after_this_request`."""
    try:
        context = app.context_of(c)
        response = app.make_response(value)
        for function in context._after or ():
            response = app.ensure_sync(function)(response)
        if context._session is not None and not app.session_interface.is_null_session(context._session):
            app.session_interface.save_session(app, context._session, response)
        return _reply(c, response)
    except Exception as exc:
        return _broken(app, c, exc)


def _broken(app: Flask, c: RequestContext, exc: Exception) -> Reply:
    """Answer an exception that came after the view, for which no handler is asked but that of 500."""
    context = app.context_of(c)
    context.push()
    try:
        try:
            raise exc
        except Exception as same:
            return _reply(c, app.handle_exception(same))
    finally:
        context.pop(exc)


_JSON = ((b"content-type", b"application/json"),)
_HTML = ((b"content-type", b"text/html; charset=utf-8"),)


def _is_plain(app: Flask) -> bool:
    """Say whether nobody would see the response that a dict becomes.

    PERF: 4 us; by way of a response object 17 (timeit, CPython 3.11).
    """
    provider = app.json
    return type(provider) is DefaultJSONProvider and provider.__dict__.keys().isdisjoint(
        ("dumps", "response", "mimetype")
    )


def ready_of(app: Flask) -> Callable[[RequestContext, Any], Ready | None]:
    """Return the short way from the value of a view to what is sent."""

    def ready(c: RequestContext, value: Any) -> Ready | None:
        if app.response_class is not Response:
            return None  # whatever it is becomes one of that class, which has its own say
        kind = type(value)
        if kind is Response:
            return plain_answer(value)
        if kind is dict or kind is list:
            if _is_plain(app):
                try:
                    return 200, _JSON, cast(Any, app.json).body(value)
                except Exception:
                    return None  # it fails again on the long way, where its error is answered
        elif kind is str:
            return 200, _HTML, value.encode()
        return None

    return ready


def rendered(app: Flask, c: RequestContext, value: Any) -> Reply:
    """Return the reply that the value of a view is."""
    try:
        return _reply(c, app.make_response(value))
    except Exception as exc:
        return _broken(app, c, exc)
