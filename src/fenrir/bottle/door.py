"""The door through which Bottle is spoken to an engine: routes, hooks and error callbacks become the engine's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode, urljoin

from fenrir.bottle._dialect import DIALECT, adopted, cast, response_of
from fenrir.bottle.plugins import JSONPlugin
from fenrir.bottle.response import BaseResponse, HTTPError
from fenrir.bottle.routing import ANONYMOUS, CONVERTERS, Filter, Route, RouteBuildError, converter_of_filter, parse
from fenrir.bottle.structures import ConfigDict
from fenrir.bottle.text import yieldroutes
from fenrir.core.binding import Argument, Binding, PathValue
from fenrir.core.context import current
from fenrir.core.declare import (
    DeclarationError,
    ErrorHandler,
    Hook,
    Mode,
    Scope,
    Stage,
    caller,
    mode_of,
)
from fenrir.core.declare import Route as EngineRoute
from fenrir.core.pattern import PatternError
from fenrir.kit.mounting import asgi_mount, is_asgi, wsgi_mount

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.context import RequestContext
    from fenrir.core.reply import Reply

__all__ = ["BottleDoor", "Filters"]

F = TypeVar("F", bound=Callable[..., Any])

HOOKS = ("before_request", "after_request", "app_reset", "config")


def _listed(given: Any) -> list[Any]:
    if isinstance(given, tuple | list | set):
        return list(given)
    return [given] if given else []


class Filters:
    """The path filters of one application, as `app.router.add_filter` reaches them."""

    def __init__(self) -> None:
        self.converters = CONVERTERS.extend()

    def add_filter(self, name: str, func: Filter) -> None:
        """Add a filter: `func(config)` returns (expression, function to a value or None, function to text or None)."""
        self.converters.register(name, converter_of_filter(name, func), raw=True)


class BottleDoor:
    """Bottle's application methods on an engine.

    Args:
        scope: where routes, hooks and error callbacks are registered.

    Attributes:
        plugins: applied to every route, the last one innermost.
        error_handler: callbacks by status.
    """

    def __init__(self, engine: Application, scope: Scope) -> None:
        self.engine = engine
        self.scope = scope
        self.config = ConfigDict(catchall=True)
        self.router = Filters()
        self.routes: list[Route] = []
        self.plugins: list[Any] = []
        self.error_handler: dict[int, Callable[..., Any]] = {}
        self._hooks: dict[str, list[Callable[..., Any]]] = {name: [] for name in HOOKS}
        self._mounted: list[Any] = []
        self.install(JSONPlugin())

    # ----------------------------------------------------------------- routes
    def route(
        self,
        path: Any = None,
        method: Any = "GET",
        callback: Any = None,
        name: str | None = None,
        apply: Any = None,
        skip: Any = None,
        **config: Any,
    ) -> Any:
        """Register a callback.

        Args:
            path: a path or several; by default made of the callback's name and arguments.
            method: a method or several; ANY for all.
            apply: plugins or decorators of this route alone.
            skip: plugins (objects, classes, names) to leave out, True for all.
            config: for plugins, as `route.config`.
        """
        if callable(path):
            path, callback = None, path

        def decorator(callback: F) -> F:
            for rule in _listed(path) or yieldroutes(callback):
                for verb in _listed(method):
                    made = Route(self, rule, verb.upper(), callback, name, _listed(apply), _listed(skip), **config)
                    self.add_route(made)
            return callback

        return decorator(callback) if callback else decorator

    def get(self, path: Any = None, method: Any = "GET", **options: Any) -> Any:
        """Register a callback for GET; options as of `route`."""
        return self.route(path, method, **options)

    def post(self, path: Any = None, method: Any = "POST", **options: Any) -> Any:
        """Register a callback for POST; options as of `route`."""
        return self.route(path, method, **options)

    def put(self, path: Any = None, method: Any = "PUT", **options: Any) -> Any:
        """Register a callback for PUT; options as of `route`."""
        return self.route(path, method, **options)

    def delete(self, path: Any = None, method: Any = "DELETE", **options: Any) -> Any:
        """Register a callback for DELETE; options as of `route`."""
        return self.route(path, method, **options)

    def patch(self, path: Any = None, method: Any = "PATCH", **options: Any) -> Any:
        """Register a callback for PATCH; options as of `route`."""
        return self.route(path, method, **options)

    def add_route(self, route: Route) -> None:
        """Add a route as it is; its own application's plugins apply to it."""
        self._add(route, route.rule)

    def _add(self, route: Route, rule: str) -> None:
        source = caller()
        converters = getattr(getattr(route.app, "router", None), "converters", self.router.converters)
        try:
            pattern = parse(rule, converters)
        except PatternError as exc:
            raise DeclarationError(str(exc), source) from None
        handler, mode = _adapted(route)
        arguments = tuple(
            Argument(name, PathValue(index))
            for index, name in enumerate(pattern.names)
            if not name.startswith(ANONYMOUS)
        )
        binding = Binding(arguments)
        self.routes.append(route)
        self.engine.add_route(
            EngineRoute(
                pattern=pattern,
                methods=None if route.method in ("ANY", "PROXY") else frozenset({route.method}),
                handler=handler,
                mode=mode,
                name=route.name,
                dialect=DIALECT,
                scope=self.scope,
                source=source,
                bind=lambda _: binding,
                options={"bottle": route},
                user=route.callback,
            )
        )

    def merge(self, routes: Any) -> None:
        """Add the routes of another application, or routes."""
        for route in list(getattr(routes, "routes", routes)):
            self.add_route(route)

    def mount(self, prefix: str, app: Any, **options: Any) -> None:
        """Serve another application below a prefix: another Bottle's routes, or any WSGI or ASGI application.

        Raises:
            ValueError: the prefix does not begin with a slash.
            TypeError: there are options; a mounted application has none here.
        """
        if not prefix.startswith("/"):
            raise ValueError("Prefix must start with '/'")
        if options:
            raise TypeError(f"mount() takes no options, not {', '.join(options)}")
        if isinstance(app, BottleDoor) and prefix.endswith("/") and not any(app is one for one in self._mounted):
            self._mounted.append(app)
            for route in list(app.routes):
                self._add(route, prefix + route.rule.lstrip("/"))
            return
        if not prefix.strip("/"):
            raise ValueError('WSGI applications cannot be mounted to "/".')
        make = asgi_mount if is_asgi(app) else wsgi_mount
        self.engine.add_mount(make(prefix, app, DIALECT, self.scope, caller()))

    def get_url(self, routename: str, **kwargs: Any) -> str:
        """Return the URL of a named route; further values become its query. Raises `RouteBuildError`."""
        plans = self.engine.frozen.names.get(routename)
        if not plans:
            raise RouteBuildError("No route with that name.", routename)
        pattern = plans[0].route.pattern
        names = set(pattern.names)
        for number, name in enumerate(name for name in pattern.names if name.startswith(ANONYMOUS)):
            if f"anon{number}" in kwargs:
                kwargs[name] = kwargs.pop(f"anon{number}")
        try:
            path = pattern.build({name: kwargs[name] for name in names if name in kwargs})
        except PatternError as exc:
            raise RouteBuildError(f"Missing URL argument: {exc}") from None
        query = {name: value for name, value in kwargs.items() if name not in names}
        c = current.get(None)
        root = c.exchange.connection.root_path if c is not None else ""
        url = urljoin(f"/{root.strip('/')}/" if root.strip("/") else "/", path.lstrip("/"))
        return url + ("?" + urlencode(query) if query else "")

    # ------------------------------------------------------------------ hooks
    def hook(self, name: str) -> Callable[[F], F]:
        """Register a function for before_request, after_request, app_reset or config."""

        def decorator(func: F) -> F:
            self.add_hook(name, func)
            return func

        return decorator

    def add_hook(self, name: str, func: Callable[..., Any]) -> None:
        """Register a function for a hook; after_request runs the newest first. Raises `KeyError` for another name."""
        hooks = self._hooks[name]
        if name == "after_request":
            hooks.insert(0, func)
        else:
            hooks.append(func)
        if name not in ("before_request", "after_request"):
            return
        before = name == "before_request"
        mode = mode_of(func, DIALECT.blocking)
        self.engine.add_hook(
            Hook(
                stage=Stage.BEFORE_ROUTING if before else Stage.AFTER_HANDLER,
                call=_before(func, mode) if before else _after(func, mode),
                mode=mode,
                dialect=DIALECT.name,
                source=caller(),
                user=func,
            ),
            self.scope,
        )

    def remove_hook(self, name: str, func: Callable[..., Any]) -> bool | None:
        """Remove a function from a hook; True if it was there."""
        if func not in self._hooks.get(name, ()):
            return None
        self._hooks[name].remove(func)
        stage = {"before_request": Stage.BEFORE_ROUTING, "after_request": Stage.AFTER_HANDLER}.get(name)
        self.scope.hooks[:] = [
            hook
            for hook in self.scope.hooks
            if not (hook.user is func and hook.stage is stage and hook.dialect == DIALECT.name)
        ]
        self.engine.changed()
        return True

    def trigger_hook(self, __name: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Call the functions of a hook and return what they return."""
        return [func(*args, **kwargs) for func in self._hooks[__name][:]]

    # ------------------------------------------------------------------ errors
    def error(self, code: int = 500, callback: Any = None) -> Any:
        """Register a callback `(error)` for a status; what it returns is the body."""

        def decorator(callback: F) -> F:
            self.error_handler[int(code)] = callback
            mode = mode_of(callback, DIALECT.blocking)
            self.engine.add_error_handler(
                ErrorHandler(int(code), _error_handler(callback, mode), mode, DIALECT, caller(), callback), self.scope
            )
            return callback

        return decorator(callback) if callback else decorator

    # ----------------------------------------------------------------- plugins
    def install(self, plugin: Any) -> Any:
        """Add a plugin: a decorator, or an object with `apply(callback, route)` and perhaps `setup(app)`, `close()`.

        Raises:
            TypeError: it is neither.
        """
        if hasattr(plugin, "setup"):
            plugin.setup(self)
        if not callable(plugin) and not hasattr(plugin, "apply"):
            raise TypeError("Plugins must be callable or implement .apply()")
        self.plugins.append(plugin)
        self.reset()
        return plugin

    def uninstall(self, plugin: Any) -> list[Any]:
        """Remove plugins by object, class, name, or all with True; return those removed."""
        removed = [
            one
            for one in reversed(self.plugins)
            if plugin is True or plugin is one or plugin is type(one) or getattr(one, "name", True) == plugin
        ]
        self.plugins[:] = [one for one in self.plugins if not any(one is gone for gone in removed)]
        for one in removed:
            if hasattr(one, "close"):
                one.close()
        if removed:
            self.reset()
        return removed

    def reset(self, route: Route | int | None = None) -> None:
        """Have plugins applied again, to all routes or to one."""
        chosen: Iterable[Route] = self.routes
        if route is not None:
            chosen = [route if isinstance(route, Route) else self.routes[route]]
        for one in chosen:
            one.reset()
        self.trigger_hook("app_reset")

    def close(self) -> None:
        """Close all plugins."""
        for plugin in self.plugins:
            if hasattr(plugin, "close"):
                plugin.close()


# ------------------------------------------------------------------- adapters
def _adapted(route: Route) -> tuple[Callable[..., Any], Mode]:
    """Return the route's callback as the engine calls it; plugins may still be installed later."""
    mode = mode_of(inspect.unwrap(route.callback), DIALECT.blocking)
    if mode is Mode.LOOP:

        async def awaited(**values: Any) -> Any:
            value = route.call(**values)
            return await value if inspect.isawaitable(value) else value

        return awaited, mode

    def call(**values: Any) -> Any:
        return route.call(**values)

    return call, mode


def _before(func: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    if mode is Mode.LOOP:

        async def awaited(c: RequestContext) -> None:
            await func()
            _keep(c)

        return awaited

    def call(c: RequestContext) -> None:
        func()
        _keep(c)

    return call


def _keep(c: RequestContext) -> None:
    """What a hook set on `response` reaches the answer also when another dialect's handler gives it."""
    response = response_of(c)
    if response._headers or response._cookies:
        headers, cookies = dict(response._headers), dict(response._cookies)

        def merge(c: RequestContext, reply: Reply) -> None:
            for name, values in headers.items():
                if name not in reply.headers:
                    for value in values:
                        reply.headers.add(name, value)
            set_already = set(reply.headers.getall("set-cookie"))
            for cookie in cookies.values():
                if cookie.decode("latin-1") not in set_already:
                    reply.headers.add("set-cookie", cookie)

        c.note("bottle.kept", lambda _: c.before_sending(merge))


def _after(func: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    if mode is Mode.LOOP:

        async def awaited(c: RequestContext, reply: Reply) -> None:
            response = _shown(c, reply)
            await func()
            _written(response, reply)

        return awaited

    def call(c: RequestContext, reply: Reply) -> None:
        response = _shown(c, reply)
        func()
        _written(response, reply)

    return call


def _shown(c: RequestContext, reply: Reply) -> BaseResponse:
    """Make `response` show a reply, whoever made it."""
    response = response_of(c)
    fields: dict[str, list[str]] = {}
    for name, value in reply.headers.raw:
        fields.setdefault(name.decode("latin-1").title(), []).append(value.decode("latin-1"))
    response._headers = fields
    response._cookies = {}
    if response.status_code != reply.status:
        response.status = reply.status
    return response


def _written(response: BaseResponse, reply: Reply) -> None:
    """Write what a hook changed back into the reply."""
    has_type = "content-type" in reply.headers
    reply.status = response.status_code
    made = response.as_reply().headers
    if not has_type and "Content-Type" not in response._headers:
        made.remove("content-type")
    reply.headers.raw[:] = made.raw


def _error_handler(callback: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    def prepared(c: RequestContext, exc: Exception) -> tuple[BaseResponse, Any]:
        response = response_of(c)
        known = adopted(exc)
        known.apply(response)
        return response, known

    if mode is Mode.LOOP:

        async def awaited(c: RequestContext, exc: Exception) -> Reply:
            response, known = prepared(c, exc)
            return cast(response, await callback(known) if isinstance(known, HTTPError) else known)

        return awaited

    def call(c: RequestContext, exc: Exception) -> Reply:
        response, known = prepared(c, exc)
        return cast(response, callback(known) if isinstance(known, HTTPError) else known)

    return call
