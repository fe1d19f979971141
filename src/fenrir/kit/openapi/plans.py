"""What the engine compiled, described: every dialect's routes, from their plans.

A dialect that knows more of its routes puts a function into `options["described"]`; it returns the operations of the
route. Operation ids are unique here, whoever proposed them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fenrir.kit.openapi.described import Content, Described
from fenrir.kit.openapi.parameters import converter_schema
from fenrir.kit.openapi.responses import JSON, usual_status
from fenrir.kit.validation import About, Serializer, StreamAbout, return_annotation

if TYPE_CHECKING:
    from fenrir.core.declare import Route
    from fenrir.core.plan import Plan

__all__ = ["described_plans", "description_of", "summary_of", "title_of", "user_function"]

METHODS = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
ANY_METHOD = ("GET", "POST", "PUT", "DELETE", "PATCH")  # what a route that takes every method is documented with


def described_plans(plans: Iterable[Plan]) -> Iterator[Described]:
    """Describe the documented routes; HEAD and OPTIONS only where the user declared them."""
    ids = _Ids()
    for plan in plans:
        route = plan.route
        if not route.document or route.websocket:
            continue
        made = route.options.get("described")
        for described in made() if made is not None else _described(plan):
            yield replace(described, operation_id=ids.give(described.operation_id, described.method))


class _Ids:
    """The operation ids of one document, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, wanted: str, method: str) -> str:
        """Return an id that no other operation has: the method, then a number, tell apart what is the same."""
        found = wanted
        if found in self._given and not found.endswith(f"_{method}"):
            found = wanted = f"{wanted}_{method}"
        number = 2
        while found in self._given:
            found = f"{wanted}_{number}"
            number += 1
        self._given.add(found)
        return found


def _described(plan: Plan) -> Iterator[Described]:
    route, options = plan.route, plan.route.options
    methods = _methods(route)
    if not methods:
        return
    about = plan.binding.about if isinstance(plan.binding.about, About) else None
    explicit = options.get("operation_id")
    base = re.sub(r"\W", "_", f"{title_of(route)}{route.pattern.template}")
    type_id = str(explicit or f"{base}_{methods[0].lower()}")
    chosen = options.get("response_class")
    status = options.get("status_code")
    content = _content(plan, chosen)
    media_type = content.media_type if content is not None and content.stream is None else _media_type(plan, chosen)
    # One type for all methods: two models of one name would have to be told apart.
    body_type = about.body.type(f"Body_{type_id}") if about is not None and about.body is not None else None
    for method in map(str.lower, methods):
        yield Described(
            path=route.pattern.template,
            method=method,
            operation_id=str(explicit or f"{base}_{method}"),
            type_id=type_id,
            summary=summary_of(route),
            description=description_of(route, method),
            tags=options.get("tags") or (),
            deprecated=options.get("deprecated"),
            about=about,
            body_type=body_type,
            converted={item.name: converter_schema(item.converter) for item in route.pattern.parameters},
            status=int(status) if status is not None else usual_status(chosen),
            response_description=options.get("response_description") or "Successful Response",
            content=content,
            media_type=media_type or JSON,
            responses=_further(plan, about) | dict(options.get("responses") or {}),
            extra=options.get("openapi_extra"),
            known_as=user_function(route),
            source=plan.source,
        )


def _further(plan: Plan, about: About | None) -> dict[int | str, Any]:
    """Return the responses that an operation has without its function's doing, or that nobody can list."""
    if about is None:
        # No signature says what the function takes and gives: it chooses any status, so the list has to stay open.
        return {"default": {"description": "Any other answer"}}
    if any(converter_schema(item.converter) != {"type": "string"} for item in plan.route.pattern.parameters):
        return {404: {"description": "Not Found"}}  # what is no such value is another path
    return {}


def _methods(route: Route) -> Sequence[str]:
    if route.methods is None:
        return ANY_METHOD
    # HEAD comes with GET in dialects that answer it by themselves; some of them say so in the methods.
    hidden = "HEAD" if route.dialect.head and "GET" in route.methods else ""
    return [method for method in METHODS if method in route.methods and method != hidden]


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


def summary_of(route: Route) -> str:
    """Return the summary of a route, or else its title in words."""
    if said := route.options.get("summary"):
        return str(said)
    title = title_of(route)
    if not (route.options.get("name") or route.name):
        title = re.sub(r"(?<=[a-z])(?=[A-Z])|\.", " ", title)
    return title.replace("_", " ").title()


def description_of(route: Route, method: str) -> str:
    """Return the description of a route, or else the docstring of what serves a method (lower-case)."""
    said = route.options.get("description")
    if said is None:
        function = user_function(route)
        view = getattr(function, "view_class", None)  # one class for all methods: each method may describe itself
        described = [getattr(view, method, None), view] if view is not None else [function]
        texts = (item.__doc__ for item in described if inspect.isroutine(item) or inspect.isclass(item))
        said = next(filter(None, texts), "")
    # A form feed ends what is for readers of the document.
    return inspect.cleandoc(said).split("\f")[0].strip()


def _content(plan: Plan, chosen: Any) -> Content | None:
    """Return what a plain value becomes, or None when that is open."""
    about = plan.renderer.about if plan.renderer is not None else None
    if isinstance(about, StreamAbout):
        return Content(about.media_type, about.type, about)
    media_type = _media_type(plan, chosen)
    if media_type is None:
        return None
    if media_type != JSON and not media_type.endswith("+json"):
        return Content(media_type, text=True)
    return Content(media_type, about.type if isinstance(about, Serializer) else None)


def _media_type(plan: Plan, chosen: Any) -> str | None:
    """Return the media type of what the handler's plain values become, or None when that is open."""
    if chosen is not None:
        declared = getattr(chosen, "media_type", None)
        return str(declared) if declared else None
    renderer = plan.renderer
    if renderer is None:
        return None
    if renderer.about is not None:
        return JSON
    if renderer.fast is None:
        return None
    header = next((value for name, value in renderer.fast.headers if name.lower() == b"content-type"), b"")
    kind = header.decode("latin-1").partition(";")[0].strip().lower()
    if kind == JSON or return_annotation(plan.route.user or plan.route.handler) is str:
        return kind or None
    return None
