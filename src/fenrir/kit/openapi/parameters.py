"""Parameters and bodies of an operation.

A route that validates says all about its values (`kit.validation.About`). One that does not still has a path, and its
converters say what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fenrir.core.converters import Converter
from fenrir.kit.validation import BodyAbout, ParameterAbout, jsonable_encoder, titled

if TYPE_CHECKING:
    from fenrir.kit.openapi.described import Described
    from fenrir.kit.openapi.schemas import SchemaTable

__all__ = ["converter_schema", "parameter_objects", "request_body"]

_FOREIGN = re.compile(r"\(\?(?!:|=|!|<=|<!)|\\[AZz]")  # Python's own; ECMA-262 has no such thing


def converter_schema(converter: Converter) -> dict[str, Any]:
    """Return the JSON schema of what a converter accepts."""
    if converter.schema is not None:
        return dict(converter.schema)
    if converter.free or converter.multi_segment or converter.regex == "[^/]*" or _FOREIGN.search(converter.regex):
        return {"type": "string"}
    return {"type": "string", "pattern": f"^{converter.regex}$"}


def parameter_objects(described: Described, table: SchemaTable) -> list[dict[str, Any]]:
    """Return the Parameter Objects: those of the path that no argument takes first, then the declared ones."""
    declared = described.about.parameters if described.about is not None else ()
    taken = {parameter.name for parameter in declared if parameter.location == "path"}
    converted = described.converted or {}
    found = [
        {"name": name, "in": "path", "required": True, "schema": {**schema, "title": titled(name)}}
        for name, schema in converted.items()
        if name not in taken
    ]
    for parameter in declared:
        in_path = parameter.location == "path"
        if described.converted is None or not in_path or parameter.name in converted:
            found.append(parameter_object(parameter, converted.get(parameter.name) if in_path else None, table))
    return found


def parameter_object(
    parameter: ParameterAbout, converted: Mapping[str, Any] | None, table: SchemaTable
) -> dict[str, Any]:
    """Return the Parameter Object of a parameter; `converted` is what is known from the path."""
    made: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.required,
        "schema": table.want(parameter.type, "validation", parameter.title, converted=converted),
    }
    if parameter.description:
        made["description"] = parameter.description
    made.update(_examples(parameter))
    if parameter.deprecated:
        made["deprecated"] = True
    return made


def _examples(described: ParameterAbout | BodyAbout) -> Iterator[tuple[str, Any]]:
    if described.openapi_examples:
        yield "examples", jsonable_encoder(described.openapi_examples)
    elif described.example is not None:
        yield "example", jsonable_encoder(described.example)


def request_body(body: BodyAbout, body_type: Any, table: SchemaTable) -> dict[str, Any]:
    """Return the Request Body Object; `body_type` is what `BodyAbout.type` gave."""
    title = None if body.embedded else body.title
    content = {"schema": table.want(body_type, "validation", title), **dict(_examples(body))}
    required = {"required": True} if body.required else {}
    return {**required, "content": {body.media_type: content}}
