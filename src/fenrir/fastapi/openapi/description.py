"""API routes described for documentation, from the attributes that upstream's routes have.

Attributes are read when the document is made, so what an application changes on its routes after declaring them
(`route.operation_id = route.name`) is shown.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from fenrir.core.binding import Binding
from fenrir.fastapi.responses import JSONResponse
from fenrir.kit.openapi.described import Callback, Content, Described
from fenrir.kit.validation import About, Serializer, StreamAbout
from fenrir.kit.validation.shapes import is_class

__all__ = ["DescribedRoute", "described_route", "described_routes", "is_described"]


class DescribedRoute(Protocol):
    """What documentation reads of a route; `APIRoute` and `RouteContext` have it.

    Attributes:
        serializer: filters the value that is returned.
        item_serializer: filters each value of a stream.
    """

    path: str
    path_format: str
    name: str
    endpoint: Callable[..., Any]
    include_in_schema: bool
    summary: str | None
    description: str
    deprecated: bool | None
    operation_id: str | None
    unique_id: str
    status_code: int | None
    response_class: Any
    response_description: str
    openapi_extra: Mapping[str, Any] | None
    is_json_stream: bool
    is_sse_stream: bool

    @property
    def responses(self) -> Mapping[int | str, Any]: ...

    @property
    def callbacks(self) -> Sequence[Any] | None: ...

    @property
    def methods(self) -> Collection[str]: ...

    @property
    def tags(self) -> Sequence[Any]: ...

    @property
    def serializer(self) -> Serializer | None: ...

    @property
    def item_serializer(self) -> Serializer | None: ...

    def bind(self, overrides: Mapping[Any, Any]) -> Binding:
        """Return how the handler gets its arguments; `about` in it is a `kit.validation.About`."""


def is_described(route: Any) -> bool:
    """Say whether a route has operations; mounts and Starlette's own routes have none."""
    return hasattr(route, "item_serializer")


def described_routes(routes: Iterable[DescribedRoute], given: set[str]) -> Iterator[Described]:
    """Describe all routes that documentation shows; warn of an operation id that two operations have.

    Args:
        given: the ids of the document; grows.
    """
    for route in routes:
        for described in described_route(route):
            _warn_of_repetition(described, given)
            yield described


def _warn_of_repetition(described: Described, given: set[str]) -> None:
    if described.operation_id in given:
        function = described.known_as
        message = f"Duplicate Operation ID {described.operation_id} for function "
        message += getattr(function, "__name__", "<unnamed_endpoint>")
        file = getattr(function, "__globals__", {}).get("__file__")
        warnings.warn(f"{message} at {file}" if file else message, stacklevel=2)
    given.add(described.operation_id)
    for callback in described.callbacks:
        for operation in callback.operations:
            _warn_of_repetition(operation, given)


def described_route(route: DescribedRoute) -> list[Described]:
    """Return the operations of a route: one for each of its methods, with the same id, as upstream has it."""
    if not route.include_in_schema:
        return []
    response_class = getattr(route.response_class, "value", route.response_class)
    about: About = route.bind({}).about
    one = Described(
        path=route.path_format,
        method="",
        operation_id=route.operation_id or route.unique_id,
        type_id=route.unique_id,
        summary=route.summary or route.name.replace("_", " ").title(),
        description=route.description,
        tags=route.tags,
        deprecated=route.deprecated,
        about=about,
        body_type=about.body.type(f"Body_{route.unique_id}") if about.body is not None else None,
        status=route.status_code if route.status_code is not None else _status(response_class),
        response_description=route.response_description,
        content=_content(route, response_class),
        media_type=response_class.media_type or "application/json",
        responses=route.responses,
        callbacks=[
            Callback(callback.name, callback.path, described_route(callback))
            for callback in route.callbacks or ()
            if is_described(callback)
        ],
        extra=route.openapi_extra,
        known_as=route.endpoint,
    )
    return [replace(one, method=method.lower()) for method in route.methods]


def _status(response_class: Any) -> int:
    parameter = inspect.signature(response_class.__init__).parameters.get("status_code")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else 200


def _content(route: DescribedRoute, response_class: Any) -> Content | None:
    if route.is_json_stream or route.is_sse_stream:
        item = route.item_serializer.type if route.item_serializer is not None else None
        stream = StreamAbout("text/event-stream" if route.is_sse_stream else "application/jsonl", item)
        return Content(stream.media_type, item, stream)
    media_type = response_class.media_type
    if not media_type:
        return None
    if not is_class(response_class, JSONResponse):
        return Content(media_type, text=True)
    return Content(media_type, route.serializer.type if route.serializer is not None else None)
