"""The options of routes and routers, each declared once: for completion, for checks and for documentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypedDict

__all__ = ["AnyRouteOptions", "IncludeOptions", "RouteOptions", "check_options"]


class RouteOptions(TypedDict, total=False):
    """Options of `get`, `post` and the other verbs.

    Attributes:
        response_model: filters what is returned; by default the return annotation, None switches it off.
        status_code: of a value that is no response.
        dependencies: `Depends(...)` whose values nobody takes.
        response_class: of a value that is no response.
        slashes: of `fenrir.core.router.Slashes`, in the place of the dialect's habit.
        body_limit, max_body_size: bytes; above it 413.
    """

    response_model: Any
    status_code: int | None
    tags: Sequence[str | Enum] | None
    dependencies: Sequence[Any] | None
    summary: str | None
    description: str | None
    response_description: str
    responses: Mapping[int | str, Mapping[str, Any]] | None
    deprecated: bool | None
    operation_id: str | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    include_in_schema: bool
    response_class: Any
    name: str | None
    callbacks: Sequence[Any] | None
    openapi_extra: Mapping[str, Any] | None
    generate_unique_id_function: Callable[[Any], str] | None
    strict_content_type: bool
    max_body_size: int | None


class AnyRouteOptions(RouteOptions, total=False):
    """Options of `api_route`: those of a verb, and the verbs."""

    methods: Sequence[str] | None


class IncludeOptions(TypedDict, total=False):
    """Options of `include_router`, and of a router for all its routes."""

    prefix: str
    tags: Sequence[str | Enum] | None
    dependencies: Sequence[Any] | None
    default_response_class: Any
    responses: Mapping[int | str, Mapping[str, Any]] | None
    callbacks: Sequence[Any] | None
    deprecated: bool | None
    include_in_schema: bool
    generate_unique_id_function: Callable[[Any], str] | None
    strict_content_type: bool
    max_body_size: int | None


def check_options(what: str, options: Mapping[str, Any], known: type) -> None:
    """Refuse unknown options.

    Raises:
        TypeError: naming what is known.
    """
    names = known.__annotations__.keys() | getattr(known, "__optional_keys__", frozenset())
    unknown = options.keys() - names
    if unknown:
        raise TypeError(f"{what} has no option {', '.join(sorted(unknown))}; it has {', '.join(sorted(names))}")
