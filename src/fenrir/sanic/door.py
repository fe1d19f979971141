"""The door through which Sanic is spoken to an engine: it turns Sanic's declarations into the engine's.

A door holds no routes of its own. It may be the application's home (`Sanic` is a door with its own engine) or one of
several doors to the same engine; hooks, error handlers, state and tasks are shared.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlunparse

from asteri.exchange import ChannelClosed
from fenrir.core.binding import Argument, Binding, Given
from fenrir.core.declare import (
    DeclarationError,
    ErrorHandler,
    Hook,
    ListenerStage,
    Mode,
    Scope,
    Stage,
    caller,
    mode_of,
)
from fenrir.core.declare import Route as EngineRoute
from fenrir.core.pattern import PatternError
from fenrir.core.reply import Reply
from fenrir.core.router import Slashes
from fenrir.sanic import static
from fenrir.sanic._dialect import DIALECT
from fenrir.sanic.blueprints import Blueprint, BlueprintGroup
from fenrir.sanic.exceptions import SanicException, ServerError, URLBuildError
from fenrir.sanic.registrar import (
    Declaration,
    ExceptionDeclaration,
    ListenerDeclaration,
    MiddlewareDeclaration,
    Registrar,
    RouteDeclaration,
    SignalDeclaration,
    StaticDeclaration,
)
from fenrir.sanic.response import BaseHTTPResponse
from fenrir.sanic.routes import CONVERTERS, Route, parse, path_arguments
from fenrir.sanic.settings import settings_of
from fenrir.sanic.signals import Signals
from fenrir.sanic.streaming import Drive, Ended
from fenrir.sanic.websocket import Websocket, negotiated

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.context import RequestContext, State
    from fenrir.sanic.config import Config

__all__ = ["SanicDoor"]

log = logging.getLogger("sanic.error")

_UNTYPED = re.compile(r"<(\w+)>")
_PRIORITY = 1 << 40  # more hooks than any application registers; priority counts before order

_STAGES = {
    "before_server_start": ListenerStage.BEFORE_START,
    "after_server_start": ListenerStage.AFTER_START,
    "before_server_stop": ListenerStage.BEFORE_STOP,
    "after_server_stop": ListenerStage.AFTER_STOP,
}


class SanicDoor(Registrar):
    """Sanic's application methods on an engine.

    Args:
        scope: where routes, middleware and exception handlers are registered.
        name: put before the names of routes; None for none.
    """

    def __init__(self, engine: Application, scope: Scope, name: str | None = None) -> None:
        self.engine = engine
        self.scope = scope
        self.name = name
        self.blueprints: dict[str, Blueprint] = {}
        self.signals = Signals()
        self._process_listeners: dict[str, list[ListenerDeclaration]] = {}
        self._listener_priorities: dict[Any, int] = {}
        self._settings = settings_of(engine)
        self._settings.url_for = self.url_for

    # ------------------------------------------------------------- properties
    @property
    def ctx(self) -> State:
        """The notebook of the application."""
        return self.engine.state

    @property
    def config(self) -> Config:
        """The configuration."""
        return self._settings.config

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop. Raises `SanicException` outside of one."""
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            raise SanicException("Loop can only be retrieved while the application runs.") from None

    def update_config(self, config: Any) -> None:
        """Set options from a mapping, an object, or a Python file."""
        self.config.update_config(config)

    # ----------------------------------------------------------- declarations
    def _declare(self, declaration: Declaration) -> None:
        self.apply(declaration, self.scope)

    def apply(self, declaration: Declaration, scope: Scope) -> None:
        """Make a declaration the engine's, in a scope."""
        match declaration:
            case RouteDeclaration():
                self._add_route(declaration, scope)
            case MiddlewareDeclaration():
                self._add_middleware(declaration, scope)
            case ExceptionDeclaration():
                self._add_exception_handler(declaration, scope)
            case ListenerDeclaration():
                self._add_listener(declaration)
            case StaticDeclaration():
                for route in static.routes(declaration):
                    self._add_route(route, scope, document=False)
            case SignalDeclaration():
                self.signals.add(declaration.event, declaration.call, declaration.condition)

    def _add_route(self, declared: RouteDeclaration, scope: Scope, *, document: bool = True) -> None:
        uri = declared.uri
        if declared.version is not None:
            version = str(declared.version).strip("/").lstrip("v")
            uri = f"{declared.version_prefix}{version}/{uri.lstrip('/')}"
        try:
            pattern = parse(uri if uri.startswith("/") else "/" + uri, CONVERTERS)
        except PatternError as exc:
            raise DeclarationError(str(exc), declared.source) from None
        websocket = declared.methods is None
        strict = bool(declared.strict_slashes)
        view = Route(
            name=declared.name,
            uri=_UNTYPED.sub(r"<\1:str>", pattern.text),
            methods=declared.methods or frozenset(),
            handler=declared.handler,
            ctx=declared.ctx,
            error_format=declared.error_format,
            strict=strict,
            stream=declared.stream,
            websocket=websocket,
            parameters=pattern.names,
        )
        arguments = tuple(path_arguments(pattern))
        if websocket:
            handler, mode = _channel_handler(declared.handler, declared.subprotocols), Mode.LOOP
            first: tuple[Argument, ...] = (Argument(None, Given(_context)), Argument(None, Given(_request)))
        else:
            handler, mode = _adapted(declared.handler)
            first = (Argument(None, Given(_request)),)
        binding = Binding(arguments=(*first, *arguments))
        self.engine.add_route(
            EngineRoute(
                pattern=pattern,
                methods=frozenset() if websocket else declared.methods,
                handler=handler,
                mode=mode,
                name=declared.name,
                dialect=DIALECT,
                scope=scope,
                source=declared.source,
                bind=lambda _: binding,
                options={"sanic": view, "slashes": Slashes.STRICT if strict else Slashes.EITHER},
                websocket=websocket,
                stream=declared.stream,
                body_limit=None,
                document=document,
                user=declared.handler,
            )
        )

    def _add_middleware(self, declared: MiddlewareDeclaration, scope: Scope) -> None:
        call = declared.call
        mode = mode_of(call, Mode.INLINE)
        before = declared.location == "request"
        adapted = (_before if before else _after)(call, mode)
        hook = Hook(
            stage=Stage.BEFORE_HANDLER if before else Stage.AFTER_HANDLER,
            call=adapted,
            mode=mode,
            dialect=DIALECT.name,
            source=declared.source,
            user=call,
            reads_body=before,
        )
        if declared.priority:
            # A higher priority runs earlier on the way in and later on the way out, whatever was registered first.
            object.__setattr__(hook, "order", hook.order - declared.priority * _PRIORITY)
        self.engine.add_hook(hook, scope)

    def _add_exception_handler(self, declared: ExceptionDeclaration, scope: Scope) -> None:
        mode = mode_of(declared.call, Mode.INLINE)
        call = _error_handler(declared.call, mode)
        for cls in declared.exceptions:
            self.engine.add_error_handler(ErrorHandler(cls, call, mode, DIALECT, declared.source, declared.call), scope)

    def _add_listener(self, declared: ListenerDeclaration) -> None:
        stage = _STAGES.get(declared.event)
        if stage is None:
            self._process_listeners.setdefault(declared.event, []).append(declared)
            return
        self.engine.add_listener(stage, functools.partial(self._call_listener, declared.call), declared.call)
        if declared.priority:
            self._move_listener(stage, declared.priority)

    def _move_listener(self, stage: ListenerStage, priority: int) -> None:
        """Put the listener just added before those of its stage with a lower priority."""
        listeners = self.engine.listeners
        added = listeners.pop()
        ranked = self._listener_priorities
        ranked[added.user] = priority
        place = next(
            (
                index
                for index, other in enumerate(listeners)
                if other.stage is stage and ranked.get(other.user, 0) < priority
            ),
            len(listeners),
        )
        listeners.insert(place, added)

    def _call_listener(self, call: Callable[..., Any]) -> Any:
        app = self.engine.facade
        return call(app, asyncio.get_running_loop()) if _wants_loop(call) else call(app)

    async def run_process_listeners(self, event: str) -> None:
        """Run the listeners of the main process for one event, in order; on stop reversed."""
        listeners = sorted(self._process_listeners.get(event, []), key=lambda one: -one.priority)
        for declared in reversed(listeners) if event.endswith("_stop") else listeners:
            outcome = self._call_listener(declared.call)
            if inspect.isawaitable(outcome):
                await outcome

    def register_listener(self, listener: Callable[..., Any], event: str, *, priority: int = 0) -> Any:
        """Register a listener for an event."""
        return self._listen(listener, event, priority)

    # --------------------------------------------------------------- blueprints
    def blueprint(self, blueprint: Blueprint | BlueprintGroup | Iterable[Blueprint], **options: Any) -> None:
        """Register a blueprint, a group or several; options override the blueprint's own.

        Args:
            options: url_prefix, version, version_prefix, strict_slashes, name_prefix.
        """
        if not isinstance(blueprint, Blueprint):
            for bp, merged in _members(blueprint, options):
                self.blueprint(bp, **merged)
            return
        known = {"url_prefix", "version", "version_prefix", "strict_slashes", "name_prefix"}
        if unknown := set(options) - known:
            raise TypeError(f"blueprint() knows {', '.join(sorted(known))}, not {', '.join(sorted(unknown))}")
        if self.blueprints.get(blueprint.name, blueprint) is not blueprint:
            raise DeclarationError(
                f"A blueprint with the name {blueprint.name!r} is already registered. Blueprint names must be unique.",
                caller(),
            )
        self.blueprints[blueprint.name] = blueprint
        blueprint.registered = True
        scope = Scope(blueprint.name, self.scope)
        for declaration in blueprint.resolved(options, self.generate_name):
            self.apply(declaration, scope)

    # --------------------------------------------------------------------- URLs
    def url_for(self, view_name: str, **kwargs: Any) -> str:
        """Return the URL of a route.

        Args:
            kwargs: values of the path; `_anchor`, `_external`, `_scheme`, `_server`, `_method`; the rest is the query.

        Raises:
            URLBuildError: there is no such route, or a value is missing or does not fit.
        """
        names = self.engine.frozen.names
        static_name = kwargs.pop("name", None) if view_name.endswith("static") else None
        if static_name:
            view_name = view_name.removesuffix("static") + static_name
        plans = names.get(view_name) or (names.get(f"{self.name}.{view_name}") if self.name else None)
        if not plans:
            raise URLBuildError(f"Endpoint with name `{view_name}` was not found")
        plan = plans[0]
        if "filename" in kwargs and "__file_uri__" in plan.names:
            kwargs["__file_uri__"] = kwargs.pop("filename").lstrip("/")
        kwargs.pop("_method", None)
        anchor = kwargs.pop("_anchor", "")
        external = kwargs.pop("_external", False)
        scheme = kwargs.pop("_scheme", "")
        if scheme and not external:
            raise ValueError("When specifying _scheme, _external must be True")
        server = kwargs.pop("_server", None)
        if server is None and external:
            server = self.config.get("SERVER_NAME", "")
        if external and not scheme:
            scheme = server.split("://", 1)[0] if "://" in (server or "") else "http"
            scheme = scheme.replace("http", "ws") if plan.route.websocket else scheme
        server = (server or "").split("://", 1)[-1]
        values = {name: kwargs.pop(name) for name in plan.names if name in kwargs}
        for name in plan.names:
            if name not in values:
                raise URLBuildError(f"Required parameter `{name}` was not passed to url_for")
        try:
            path = plan.route.pattern.build(values)
        except PatternError as exc:
            raise URLBuildError(str(exc)) from None
        query = urlencode(kwargs, doseq=True) if kwargs else ""
        return str(urlunparse((scheme, server, path, "", query, anchor)))

    # -------------------------------------------------------------------- tasks
    def add_task(self, task: Any, *, name: str | None = None, register: bool = True) -> asyncio.Task[Any] | None:
        """Start a background task, or keep it until the application starts (None is returned then).

        Args:
            task: a coroutine, a callable taking the application or nothing, or a task that runs already.
            name: for `get_task` and `cancel_task`.
        """
        if isinstance(task, asyncio.Task):
            return task
        if not callable(task) and not inspect.isawaitable(task):
            raise TypeError(f"a task is a coroutine or a callable, not {type(task).__name__}")

        async def run() -> Any:
            work = task
            if callable(work):
                work = work(self.engine.facade) if _wants_argument(work) else work()
            return await work if inspect.isawaitable(work) else work

        return self.engine.tasks.add(run, name if register else None)

    def get_task(self, name: str, *, raise_exception: bool = True) -> asyncio.Task[Any] | None:
        """Return a task by name. Raises `SanicException` when there is none, if asked to."""
        task = self.engine.tasks.get(name)
        if task is None and raise_exception:
            raise SanicException(f'Registered task named "{name}" not found.')
        return task

    async def cancel_task(self, name: str, msg: str | None = None, *, raise_exception: bool = True) -> None:
        """Cancel a task by name and wait for its end."""
        if not await self.engine.tasks.cancel(name, msg) and raise_exception:
            raise SanicException(f'Registered task named "{name}" not found.')

    def purge_tasks(self) -> None:
        """Forget the names of ended tasks."""
        self.engine.tasks.purge()

    def shutdown_tasks(self, timeout: float | None = None, increment: float = 0.1) -> None:
        """Cancel all tasks; the application waits for their end when it stops."""
        for task in self.engine.tasks:
            task.cancel()

    @property
    def tasks(self) -> Iterable[asyncio.Task[Any]]:
        """The running tasks."""
        running: Iterable[asyncio.Task[Any]] = iter(self.engine.tasks)
        return running

    # ------------------------------------------------------------------ signals
    async def dispatch(
        self,
        event: Any,
        *,
        condition: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        inline: bool = False,
        fail_not_found: bool = True,
        reverse: bool = False,
    ) -> Any:
        """Call the handlers of an event: as background tasks, or with `inline` here and now.

        Raises:
            InvalidSignal: the name is malformed, or nobody listens and `fail_not_found` is set.
        """
        return await self.signals.dispatch(
            str(getattr(event, "value", event)),
            condition=condition,
            context=context or {},
            inline=inline,
            fail_not_found=fail_not_found,
            reverse=reverse,
            start=lambda work: self.engine.tasks.add(work),
        )

    async def event(self, event: Any, timeout: float | None = None) -> Mapping[str, Any]:
        """Wait for an event and return its context. Raises `TimeoutError`."""
        return await self.signals.wait(str(getattr(event, "value", event)), timeout)


