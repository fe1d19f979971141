"""The schema of a form that models stand in: their fields lie side by side in the one form.

A model of form fields has no name in the request, so its schema is a condition on the whole form (`allOf`); a browser
omits the fields of an optional model instead of sending null for it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, get_args

from pydantic import AliasChoices, BaseModel, GetPydanticSchema, TypeAdapter, create_model

from fenrir.kit.validation.fields import Field, adapter_of, model_fields

__all__ = ["form_adapter", "is_optional"]


def is_optional(field: Field) -> bool:
    """Say whether it is a model of form fields (or several) that may be None."""
    return bool(field.form_models) and type(None) in get_args(field.annotation)


def form_adapter(name: str, parts: Sequence[Field], *, embedded: bool) -> TypeAdapter[Any]:
    """Return the type of a form, for its schema; `name` is that of the schema."""
    members: dict[str, Any] = {}
    for index, part in enumerate(parts):
        info = copy.copy(part.info)
        models = part.form_models
        if len(models) == 1:
            renamed: Any = Annotated[
                models[0], GetPydanticSchema(get_pydantic_json_schema=partial(_model_schema, models[0]))
            ]
            info.annotation = renamed if part.annotation is models[0] else renamed | None
        key = f"field_{index}"
        info.alias = info.validation_alias = info.serialization_alias = key
        info.title = info.title or part.name.replace("_", " ").title()
        members[key] = (info.annotation, info)
    made = create_model(name, __config__={"json_schema_extra": partial(_compose, parts)}, **members)
    if embedded:
        return TypeAdapter(made)
    whole = copy.copy(parts[0].info)
    whole.annotation, whole.metadata, whole.discriminator = made, [], None
    return adapter_of(whole, None)


def _model_schema(model: type[BaseModel], core_schema: Any, handler: Any) -> dict[str, Any]:
    """Return the schema of a model with its fields named as the form names them; the shared one stays as it is."""
    reference: dict[str, Any] = handler(core_schema)
    schema = handler.resolve_ref_schema(reference)
    properties, required = schema.get("properties", {}), schema.get("required", [])
    renamed: dict[str, list[str]] = {}
    for item in model_fields(model):
        choices = item.info.validation_alias
        known = choices.choices[0] if isinstance(choices, AliasChoices) else item.model_alias
        names = [alias for alias, _ in item.aliases]
        if known in properties and (names[0] != known or (len(names) > 1 and known in required)):
            renamed[str(known)] = names
    if not renamed:
        return reference
    made = copy.deepcopy(schema)
    made["properties"] = {renamed.get(name, [name])[0]: value for name, value in made["properties"].items()}
    made["required"] = []
    for name in required:
        names = renamed.get(name, [name])
        if len(names) == 1:
            made["required"].append(names[0])
        else:
            made.setdefault("allOf", []).append({"anyOf": [{"required": [one]} for one in names]})
    return dict(made)


def _compose(parts: Sequence[Field], schema: dict[str, Any]) -> None:
    """Turn an object of parts into a form in which their fields lie side by side."""
    described = schema.pop("properties")
    schema.pop("required", None)
    properties: dict[str, Any] = {}
    required: list[str] = []
    conditions: list[dict[str, Any]] = []
    for index, part in enumerate(parts):
        own = described[f"field_{index}"]
        if part.form_models:
            conditions.extend(_conditions(part, own))
            continue
        alias = part.aliases[0][0]
        if alias in properties:
            conditions.append({"properties": {alias: own}})
        else:
            properties[alias] = own
        if part.required and alias not in required:
            required.append(alias)
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = required
    schema["allOf"] = conditions


def _conditions(part: Field, own: dict[str, Any]) -> list[dict[str, Any]]:
    own.pop("default", None)
    if not is_optional(part):
        return [own]
    own["anyOf"] = [choice for choice in own["anyOf"] if choice.get("type") != "null"]
    absent: dict[str, Any]
    if any(model.model_config.get("extra") in ("allow", "forbid") for model in part.form_models):
        absent = {"maxProperties": 0}
    else:
        names = {alias for model in part.form_models for item in model_fields(model) for alias, _ in item.aliases}
        absent = {"not": {"anyOf": [{"required": [name]} for name in sorted(names)]}} if names else {}
    if part.required:
        return [{"not": absent}, own]
    return [{"anyOf": [absent, own]}]
