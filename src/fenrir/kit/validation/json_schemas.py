"""JSON schemas (2020-12) of all types of a document at once, and the definitions that they share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema

from fenrir.kit.validation.shapes import is_class

__all__ = ["Mode", "json_schemas"]

K = TypeVar("K", bound=Hashable)
Mode = Literal["validation", "serialization"]


class _Schemas(GenerateJsonSchema):
    """Pydantic's generator, with binary strings as OpenAPI 3.1 describes them."""

    def bytes_schema(self, schema: CoreSchema) -> dict[str, Any]:
        """Return the schema of bytes."""
        made: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
        config = self._config
        if (config.ser_json_bytes if self.mode == "serialization" else config.val_json_bytes) == "base64":
            made["contentEncoding"] = "base64"
        self.update_with_validations(made, schema, self.ValidationsMapping.bytes)
        return made


def json_schemas(
    types: Mapping[K, tuple[Mode, TypeAdapter[Any]]],
    ref_template: str = "#/components/schemas/{model}",
    *,
    separate: bool = True,
) -> tuple[dict[K, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the schema of each type, and the definitions that they refer to.

    A model or an enumeration that stands somewhere in the annotations has a definition even where no schema refers to
    it: in an excluded field, say.

    Args:
        separate: what is written is described as it is written; else only where it has more fields then.
    """

    def described(mode: Mode, adapter: TypeAdapter[Any]) -> Mode:
        return mode if separate or _computes(adapter) else "validation"

    # The annotation is no public attribute of an adapter; it is what was given to its constructor.
    roots = {key: (mode, adapter, _plain(adapter._type)) for key, (mode, adapter) in types.items()}
    whole = {id(annotation) for _, _, annotation in roots.values()}
    inside: dict[Mode, dict[type, None]] = {"validation": {}, "serialization": {}}
    for mode, _, annotation in roots.values():
        _collect(annotation, inside[mode])
    modes = [described(mode, adapter) for mode, adapter, _ in roots.values()]
    inputs: list[tuple[Hashable, Mode, TypeAdapter[Any]]] = [
        (number, modes[number], adapter) for number, (_, adapter, _) in enumerate(roots.values())
    ]
    for mode, found in inside.items():
        for kind in found:
            if id(kind) not in whole:
                adapter: TypeAdapter[Any] = TypeAdapter(kind)
                inputs.append(((mode, kind), described(mode, adapter), adapter))
    made, document = TypeAdapter.json_schemas(inputs, ref_template=ref_template, schema_generator=_Schemas)
    schemas = {key: made[number, modes[number]] for number, key in enumerate(roots)}
    return schemas, document.get("$defs", {})


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _collect(annotation: Any, found: dict[type, None]) -> None:
    """Collect the models and enumerations in an annotation, those in fields of models too."""
    if is_class(annotation, (BaseModel, Enum)):
        if annotation in found:
            return
        found[annotation] = None
        if issubclass(annotation, BaseModel):
            for field in annotation.model_fields.values():
                _collect(field.annotation, found)
        return
    for argument in get_args(annotation):
        _collect(argument, found)


def _computes(adapter: TypeAdapter[Any]) -> bool:
    """Say whether a value has fields that exist only when it is written, at any depth."""
    schema = adapter.core_schema
    inner = schema.get("schema", {}) if isinstance(schema, Mapping) else {}
    if isinstance(inner, Mapping) and inner.get("computed_fields"):
        return True  # a dataclass may have them too
    return any(model.model_computed_fields for model in _models(_plain(adapter._type), set()))


def _models(annotation: Any, seen: set[type]) -> Iterator[type[BaseModel]]:
    if is_class(annotation, BaseModel):
        if annotation not in seen:
            seen.add(annotation)
            yield annotation
            for field in annotation.model_fields.values():
                yield from _models(field.annotation, seen)
        return
    for argument in get_args(annotation):
        yield from _models(argument, seen)
