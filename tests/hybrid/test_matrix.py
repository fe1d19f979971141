"""Every paradigm's hooks around every paradigm's handlers, in one application (evidence 2 of the first issue).

What must happen is derived from the table of stages (paradigms rule 17), which stands here as data: `STAGES` is the way
in, a hook's exits are the way out, and `expected` walks both. The application is asked for nothing but what it did.

Falcon's hooks are its middleware and its `@before` and `@after`. These are decorators: they stand around the handler
itself, closer than the dependencies of the application, in the order in which they are written. A mounted application
is no handler to decorate, so they are around all handlers but that; like dependencies.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from asteri.exchange import Doors
from fenrir import APIRouter, Depends, Fenrir, StreamingResponse, falcon
from fenrir.sanic import response as sanic
from fenrir.testing import Client

STAGES = ("wrap", "before routing", "before handler", "route", "decorator")
"""The last two are one row of the table, the route's own: what the engine calls for it, and what wraps its handler."""


class Trace(list[str]):
    """What happened in one request, in order."""


class Handled(Exception):
    """An exception that the application has a handler for."""


class Unhandled(Exception):
    """An exception that nobody has a handler for."""


# ---------------------------------------------------------------------- the table of stages
@dataclass(frozen=True)
class Hook:
    """One thing that a paradigm can put around handlers.

    Attributes:
        enters: the stage of its way in; None if it has none.
        leaves: "after" with the response, "wrap" around that, "teardown" after sending, "decorator" when the handler
            returns and only then; None if it has no way out.
    """

    name: str
    enters: str | None
    leaves: str | None


HOOKS = {
    "fastapi": (
        Hook("middleware", "wrap", "wrap"),
        Hook("dependency", "route", "teardown"),
    ),
    "flask": (
        Hook("request", "before handler", "after"),
        Hook("teardown", None, "teardown"),
    ),
    "falcon": (
        Hook("request", "before routing", "after"),
        Hook("resource", "before handler", None),
        Hook("action", "decorator", "decorator"),
    ),
    "sanic": (Hook("middleware", "before handler", "after"),),
    "bottle": (Hook("hook", "before routing", "after"),),
}
ORDERS = {
    **{paradigm: (paradigm, paradigm) for paradigm in HOOKS},
    "all": (*HOOKS, *reversed(HOOKS)),
    "all reversed": (*reversed(HOOKS), *HOOKS),
}
MOUNTS = ("mount",)
PUSHES = {("sanic", "async")}
LOOKS_FIRST = {("bottle", "def"), ("bottle", "async"), *PUSHES}
"""Whose answer begins when its first piece is there: Bottle looks at its type, the other one pushes it."""


@dataclass(frozen=True)
class Registered:
    """A hook with the label of its registration."""

    hook: Hook
    label: str


def registered(order: tuple[str, ...], handler: str) -> list[Registered]:
    """Return the hooks that stand around a handler, in order of registration."""
    found = [
        Registered(hook, f"{paradigm}{number} {hook.name}")
        for number, paradigm in enumerate(order)
        for hook in HOOKS[paradigm]
    ]
    if handler in MOUNTS:  # a mounted application is no route: it has no dependencies, and no function to decorate
        found = [one for one in found if one.hook.enters not in ("route", "decorator")]
    return found


def expected(order: tuple[str, ...], handler: str, mode: str, outcome: str) -> list[str]:
    """Walk the stages in, by order of registration, and out again in exact reverse."""
    hooks = registered(order, handler)
    way_in = [one for stage in STAGES for one in hooks if one.hook.enters == stage]
    failed = outcome in ("handled", "unhandled")
    error = {"unhandled": "Unhandled", "handled": "Handled"}.get(outcome)

    def out(leaves: str, note: str = "") -> list[str]:
        return [f"{one.label} out{note}" for one in reversed(hooks) if one.hook.leaves == leaves]

    dependencies = [f"{one.label} out" for one in reversed(way_in) if one.hook.enters == "route"]
    teardowns = [f"{one.label} out" for one in reversed(hooks) if one.hook.leaves == "teardown" and not one.hook.enters]
    steps = [f"{one.label} in" for one in way_in] + ["handler"]
    pieces = ["piece", "piece"] if outcome == "stream" and handler not in MOUNTS else []
    actions = out("decorator") if not failed else []
    if (handler, mode) in PUSHES and pieces:  # such a handler has not returned before its last piece is sent
        pieces += actions
    else:
        steps += actions
    if (handler, mode) in LOOKS_FIRST:
        steps += pieces[:1]
        del pieces[:1]
    if failed:  # dependencies see the exception first, and may turn it into another
        steps += [f"{step} {error}" for step in dependencies]
    if outcome == "handled":
        steps += ["error handler"]
    steps += out("after") + out("wrap") + pieces + ["sent"]
    if not failed:
        steps += dependencies
    return steps + [step + (f" {error}" if outcome == "unhandled" else "") for step in teardowns]


