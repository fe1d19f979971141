"""`@before` and `@after`: actions around one responder, or around all responders of a resource class.

The wrapping happens when the decorator is applied. An action may be `def` or `async def` whatever the responder is: a
sync action around an async responder runs in a worker thread, an async one around a sync responder on the loop.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from fenrir.core.threads import on_loop, to_thread
from fenrir.falcon._adapt import is_async
from fenrir.falcon.constants import COMBINED_METHODS, TRUE_STRINGS

__all__ = ["after", "before", "decorate_on_request"]

R = TypeVar("R")
Call = Callable[..., Any]
_VERBS = "|".join(re.escape(verb.lower()) for verb in COMBINED_METHODS)
_RESPONDER = re.compile(rf"on_(?:{_VERBS})(?:_\w+)?")
_DEFAULT_RESPONDER = re.compile(r"on_request(?:_\w+)?")

decorate_on_request = os.environ.get("FALCON_DECORATE_ON_REQUEST", "0") in TRUE_STRINGS
"""Apply hooks of a class to its `on_request` as well."""


def before(action: Call, *args: Any, **kwargs: Any) -> Callable[[R], R]:
    """Run `action(req, resp, resource, params, *args, **kwargs)` before a responder, or before all of a class."""
    return _decorator(action, args, kwargs, first=True)


def after(action: Call, *args: Any, **kwargs: Any) -> Callable[[R], R]:
    """Run `action(req, resp, resource, *args, **kwargs)` after a responder, or after all of a class."""
    return _decorator(action, args, kwargs, first=False)


def _decorator(action: Call, args: tuple[Any, ...], kwargs: dict[str, Any], *, first: bool) -> Callable[[R], R]:
    def wrap(responder: Call) -> Call:
        return _wrap(responder, action, args, kwargs, first=first)

    def decorate(target: R) -> R:
        if not isinstance(target, type):
            return wrap(target)  # type: ignore[arg-type, return-value]
        for name, member in inspect.getmembers(target, callable):
            if _RESPONDER.fullmatch(name) or (_DEFAULT_RESPONDER.fullmatch(name) and decorate_on_request):
                setattr(target, name, wrap(member))
            elif _DEFAULT_RESPONDER.fullmatch(name):
                warnings.warn(
                    f"Skipping decoration of default responder {name!r} on resource {target.__name__!r}. To enable "
                    "decorating default responders with class-level hooks, set falcon.hooks.decorate_on_request to "
                    "True (or set the environment variable FALCON_DECORATE_ON_REQUEST=1).",
                    UserWarning,
                    stacklevel=2,
                )
        return target

    return decorate


def _wrap(responder: Call, action: Call, args: tuple[Any, ...], kwargs: dict[str, Any], *, first: bool) -> Call:
    names = list(inspect.signature(responder).parameters)[3:]  # after self, req, resp
    awaited = is_async(action)

    def merged(given: tuple[Any, ...], params: dict[str, Any]) -> dict[str, Any]:
        """Name the arguments that a subclass passed by position when it called super()."""
        for name, value in zip(names, given, strict=False):
            params.setdefault(name, value)
        return params

    if is_async(responder):

        @functools.wraps(responder)
        async def around_async(self: Any, req: Any, resp: Any, *given: Any, **params: Any) -> None:
            merged(given, params)
            if not first:
                await responder(self, req, resp, **params)
            more = (self, params, *args) if first else (self, *args)
            if awaited:
                await action(req, resp, *more, **kwargs)
            else:
                await to_thread(action, req, resp, *more, **kwargs)
            if first:
                await responder(self, req, resp, **params)

        return around_async

    @functools.wraps(responder)
    def around(self: Any, req: Any, resp: Any, *given: Any, **params: Any) -> None:
        merged(given, params)
        if not first:
            responder(self, req, resp, **params)
        more = (self, params, *args) if first else (self, *args)
        if awaited:
            on_loop(action(req, resp, *more, **kwargs))
        else:
            action(req, resp, *more, **kwargs)
        if first:
            responder(self, req, resp, **params)

    return around
