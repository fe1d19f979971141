"""The application as the engine sees it: a list of declarations, frozen into a router and plans.

Registration appends to the lists. The first request (or `freeze`) compiles them into a `Frozen`, which is never
changed:
registering something late replaces it as a whole (copy on write), so a request sees either all of a change or none.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from asteri.exchange import Channel, Doors, Exchange
from fenrir.core.around import finished, through
from fenrir.core.binding import Argument, Binding, Given, joined
from fenrir.core.context import Raises, RequestContext, State, current
from fenrir.core.declare import (
    DeclarationError,
    ErrorHandler,
    Hook,
    Listener,
    ListenerStage,
    Mode,
    Mount,
    Route,
    Scope,
    Stage,
    caller,
)
from fenrir.core.declare import Source as Place
from fenrir.core.doors.asgi import asgi_door
from fenrir.core.errors import MethodNotAllowed, NotFound
from fenrir.core.hooks import call_hook, fail
from fenrir.core.lifespan import Lifespan, Tasks
from fenrir.core.mount import MountPlan
from fenrir.core.plan import Plan, link
from fenrir.core.reply import Reply, settle
from fenrir.core.resources import Resources
from fenrir.core.router import Entry, Found, NotAllowed, Options, Redirected, Router
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.dialect import Dialect, Renderer
    from fenrir.http.forms import FormLimits

__all__ = ["Application", "Frozen", "Overrides"]

log = logging.getLogger("fenrir")

WEBSOCKET = "<websocket>"  # no HTTP method: "<" is not a token character, so no request can carry it

Shared = Callable[[Route, Mapping[Any, Any]], Binding | None]
"""(route, overrides) -> the dependencies that a route has without knowing of them, or None."""

Source = Callable[[], Iterable[Route | Mount]]
"""What is asked for its declarations whenever the application freezes: a router that keeps its own list."""

LastResort = Callable[[RequestContext, Exception], Awaitable[Reply | None] | Reply | None]
"""(context, exception) -> the answer to what no error handler took and no dialect expects, or None for the usual."""


class Overrides(dict[Any, Any]):
    """Dependency overrides; a change makes the application compile its plans again."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._changed()

    def clear(self) -> None:
        super().clear()
        self._changed()

    def pop(self, key: Any, *default: Any) -> Any:
        try:
            return super().pop(key, *default)
        finally:
            self._changed()

    def update(self, *args: Any, **kwargs: Any) -> None:
        super().update(*args, **kwargs)
        self._changed()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        try:
            return super().setdefault(key, default)
        finally:
            self._changed()


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """Everything compiled.

    Attributes:
        dispatch: serves one exchange.
        plans: in order of registration.
        names: plans by route name, for url_for.
        reports: conflicts and hidden routes, as sentences with both places.
    """

    router: Router
    plans: tuple[Plan, ...]
    mounts: tuple[MountPlan, ...]
    names: Mapping[str, Sequence[Plan]]
    missing: Plan
    dispatch: Callable[[Any], Awaitable[None] | None]
    reports: tuple[str, ...]