# ---------------------------------------------------------------------- five ways to be around
def coloured(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function as it is, or as a coroutine function."""
    if mode == "def":
        return function

    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    awaited.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return awaited


def fastapi_hooks(app: Fenrir, trace: Trace, label: str, mode: str) -> None:
    @app.middleware("http")
    async def middleware(request: Any, call_next: Any) -> Any:
        trace.append(f"{label} middleware in")
        response = await call_next(request)
        trace.append(f"{label} middleware out")
        return response


def dependency(trace: Trace, label: str, mode: str) -> Any:
    """Return a dependency of the whole application: it is given when the application is made."""

    def left(exc: Exception | None) -> None:
        trace.append(f"{label} dependency out" + (f" {type(exc).__name__}" if exc else ""))

    def plain() -> Iterator[None]:
        trace.append(f"{label} dependency in")
        try:
            yield
        except Exception as exc:
            left(exc)
            raise
        left(None)

    async def awaited() -> AsyncIterator[None]:
        trace.append(f"{label} dependency in")
        try:
            yield
        except Exception as exc:
            left(exc)
            raise
        left(None)

    return Depends(plain if mode == "def" else awaited)


def flask_hooks(app: Fenrir, trace: Trace, label: str, mode: str) -> None:
    def after(response: Any) -> Any:
        trace.append(f"{label} request out")
        return response

    def teardown(exc: BaseException | None) -> None:
        trace.append(f"{label} teardown out" + (f" {type(exc).__name__}" if exc else ""))

    app.before_request(coloured(mode, lambda: trace.append(f"{label} request in")))
    app.after_request(coloured(mode, after))
    app.teardown_request(coloured(mode, teardown))


def falcon_hooks(app: Fenrir, trace: Trace, label: str, mode: str) -> None:
    class Component:
        def process_request(self, req: Any, resp: Any) -> None:
            trace.append(f"{label} request in")

        def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
            trace.append(f"{label} resource in")

        def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            trace.append(f"{label} request out")

    class AsyncComponent:
        async def process_request(self, req: Any, resp: Any) -> None:
            trace.append(f"{label} request in")

        async def process_resource(self, req: Any, resp: Any, resource: Any, params: Any) -> None:
            trace.append(f"{label} resource in")

        async def process_response(self, req: Any, resp: Any, resource: Any, req_succeeded: bool) -> None:
            trace.append(f"{label} request out")

    app.add_middleware(Component() if mode == "def" else AsyncComponent())


def actions(trace: Trace, labels: list[str], mode: str) -> Callable[[Any], Any]:
    """Return a decorator: one `@before` and one `@after` for each label, the first label outermost."""

    def entered(req: Any, resp: Any, resource: Any, params: Any, label: str) -> None:
        trace.append(f"{label} action in")

    def left(req: Any, resp: Any, resource: Any, label: str) -> None:
        trace.append(f"{label} action out")

    def decorate(handler: Any) -> Any:
        for label in reversed(labels):
            handler = falcon.after(coloured(mode, left), label)(handler)
            handler = falcon.before(coloured(mode, entered), label)(handler)
        return handler

    return decorate


def sanic_hooks(app: Fenrir, trace: Trace, label: str, mode: str) -> None:
    def before(request: Any) -> None:
        trace.append(f"{label} middleware in")

    def after(request: Any, response: Any) -> None:
        trace.append(f"{label} middleware out")

    app.middleware("request")(coloured(mode, before))
    app.middleware("response")(coloured(mode, after))


def bottle_hooks(app: Fenrir, trace: Trace, label: str, mode: str) -> None:
    app.hook("before_request")(coloured(mode, lambda: trace.append(f"{label} hook in")))
    app.hook("after_request")(coloured(mode, lambda: trace.append(f"{label} hook out")))


INSTALL = {
    "fastapi": fastapi_hooks,
    "flask": flask_hooks,
    "falcon": falcon_hooks,
    "sanic": sanic_hooks,
    "bottle": bottle_hooks,
}


# ---------------------------------------------------------------------- seven ways to answer
OUTCOMES = {"normal": 200, "handled": 418, "unhandled": 500, "stream": 200}


@dataclass
class Handlers:
    """Handlers of one colour that do what their path says, with actions around them."""

    trace: Trace
    mode: str
    around: Callable[[Any], Any]
    errors: dict[str, type[Exception]] = field(default_factory=lambda: {"handled": Handled, "unhandled": Unhandled})

    def begin(self, outcome: str) -> str:
        self.trace.append("handler")
        if outcome in self.errors:
            raise self.errors[outcome]
        return "answer"

    def pieces(self, note: str = "piece") -> Iterator[bytes]:
        for piece in (b"ans", b"wer"):
            if note:
                self.trace.append(note)
            yield piece

    async def async_pieces(self) -> AsyncIterator[bytes]:
        for piece in self.pieces():
            yield piece

    def stream(self) -> Any:
        return self.pieces() if self.mode == "def" else self.async_pieces()

    def register(self, app: Fenrir) -> None:
        for outcome in OUTCOMES:
            for handler, register in REGISTER.items():
                register(self, app, f"/{handler}/{self.mode}/{outcome}", outcome)
        app.include(self.router)

    @property
    def router(self) -> APIRouter:
        router = APIRouter(prefix="/router")
        for outcome in OUTCOMES:
            register_fastapi(self, router, f"/{self.mode}/{outcome}", outcome)
        return router


def register_native(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    def answer() -> Any:
        return h.begin(outcome) if outcome != "stream" else h.begin(outcome) and h.stream()

    app.get(path, name=path)(h.around(coloured(h.mode, answer)))


def register_fastapi(h: Handlers, app: Any, path: str, outcome: str) -> None:
    def answer() -> Any:
        return h.begin(outcome) if outcome != "stream" else h.begin(outcome) and StreamingResponse(h.stream())

    getattr(app, "fastapi", app).get(path, name=path)(h.around(coloured(h.mode, answer)))


def register_flask(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    def answer() -> Any:
        return h.begin(outcome) if outcome != "stream" else h.begin(outcome) and h.pieces()

    app.flask.add_url_rule(path, path, h.around(coloured(h.mode, answer)))


def register_falcon(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    def respond(resp: Any) -> None:
        text = h.begin(outcome)
        if outcome == "stream":
            resp.stream = h.stream()
        else:
            resp.text = text

    class Resource:
        @h.around
        def on_get(self, req: Any, resp: Any) -> None:
            respond(resp)

    class AsyncResource:
        @h.around
        async def on_get(self, req: Any, resp: Any) -> None:
            respond(resp)

    app.add_route(path, Resource() if h.mode == "def" else AsyncResource())


def register_sanic(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    async def push(response: Any) -> None:
        for piece in h.pieces():
            await response.write(piece)

    def answer(request: Any) -> Any:
        text = h.begin(outcome)
        return sanic.ResponseStream(push) if outcome == "stream" else sanic.text(text)

    async def answer_async(request: Any) -> Any:
        text = h.begin(outcome)
        if outcome != "stream":
            return sanic.text(text)
        response = await request.respond()
        for piece in h.pieces():
            await response.send(piece)
        return None

    app.sanic.add_route(h.around(answer if h.mode == "def" else answer_async), path, name=path.replace("/", "_"))


def register_bottle(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    def answer() -> Any:
        return h.begin(outcome) if outcome != "stream" else h.begin(outcome) and h.pieces()

    app.bottle.get(path)(h.around(coloured(h.mode, answer)))


def register_mount(h: Handlers, app: Fenrir, path: str, outcome: str) -> None:
    # A mounted application pushes its pieces from a task of its own: when it makes them has no order here.
    def wsgi(environ: Any, start_response: Any) -> Any:
        text = h.begin(outcome)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return h.pieces(note="") if outcome == "stream" else [text.encode()]

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        text = h.begin(outcome)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if outcome == "stream":
            for piece in h.pieces(note=""):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if outcome == "stream" else text.encode()})

    app.mount(path, wsgi if h.mode == "def" else asgi)


REGISTER = {
    "native": register_native,
    "fastapi": register_fastapi,
    "flask": register_flask,
    "falcon": register_falcon,
    "sanic": register_sanic,
    "bottle": register_bottle,
    "mount": register_mount,
}
HANDLERS = (*REGISTER, "router")


# ---------------------------------------------------------------------- one application
class Watched:
    """The application, with a note in the trace when an answer has been sent."""

    def __init__(self, app: Fenrir, trace: Trace) -> None:
        self.app = app
        self.trace = trace

    def __asteri__(self, version: int) -> Doors:
        doors = self.app.__asteri__(version)
        assert doors is not None
        return Doors(http=lambda exchange: doors.http(WatchedExchange(exchange, self.trace)), websocket=doors.websocket)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.trace.append("sent")

        await self.app(scope, receive, noting)


class WatchedExchange:
    """An exchange that notes the end of its answer."""

    def __init__(self, exchange: Any, trace: Trace) -> None:
        self.exchange = exchange
        self.trace = trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)

    def __aiter__(self) -> Any:
        return self.exchange.__aiter__()

    def respond(self, *args: Any) -> None:
        self.exchange.respond(*args)
        self.trace.append("sent")

    def begin(self, *args: Any) -> Any:
        return WatchedSink(self.exchange.begin(*args), self.trace)


class WatchedSink:
    """The sink of a `WatchedExchange`."""

    def __init__(self, sink: Any, trace: Trace) -> None:
        self.sink = sink
        self.trace = trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sink, name)

    async def finish(self, *args: Any) -> None:
        await self.sink.finish(*args)
        self.trace.append("sent")


@pytest.fixture(scope="module", params=["direct", "asgi"])
def door(request: pytest.FixtureRequest) -> str:
    """Return the door through which all requests go."""
    return str(request.param)


@pytest.fixture(scope="module", params=ORDERS)
def order(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the paradigms whose hooks are registered, in order."""
    return ORDERS[request.param]


@pytest.fixture(scope="module", params=["def", "async"])
def client(request: pytest.FixtureRequest, order: tuple[str, ...], door: str) -> Iterator[tuple[Client, Trace]]:
    """Return a client of the one application, whose hooks are of one colour, and its trace."""
    trace, mode = Trace(), request.param
    around = [dependency(trace, f"fastapi{n}", mode) for n, paradigm in enumerate(order) if paradigm == "fastapi"]
    app = Fenrir(__name__, static_folder=None, dependencies=around)
    for number, paradigm in enumerate(order):
        INSTALL[paradigm](app, trace, f"{paradigm}{number}", mode)
    app.errorhandler(Handled)(lambda exc: (trace.append("error handler"), ("handled", 418))[1])
    labels = [f"falcon{number}" for number, paradigm in enumerate(order) if paradigm == "falcon"]
    for colour in ("def", "async"):
        Handlers(trace, colour, actions(trace, labels, mode)).register(app)
    with Client(Watched(app, trace), door=door, raise_server_exceptions=False) as client:
        yield client, trace


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("mode", ["def", "async"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_order(client: tuple[Client, Trace], order: tuple[str, ...], handler: str, mode: str, outcome: str) -> None:
    """Hooks run in by registration within the stages, out in exact reverse, and every one of them runs."""
    http, trace = client
    trace.clear()
    response = http.get(f"/{handler}/{mode}/{outcome}")
    assert response.status_code == OUTCOMES[outcome], response.text
    if response.status_code == 200:
        assert response.text.strip('"') == "answer"
    assert trace == expected(order, handler, mode, outcome)
