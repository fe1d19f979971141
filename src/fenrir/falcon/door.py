"""The registrar: what an application of this dialect registers becomes declarations of the engine.

Each responder of a resource is a route of its own. Where the dialect is alone (the drop-in application) two more answer
what a resource has no responder for, as upstream: OPTIONS with the methods there are, any other method with 405. Beside
other dialects the engine does so, since the same path may have methods in another dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenrir.core.binding import Argument, Binding, Given
from fenrir.core.converters import Converter
from fenrir.core.declare import ErrorHandler, Hook, ListenerStage, Route, Source, Stage, caller, mode_of
from fenrir.core.pattern import Parameter, Pattern
from fenrir.core.router import Slashes
from fenrir.falcon._adapt import after_hook, before_hook, error_handler, is_async, responder_adapter
from fenrir.falcon._dialect import DIALECT, SHARED
from fenrir.falcon._round import KEY, Settings
from fenrir.falcon._websocket import websocket_adapter
from fenrir.falcon.constants import COMBINED_METHODS, META_METHODS
from fenrir.falcon.errors import CompatibilityError, HTTPBadRequest, HTTPMethodNotAllowed
from fenrir.falcon.http_error import HTTPError
from fenrir.falcon.params import RequestOptions
from fenrir.falcon.response import ResponseOptions
from fenrir.falcon.routing.template import CompiledRouterOptions, Templates, parse_template
from fenrir.falcon.routing.verbs import default_responder, map_http_methods
from fenrir.falcon.static import StaticRoute
from fenrir.falcon.ws import WebSocketOptions

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.declare import Scope

__all__ = ["FalconDoor"]

_WEBSOCKET = "WEBSOCKET"
_SINKS, _STATICS = 1_000_000, 2_000_000  # beyond the weight of every converter: sinks come after routes


class FalconDoor:
    """Registration in this dialect.

    Args:
        engine: the application to register on; its home may be another dialect.
        scope: where hooks and error handlers apply.

    Attributes:
        independent_middleware: `process_response` runs whether or not `process_request` of the component was reached.
        sink_before_static_route: a sink wins over a static route that matches as well.
    """

    def __init__(
        self,
        engine: Application,
        scope: Scope,
        *,
        independent_middleware: bool = True,
        sink_before_static_route: bool = True,
    ) -> None:
        self.engine = engine
        self.scope = scope
        self.independent_middleware = independent_middleware
        self.sink_before_static_route = sink_before_static_route
        self.router_options = CompiledRouterOptions()
        self.settings: Settings = engine.extensions.setdefault(KEY, Settings())
        self._alone = engine.home.name == DIALECT.name
        self._dialect = DIALECT if self._alone else SHARED
        self._templates = Templates()
        self._routes: dict[tuple[Any, bool], list[Route]] = {}
        self._sinks = 0

    # --------------------------------------------------------------- options
    @property
    def req_options(self) -> RequestOptions:
        """How requests are read."""
        return self.settings.req_options

    @req_options.setter
    def req_options(self, value: RequestOptions) -> None:
        self.settings.req_options = value

    @property
    def resp_options(self) -> ResponseOptions:
        """How responses are written."""
        return self.settings.resp_options

    @resp_options.setter
    def resp_options(self, value: ResponseOptions) -> None:
        self.settings.resp_options = value

    @property
    def ws_options(self) -> WebSocketOptions:
        """How WebSocket connections behave."""
        return self.settings.ws_options

    # ---------------------------------------------------------------- routes
    def add_route(
        self, uri_template: str, resource: object, *, suffix: str | None = None, compile: bool = False
    ) -> None:
        """Serve a template by the responders of a resource; the same template again replaces them.

        Args:
            suffix: of the responders' names: `on_get_suffix`.
            compile: accepted; everything is compiled before the first request.

        Raises:
            UnacceptableRouteError: the template is wrong or conflicts with another.
            SuffixedMethodNotFoundError: there is no responder with the suffix.
        """
        source = caller()
        pattern = parse_template(uri_template, self.router_options.converters)
        by_default = self.router_options.default_to_on_request
        responders = map_http_methods(resource, suffix, by_default)
        self._templates.add(pattern)
        rest = default_responder(resource, suffix) if by_default else None
        place = (pattern.segments, pattern.trailing_slash)
        for route in self._routes.pop(place, ()):
            self.engine.routes.remove(route)
        made: list[Route] = []
        for verb, responder in responders.items():
            methods = frozenset() if verb == _WEBSOCKET else frozenset({verb})
            made.append(self._route(pattern, methods, responder, resource, source))
        if rest is not None:
            verbs = set(COMBINED_METHODS) - set(META_METHODS) - set(responders)
            free = verbs - {"OPTIONS"}
            made.append(self._route(pattern, frozenset(free), rest, resource, source))
        if self._alone:
            made += self._answers(pattern, [*responders], resource, source)
        self._routes[place] = made
        for route in made:
            self.engine.add_route(route)

    def _answers(self, pattern: Pattern, verbs: list[str], resource: object, source: Source) -> list[Route]:
        """Return the routes for the methods without a responder."""
        answers = _Answers(sorted(verb for verb in verbs if verb not in META_METHODS))
        made = [self._route(pattern, None, answers.refuse, resource, source)]
        if "OPTIONS" not in verbs:
            automatic = self._route(pattern, frozenset({"OPTIONS"}), answers.options, resource, source)
            made.append(replace(automatic, document=False))
        return made

    def _route(
        self,
        pattern: Pattern,
        methods: frozenset[str] | None,
        responder: Callable[..., Any],
        resource: object,
        source: Source,
        **options: Any,
    ) -> Route:
        websocket = methods is not None and not methods
        if websocket and not is_async(responder):
            raise CompatibilityError("on_websocket must be a coroutine function")
        if self.settings.req_options.strip_url_path_trailing_slash:
            options["slashes"] = Slashes.IGNORE
        adapter = websocket_adapter(responder) if websocket else responder_adapter(responder)
        return Route(
            pattern=pattern,
            methods=methods,
            handler=adapter,
            mode=mode_of(adapter, self._dialect.blocking),
            name=None,
            dialect=self._dialect,
            scope=self.scope,
            source=source,
            bind=_bind,
            options={"resource": resource, "responder": responder, **options},
            websocket=websocket,
            document=methods is not None,
            user=responder,
        )

    def add_sink(self, sink: Callable[..., Any], prefix: str | re.Pattern[str] = r"/") -> None:
        """Serve paths that no route has and that begin with a prefix (a regular expression); the last added wins."""
        matcher = prefix if isinstance(prefix, re.Pattern) else re.compile(prefix)
        weight = (_STATICS if not self.sink_before_static_route else 0) + _SINKS
        self._add_sink(sink, matcher.pattern, _SinkMatch(matcher), weight)

    def add_static_route(
        self,
        prefix: str,
        directory: str | Path,
        downloadable: bool = False,
        fallback_filename: str | None = None,
    ) -> None:
        """Serve the files of a directory below a prefix. Raises `ValueError` as `StaticRoute` does."""
        static = StaticRoute(prefix, directory, downloadable, fallback_filename)
        self._add_sink(static, prefix, _StaticMatch(static), _STATICS)

    def _add_sink(self, sink: Callable[..., Any], text: str, convert: Callable[[str], Any], weight: int) -> None:
        self._sinks += 1
        converter = Converter(f"sink {self._sinks}", ".*", convert, str, weight - self._sinks, True)
        pattern = Pattern(text, ((Parameter("sink", converter),),))
        route = self._route(pattern, None, sink, None, caller(), sink=True)
        self.engine.add_route(route)

    # ------------------------------------------------------------ middleware
    def add_middleware(self, middleware: object | Iterable[object]) -> None:
        """Add middleware components: objects with `process_request`, `process_resource`, `process_response` and others.

        A method with the ending `_async` is taken in the place of the one without.

        Raises:
            TypeError: a component has none of the methods.
        """
        for component in middleware if isinstance(middleware, (list, tuple)) else [middleware]:
            self._add_component(component)

    def _add_component(self, component: Any) -> None:
        source = caller()
        calls = {
            name: getattr(component, f"{name}_async", None) or getattr(component, name, None)
            for name in ("process_request", "process_resource", "process_response")
        }
        later = {
            name: getattr(component, name, None)
            for name in ("process_startup", "process_shutdown", "process_request_ws", "process_resource_ws")
        }
        if not any(calls.values()) and not any(later.values()):
            raise TypeError(f"{component!r} must implement at least one middleware method")
        request, resource, response = calls.values()
        key = component
        independent = self.independent_middleware
        if request is None and response is not None and not independent:
            request = _pass
        if request is not None:
            self._hook(Stage.BEFORE_ROUTING, before_hook(request, key, resource=False), component, source, request)
        if resource is not None:
            adapter = before_hook(resource, key, resource=True)
            self._hook(Stage.BEFORE_HANDLER, adapter, component, source, resource, unrouted=False)
        if response is not None:
            adapter = after_hook(response, None if independent else key)
            self._hook(Stage.AFTER_HANDLER, adapter, component, source, response)
        self._later(component, **later)

    def _hook(
        self,
        stage: Stage,
        adapter: Callable[..., Any],
        component: object,
        source: Source,
        user: Callable[..., Any],
        *,
        unrouted: bool = True,
    ) -> None:
        mode = mode_of(adapter, self._dialect.blocking)
        hook = Hook(stage, adapter, mode, self._dialect.name, source, user=user, unrouted=unrouted)
        # What runs before the match belongs to the application: no route is known then.
        self.engine.add_hook(hook, None if stage is Stage.BEFORE_ROUTING else self.scope)

    def _later(
        self,
        component: object,
        process_startup: Callable[..., Any] | None,
        process_shutdown: Callable[..., Any] | None,
        process_request_ws: Callable[..., Any] | None,
        process_resource_ws: Callable[..., Any] | None,
    ) -> None:
        if process_startup is not None:
            self._listen(ListenerStage.STARTUP, process_startup, "lifespan.startup")
        if process_shutdown is not None:
            self._listen(ListenerStage.SHUTDOWN, process_shutdown, "lifespan.shutdown")
        if process_request_ws is not None:
            self.settings.request_ws.append(process_request_ws)
        if process_resource_ws is not None:
            self.settings.resource_ws.append(process_resource_ws)

    def _listen(self, stage: ListenerStage, call: Callable[..., Any], event: str) -> None:
        async def listener() -> None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
            outcome = call(scope, {"type": event})
            if hasattr(outcome, "__await__"):
                await outcome

        self.engine.add_listener(stage, listener, call)

    # ---------------------------------------------------------------- errors
    def add_error_handler(
        self,
        exception: type[BaseException] | Iterable[type[BaseException]],
        handler: Callable[..., Any] | None = None,
    ) -> None:
        """Handle exceptions by `handler(req, resp, ex, params)`, by default the exception's own `handle`.

        Raises:
            AttributeError: no handler is given and the exception has none.
            TypeError: it is no class of exceptions.
        """
        source = caller()
        call = handler if handler is not None else getattr(exception, "handle", None)
        if call is None:
            raise AttributeError(
                'handler must either be specified explicitly or defined as a static method named "handle" that is a '
                "member of the given exception class."
            )
        for key in [exception] if isinstance(exception, type) else exception:
            if not isinstance(key, type) or not issubclass(key, Exception):
                raise TypeError('"exception" must be an exception type.')
            adapter = error_handler(call, key)
            mode = mode_of(adapter, self._dialect.blocking)
            self.engine.add_error_handler(ErrorHandler(key, adapter, mode, self._dialect, source, call), self.scope)

    def set_error_serializer(self, serializer: Callable[[Any, Any, HTTPError], Any]) -> None:
        """Write errors by `serializer(req, resp, exception)`."""
        self.settings.serialize_error = serializer


def _bind(overrides: object) -> Binding:
    return Binding(arguments=(Argument(None, Given(lambda c: c)),), shares_reply=True)


async def _pass(req: object, resp: object) -> None:
    """Do nothing; a component without `process_request` is still reached."""


@dataclass(frozen=True)
class _SinkMatch:
    """Whether a sink takes a path, and with which parameters."""

    matcher: re.Pattern[str]

    def __call__(self, rest: str) -> tuple[str, dict[str, Any]]:
        match = self.matcher.match("/" + rest)
        if match is None:
            raise ValueError("no match")
        return rest, match.groupdict()


@dataclass(frozen=True)
class _StaticMatch:
    """Whether a static route takes a path."""

    static: StaticRoute

    def __call__(self, rest: str) -> tuple[str, dict[str, Any]]:
        if not self.static.match("/" + rest):
            raise ValueError("no match")
        return rest, {}


class _Answers:
    """Answers for the methods that a resource has no responder for."""

    def __init__(self, methods: list[str]) -> None:
        self._methods = methods
        self._allowed = methods if "OPTIONS" in methods else [*methods, "OPTIONS"]

    async def options(self, req: Any, resp: Any, **params: Any) -> None:
        """Name the methods that there are."""
        if self._methods:
            resp.set_header("Allow", ", ".join(self._methods))
        resp.content_length = 0

    async def refuse(self, req: Any, resp: Any, **params: Any) -> None:
        """Refuse the method."""
        if req.method in META_METHODS:
            raise HTTPBadRequest
        if req.method not in COMBINED_METHODS:
            raise HTTPBadRequest(title="Bad request", description="Invalid HTTP method")
        raise HTTPMethodNotAllowed(self._allowed)
