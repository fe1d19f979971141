"""The parameters of a callable and of all that it depends on, and their values from what a request has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fenrir.core.doors.asgi import ASGIHeaders
from fenrir.fastapi.datastructures import Headers, QueryParams
from fenrir.fastapi.dependencies.models import Dependant
from fenrir.fastapi.model_field import ModelField
from fenrir.kit.validation.fields import model_fields
from fenrir.kit.validation.gather import check_parameter
from fenrir.kit.validation.sources import HeaderSource, MappingSource, PairSource, Source

__all__ = ["get_flat_params", "request_params_to_args"]

_PLACES = ("path", "query", "header", "cookie")


def get_flat_params(dependant: Dependant) -> list[ModelField]:
    """Return the parameters outside the body, by place; a model of parameters is its fields."""
    all_of_them = list(_each(dependant, set()))
    return [field for place in _PLACES for one in all_of_them for field in _flat(getattr(one, f"{place}_params"))]


def _each(dependant: Dependant, seen: set[tuple[Any, ...]]) -> Iterator[Dependant]:
    key = (dependant.call, tuple(dependant.oauth_scopes), dependant.scope)
    if key not in seen:
        seen.add(key)
        yield dependant
        for child in dependant.dependencies:
            yield from _each(child, seen)


def _flat(fields: Sequence[ModelField]) -> list[ModelField]:
    model = fields[0].declared.model if len(fields) == 1 else None
    if model is None:
        return list(fields)
    return [ModelField.of(field) for field in model_fields(model)]


def request_params_to_args(
    fields: Sequence[ModelField], received_params: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """Return the values of parameters by their names, and the errors."""
    values: dict[str, Any] = {}
    errors: list[Any] = []
    source = _source(received_params)
    for field in fields:
        value, wrong = check_parameter(field.declared, source)
        if wrong:
            errors += wrong
        else:
            values[field.name] = value
    return values, errors


def _source(received: Mapping[str, Any]) -> Source:
    if isinstance(received, Headers):
        return HeaderSource(ASGIHeaders(received.raw))
    if isinstance(received, QueryParams):
        return PairSource(received.multi_items())
    return MappingSource(received)
