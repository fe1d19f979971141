"""Operations: one per method of a documented route."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fenrir.kit.openapi.parameters import parameter_objects, request_body
from fenrir.kit.openapi.responses import INVALID, response_objects
from fenrir.kit.openapi.security import security_requirements
from fenrir.kit.validation import About, jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.declare import Route
    from fenrir.core.plan import Plan
    from fenrir.kit.openapi.options import DocsOptions
    from fenrir.kit.openapi.schemas import SchemaTable

__all__ = ["Operation", "OperationIds", "operations"]

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
ANY_METHOD = ("GET", "POST", "PUT", "DELETE", "PATCH")  # what a route that takes every method is documented with
_WITHOUT_BODY = frozenset({"OPTIONS", "TRACE"})


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One Operation Object and its place.

    Attributes:
        content: complete once the schemas are resolved.
        extra: what the user merges into it then.
    """

    path: str
    method: str
    content: dict[str, Any]
    extra: Mapping[str, Any] | None
    about: About | None

    @property
    def shows_errors(self) -> bool:
        """It refers to the schemas of invalid values."""
        return bool(self.content["responses"].get("422") == INVALID)


class OperationIds:
    """The operation ids of one document, each given once."""

    def __init__(self, options: DocsOptions) -> None:
        self._make = options.unique_id
        self._given: set[str] = set()

    def proposed(self, route: Route, method: str) -> str:
        """Return the id of a route and a method, were there no others."""
        explicit = route.options.get("operation_id")
        if explicit:
            return str(explicit)
        make = route.options.get("unique_id") or self._make
        if make is not None:
            return str(make(route, method))
        return re.sub(r"\W", "_", f"{title_of(route)}{route.pattern.template}") + f"_{method.lower()}"

    def give(self, route: Route, method: str) -> str:
        """Return an id that no other operation has: the method, then a number, tell apart what is the same."""
        wanted = self.proposed(route, method)
        found = wanted
        if found in self._given and not found.endswith(f"_{method.lower()}"):
            found = wanted = f"{wanted}_{method.lower()}"
        number = 2
        while found in self._given:
            found = f"{wanted}_{number}"
            number += 1
        self._given.add(found)
        return found


def title_of(route: Route) -> str:
    """Return the name of a route, or else that of its function; a method has its object's class before it."""
    name = route.options.get("name") or route.name
    if name:
        return str(name)
    function = user_function(route)
    if inspect.ismethod(function):
        owner = function.__self__
        return f"{owner.__name__ if inspect.isclass(owner) else type(owner).__name__}.{function.__name__}"
    return str(getattr(function, "__name__", None) or type(function).__name__)


def user_function(route: Route) -> Any:
    """Return what the user wrote: behind adapters, decorators and partials."""
    function: Any = inspect.unwrap(route.handler if route.user is None else route.user)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    return function


def _summary(route: Route) -> str:
    title = title_of(route)
    if not (route.options.get("name") or route.name):
        title = re.sub(r"(?<=[a-z])(?=[A-Z])|\.", " ", title)
    return title.replace("_", " ").title()


def _description(route: Route, method: str) -> str:
    said = route.options.get("description")
    if said is None:
        function = user_function(route)
        view = getattr(function, "view_class", None)  # one class for all methods: each method may describe itself
        described = [getattr(view, method.lower(), None), view] if view is not None else [function]
        texts = (item.__doc__ for item in described if inspect.isroutine(item) or inspect.isclass(item))
        said = next(filter(None, texts), "")
    # A form feed ends what is for readers of the document.
    return inspect.cleandoc(said).split("\f")[0].strip()


def _methods(route: Route) -> Sequence[str]:
    if route.methods is None:
        return ANY_METHOD
    # HEAD comes with GET in dialects that answer it by themselves; some of them say so in the methods.
    hidden = "HEAD" if route.dialect.head and "GET" in route.methods else ""
    return [method for method in METHODS if method in route.methods and method != hidden]


def operations(plan: Plan, ids: OperationIds, table: SchemaTable) -> Iterator[Operation]:
    """Return the operations of a plan; HEAD and OPTIONS only where the user declared them."""
    route = plan.route
    about = plan.binding.about if isinstance(plan.binding.about, About) else None
    methods = _methods(route)
    if not methods:
        return
    # One type for all methods: two models of one name would have to be told apart.
    shared = ids.proposed(route, methods[0])
    body = about.body if about is not None else None
    body_type = body.type(f"Body_{shared}") if body is not None else None
    validates = about is not None and bool(about.parameters or about.body)
    options = route.options
    for method in methods:
        content: dict[str, Any] = {}
        if options.get("tags"):
            content["tags"] = list(options["tags"])
        content["summary"] = options.get("summary") or _summary(route)
        if description := _description(route, method):
            content["description"] = description
        content["operationId"] = ids.give(route, method)
        if options.get("deprecated"):
            content["deprecated"] = True
        if about is not None and about.security:
            content["security"] = security_requirements(about.security)
        if parameters := parameter_objects(route.pattern, about, table, jsonable_encoder):
            content["parameters"] = parameters
        if body is not None and method not in _WITHOUT_BODY:
            content["requestBody"] = request_body(body, body_type, table, jsonable_encoder)
        content["responses"] = response_objects(plan, shared, table, validates=validates)
        yield Operation(route.pattern.template, method.lower(), content, options.get("openapi_extra"), about)