# ------------------------------------------------------------------- adapters
def _context(c: RequestContext) -> RequestContext:
    return c


def _request(c: RequestContext) -> Any:
    return c.view(DIALECT)


def _positional(call: Callable[..., Any]) -> tuple[int, int]:
    """Return how many positional arguments a callable needs and how many it takes."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    own = [p for p in parameters if p.kind in kinds]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in own), 1000 if variadic else len(own)


def _wants_loop(call: Callable[..., Any]) -> bool:
    return _positional(call)[0] >= 2


def _wants_argument(call: Callable[..., Any]) -> bool:
    return _positional(call)[1] >= 1


def _awaits(handler: Callable[..., Any]) -> bool:
    """Say whether calling a handler gives something to await: also behind a view or a decorator that wraps it."""
    if hasattr(handler, "view_class"):
        return True
    return Mode.LOOP in (mode_of(handler, Mode.INLINE), mode_of(inspect.unwrap(handler), Mode.INLINE))


def _adapted(handler: Callable[..., Any]) -> tuple[Callable[..., Any], Mode]:
    """Return the handler as the engine calls it, and how."""
    if not _awaits(handler):
        return handler, mode_of(handler, Mode.INLINE)

    async def call(request: Any, **values: Any) -> Any:
        def begin() -> Awaitable[Any]:
            work = handler(request, **values)
            return work if inspect.isawaitable(work) else _immediate(work)

        drive = Drive(begin)
        given = await drive.next()
        if isinstance(given, Ended):
            if not request.responded:
                return given.value
            if given.value is not None and given.value is not request.response:
                log.error(
                    "The response object returned by the route handler will not be sent to client. "
                    "The request has already been responded to."
                )
            return request.response
        response: BaseHTTPResponse = request.response
        reply = response.__reply__()
        if given.last:
            reply.body = given.data or reply.body
            return await _finished(drive, response)
        given.data = reply.body + given.data
        drive.stream_into(reply, given)
        return response

    return call, Mode.LOOP


async def _immediate(value: Any) -> Any:
    return value


async def _finished(drive: Drive, response: BaseHTTPResponse) -> BaseHTTPResponse:
    """Run a handler on that has sent its whole body at once."""
    while not isinstance(await drive.next(), Ended):
        pass
    return response


def _reply_of(value: Any) -> Reply:
    give = getattr(value, "__reply__", None)
    if give is None:
        raise ServerError(f"Invalid response type {value!r} (need HTTPResponse)")
    reply: Reply = give()
    return reply


def _before(call: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    if mode is Mode.LOOP:

        async def awaited(c: RequestContext) -> Reply | None:
            value = await call(c.view(DIALECT))
            return _reply_of(value) if value else None

        return awaited

    def inline(c: RequestContext) -> Reply | None:
        value = call(c.view(DIALECT))
        return _reply_of(value) if value else None

    return inline


_ANSWERED = "sanic.answered"  # a response middleware answered or failed: upstream runs no more of them


def _after(call: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    if mode is Mode.LOOP:

        async def awaited(c: RequestContext, reply: Reply) -> Reply | None:
            if c.notes is not None and _ANSWERED in c.notes:
                return None
            try:
                value = await call(c.view(DIALECT), DIALECT.response(c, reply))
                return _replaced(c, value)
            except Exception as exc:
                _failed(c, exc)
                return None

        return awaited

    def inline(c: RequestContext, reply: Reply) -> Reply | None:
        if c.notes is not None and _ANSWERED in c.notes:
            return None
        try:
            return _replaced(c, call(c.view(DIALECT), DIALECT.response(c, reply)))
        except Exception as exc:
            _failed(c, exc)
            return None

    return inline


def _replaced(c: RequestContext, value: Any) -> Reply | None:
    if not value:
        return None
    c.note(_ANSWERED, lambda _: True)
    return _reply_of(value)


def _failed(c: RequestContext, exc: Exception) -> None:
    # As upstream: the response goes out as it was before.
    c.note(_ANSWERED, lambda _: True)
    log.error("Exception occurred in one of response middleware handlers", exc_info=exc)


def _error_handler(call: Callable[..., Any], mode: Mode) -> Callable[..., Any]:
    if mode is Mode.LOOP:

        async def awaited(c: RequestContext, exc: Exception) -> Reply:
            value = await call(c.view(DIALECT), exc)
            return _reply_of(value) if value is not None else DIALECT.error(c, exc)

        return awaited

    def inline(c: RequestContext, exc: Exception) -> Reply:
        value = call(c.view(DIALECT), exc)
        return _reply_of(value) if value is not None else DIALECT.error(c, exc)

    return inline


def _channel_handler(handler: Callable[..., Any], offered: tuple[str, ...]) -> Callable[..., Any]:
    async def serve(c: RequestContext, request: Any, **values: Any) -> None:
        channel = c.channel
        chosen = negotiated(offered, channel.subprotocols)
        await channel.accept(chosen)
        try:
            await handler(request, Websocket(channel, chosen), **values)
        except ChannelClosed:
            return
        await channel.close()

    return serve


def _members(group: Any, options: Mapping[str, Any]) -> list[tuple[Blueprint, dict[str, Any]]]:
    if isinstance(group, BlueprintGroup):
        return [(bp, {**group.options_of(bp), **options}) for bp in group.blueprints]
    return [(bp, dict(options)) for bp in group]
