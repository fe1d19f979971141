"""The body of a request as one field, whatever number of parameters it is read into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, create_model

from fenrir.fastapi.dependencies.models import Dependant
from fenrir.fastapi.model_field import ModelField, create_model_field
from fenrir.kit.validation import parameters
from fenrir.kit.validation.gather import embeds


def _get_flat_body_params(dependant: Dependant) -> list[ModelField]:
    """Return the parts of the body that a callable and its dependencies take."""
    return [
        *dependant.body_params,
        *(part for inner in dependant.dependencies for part in _get_flat_body_params(inner)),
    ]


def _should_embed_body_fields(fields: Sequence[ModelField]) -> bool:
    """Say whether parts of a body are members of an object."""
    return embeds([field.declared for field in fields])


def create_body_model(*, fields: Sequence[ModelField], model_name: str, config: ConfigDict | None = None) -> type[Any]:
    """Return a model with the fields as its members."""
    members: dict[str, Any] = {field.name: (field.field_info.annotation, field.field_info) for field in fields}
    made: type[Any] = create_model(model_name, __config__=config, **members)
    return made


def _get_body_field(*, body_params: Sequence[ModelField], name: str, embed_body_fields: bool) -> ModelField | None:
    """Return the field of a body; None when there are no parts."""
    if not body_params:
        return None
    if not embed_body_fields:
        return body_params[0]
    model = create_body_model(fields=body_params, model_name=f"Body_{name}")
    infos = [field.field_info for field in body_params]
    options: dict[str, Any] = {"annotation": model, "alias": "body"}
    if not any(info.is_required() for info in infos):
        options["default"] = None
    kinds = [kind for kind in (parameters.File, parameters.Form) if any(isinstance(info, kind) for info in infos)]
    if not kinds:
        types = {info.media_type for info in infos if isinstance(info, parameters.Body)}
        if len(types) == 1:
            options["media_type"] = types.pop()
    info = (kinds[0] if kinds else parameters.Body)(**options)
    return create_model_field("body", model, field_info=info)
