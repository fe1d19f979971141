"""Parameters and bodies of an operation.

A route that validates says all about its values (`kit.validation.About`). One that does not still has a path, and its
converters say what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fenrir.core.converters import Converter
from fenrir.kit.validation import About, BodyAbout, ParameterAbout

if TYPE_CHECKING:
    from fenrir.core.pattern import Pattern
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


def parameter_objects(
    pattern: Pattern, about: About | None, table: SchemaTable, encode: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """Return the Parameter Objects: those of the path that no argument takes first, then the declared ones."""
    declared = about.parameters if about is not None else ()
    taken = {parameter.name for parameter in declared if parameter.location == "path"}
    converted = {parameter.name: converter_schema(parameter.converter) for parameter in pattern.parameters}
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**schema, "title": _titled(name)},
        }
        for name, schema in converted.items()
        if name not in taken
    ]
    for parameter in declared:
        if parameter.include_in_schema and (parameter.location != "path" or parameter.name in converted):
            base = converted.get(parameter.name) if parameter.location == "path" else None
            found.append(_parameter(parameter, base, table, encode))
    return found


def _titled(name: str) -> str:
    return name.title().replace("_", " ")


def _parameter(
    parameter: ParameterAbout,
    converted: Mapping[str, Any] | None,
    table: SchemaTable,
    encode: Callable[[Any], Any],
) -> dict[str, Any]:
    title = parameter.title or _titled(parameter.label)
    made: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.location,
        "required": parameter.required,
        "schema": table.want(parameter.type, "validation", title, converted=converted),
    }
    if parameter.description:
        made["description"] = parameter.description
    made.update(_examples(parameter, encode))
    if parameter.deprecated:
        made["deprecated"] = True
    return made


def _examples(described: ParameterAbout | BodyAbout, encode: Callable[[Any], Any]) -> Iterator[tuple[str, Any]]:
    if described.openapi_examples:
        yield "examples", encode(described.openapi_examples)
    elif described.example is not None:
        yield "example", encode(described.example)


def request_body(body: BodyAbout, body_type: Any, table: SchemaTable, encode: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the Request Body Object; `body_type` is what `BodyAbout.type` gave."""
    title = None
    if not body.embedded:
        field = body.parts[0]
        title = field.info.title or _titled(field.alias)
    content = {"schema": table.want(body_type, "validation", title), **dict(_examples(body, encode))}
    made: dict[str, Any] = {"content": {body.media_type: content}}
    if body.required:
        made["required"] = True
    return made
