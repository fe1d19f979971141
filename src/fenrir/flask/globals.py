"""The names that stand for the current application, request, session and notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fenrir.core.context import RequestContext, State, current
from fenrir.core.proxy import Proxy
from fenrir.flask.ctx import NO_APP, NO_REQUEST, door_of, innermost
from fenrir.kit.sessions import Session, session_of

if TYPE_CHECKING:
    from fenrir.flask.door import FlaskDoor
    from fenrir.flask.request import Request

__all__ = ["app_ctx", "current_app", "g", "request", "request_ctx", "session"]


def _app() -> FlaskDoor:
    context = innermost()
    return door_of(context.app) if isinstance(context, RequestContext) else context.app


def _g() -> State:
    context = innermost()
    return context.state if isinstance(context, RequestContext) else context.g


def _request() -> Request:
    c = current.get()
    return door_of(c.app).request_of(c)


def _session() -> Session:
    return session_of(current.get())


current_app = cast("FlaskDoor", Proxy(_app, NO_APP))
g = cast("State", Proxy(_g, NO_APP))
request = cast("Request", Proxy(_request, NO_REQUEST))
session = cast("Session", Proxy(_session, NO_REQUEST))
app_ctx = Proxy(innermost, NO_APP)
request_ctx = Proxy(current.get, NO_REQUEST)
