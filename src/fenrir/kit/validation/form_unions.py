"""Unions of models in a form: each member reads the fields in its own way, as if it stood alone.

A form knows only texts and files. Whether a name that came once is a list, and whether an empty text is a missing
value, depends on the model; so every member of the union prepares the form's values itself before it validates them.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Tag
from pydantic_core import PydanticUndefined

from fenrir.kit.validation.fields import Field, model_fields
from fenrir.kit.validation.sources import PairSource, find

__all__ = ["form_union", "model_values"]


def form_union(annotation: Any) -> Any:
    """Return a union of models whose members prepare the values of a form."""
    members: list[Any] = []
    for member in get_args(annotation):
        if member is type(None):
            members.append(member)
            continue
        model, *metadata = get_args(member) if get_origin(member) is Annotated else (member,)
        # Errors name the member: by the tag of a discriminator, or else by its class.
        tag = next((item for item in reversed(metadata) if isinstance(item, Tag)), Tag(model.__name__))
        members.append(Annotated[member, BeforeValidator(partial(_prepared, model=model)), tag])
    return Union[tuple(members)]  # noqa: UP007 - its members are not known to the type checker


def _prepared(value: Any, *, model: type[BaseModel]) -> Any:
    if not isinstance(value, dict):
        return value
    pairs = [(name, item) for name, items in value.items() for item in (items if isinstance(items, list) else [items])]
    found = model_values(model_fields(model), PairSource(pairs, form=True), lambda field, raw: raw)
    # No form holds these, but a validator before this one may have put them there.
    found.update((name, item) for name, item in value.items() if item is None or item == [])
    return found


def model_values(fields: tuple[Field, ...], source: PairSource, convert: Any) -> dict[str, Any]:
    """Return what a model is validated from: its own fields as it wants them, then the others as they came."""
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for field in fields:
        for alias, _ in field.aliases:
            taken.add(alias)
            value = find(field, source, alias)
            if value is not PydanticUndefined:
                found[alias] = convert(field, value)
                break
    found.update(source.rest(taken))
    return found
