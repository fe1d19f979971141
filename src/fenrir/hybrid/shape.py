"""What a handler is, by its shape alone (paradigms rule 2): decided once, at registration.

A class (or an instance) with `on_*` responders is a Falcon resource; a class with verb methods is what its base class
is; a function is native. Anything else is refused with the two spellings that are clear.
"""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

from fenrir.core.declare import DeclarationError, caller

__all__ = ["Shape", "shape_of"]

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")


class Shape(Enum):
    """The dialect that a handler's shape speaks."""

    NATIVE = "native"
    RESOURCE = "falcon"
    FLASK_VIEW = "flask"
    SANIC_VIEW = "sanic"


def shape_of(handler: Any) -> Shape:
    """Return what a handler is.

    Raises:
        DeclarationError: its shape says two things, or nothing.
    """
    cls = handler if inspect.isclass(handler) else type(handler)
    if inspect.isroutine(handler) or (not inspect.isclass(handler) and _is_plain_callable(handler)):
        return Shape.NATIVE
    origin = {base.__module__.split(".")[1] for base in cls.__mro__ if base.__module__.startswith("fenrir.")}
    responders = [name for name in dir(cls) if name.startswith("on_") and callable(getattr(cls, name))]
    verbs = [verb for verb in VERBS if callable(getattr(cls, verb, None))]
    if "flask" in origin:
        return Shape.FLASK_VIEW
    if "sanic" in origin:
        return Shape.SANIC_VIEW
    if responders and not verbs:
        return Shape.RESOURCE
    if responders:
        raise DeclarationError(
            f"{cls.__name__} has {responders[0]}() as a resource and {verbs[0]}() as a view; "
            "use app.falcon.add_route for the one, or derive from MethodView or HTTPMethodView for the other",
            caller(),
        )
    if verbs:
        raise DeclarationError(
            f"{cls.__name__} has {verbs[0]}() but no base class that says what it is; derive from "
            "fenrir.flask.views.MethodView or fenrir.sanic.views.HTTPMethodView, or call the methods on_get, on_post",
            caller(),
        )
    raise DeclarationError(f"{handler!r} is no handler: neither a function nor a class with verbs", caller())


def _is_plain_callable(handler: Any) -> bool:
    """Say whether an object is a callable that is not a resource: functools.partial, an instance with __call__."""
    return callable(handler) and not any(name.startswith("on_") for name in dir(type(handler)))
