"""A described operation: all that a document says of one method of one route, whoever knows it.

The kit describes what the engine compiled (`kit.openapi.plans`); a dialect whose routes can say more describes them
itself. `compose` writes both in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenrir.core.declare import Source
    from fenrir.kit.validation import About, StreamAbout
    from fenrir.kit.validation.adapters import TypeAdapter

__all__ = ["Callback", "Content", "Described"]


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """The body of the usual answer.

    Attributes:
        media_type: of a stream, that of the stream.
        type: of the value; None when any may come.
        stream: it comes piece by piece.
        text: it is text, whatever the value was.
    """

    media_type: str
    type: TypeAdapter[Any] | None = None
    stream: StreamAbout | None = None
    text: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Callback:
    """A request that the application will send.

    Attributes:
        path: an expression, as OpenAPI's Callback Object has it.
    """

    name: str
    path: str
    operations: Sequence[Described]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Described:
    """One operation.

    Attributes:
        path: as documents spell it, `/items/{item_id}`.
        method: lower-case.
        type_id: the end of the names of what is made for this route: `Body_<type_id>`, `Response_<type_id>`.
        body_type: what `BodyAbout.type` gave; one for all methods of a route.
        converted: the schema of each parameter in the path, where the path itself says it; None where it does not.
        status: of the usual answer.
        content: None when that is empty or unknown.
        media_type: of more answers that have a model.
        responses: Response Objects by status, over the usual ones; `model` in one is a type.
        extra: merged into the operation at last.
        known_as: the function, for messages.
    """

    path: str
    method: str
    operation_id: str
    type_id: str
    summary: str
    description: str = ""
    tags: Sequence[Any] = ()
    deprecated: bool | None = None
    about: About | None = None
    body_type: TypeAdapter[Any] | None = None
    converted: Mapping[str, Mapping[str, Any]] | None = None
    status: int = 200
    response_description: str = "Successful Response"
    content: Content | None = None
    media_type: str = "application/json"
    responses: Mapping[int | str, Any] = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()
    extra: Mapping[str, Any] | None = None
    known_as: Callable[..., Any] | None = None
    source: Source | None = None
