"""Documentation of single fields, for packages that describe parameters outside a route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel

from fenrir.fastapi.dependencies.flat import get_flat_params
from fenrir.fastapi.dependencies.models import Dependant
from fenrir.fastapi.model_field import ModelField
from fenrir.kit.openapi.parameters import parameter_object
from fenrir.kit.openapi.schemas import SchemaTable
from fenrir.kit.validation.about import described_parameters
from fenrir.kit.validation.shapes import is_class

__all__ = ["get_definitions", "get_flat_models_from_fields", "get_model_name_map"]


def get_flat_models_from_fields(fields: Iterable[ModelField], known_models: set[Any]) -> set[Any]:
    """Return the models and enumerations that fields are made of, with those that are known."""
    for field in fields:
        _collect(field.field_info.annotation, known_models)
    return known_models


def _collect(annotation: Any, known: set[Any]) -> None:
    if annotation in known:
        return
    if is_class(annotation, BaseModel):
        known.add(annotation)
        get_flat_models_from_fields((ModelField(info, name) for name, info in annotation.model_fields.items()), known)
    elif is_class(annotation, Enum):
        known.add(annotation)
    for part in get_args(annotation):
        _collect(part, known)


def get_model_name_map(unique_models: Iterable[Any]) -> dict[Any, str]:
    """Return the names under which models are documented."""
    return {model: model.__name__ for model in unique_models}


def get_definitions(
    *, fields: Sequence[ModelField], model_name_map: Mapping[Any, str], separate_input_output_schemas: bool = True
) -> tuple[dict[tuple[ModelField, str], dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the schemas of fields, and what they refer to."""
    table = SchemaTable(separate_input_output_schemas)
    schemas = {(field, str(field.mode)): table.want(field._type_adapter, field.mode) for field in fields}
    return schemas, table.resolve()


def _get_openapi_dependency_data(dependant: Dependant) -> Dependant:
    """Return what documents a dependant: the dependant."""
    return dependant


def _get_openapi_operation_parameters(*, dependency_data: Dependant, **options: Any) -> list[dict[str, Any]]:
    """Return the Parameter Objects of a dependant; the schemas that are given are upstream's and not needed."""
    table = SchemaTable(bool(options.get("separate_input_output_schemas", True)))
    found = [
        parameter_object(about, None, table)
        for field in get_flat_params(dependency_data)
        if getattr(field.field_info, "include_in_schema", True)
        for about in described_parameters(field.declared)
    ]
    table.resolve()
    return found
