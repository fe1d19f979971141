"""Views as classes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar

from fenrir.core.declare import Mode, mode_of
from fenrir.flask.globals import current_app, request

__all__ = ["MethodView", "View"]

_METHODS = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


class View:
    """A view as a class: override `dispatch_request`, register `Class.as_view("name")`.

    Attributes:
        methods: of its rules.
        decorators: applied to the function that `as_view` returns, the first one innermost.
        init_every_request: make an instance for each request; otherwise one for all, which must not keep anything.
    """

    methods: ClassVar[Collection[str] | None] = None
    provide_automatic_options: ClassVar[bool | None] = None
    decorators: ClassVar[list[Callable[..., Any]]] = []
    init_every_request: ClassVar[bool] = True

    def dispatch_request(self, **kwargs: Any) -> Any:
        """Return the response; the keywords are the values of the path."""
        raise NotImplementedError

    @classmethod
    def as_view(cls, name: str, *class_args: Any, **class_kwargs: Any) -> Callable[..., Any]:
        """Return a view function of this class; the arguments are for the class."""
        shared = None if cls.init_every_request else cls(*class_args, **class_kwargs)

        def instance() -> View:
            return shared if shared is not None else view.view_class(*class_args, **class_kwargs)

        view: Any
        if cls._awaited():

            async def awaited(**kwargs: Any) -> Any:
                result = instance().dispatch_request(**kwargs)
                return await result if hasattr(result, "__await__") else result

            view = awaited
        else:

            def plain(**kwargs: Any) -> Any:
                return current_app.ensure_sync(instance().dispatch_request)(**kwargs)

            view = plain
        made: Any = view
        for decorator in cls.decorators:
            made.__name__ = name
            made.__module__ = cls.__module__
            made = decorator(made)
        functions: set[Any] = {view, made}
        for function in functions:
            function.view_class = cls
            function.__name__ = name
            function.__doc__ = cls.__doc__
            function.__module__ = cls.__module__
            function.methods = cls.methods
            function.provide_automatic_options = cls.provide_automatic_options
        result: Callable[..., Any] = made
        return result

    @classmethod
    def _awaited(cls) -> bool:
        return mode_of(cls.dispatch_request) is Mode.LOOP


class MethodView(View):
    """A view with one method per HTTP method: `get`, `post`, ..."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" not in cls.__dict__:
            methods: set[str] = set()
            for base in cls.__bases__:
                methods.update(getattr(base, "methods", None) or ())
            methods.update(name.upper() for name in _METHODS if hasattr(cls, name))
            if methods:
                cls.methods = methods

    def dispatch_request(self, **kwargs: Any) -> Any:
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        assert method is not None, f"Unimplemented method {request.method!r}"
        return method(**kwargs)

    @classmethod
    def _awaited(cls) -> bool:
        # SECURITY of threads: one `async def` among blocking methods would block the loop, so all must be of one kind.
        modes = {mode_of(getattr(cls, name)) for name in _METHODS if hasattr(cls, name)}
        if len(modes) > 1:
            raise TypeError(f"{cls.__qualname__} mixes 'def' and 'async def' methods; make them all of one kind")
        return modes == {Mode.LOOP}
