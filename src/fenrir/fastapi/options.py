"""The options of routes and routers, each declared once: for completion, for checks and for documentation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Any, TypedDict

__all__ = [
    "AnyRouteOptions",
    "IncludeOptions",
    "OperationOptions",
    "RouteOptions",
    "RouterOptions",
    "check_options",
]


class _Everywhere(TypedDict, total=False):
    """What a route, a router and an inclusion may say.

    Attributes:
        dependencies: `Depends(...)` whose values nobody takes.
        responses: other answers than the usual one, for documentation.
        generate_unique_id_function: from a route to its operation id.
        max_body_size: bytes of a body; above it 413.
        form_limits: `max_fields`, `max_files` and `max_part_size` of forms that are parsed for parameters.
        timeout: seconds that a request may take, its answer included; then its work is cancelled and 504 is the answer.
            `math.inf` lifts the limit of something around.
        cancel_on_disconnect: the work of a request is cancelled when its client leaves. A `def` handler goes on in its
            thread; nobody waits for it.
    """

    tags: Sequence[str | Enum] | None
    dependencies: Sequence[Any] | None
    responses: Mapping[int | str, Mapping[str, Any]] | None
    callbacks: Sequence[Any] | None
    deprecated: bool | None
    include_in_schema: bool
    generate_unique_id_function: Callable[[Any], str] | None
    max_body_size: int | None
    form_limits: Mapping[str, int] | None
    timeout: float | None
    cancel_on_disconnect: bool | None


class RouteOptions(_Everywhere, total=False):
    """Options of `get`, `post` and the other verbs.

    Attributes:
        response_model: filters what is returned; by default the return annotation, None switches it off.
        status_code: of a value that is no response.
        response_class: of a value that is no response.
        middleware: around this route, inside of its routers' and the application's, the first one outermost: functions
            `async (request, call_next) -> response` and `Middleware(...)` of classes that need no ASGI.
        exception_handlers: `(request, exception) -> response` by class or status, asked before all others.
    """

    response_model: Any
    status_code: int | None
    summary: str | None
    description: str | None
    response_description: str
    operation_id: str | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    response_class: Any
    name: str | None
    openapi_extra: Mapping[str, Any] | None
    strict_content_type: bool
    middleware: Sequence[Any] | None
    exception_handlers: Mapping[int | type[Exception], Callable[..., Any]] | None


class AnyRouteOptions(RouteOptions, total=False):
    """Options of `api_route`: those of a verb, and the verbs."""

    methods: Collection[str] | None


class OperationOptions(AnyRouteOptions, total=False):
    """Options of an `APIRoute`."""

    dependency_overrides_provider: Any


class IncludeOptions(_Everywhere, total=False):
    """Options of `include_router`."""

    prefix: str
    default_response_class: Any


class RouterOptions(IncludeOptions, total=False):
    """Options of a router for all its routes.

    Attributes:
        strict_content_type: a body without a content type is not taken for JSON.
    """

    strict_content_type: bool


def check_options(what: str, options: Mapping[str, Any], known: type) -> None:
    """Refuse unknown options.

    Raises:
        TypeError: naming what is known.
    """
    names = known.__annotations__.keys() | getattr(known, "__optional_keys__", frozenset())
    unknown = options.keys() - names
    if unknown:
        raise TypeError(f"{what} has no option {', '.join(sorted(unknown))}; it has {', '.join(sorted(names))}")
