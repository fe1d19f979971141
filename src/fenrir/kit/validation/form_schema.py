"""The type of a form for documentation: the fields of a model in it are fields of the form, beside the others.

A form of several parts is one object in the document. Single fields are its properties; each model (or union of models)
is a condition on the whole object (`allOf`). A model that may be absent has no `null` to be sent in a form, so its
absence is described by the absence of its fields.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, GetPydanticSchema, TypeAdapter, create_model

from fenrir.kit.validation.fields import Field, adapter_of, model_fields

__all__ = ["form_type", "is_optional_form", "optional_form_type"]

Schema = dict[str, Any]


def is_optional_form(part: Field) -> bool:
    """Say whether a part is a model of a form that may be absent."""
    return bool(part.form_models) and type(None) in get_args(part.annotation)


def optional_form_type(name: str, part: Field) -> TypeAdapter[Any]:
    """Return the type of a form that is one optional model, or an optional union of models."""
    info = copy.copy(part.info)
    info.annotation = form_type(name, [part])
    info.metadata = []
    info.discriminator = None  # both stand inside already
    return adapter_of(info, None)


def form_type(name: str, parts: Sequence[Field]) -> type[BaseModel]:
    """Return a model that is only good for its schema: that of the whole form."""
    members: dict[str, Any] = {}
    for number, part in enumerate(parts):
        info = copy.copy(part.info)
        if len(part.form_models) == 1:
            (model,) = part.form_models
            spelled: Any = Annotated[model, GetPydanticSchema(get_pydantic_json_schema=partial(_as_sent, model))]
            info.annotation = spelled if part.annotation is model else spelled | None
        # Two parts may have one name, so each is found by its number.
        info.alias = info.validation_alias = info.serialization_alias = _key(number)
        info.title = info.title or part.name.replace("_", " ").title()
        members[_key(number)] = (info.annotation, info)
    return create_model(name, __config__=ConfigDict(json_schema_extra=partial(_compose, parts)), **members)


def _key(number: int) -> str:
    return f"field_{number}"


def _compose(parts: Sequence[Field], schema: Schema) -> None:
    """Make the schema of the parts into that of the form."""
    made: dict[str, Schema] = schema.pop("properties")
    schema.pop("required", None)
    properties: dict[str, Schema] = {}
    required: dict[str, None] = {}
    conditions: list[Schema] = []
    for number, part in enumerate(parts):
        own = made[_key(number)]
        if part.form_models:
            conditions += _condition(part, own)
            continue
        sent_as = part.aliases[0][0]
        if sent_as in properties:
            conditions.append({"properties": {sent_as: own}})
        else:
            properties[sent_as] = own
        if part.required:
            required[sent_as] = None
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = list(required)
    schema["allOf"] = conditions


def _condition(part: Field, schema: Schema) -> list[Schema]:
    """Return what a model asks of the whole form."""
    schema.pop("default", None)
    if not is_optional_form(part):
        return [schema]
    schema["anyOf"] = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    absent = _absence(part.form_models)
    return [{"not": absent}, schema] if part.required else [{"anyOf": [absent, schema]}]


def _absence(models: Sequence[type[BaseModel]]) -> Schema:
    """Return the schema of a form in which nothing of the models is."""
    if any(model.model_config.get("extra") in ("allow", "forbid") for model in models):
        return {"maxProperties": 0}  # every field would be one of the model's
    names = sorted({name for model in models for field in model_fields(model) for name, _ in field.aliases})
    return {"not": {"anyOf": [{"required": [name]} for name in names]}} if names else {}


def _as_sent(model: type[BaseModel], core: Any, handler: Callable[..., Any]) -> Schema:
    """Return the schema of a model with its fields as a form spells them, where that differs."""
    schema: Schema = handler(core)
    own: Mapping[str, Any] = handler.resolve_ref_schema(schema)  # type: ignore[attr-defined]
    properties: Mapping[str, Any] = own.get("properties", {})
    required: Sequence[str] = own.get("required", [])
    names: dict[str, list[str]] = {}
    for field in model_fields(model):
        choices = field.info.validation_alias
        first = choices.choices[0] if isinstance(choices, AliasChoices) else choices or field.info.alias or field.name
        sent = [name for name, _ in field.aliases]
        if (
            isinstance(first, str)
            and first in properties
            and (sent[0] != first or (len(sent) > 1 and first in required))
        ):
            names[first] = sent
    if not names:
        return schema
    # The model's own definition is shared with others and stays as it is.
    spelled = copy.deepcopy(dict(own))
    spelled["properties"] = {names.get(name, [name])[0]: value for name, value in spelled["properties"].items()}
    spelled["required"] = []
    for name in required:
        sent = names.get(name, [name])
        if len(sent) == 1:
            spelled["required"] += sent
        else:
            spelled.setdefault("allOf", []).append({"anyOf": [{"required": [one]} for one in sent]})
    return spelled
