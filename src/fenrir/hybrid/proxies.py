"""The names of the moment: `request`, `g`, `session` and `current_app` of whatever request is being served here."""

from __future__ import annotations

from typing import Any

from fenrir.core.context import State, current
from fenrir.core.proxy import Proxy
from fenrir.hybrid._dialect import NATIVE
from fenrir.hybrid.request import Request
from fenrir.kit.sessions import Session, session_of

__all__ = ["current_app", "g", "request", "session"]


def _unbound(name: str) -> str:
    return (
        f"there is no request here: {name!r} stands for the request that is being served, in handlers, hooks, "
        "dependencies, background tasks and worker threads"
    )


def _request() -> Request:
    view: Request = current.get().view(NATIVE)
    return view


def _session() -> Session:
    return session_of(current.get())


def _state() -> State:
    return current.get().state


def _app() -> Any:
    return current.get().app.facade


request: Any = Proxy(_request, _unbound("request"))
g: Any = Proxy(_state, _unbound("g"))
session: Any = Proxy(_session, _unbound("session"))
current_app: Any = Proxy(_app, _unbound("current_app"))
