"""Views as classes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, ClassVar

from fenrir.flask.globals import _cv_request, current_app, request
from fenrir.flask.incidental import incidental

if TYPE_CHECKING:
    from fenrir.flask.ctx import RequestContext

__all__ = ["MethodView", "View"]

http_method_funcs = frozenset({"get", "post", "head", "options", "delete", "put", "trace", "patch"})


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
        view: Any
        if cls.init_every_request:

            def of_each(**kwargs: Any) -> Any:
                # The class is asked of the function, where a decorator or an extension may have put another one.
                instance = view.view_class(*class_args, **class_kwargs)
                return _called(instance.dispatch_request, kwargs)

            view = of_each
        else:
            shared = cls(*class_args, **class_kwargs)

            def of_one(**kwargs: Any) -> Any:
                return _called(shared.dispatch_request, kwargs)

            view = of_one
        if cls.decorators:
            view.__name__ = name
            view.__module__ = cls.__module__
            for decorator in cls.decorators:
                view = decorator(view)
        view.view_class = cls
        view.__name__ = name
        view.__doc__ = cls.__doc__
        view.__module__ = cls.__module__
        view.methods = cls.methods
        view.provide_automatic_options = cls.provide_automatic_options
        made: Callable[..., Any] = view
        return made


class MethodView(View):
    """A view with one method per HTTP method: `get`, `post`, ..."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "methods" in cls.__dict__:
            return
        methods: set[str] = set()
        for base in cls.__bases__:
            methods.update(getattr(base, "methods", None) or ())
        methods.update(name.upper() for name in http_method_funcs if hasattr(cls, name))
        if methods:
            cls.methods = methods

    def dispatch_request(self, **kwargs: Any) -> Any:
        """Call the method of the request's method; GET answers HEAD."""
        method = getattr(self, request.method.lower(), None)
        if method is None and request.method == "HEAD":
            method = getattr(self, "get", None)
        assert method is not None, f"Unimplemented method {request.method!r}"
        return _called(method, kwargs)


def _called(method: Callable[..., Any], values: dict[str, Any]) -> Any:
    """Call a method of a view, with what else its signature asks for."""
    app = current_app
    context: RequestContext | None = _cv_request.get(None)
    injection = app._method_injection(context.request.url_rule, method) if context is not None else None
    if context is None or injection is None:
        return app.ensure_sync(method)(**values)
    return injection.call(context, method, values)


__getattr__ = incidental(__name__)
