"""Middleware without ASGI: what our own classes do, as a hook around the engine's plans.

A class that can offers `async __wrap__(c, call_next) -> Reply`, with the same effect on HTTP as its `__call__`. An
application whose middleware is all of that kind need not leave the direct door, where there are no scopes and no
messages. `__wrap_replaces__` names the methods that do it over ASGI: a subclass with others has no such form any more,
and neither has one that is made in another way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.starlette.middleware import Middleware
from fenrir.starlette.types import Receive, Scope, Send

__all__ = ["CallNext", "WrapHook", "has_hook", "nothing_inside", "wrap_hook_of"]

CallNext = Callable[[], Awaitable[Reply]]
WrapHook = Callable[[RequestContext, CallNext], Awaitable[Reply]]


def wrap_hook_of(entry: Middleware) -> WrapHook | None:
    """Return the hook that does what a middleware does, None when it has no such form."""
    if not has_hook(entry.cls):
        return None
    made: Any = entry.cls(nothing_inside, *entry.args, **entry.kwargs)
    hook: WrapHook = made.__wrap__
    return hook


def has_hook(cls: Any) -> bool:
    """Say whether a middleware class has such a form."""
    if not isinstance(cls, type) or not hasattr(cls, "__wrap__"):
        return False
    owner: Any = next(base for base in cls.__mro__ if "__wrap__" in base.__dict__)
    # An `__init__` of its own may put more around the application than what the hook does.
    return all(getattr(cls, name) is getattr(owner, name) for name in (*owner.__wrap_replaces__, "__init__"))


async def nothing_inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for the application inside."""
    raise RuntimeError("this middleware runs as a hook: it has no ASGI application inside")
