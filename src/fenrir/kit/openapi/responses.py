"""Responses of an operation: what a plain value becomes, what the user adds, and the answer to invalid values."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import DeclarationError
from fenrir.http.status import PHRASES, forbids_body
from fenrir.kit.openapi.schemas import REFERENCE, merge
from fenrir.kit.validation import Serializer, StreamAbout, titled

if TYPE_CHECKING:
    from fenrir.core.declare import Source
    from fenrir.kit.openapi.described import Content, Described
    from fenrir.kit.openapi.schemas import SchemaTable

__all__ = ["INVALID", "JSON", "response_objects", "usual_status"]

JSON = "application/json"
_RANGES: Mapping[str, str] = {
    "1XX": "Information",
    "2XX": "Success",
    "3XX": "Redirection",
    "4XX": "Client Error",
    "5XX": "Server Error",
    "DEFAULT": "Default Response",
}
INVALID = {
    "description": "Validation Error",
    "content": {JSON: {"schema": {"$ref": REFERENCE + "HTTPValidationError"}}},
}
"""The answer to values that are not what was declared."""


def response_objects(described: Described, table: SchemaTable) -> dict[str, Any]:
    """Return the Response Objects by status."""
    usual: dict[str, Any] = {"description": described.response_description}
    content = described.content
    if content is not None and not forbids_body(described.status) and described.status != 205:
        if content.stream is not None:
            usual["content"] = {content.media_type: {"itemSchema": _item(content.stream, described.type_id, table)}}
        else:
            usual["content"] = {content.media_type: {"schema": _schema(content, described.type_id, table)}}
    found = {str(described.status): usual}
    for key, extra in described.responses.items():
        _add(found, key, extra, described, table)
    validates = described.about is not None and described.about.validates
    if validates and not found.keys() & {"422", "4XX", "default"}:
        found["422"] = copy.deepcopy(INVALID)
    return found


def usual_status(response_class: Any) -> int:
    """Return the status of a response class, which its constructor says."""
    if response_class is None:
        return 200
    parameter = inspect.signature(response_class).parameters.get("status_code")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else 200


def _schema(content: Content, type_id: str, table: SchemaTable) -> dict[str, Any]:
    if content.text:
        return {"type": "string"}
    if content.type is None:
        return {}
    return table.want(content.type, "serialization", titled(f"Response_{type_id}"))


def _item(stream: StreamAbout, type_id: str, table: SchemaTable) -> dict[str, Any]:
    """Return the schema of one value of a stream."""
    schema = {} if stream.type is None else table.want(stream.type, "serialization", titled(f"StreamItem_{type_id}"))
    if stream.media_type != "text/event-stream":
        return schema
    data: dict[str, Any] = {"type": "string"}
    if stream.type is not None:
        data.update(contentMediaType=JSON, contentSchema=schema)
    event: dict[str, Any] = {
        "type": "object",
        "properties": {
            "data": data,
            "event": {"type": "string"},
            "id": {"type": "string"},
            "retry": {"type": "integer", "minimum": 0},
        },
    }
    return event if stream.type is None else {**event, "required": ["data"]}


def _add(
    found: dict[str, Any], key: int | str, extra: Mapping[str, Any], described: Described, table: SchemaTable
) -> None:
    """Add what the user said of one more status, or more of one."""
    if not isinstance(extra, Mapping):
        raise DeclarationError(f"responses[{key!r}] must be a mapping, a Response Object", described.source)
    said = copy.deepcopy({name: value for name, value in extra.items() if name != "model"})
    model = extra.get("model")
    media_type = described.media_type
    if model is not None:
        said.setdefault("content", {}).setdefault(media_type, {}).setdefault("schema", {})
    status = str(key).upper()
    response = found.setdefault("default" if status == "DEFAULT" else status, {})
    phrase = _RANGES.get(status) or _phrase(status, described.source)
    description = said.get("description") or response.get("description") or phrase
    merge(response, said)
    response["description"] = description
    if model is not None:
        # The dictionary that stands in the document now: merging made a copy of what it was given.
        place = response["content"][media_type]["schema"]
        adapter = Serializer(model, source=described.source).type
        table.want(adapter, "serialization", titled(f"Response_{key}_{described.type_id}"), place)


class UnknownStatus(DeclarationError, ValueError):
    """A key of `responses` that is no status."""


def _phrase(status: str, source: Source | None) -> str:
    try:
        return PHRASES.get(int(status), "Additional Response")
    except ValueError:
        raise UnknownStatus(
            f"responses has {status!r}, which is neither a status, nor one of {', '.join(_RANGES)}", source
        ) from None
