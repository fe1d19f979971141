"""Class-based views: one class with a method per HTTP method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

__all__ = ["HTTPMethodView", "stream"]

F = TypeVar("F", bound=Callable[..., Any])


class HTTPMethodView:
    """A view; each request gets a new instance.

    Attributes:
        decorators: applied to the view function, the first one innermost.
    """

    decorators: ClassVar[list[Callable[[Callable[..., Any]], Callable[..., Any]]]] = []

    def __init_subclass__(cls, attach: Any = None, uri: str = "", **options: Any) -> None:
        super().__init_subclass__()
        if attach is not None:
            cls.attach(attach, uri, **options)

    def dispatch_request(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method of the request's name; `get` answers HEAD where there is no `head`."""
        method = request.method.lower()
        handler = getattr(self, method, None) or (getattr(self, "get", None) if method == "head" else None)
        if handler is None:
            raise NotImplementedError(f"{request.method} is not supported for this endpoint.")
        return handler(request, *args, **kwargs)

    @classmethod
    def as_view(cls, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """Return the handler to register; the arguments are the constructor's."""

        def view(*args: Any, **kwargs: Any) -> Any:
            return cls(*class_args, **class_kwargs).dispatch_request(*args, **kwargs)

        view.__module__ = cls.__module__
        made: Any = view
        for decorator in cls.decorators:
            made = decorator(made)
        made.view_class = cls
        made.__doc__ = cls.__doc__
        made.__module__ = cls.__module__
        made.__name__ = cls.__name__
        handler: Callable[..., Any] = made
        return handler

    @classmethod
    def attach(cls, to: Any, uri: str, **options: Any) -> None:
        """Register the view on an application or a blueprint; options as of `add_route`."""
        to.add_route(cls.as_view(), uri, **options)


def stream(handler: F) -> F:
    """Mark a handler or a method of a view: its body is left unread for `request.stream`."""
    handler.is_stream = True  # type: ignore[attr-defined]
    return handler
