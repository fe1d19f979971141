"""Contexts: what `current_app`, `g`, `request` and `session` mean at a place of the program.

A context is pushed and popped by whoever makes it by hand, by the WSGI door, and around the requests of an application
with hooks; the last pop runs the teardown, once. A request that the engine serves without any of that has contexts only
when somebody asks for them (`RequestContext.of`), and nothing is pushed.

What was current before a push is kept by the context itself, so a pop is right in any thread: a stream may end in
another one than it began in.
"""

from __future__ import annotations

import contextvars
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from werkzeug.exceptions import HTTPException

from fenrir.core.context import State
from fenrir.core.exits import SwallowedError
from fenrir.core.threads import to_thread
from fenrir.flask.globals import APP_CONTEXT, Frame, _cv_app, _cv_request
from fenrir.flask.incidental import incidental
from fenrir.flask.signals import appcontext_popped, appcontext_pushed

if TYPE_CHECKING:
    from types import TracebackType

    from werkzeug.routing import MapAdapter

    from fenrir.core.context import RequestContext as EngineContext
    from fenrir.flask.app import Flask
    from fenrir.flask.request import Request

__all__ = [
    "AppContext",
    "RequestContext",
    "after_this_request",
    "copy_current_request_context",
    "has_app_context",
    "has_request_context",
    "stream_with_context",
]

F = TypeVar("F", bound=Callable[..., Any])

_sentinel: Any = object()
_place: ContextVar[None] = ContextVar("fenrir.flask.place")  # its tokens tell one context from another
_lock = threading.Lock()  # of all counters of lives: held for an addition


class _Counted:
    """What lives as long as somebody needs it: each push, and each stream that goes on after the response began."""

    _lives = 0

    def begin(self) -> None:
        """Count one more who needs it."""
        with _lock:
            self._lives += 1

    def end(self) -> bool:
        """Count one less; say whether that was the last."""
        with _lock:
            self._lives -= 1
            return self._lives <= 0


class _AppCtxGlobals(State):
    """The notebook `g`: attributes, and the methods of a dictionary."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __delattr__(self, name: str) -> None:
        try:
            del self.__dict__[name]
        except KeyError:
            raise AttributeError(name) from None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _sentinel) -> Any:
        """Take a value out. Raises KeyError if there is none and no default."""
        return self.__dict__.pop(name) if default is _sentinel else self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value, setting it first if there is none."""
        return self.__dict__.setdefault(name, default)

    def __repr__(self) -> str:
        context = _cv_app.get(None)
        return object.__repr__(self) if context is None else f"<flask.g of '{context.app.name}'>"