class Application:
    """Declarations, and the doors through which servers call them.

    Args:
        home: the dialect in which errors outside any route are spoken.
        title: what logs call the application.
    """

    def __init__(self, home: Dialect, title: str = "fenrir") -> None:
        self.home = home
        self.title = title
        self.scope = Scope(title)
        self.routes: list[Route] = []
        self.mounts: list[Mount] = []
        self._sources: list[tuple[int, Source]] = []  # each with the number of routes that came before it
        self.unmatched: Callable[[], Route | Mount | None] = lambda: None  # what takes a request that no route took
        self.last_resort: LastResort | None = None
        self.listeners: list[Listener] = []
        self.middleware: list[tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Place]] = []
        self.state = State()
        self.extensions: dict[str, Any] = {}  # what parts of the framework keep per application, by their own names
        self.tasks = Tasks()
        self.overrides = Overrides(self.changed)
        self.shared: Shared | None = None  # dependencies of every route, whatever its dialect knows of them
        self._body_limit: int | None = None
        self._cancel_on_disconnect = False
        self.form_limits: FormLimits | None = None
        self.facade: Any = self  # the object that users hold
        self.lifespan_state: dict[str, Any] = {}
        self.resources = Resources()
        self._bindings: dict[Route, Binding] = {}  # made at registration, for as long as nothing is overridden
        self._frozen: Frozen | None = None
        self.version = 0  # of the declarations
        self._asgi: Callable[..., Awaitable[None]] | None = None

    # ---------------------------------------------------------- registration
    def changed(self) -> None:
        """Compile again before the next request."""
        self.version += 1
        self._frozen = None
        self._asgi = None

    def add_route(self, route: Route) -> None:
        """Add a route, checking now what can be checked now.

        Raises:
            DeclarationError: its signature can not be bound.
        """
        self._bindings[route] = route.bind({})
        self.routes.append(route)
        self.changed()

    def add_source(self, source: Source) -> None:
        """Add what has declarations of its own: they are asked for whenever the application freezes.

        Their bindings are not checked here but by whoever made them.
        """
        self._sources.append((len(self.routes), source))
        self.changed()

    def add_mount(self, mount: Mount) -> None:
        """Add a mounted application."""
        self.mounts.append(mount)
        self.changed()

    def add_hook(self, hook: Hook, scope: Scope | None = None) -> None:
        """Add a hook to a scope, the application's by default."""
        scope = scope or self.scope
        if hook.stage in (Stage.WRAP, Stage.BEFORE_ROUTING) and scope is not self.scope:
            raise DeclarationError(
                f"{hook.title} runs {hook.stage.value} and no route is known then; register it on the application",
                hook.source,
            )
        scope.hooks.append(hook)
        self.changed()

    def add_error_handler(self, handler: ErrorHandler, scope: Scope | None = None) -> None:
        """Add an error handler to a scope, the application's by default."""
        (scope or self.scope).error_handlers.append(handler)
        self.changed()

    def add_listener(self, stage: ListenerStage, call: Callable[[], Any], user: Any = None) -> None:
        """Add code that runs at start or stop."""
        self.listeners.append(Listener(stage, call, caller(), user))

    def add_lifespan(self, factory: Callable[[], AbstractAsyncContextManager[Any]], user: Any = None) -> None:
        """Add an async context manager around the life of the application."""
        self.add_listener(ListenerStage.LIFESPAN, factory, user)

    def add_middleware(self, factory: Callable[..., Any], *args: Any, **options: Any) -> None:
        """Wrap the application in an ASGI middleware class; the last one added is the outermost."""
        self.middleware.append((factory, args, options, caller()))
        self.changed()

    @property
    def body_limit(self) -> int | None:
        """Bytes that a body may have where its route says nothing else."""
        return self._body_limit

    @body_limit.setter
    def body_limit(self, limit: int | None) -> None:
        self._body_limit = limit
        self.changed()

    @property
    def cancel_on_disconnect(self) -> bool:
        """The work of a request is cancelled when the client leaves, where its route says nothing else."""
        return self._cancel_on_disconnect

    @cancel_on_disconnect.setter
    def cancel_on_disconnect(self, cancel: bool) -> None:
        self._cancel_on_disconnect = cancel
        self.changed()

    # -------------------------------------------------------------- freezing
    @property
    def frozen(self) -> Frozen:
        """The compiled application."""
        frozen = self._frozen
        if frozen is None:
            frozen = self.freeze()
        return frozen

    def freeze(self) -> Frozen:
        """Compile all declarations.

        Raises:
            DeclarationError: a binding fails, or two routes share a name or contradict each other.
        """
        version = self.version
        declared = self._declarations()
        wraps = list(self.scope.hooks_of(Stage.WRAP))
        earlier = list(self.scope.hooks_of(Stage.BEFORE_ROUTING))
        limited = self.body_limit is not None
        leaving = self.cancel_on_disconnect
        linked = [
            link(item, self._binding(item), wrapped=bool(wraps), limited=limited, leaving=leaving)
            if isinstance(item, Route)
            else MountPlan(item, wrapped=bool(wraps))
            for item in declared
        ]
        plans = tuple(plan for plan in linked if isinstance(plan, Plan))
        mounts = tuple(plan for plan in linked if isinstance(plan, MountPlan))
        unrouted = self._unrouted()
        missing = link(unrouted, unrouted.bind({}), wrapped=bool(wraps), unrouted=True)
        unmatched = self._unmatched(missing, wrapped=bool(wraps))
        router = Router(_entry(plan, self.home) if isinstance(plan, Plan) else _mount_entry(plan) for plan in linked)
        frozen = Frozen(
            router=router,
            plans=plans,
            mounts=mounts,
            names=_names(plans),
            missing=missing,
            dispatch=_Dispatch(self, version, router, missing, unmatched, wraps, earlier).choose(),
            reports=tuple(map(str, router.reports)),
        )
        if version == self.version:  # else another thread has declared something meanwhile
            self._frozen = frozen
        return frozen

    def _declarations(self) -> list[Route | Mount]:
        """Return all mounts and routes, those of the sources in the places where the sources were added."""
        declared: list[Route | Mount] = list(self.mounts)
        taken = 0
        for place, source in self._sources:
            declared += self.routes[taken:place]
            taken = max(taken, place)
            declared += source()
        return declared + self.routes[taken:]

    def _unmatched(self, missing: Plan, *, wrapped: bool) -> Plan | MountPlan:
        """Return the plan for requests whose path is nothing."""
        declared = self.unmatched()
        if declared is None:
            return missing
        if isinstance(declared, Mount):
            return MountPlan(declared, wrapped=wrapped)
        return link(declared, self._binding(declared), wrapped=wrapped)

    def _binding(self, route: Route) -> Binding:
        """Return how a route gets its arguments, with the shared dependencies and the overrides in force."""
        binding = self._bindings.get(route)
        if binding is None or self.overrides or route.bind_late:
            binding = route.bind(self.overrides)
        around = self.shared(route, self.overrides) if self.shared is not None else None
        return binding if around is None else joined(around, binding)

    def _unrouted(self) -> Route:
        """Return the route of requests that no route takes: hooks run around it as around any other."""
        home = replace(self.home, renderer=_as_is, reads_body=False)
        # Hooks that may block share one thread here as they do around a handler.
        blocking = any(hook.mode is Mode.THREAD for hook in self.scope.hooks)
        return Route(
            pattern=self.home.parse("/", self.home.converters),
            methods=None,
            handler=_answer_miss,
            mode=Mode.THREAD if blocking else Mode.INLINE,
            name=None,
            dialect=home,
            scope=self.scope,
            source=Place(__file__, 0),
            bind=lambda _: Binding(arguments=(Argument(None, Given(lambda c: c)),)),
            document=False,
        )

    # ----------------------------------------------------------------- doors
    def http(self, exchange: Exchange) -> Awaitable[None] | None:
        """Serve one request; a server calls this in a fresh context."""
        frozen = self._frozen
        if frozen is None:
            frozen = self.freeze()
        return frozen.dispatch(exchange)

    async def websocket(self, channel: Channel) -> None:
        """Serve one WebSocket connection."""
        c = RequestContext(channel, self)
        current.set(c)
        found = self.frozen.router.find(WEBSOCKET, channel.path)
        if type(found) is not Found:
            if self.home.closes_unmatched:
                await channel.close()
            else:
                await channel.reject(404, [(b"content-type", b"text/plain; charset=utf-8")], b"Not Found")
            return
        if isinstance(found.target, MountPlan):
            await found.target.serve_channel(channel, found.values)
            return
        c.plan = found.target
        c.values = found.values
        await found.target.run(c, channel, found.values)

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors, or None when ASGI middleware stands before the application."""
        if version != 1:
            return None
        if self.middleware:
            name = getattr(self.middleware[-1][0], "__name__", "middleware")
            log.info("%s: %s is ASGI middleware, so requests go through ASGI", self.middleware[-1][3], name)
            return None
        frozen = self.frozen  # compiled before the first request
        # PERF: the bare dispatch looks for itself whether it is still the one; that saves a call.
        bare = not any(self.scope.hooks_of(stage) for stage in (Stage.WRAP, Stage.BEFORE_ROUTING))
        return Doors(http=frozen.dispatch if bare else self.http, websocket=self.websocket)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as an ASGI 3 application."""
        app = self._asgi
        if app is None:
            app = asgi_door(self)
            for factory, args, options, _ in self.middleware:
                app = factory(app, *args, **options)
            self._asgi = app
        await app(scope, receive, send)

    def lifespan(self) -> Lifespan:
        """Return a new run from start to stop, for a door to drive."""
        # A mistake in a declaration must stop the start.
        listeners = list(self.listeners)
        for app in dict.fromkeys((self, *self._mounted(set()))):
            for report in app.frozen.reports:  # not whenever it freezes: nobody reads a log for each late route
                log.warning("%s", report)
            wanted = [resource for plan in app.frozen.plans for resource in plan.binding.resources]
            if wanted:
                opened = partial(app.resources.opened, wanted)
                listeners.append(Listener(ListenerStage.LIFESPAN, opened, Place(__file__, 0)))
        return Lifespan(listeners, self.tasks)

    def _mounted(self, known: set[Application]) -> Iterator[Application]:
        """Iterate over the applications inside, whose lifespan nobody runs."""
        for plan in self.frozen.mounts:
            engine = getattr(plan.mount.app, "engine", plan.mount.app)
            if isinstance(engine, Application) and engine not in known:
                known.add(engine)
                yield engine
                yield from engine._mounted(known)


