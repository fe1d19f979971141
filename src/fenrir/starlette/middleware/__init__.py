"""Middleware: a class that is called with an application and gives an application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, ParamSpec, Protocol

__all__ = ["Middleware"]

P = ParamSpec("P")

# Wider than `types.ASGIApp`, so that applications typed by other packages (asgiref) fit.
_ASGIApp = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class _MiddlewareFactory(Protocol[P]):
    def __call__(self, app: _ASGIApp, /, *args: P.args, **kwargs: P.kwargs) -> _ASGIApp: ...


class Middleware:
    """A middleware class with its arguments, not yet around an application. Unpacks to the three."""

    def __init__(self, cls: _MiddlewareFactory[P], *args: P.args, **kwargs: P.kwargs) -> None:
        self.cls = cls
        self.args = args
        self.kwargs = kwargs

    def __iter__(self) -> Iterator[Any]:
        return iter((self.cls, self.args, self.kwargs))

    def __repr__(self) -> str:
        arguments = [getattr(self.cls, "__name__", "")]
        arguments += map(repr, self.args)
        arguments += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"{type(self).__name__}({', '.join(arguments)})"


def wrap(app: _ASGIApp, middleware: Iterable[Middleware] | None) -> _ASGIApp:
    """Put middleware around an application, the first one outermost."""
    for cls, args, kwargs in reversed(list(middleware or ())):
        app = cls(app, *args, **kwargs)
    return app
