"""`@before` and `@after`: actions around one handler, or around all responders of a resource class.

The wrapping happens when the decorator is applied. An action may be `def` or `async def` whatever the handler is: a
sync action around an async handler runs in a worker thread, an async one around a sync handler on the loop.

What is decorated is told by its shape alone:

* A function is a responder if its second and third parameters are called `req` and `resp`, or if it is written in a
  class and called `on_<method>`. It is called with `self`, the request and the response, as upstream does.
* Every other function is a handler of the dialect in which it gets registered (native, FastAPI, Flask, Sanic, Bottle,
  a sink). It keeps its signature and its colour; the action gets this dialect's request and response, `None` as the
  resource and the values of the path. `resp.complete = True` or an exception answers in the handler's place.
* A function of a responder's name outside of a class, or with a `self` outside of a class, could be either: refused.
"""

from __future__ import annotations

import inspect
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from fenrir.core.declare import DeclarationError, caller
from fenrir.falcon._actions import Action, around_handler, around_responder
from fenrir.falcon._adapt import is_async
from fenrir.falcon.constants import COMBINED_METHODS, TRUE_STRINGS

__all__ = ["after", "before", "decorate_on_request"]

R = TypeVar("R")
Call = Callable[..., Any]
_VERBS = "|".join(re.escape(verb.lower()) for verb in COMBINED_METHODS)
_RESPONDER = re.compile(rf"on_(?:{_VERBS})(?:_\w+)?")
_DEFAULT_RESPONDER = re.compile(r"on_request(?:_\w+)?")
_VIEW_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")

decorate_on_request = os.environ.get("FALCON_DECORATE_ON_REQUEST", "0") in TRUE_STRINGS
"""Apply hooks of a class to its `on_request` as well."""


def before(action: Call, *args: Any, **kwargs: Any) -> Callable[[R], R]:
    """Run `action(req, resp, resource, params, *args, **kwargs)` before a handler, or all responders of a class.

    Raises:
        DeclarationError: what is decorated is a generator function, could be two things, or has no responders.
    """
    return _decorator(Action(action, args, kwargs, first=True, awaited=is_async(action)))


def after(action: Call, *args: Any, **kwargs: Any) -> Callable[[R], R]:
    """Run `action(req, resp, resource, *args, **kwargs)` after a handler, or all responders of a class.

    It does not run when the handler raises. Errors as of `before`.
    """
    return _decorator(Action(action, args, kwargs, first=False, awaited=is_async(action)))


def _decorator(action: Action) -> Callable[[R], R]:
    def decorate(target: R) -> R:
        if isinstance(target, type):
            _decorate_class(target, action)
            return target
        around = around_responder if _is_responder(target) else around_handler  # type: ignore[arg-type]
        return around(target, action)  # type: ignore[arg-type, return-value]

    return decorate


def _decorate_class(cls: type, action: Action) -> None:
    found = False
    for name, member in inspect.getmembers(cls, callable):
        default = _DEFAULT_RESPONDER.fullmatch(name)
        found = found or default is not None or _RESPONDER.fullmatch(name) is not None
        if _RESPONDER.fullmatch(name) or (default and decorate_on_request):
            setattr(cls, name, around_responder(member, action))
        elif default:
            warnings.warn(
                f"Skipping decoration of default responder {name!r} on resource {cls.__name__!r}. To enable "
                "decorating default responders with class-level hooks, set falcon.hooks.decorate_on_request to "
                "True (or set the environment variable FALCON_DECORATE_ON_REQUEST=1).",
                UserWarning,
                stacklevel=3,
            )
    views = [name for name in _VIEW_METHODS if callable(getattr(cls, name, None))]
    if views and not found:
        raise DeclarationError(
            f"{cls.__name__} has no responders, so this would guard nothing; decorate {views[0]}() itself", caller()
        )


def _is_responder(target: Call) -> bool:
    """Say whether a function is a responder or another handler. Raises `DeclarationError` if that is not clear."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [one.name for one in inspect.signature(target).parameters.values() if one.kind in positional]
    if names[1:3] == ["req", "resp"]:
        return True
    name = getattr(target, "__name__", "")
    within = getattr(target, "__qualname__", "").rpartition(".")[0]
    in_class = bool(within) and not within.endswith("<locals>")
    called_so = _RESPONDER.fullmatch(name) is not None or _DEFAULT_RESPONDER.fullmatch(name) is not None
    if called_so and in_class:
        return True
    if called_so or (names[:1] == ["self"] and not in_class):
        raise DeclarationError(
            f"{name}() could be a responder or another handler; call a responder's parameters (self, req, resp), "
            "or give a handler another name and no self",
            caller(),
        )
    if any(_generates(call) for call in (target, getattr(target, "__call__", None))):  # noqa: B004 - the bound method
        raise DeclarationError(
            f"{name}() is a generator function: an action can not stand around what runs while it is sent; "
            "return the generator from a function without yield, and decorate that one",
            caller(),
        )
    return False


def _generates(call: Any) -> bool:
    return inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call)