class _Dispatch:
    """How an exchange finds its plan; the cheapest of three ways is chosen when the application freezes."""

    def __init__(
        self,
        app: Application,
        version: int,
        router: Router,
        missing: Plan,
        unmatched: Plan | MountPlan,
        wraps: Sequence[Hook],
        earlier: Sequence[Hook],
    ) -> None:
        self.app = app
        self.version = version
        self.find = router.find
        self.missing = missing
        self.unmatched = unmatched
        self.wraps = wraps
        self.earlier = earlier

    def choose(self) -> Callable[[Any], Awaitable[None] | None]:
        """Return the dispatch function for the hooks that exist."""
        if self.wraps:
            return self.wrapped
        if self.earlier:
            return self.hooked
        return self.bare()

    def bare(self) -> Callable[[Any], Awaitable[None] | None]:
        """Return the dispatch without any hook before the match."""
        app, find, missing, unmatched = self.app, self.find, self.missing, self.unmatched
        Context, set_current = RequestContext, current.set
        version = self.version

        def dispatch(x: Any) -> Awaitable[None] | None:
            if app.version != version:  # the server holds this function, whatever is registered later
                return app.http(x)
            c = Context(x, app)
            set_current(c)
            found = find(x.method, x.path)
            if type(found) is Found:
                plan = c.plan = found.target
                values = c.values = found.values
                return plan.run(c, x, values)  # type: ignore[no-any-return]
            c.miss = found
            if found is None:
                return unmatched.run(c, x, ())  # type: ignore[return-value]  # nothing wraps it here
            return missing.run(c, x, ())  # type: ignore[no-any-return]

        return dispatch

    async def _route(self, c: RequestContext) -> Reply | None:
        """Run the hooks before the match, then the plan."""
        x = c.exchange
        if c.finish is not None:  # a WRAP hook calls a second time: the first answer is not going to be sent
            await finished(c, None)
        try:
            for hook in self.earlier:
                c.miss = await call_hook(hook.call, hook.mode, c)
                if c.miss is not None:
                    break
        except Exception as exc:
            c.miss = exc
        if c.miss is None:
            found = self.find(x.method, x.path)
            if type(found) is Found:
                plan = c.plan = found.target
                c.values = found.values
                outcome = plan.run(c, x, found.values)
            else:
                c.miss = found
                outcome = (self.unmatched if found is None else self.missing).run(c, x, ())
        else:
            outcome = self.missing.run(c, x, ())
        return await outcome if outcome is not None else None

    async def hooked(self, x: Any) -> None:
        """Serve with hooks before the match."""
        c = RequestContext(x, self.app)
        current.set(c)
        await self._route(c)

    async def wrapped(self, x: Any) -> None:
        """Serve with WRAP hooks around everything."""
        c = RequestContext(x, self.app)
        current.set(c)
        if self.app.home.wraps_raise:
            c.raises = Raises.UNHANDLED
        try:
            try:
                reply = await through(c, self.wraps, self._route)
            finally:
                c.raises = None
        except Exception as exc:
            reply = await fail(c, exc)
        except BaseException as exc:
            await finished(c, exc)
            raise
        if reply is not None:
            await settle(c, reply, c.finish)