class AppContext(_Counted):
    """An application made current, with a `g` of its own.

    Attributes:
        url_adapter: builds URLs outside of requests, None without SERVER_NAME.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.url_adapter: MapAdapter | None = app.create_url_adapter(None)
        self.g: Any = app.app_ctx_globals_class()
        self._before: list[Frame[AppContext] | None] = []

    @classmethod
    def of(cls, app: Flask, c: EngineContext) -> Self:
        """Return the context that a request of the engine implies; `g` is the notebook of that request."""
        context = cls.__new__(cls)
        context.app = app
        context._before = []
        if c._state is None:
            made = app.app_ctx_globals_class()
            if isinstance(made, State):
                made.update(c.app.lifespan_state)
                c._state = made
            context.g = made
        else:
            context.g = c.state
        return context

    def __getattr__(self, name: str) -> Any:
        if name != "url_adapter":
            raise AttributeError(name)
        adapter = self.url_adapter = self.app.create_url_adapter(None)
        return adapter

    def push(self) -> None:
        """Make it current."""
        self.begin()
        self._before.append(_cv_app.frame())
        _cv_app.set(self)
        appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Make current what was so before; the last pop runs teardown.

        Raises:
            AssertionError: another context was current.
        """
        try:
            if self.end():
                self.app.do_teardown_appcontext(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            context = _cv_app.get()
            _cv_app.restore(self._before.pop())
        if context is not self:
            raise AssertionError(f"Popped wrong app context. ({context!r} instead of {self!r})")
        appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    def release(self, exc: BaseException | None) -> None:
        """Need it no more; the last one to say so runs teardown."""
        if self.end():
            self.app.do_teardown_appcontext(exc)

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pop(exc)


class RequestContext(_Counted):
    """A request made current, with its session.

    Attributes:
        request: the request.
        url_adapter: finds rules and builds URLs for this request.
        flashes: the messages, once they were taken out of the session.
    """

    url_adapter: MapAdapter | None
    flashes: list[tuple[str, str]] | None = None
    _session: Any = None
    _c: EngineContext | None = None  # the engine's context of a request that came from the engine
    _implied: AppContext | None = None
    _after: list[Callable[[Any], Any]] | None = None
    _open: list[Callable[[BaseException | None], BaseException | None]] | None = None

    def __init__(
        self, app: Flask, environ: dict[str, Any], request: Request | None = None, session: Any = None
    ) -> None:
        self.app = app
        if request is None:
            request = app.request_class(environ)
            request.json_module = app.json
        self.request: Request = request
        self._session = session
        self._before: list[tuple[Frame[RequestContext] | None, AppContext | None]] = []
        self.url_adapter = None
        try:
            self.url_adapter = app.create_url_adapter(request)
        except HTTPException as exc:
            request.routing_exception = exc

    @classmethod
    def of(cls, app: Flask, c: EngineContext) -> Self:
        """Return the context of a request that the engine serves; nothing in it is made before it is asked for."""
        context = cls.__new__(cls)
        context.app = app
        context._c = c
        context._before = []
        return context

    def __getattr__(self, name: str) -> Any:
        if name == "request" and self._c is not None:
            self.request = self.app.request_of(self._c)
            return self.request
        if name != "url_adapter":
            raise AttributeError(name)
        self.url_adapter = None
        try:
            self.url_adapter = self.app.create_url_adapter(self.request)
        except HTTPException as exc:
            self.request.routing_exception = exc
        return self.url_adapter

    @property
    def app_context(self) -> AppContext:
        """The application context that goes with a request of the engine."""
        if self._implied is None:
            c = self._c
            assert c is not None
            self._implied = AppContext.of(self.app, c)
            if c.notes is not None:
                c.notes[APP_CONTEXT] = self._implied
        return self._implied

    @property
    def session(self) -> Any:
        """The session; whoever asks for it has looked at it."""
        session = self._session
        if session is None:
            assert self._c is not None and not self._before, "The session has not yet been opened."
            self.touch()
            session = self._open_session()
        session.accessed = True
        return session

    @property
    def _after_request_functions(self) -> list[Callable[[Any], Any]]:
        if self._after is None:
            self._after = []
            self.touch()
            if self._c is not None:
                self.app.begin_after(self._c)
        return self._after

    @property
    def has_work(self) -> bool:
        """The response has to be shown to a session or to functions of `after_this_request`."""
        return self._session is not None or bool(self._after)

    def touch(self) -> None:
        """See to it that the engine shows the response to this context."""
        if self._c is not None:
            self._c.plain = False

    def _open_session(self) -> Any:
        interface = self.app.session_interface
        session = interface.open_session(self.app, self.request)
        if session is None:
            session = interface.make_null_session(self.app)
        self._session = session
        return session

    def copy(self) -> RequestContext:
        """Return another context with the same request and session, to be pushed elsewhere."""
        return type(self)(self.app, self.request.environ, self.request, self._session)

    def match_request(self) -> None:
        """Find the rule of the request."""
        adapter = self.url_adapter
        assert adapter is not None
        request = self.request
        try:
            request.url_rule, values = adapter.match(return_rule=True)
            request.view_args = cast("dict[str, Any]", values)
        except HTTPException as exc:
            request.routing_exception = exc

    def push(self) -> None:
        """Make it current, with its application if another one is; open the session; find the rule."""
        current = _cv_app.frame()
        # Only what was pushed counts here: an application that a request implies is made current as any other.
        implied: AppContext | None = None
        if current is None or _cv_app.get(None) is not current[0] or current[0].app is not self.app:
            implied = self.app_context if self._c is not None else self.app.app_context()
            implied.push()
        self.begin()
        self._before.append((_cv_request.frame(), implied))
        _cv_request.set(self)
        if self._session is None:
            self._open_session()
        known = self._c is not None and self.request.url_rule is not None  # by the engine's tree
        if known and self.app.config["TRUSTED_HOSTS"] is not None:
            # SECURITY: the engine's tree knows no hosts; making the adapter finds one that is not trusted.
            self.url_adapter  # noqa: B018
        elif not known and self.url_adapter is not None:
            self.match_request()

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Make current what was so before; the last pop runs teardown, unless a stream still needs the request.

        Raises:
            AssertionError: another context was current.
        """
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        try:
            if self.end():
                self._teardown(exc)
        finally:
            context = _cv_request.get()
            frame, implied = self._before.pop()
            _cv_request.restore(frame)
            if implied is not None:
                implied.pop(exc)
            if context is not self:
                raise AssertionError(f"Popped wrong request context. ({context!r} instead of {self!r})")

    def hold(self) -> Callable[[BaseException | None], None]:
        """Need it beyond the pop, with the application context that goes with it; return what ends that."""
        implied = self._implied if self._c is not None else next((app for _, app in self._before if app), None)
        self.begin()
        if implied is not None:
            implied.begin()

        def release(exc: BaseException | None) -> None:
            try:
                if self.end():
                    self._teardown(exc)
            finally:
                if implied is not None:
                    implied.release(exc)

        return release

    @property
    def is_held(self) -> bool:
        """It was pushed, or a stream needs it: there will be a teardown."""
        return self._lives > 0

    def on_teardown(self, leave: Callable[[BaseException | None], BaseException | None]) -> None:
        """Call a function before all others of the teardown; what it returns is raised after them."""
        self._open = [*(self._open or ()), leave]

    def _teardown(self, exc: BaseException | None) -> None:
        left: list[BaseException] = []
        try:
            for leave in self._open or ():
                error = leave(exc)
                if error is not None and error is not exc and not isinstance(error, SwallowedError):
                    left.append(error)
            self.app.do_teardown_request(exc)
            if left:
                raise left[0]
        finally:
            request = self.__dict__.get("request")
            if request is not None:
                close = getattr(request, "close", None)
                if close is not None:
                    close()
                if "environ" in request.__dict__:
                    request.environ["werkzeug.request"] = None  # a cycle would wait for the collector

    def __enter__(self) -> Self:
        self.push()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pop(exc)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.request.url!r} [{self.request.method}] of {self.app.name}>"


def has_request_context() -> bool:
    """Say whether there is a request."""
    return _cv_request.get(None) is not None


def has_app_context() -> bool:
    """Say whether there is a current application."""
    return _cv_app.get(None) is not None


def _active(name: str) -> RequestContext:
    context: RequestContext | None = _cv_request.get(None)
    if context is None:
        raise RuntimeError(f"'{name}' can only be used when a request context is active, such as in a view function.")
    return context


def after_this_request(f: F) -> F:
    """Call a function with the response of this request, before the hooks that see every response.

    Raises:
        RuntimeError: there is no request.
    """
    _active("after_this_request")._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """Return a function that runs with this request wherever it is called (a thread, a greenlet).

    Each call has contexts of its own, which end with it.

    Raises:
        RuntimeError: there is no request.
    """
    context = _active("copy_current_request_context").copy()

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context.copy() as mine:
            return mine.app.ensure_sync(f)(*args, **kwargs)

    return update_wrapper(wrapper, f)  # type: ignore[return-value]


def stream_with_context(generator_or_function: Any) -> Any:
    """Keep the request current in a generator, or in all generators that a function makes.

    Raises:
        RuntimeError: there is no request when the generator is made.
    """
    if not isinstance(generator_or_function, Iterator | AsyncIterator):
        if not callable(generator_or_function):
            return stream_with_context(iter(generator_or_function))

        def decorated(*args: Any, **kwargs: Any) -> Any:
            return stream_with_context(generator_or_function(*args, **kwargs))

        return update_wrapper(decorated, generator_or_function)
    context = _active("stream_with_context")
    if inspect.isasyncgen(generator_or_function) or isinstance(generator_or_function, AsyncIterator):
        return _AsyncStream(generator_or_function, context.hold())
    return _Stream(generator_or_function, context.hold())


class _Stream:
    """A generator that runs in the context in which it was made, whatever thread asks for its pieces."""

    def __init__(self, source: Any, release: Callable[[BaseException | None], None]) -> None:
        self._source = source
        self._context = contextvars.copy_context()
        self._release: Callable[[BaseException | None], None] | None = release
        self._frames = _cv_app.frame(), _cv_request.frame()
        self._made = _place.set(None)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return self._context.run(next, self._source)
        except StopIteration:
            self._end(None)
            raise
        except BaseException as exc:
            self._end(exc)
            raise

    def close(self) -> None:
        """Close the generator, and need the request no more."""
        self._end(None)

    def _end(self, exc: BaseException | None) -> None:
        release, self._release = self._release, None
        if release is None:
            return
        try:
            close = getattr(self._source, "close", None)
            if close is not None:
                self._context.run(close)
        finally:
            self._in_its_place(release, exc)

    def _in_its_place(self, release: Callable[[BaseException | None], None], exc: BaseException | None) -> None:
        """Run teardown where the request ran, if that is here: what hooks set in context variables can be reset there.

        A WSGI server and a test client ask for the pieces where the view ran; Asteri asks in other threads.
        """
        try:
            _place.reset(self._made)
        except ValueError:  # of another context
            self._context.run(release, exc)
            return
        here = _cv_app.frame(), _cv_request.frame()
        try:
            _cv_app.restore(self._frames[0])
            _cv_request.restore(self._frames[1])
            release(exc)
        finally:
            _cv_app.restore(here[0])
            _cv_request.restore(here[1])

    def __del__(self) -> None:
        # A response that is neither sent nor closed must not keep its request.
        if self.__dict__.get("_release") is not None:
            self._end(None)


class _AsyncStream:
    """An asynchronous generator; it runs in the task of its request, so only the end of the request has to wait."""

    def __init__(self, source: Any, release: Callable[[BaseException | None], None]) -> None:
        self._source = source
        self._context = contextvars.copy_context()
        self._release: Callable[[BaseException | None], None] | None = release

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            await self._end(None)
            raise
        except BaseException as exc:
            await self._end(exc)
            raise

    async def aclose(self) -> None:
        """Close the generator, and need the request no more."""
        await self._end(None)

    async def _end(self, exc: BaseException | None) -> None:
        release, self._release = self._release, None
        if release is None:
            return
        try:
            aclose = getattr(self._source, "aclose", None)
            if aclose is not None:
                await aclose()
        finally:
            await to_thread(self._context.run, release, exc)


__getattr__ = incidental(__name__)
