"""The names that stand for the current contexts, application, request, session and notebook.

Two variables say what is current. A context that was pushed counts as long as no younger request is being served: a
request that comes straight from the engine pushes nothing, its contexts are made when somebody asks for them. So each
pushed context remembers the request in which it was pushed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import werkzeug.local

from fenrir.core.context import RequestContext as EngineContext
from fenrir.core.context import current
from fenrir.flask.incidental import incidental

if TYPE_CHECKING:
    from fenrir.flask.app import Flask
    from fenrir.flask.ctx import AppContext, RequestContext, _AppCtxGlobals
    from fenrir.flask.request import Request

__all__ = ["DOOR", "app_ctx", "current_app", "g", "request", "request_ctx", "session"]

T = TypeVar("T")

DOOR = "fenrir.flask"
"""Where an engine keeps its Flask application, among its extensions."""

CONTEXT = "fenrir.flask: context"
"""Where a request keeps the context that was made for it."""

APP_CONTEXT = "fenrir.flask: application context"
"""Where it keeps the context of the application that goes with that."""

NO_APP = (
    "Working outside of application context.\n\nThis typically means that you attempted to use functionality that"
    " needed\nthe current application. To solve this, set up an application context\nwith app.app_context(). See the"
    " documentation for more information."
)
NO_REQUEST = (
    "Working outside of request context.\n\nThis typically means that you attempted to use functionality that needed"
    "\nan active HTTP request. Consult the documentation on testing for\ninformation about how to avoid this problem."
)

_no_app_msg, _no_req_msg = NO_APP, NO_REQUEST  # upstream's names of them

_MISSING: Any = object()

Frame = tuple[T, EngineContext | None]
"""A pushed context, and the request in which it was pushed."""


class ContextStack(Generic[T]):
    """What is current, with the methods of a ContextVar.

    Args:
        name: of the variable.
        note: under which a request keeps what it implies, once that was made.
        implied: the context of a request that the engine serves, None if it has none.
    """

    def __init__(self, name: str, note: str, implied: Callable[[EngineContext], T | None]) -> None:
        self.name = name
        self._note = note
        self._frame: ContextVar[Frame[T] | None] = ContextVar(name, default=None)
        self._implied = implied

    def get(self, default: Any = _MISSING) -> Any:
        """Return what is current. Raises LookupError if nothing is and there is no default."""
        frame = self._frame.get()
        c = current.get(None)
        if frame is not None and (c is None or frame[1] is c):
            return frame[0]
        if c is not None:
            notes = c.notes
            made = notes.get(self._note) if notes is not None else None  # PERF: without a call
            if made is not None or (made := self._implied(c)) is not None:
                return made
        if frame is not None:
            return frame[0]
        if default is _MISSING:
            raise LookupError(self.name)
        return default

    def implied(self, c: EngineContext) -> T | None:
        """Return what a request implies, whatever was pushed."""
        made = c.notes.get(self._note) if c.notes is not None else None
        return cast("T", made) if made is not None else self._implied(c)

    def frame(self) -> Frame[T] | None:
        """Return what was pushed last, to restore it later."""
        return self._frame.get()

    def restore(self, frame: Frame[T] | None) -> None:
        """Make current what was so before; also in another thread than that of the push."""
        self._frame.set(frame)

    def set(self, value: T) -> Token[Frame[T] | None]:
        """Make a context current."""
        return self._frame.set((value, current.get(None)))

    def reset(self, token: Token[Frame[T] | None]) -> None:
        """Undo a `set`."""
        self._frame.reset(token)


def _implied_request(c: EngineContext) -> RequestContext | None:
    app = c.app.extensions.get(DOOR)
    return None if app is None else cast("RequestContext", app.context_of(c))


def _implied_app(c: EngineContext) -> AppContext | None:
    context = _cv_request.implied(c)
    return None if context is None else context.app_context


_cv_request: ContextStack[RequestContext] = ContextStack("flask.request_ctx", CONTEXT, _implied_request)
_cv_app: ContextStack[AppContext] = ContextStack("flask.app_ctx", APP_CONTEXT, _implied_app)


class LocalProxy(werkzeug.local.LocalProxy[Any]):
    """Werkzeug's proxy, with plain methods for what is asked most.

    PERF: an attribute costs 0.3 us; by way of a descriptor and a partial 1.0 (timeit, CPython 3.11).
    """

    __slots__ = ()

    def __init__(self, find: Callable[[], Any]) -> None:
        super().__init__(find)
        object.__setattr__(self, "_get_current_object", find)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._get_current_object()[key]


def _proxy(stack: ContextStack[Any], unbound: str, name: str | None = None) -> Any:
    def find() -> Any:
        found = stack.get(None)
        if found is None:
            raise RuntimeError(unbound)
        return found

    def find_part() -> Any:
        found = stack.get(None)
        if found is None:
            raise RuntimeError(unbound)
        return getattr(found, cast(str, name))

    return LocalProxy(find if name is None else find_part)


_find_any_request = _proxy(_cv_request, NO_REQUEST, "request")._get_current_object


def _find_request() -> Any:
    """Return the current request. PERF: of one that the engine serves, straight from its notes."""
    c = current.get(None)
    if c is not None and _request_frame(None) is None:
        notes = c.notes
        if notes is not None and (made := notes.get(CONTEXT)) is not None:
            return made.request
    return _find_any_request()


_request_frame = _cv_request._frame.get


app_ctx = cast("AppContext", _proxy(_cv_app, NO_APP))
current_app = cast("Flask", _proxy(_cv_app, NO_APP, "app"))
g = cast("_AppCtxGlobals", _proxy(_cv_app, NO_APP, "g"))
request_ctx = cast("RequestContext", _proxy(_cv_request, NO_REQUEST))
request = cast("Request", LocalProxy(_find_request))
session = cast(Any, _proxy(_cv_request, NO_REQUEST, "session"))


__getattr__ = incidental(__name__)
