"""Responses of an operation: what a plain value becomes, what the user adds, and the answer to invalid values.

What comes out is known where the renderer says so: its filter (`Renderer.about`), the response class of the route, or
the fixed headers of its short way. A route whose values may become anything has a description and no content.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fenrir.core.declare import DeclarationError
from fenrir.http.status import PHRASES, forbids_body
from fenrir.kit.openapi.schemas import REFERENCE, merge
from fenrir.kit.validation import Serializer, StreamAbout, return_annotation

if TYPE_CHECKING:
    from fenrir.core.plan import Plan
    from fenrir.kit.openapi.schemas import SchemaTable

__all__ = ["INVALID", "response_objects"]

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


def response_objects(plan: Plan, unique_id: str, table: SchemaTable, *, validates: bool) -> dict[str, Any]:
    """Return the Response Objects by status."""
    options = plan.route.options
    chosen = options.get("response_class")
    status = options.get("status_code")
    code = int(status) if status is not None else _usual_status(chosen)
    success: dict[str, Any] = {"description": options.get("response_description") or "Successful Response"}
    about = plan.renderer.about if plan.renderer is not None else None
    media_type = _media_type(plan, chosen)
    if not forbids_body(code) and code != 205:
        if isinstance(about, StreamAbout):
            success["content"] = {about.media_type: {"itemSchema": _item(about, unique_id, table)}}
        elif media_type is not None:
            success["content"] = {media_type: {"schema": _schema(about, media_type, unique_id, table)}}
    found = {str(code): success}
    for key, extra in (options.get("responses") or {}).items():
        _add(found, key, extra, media_type or JSON, unique_id, table, plan)
    if validates and not found.keys() & {"422", "4XX", "default"}:
        found["422"] = copy.deepcopy(INVALID)
    return found


def _usual_status(chosen: Any) -> int:
    """Return the status of a response class, which its constructor says."""
    if chosen is None:
        return 200
    parameter = inspect.signature(chosen).parameters.get("status_code")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else 200


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


def _schema(about: Serializer | None, media_type: str, unique_id: str, table: SchemaTable) -> dict[str, Any]:
    if not _is_json(media_type):
        return {"type": "string"}
    if about is None:
        return {}
    return table.want(about.type, "serialization", _title(f"Response_{unique_id}"))


def _item(about: StreamAbout, unique_id: str, table: SchemaTable) -> dict[str, Any]:
    """Return the schema of one value of a stream."""
    schema = {} if about.type is None else table.want(about.type, "serialization", _title(f"StreamItem_{unique_id}"))
    if about.media_type != "text/event-stream":
        return schema
    data: dict[str, Any] = {"type": "string"}
    if about.type is not None:
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
    return event if about.type is None else {**event, "required": ["data"]}


def _is_json(media_type: str) -> bool:
    return media_type == JSON or media_type.endswith("+json")


def _title(name: str) -> str:
    return name.title().replace("_", " ")


def _add(
    found: dict[str, Any],
    key: int | str,
    extra: Mapping[str, Any],
    media_type: str,
    unique_id: str,
    table: SchemaTable,
    plan: Plan,
) -> None:
    """Add what the user said of one more status, or more of one."""
    if not isinstance(extra, Mapping):
        raise DeclarationError(f"responses[{key!r}] must be a mapping, a Response Object", plan.source)
    said = copy.deepcopy({name: value for name, value in extra.items() if name != "model"})
    model = extra.get("model")
    if model is not None:
        place = said.setdefault("content", {}).setdefault(media_type, {}).setdefault("schema", {})
    status = str(key).upper()
    response = found.setdefault("default" if status == "DEFAULT" else status, {})
    description = said.get("description") or response.get("description") or _RANGES.get(status) or _phrase(status, plan)
    merge(response, said)
    response["description"] = description
    if model is not None:
        # The dictionary that stands in the document now: merging made a copy of what it was given.
        place = response["content"][media_type]["schema"]
        adapter = Serializer(model, source=plan.source).type
        table.want(adapter, "serialization", _title(f"Response_{key}_{unique_id}"), place)


def _phrase(status: str, plan: Plan) -> str:
    try:
        return PHRASES.get(int(status), "Additional Response")
    except ValueError:
        raise DeclarationError(
            f"responses has {status!r}, which is neither a status, nor one of {', '.join(_RANGES)}", plan.source
        ) from None