def _answer_miss(c: RequestContext) -> Reply:
    """Answer a request that no route took."""
    miss = c.miss
    if isinstance(miss, Reply):
        return miss
    if isinstance(miss, Exception):
        raise miss
    if isinstance(miss, Redirected):
        query = "?" + c.exchange.query.decode("latin-1") if c.exchange.query else ""
        location = c.app.home.location(c, c.http.connection.root_path + miss.path + query)
        return Reply(miss.status, MutableHeaders([(b"location", location.encode())]))
    if isinstance(miss, Options):
        return Reply(200, MutableHeaders([(b"allow", ", ".join(sorted(miss.methods - {WEBSOCKET})).encode())]))
    if isinstance(miss, NotAllowed) and (methods := miss.methods - {WEBSOCKET}):
        raise MethodNotAllowed(sorted(methods))
    raise NotFound


def _as_is(route: Route) -> Renderer:
    from fenrir.core.dialect import Renderer

    return Renderer(render=lambda c, value: value)


def _entry(plan: Plan, home: Dialect) -> Entry:
    """Return what the router keeps of a plan; what the application's own dialect promises holds for all (rule 25)."""
    route, dialect = plan.route, plan.route.dialect
    head, options = dialect.head or home.head, dialect.options or home.options
    return Entry(
        pattern=route.pattern,
        methods=frozenset({WEBSOCKET}) if route.websocket else route.methods,
        target=plan,
        slashes=route.options.get("slashes", dialect.slashes),
        source=route.source,
        label=route.title,
        head=head and not route.websocket,
        options=route.options.get("automatic_options", options) and not route.websocket,
        ordered=dialect.ordered,
    )


def _mount_entry(plan: MountPlan) -> Entry:
    mount = plan.mount
    return Entry(
        pattern=plan.route.pattern,
        methods=mount.methods,
        target=plan,
        slashes=mount.slashes if mount.slashes is not None else mount.dialect.slashes,
        source=mount.source,
        label=plan.title,
        head=False,
        options=False,
        prefix=mount.pattern is None,
        ordered=mount.pattern is not None and mount.dialect.ordered,
    )


def _names(plans: Sequence[Plan]) -> Mapping[str, Sequence[Plan]]:
    names: dict[str, list[Plan]] = {}
    for plan in plans:
        if plan.route.name is None:
            continue
        others = names.setdefault(plan.route.name, [])
        if others and _user(others[0]) is not _user(plan):
            raise DeclarationError(
                f"the name {plan.route.name!r} is taken by another handler; give one of them a name of its own",
                plan.source,
                others[0].source,
            )
        others.append(plan)
    return names


def _user(plan: Plan) -> Any:
    return plan.route.user or plan.route.handler
