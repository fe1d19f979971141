"""Contexts: what `current_app`, `g`, `request` and `session` mean at a place of the program.

In a request it is the engine's request context; nothing of Flask's is pushed. Outside of one, an application context
(`app.app_context()`) gives an application and a fresh `g`, and a request made by hand (`app.test_request_context()`)
is current as if a server had sent it. The innermost of them counts.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar, Token
from functools import wraps
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fenrir.core.context import RequestContext, State, current
from fenrir.core.reply import Reply

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.flask.door import FlaskDoor

__all__ = [
    "DOOR",
    "AppContext",
    "ManualRequest",
    "after_this_request",
    "copy_current_request_context",
    "door_of",
    "has_app_context",
    "has_request_context",
    "run_after_this_request",
    "stream_with_context",
]

F = TypeVar("F", bound=Callable[..., Any])

DOOR = "fenrir.flask"
"""Where an engine keeps its Flask door, among its extensions."""

_AFTER = "flask.after_this_request"
_END: Any = object()

pushed: ContextVar[AppContext | None] = ContextVar("fenrir.flask.app_context", default=None)

NO_APP = (
    "Working outside of application context.\n\nThis typically means that you attempted to use functionality that"
    " needed\nthe current application. To solve this, set up an application context\nwith app.app_context(). See the"
    " documentation for more information."
)
NO_REQUEST = (
    "Working outside of request context.\n\nThis typically means that you attempted to use functionality that needed"
    "\nan active HTTP request. Consult the documentation on testing for\ninformation about how to avoid this problem."
)


def door_of(engine: Application) -> FlaskDoor:
    """Return the Flask door of an application. Raises LookupError if it speaks no Flask."""
    door: FlaskDoor = engine.extensions[DOOR]
    return door


def innermost() -> AppContext | RequestContext:
    """Return the context that counts here. Raises LookupError outside of all."""
    context = pushed.get()
    c = current.get(None)
    if context is not None and (c is None or context.within is c):
        return context
    if c is None:
        raise LookupError
    return c


class AppContext:
    """An application made current by hand, with a `g` of its own.

    Attributes:
        within: the request in which it was pushed.
    """

    def __init__(self, app: FlaskDoor) -> None:
        self.app = app
        self.g = State()
        self.within: RequestContext | None = None
        self._tokens: list[Token[AppContext | None]] = []

    def push(self) -> None:
        """Make it current."""
        self.within = current.get(None)
        self._tokens.append(pushed.set(self))

    def pop(self, exc: BaseException | None = None) -> None:
        """Run teardown and make current what was so before.

        Raises:
            RuntimeError: it is not the innermost one.
        """
        if not self._tokens or pushed.get() is not self:
            raise RuntimeError("this application context is not the one that was pushed last")
        try:
            if len(self._tokens) == 1:
                self.app.do_teardown_appcontext(exc)
        finally:
            pushed.reset(self._tokens.pop())

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(self, kind: Any, exc: BaseException | None, trace: Any) -> None:
        self.pop(exc)


class ManualRequest:
    """A request context made by hand, of an exchange that no server sent.

    Entering it finds the route, as dispatching would; hooks run only when asked for (`app.preprocess_request()`).
    Leaving it runs teardown.
    """

    def __init__(self, app: FlaskDoor, exchange: Any) -> None:
        self.app = app
        self.exchange = exchange
        self.c = app.new_request(exchange)
        self._tokens: list[Token[RequestContext]] = []

    @property
    def request(self) -> Any:
        """The request."""
        return self.app.request_of(self.c)

    @property
    def session(self) -> Any:
        """Its session."""
        return self.app.session_of(self.c)

    @property
    def g(self) -> State:
        """Its notebook."""
        return self.c.state

    def push(self) -> None:
        """Make it current."""
        self._tokens.append(current.set(self.c))

    def pop(self, exc: BaseException | None = None) -> None:
        """Run teardown and make current what was so before."""
        if not self._tokens:
            raise RuntimeError("this request context was not pushed")
        try:
            if len(self._tokens) == 1:
                self.app.do_teardown_request(exc)
        finally:
            current.reset(self._tokens.pop())
            self.c.close()

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(self, kind: Any, exc: BaseException | None, trace: Any) -> None:
        self.pop(exc)


def has_request_context() -> bool:
    """Say whether there is a request."""
    return current.get(None) is not None


def has_app_context() -> bool:
    """Say whether there is a current application."""
    return pushed.get() is not None or has_request_context()


def after_this_request(f: F) -> F:
    """Call a function with the response of this request, before the hooks that see every response.

    Raises:
        RuntimeError: there is no request.
    """
    c = current.get(None)
    if c is None:
        raise RuntimeError("'after_this_request' can only be used when a request context is active, such as in a view.")
    c.note(_AFTER, _begin).append(f)
    return f


def _begin(c: RequestContext) -> list[Callable[[Any], Any]]:
    # Flask's views and pages call the functions as soon as there is a reply; this does for handlers of other dialects.
    c.before_sending(_leftover)
    return []


def _leftover(c: RequestContext, reply: Reply) -> None:
    new = run_after_this_request(c, reply)
    if new is not reply:
        reply.status, reply.headers, reply.body, reply.stream = new.status, new.headers, new.body, new.stream


def run_after_this_request(c: RequestContext, reply: Reply) -> Reply:
    """Call the functions of `after_this_request`, each once, and return the reply that they leave."""
    waiting = c.notes.get(_AFTER) if c.notes is not None else None
    if not waiting:
        return reply
    app = door_of(c.app)
    response = app.response_of(c, reply)
    while waiting:
        response = app.ensure_sync(waiting.pop(0))(response)
    final: Reply = response.__reply__()
    return final


def copy_current_request_context(f: F) -> F:
    """Return a function that runs in the context of this request wherever it is called (a thread, a greenlet).

    Raises:
        RuntimeError: there is no request.
    """
    if current.get(None) is None:
        raise RuntimeError(
            "'copy_current_request_context' can only be used when a request context is active, such as in a view."
        )
    context = contextvars.copy_context()

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        # A copy for each call, so that two threads may run it at once.
        return context.copy().run(f, *args, **kwargs)

    return wrapper  # type: ignore[return-value]


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request current in a generator, or in all generators that a function makes."""
    if not isinstance(generator_or_function, Iterator | AsyncIterator):
        if not callable(generator_or_function):
            return stream_with_context(iter(generator_or_function))

        @wraps(generator_or_function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            return stream_with_context(generator_or_function(*args, **kwargs))

        return decorated
    if current.get(None) is None:
        raise RuntimeError(
            "'stream_with_context' can only be used when a request context is active, such as in a view."
        )
    if inspect.isasyncgen(generator_or_function):
        return generator_or_function  # it runs in the task of its request
    context = contextvars.copy_context()
    source: Any = generator_or_function

    def pieces() -> Iterator[Any]:
        try:
            while (piece := context.run(next, source, _END)) is not _END:
                yield piece
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                context.run(close)

    return pieces()
