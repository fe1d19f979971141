"""What documentation needs to know of a route's parameters; `Binding.about` is an `About`.

Nothing here is computed before it is asked for. JSON schemas come from `json_schemas`, for all types of a document at
once, because models of the same name must be told apart and shared ones must appear once.

    about = plan.binding.about
    wanted = {parameter: ("validation", parameter.type) for parameter in about.parameters}
    schemas, definitions = json_schemas(wanted, "#/components/schemas/{model}")
    schemas[about.parameters[0]]        # {"type": "integer", "minimum": 1}
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, PydanticUndefined

from fenrir.kit.validation import parameters
from fenrir.kit.validation.fields import Field, Location, model_fields
from fenrir.kit.validation.form_schema import form_adapter, is_optional
from fenrir.kit.validation.graph import Dependant

__all__ = ["About", "BodyAbout", "ParameterAbout", "SecurityAbout", "StreamAbout", "about_route", "json_schemas"]

K = TypeVar("K", bound=Hashable)
Mode = Literal["validation", "serialization"]


@dataclass(frozen=True, slots=True, eq=False)
class ParameterAbout:
    """One value outside the body.

    Attributes:
        name: as the request spells it.
        location: "path", "query", "header" or "cookie".
        type: for `json_schemas`; carries the default, the constraints and the title.
        label: what a title is made of where none is given.
        example: a single example of the old style, `examples` of JSON schema are in the schema.
        openapi_examples: name -> Example Object.
    """

    name: str
    location: Location
    required: bool
    type: TypeAdapter[Any]
    label: str
    title: str | None
    description: str | None
    deprecated: bool
    include_in_schema: bool
    example: Any
    openapi_examples: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class BodyAbout:
    """The body.

    Attributes:
        media_type: "application/json", a form's, or what the marker says.
        required: false if every part of it has a default.
        parts: its fields; when it is not `embedded` the first one is the whole body.
        embedded: the parts are members of an object, or fields of a form.
    """

    media_type: str
    required: bool
    parts: tuple[Field, ...]
    embedded: bool
    description: str | None
    example: Any
    openapi_examples: Mapping[str, Any] | None

    def type(self, name: str) -> TypeAdapter[Any]:
        """Return the type for `json_schemas`; `name` is that of the object around embedded parts."""
        if not self.embedded and not any(map(is_optional, self.parts)):
            return self.parts[0].adapter
        if any(part.form_models for part in self.parts):
            return form_adapter(name, self.parts, embedded=self.embedded)
        members: dict[str, Any] = {part.name: (part.annotation, part.info) for part in self.parts}
        return TypeAdapter(create_model(name, **members))


@dataclass(frozen=True, slots=True, eq=False)
class SecurityAbout:
    """One use of a security scheme.

    Attributes:
        name: of the scheme among the components.
        scheme: the Security Scheme Object.
        scopes: those that this route asks for.
    """

    name: str
    scheme: Any
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """Parameters, body and security of a route."""

    parameters: tuple[ParameterAbout, ...]
    body: BodyAbout | None
    security: tuple[SecurityAbout, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StreamAbout:
    """What a renderer says of a response that is written piece by piece (`Renderer.about`).

    Attributes:
        media_type: "application/jsonl" or "text/event-stream".
        type: of one value; None when any may come.
    """

    media_type: Literal["application/jsonl", "text/event-stream"]
    type: TypeAdapter[Any] | None


def about_route(root: Dependant, body_fields: Sequence[Field], *, embedded: bool, strict: bool) -> About:
    """Collect what is known of a dependency tree; a dependency that is used twice is described once."""
    fields: list[Field] = []
    security: list[SecurityAbout] = []
    seen: set[tuple[Any, ...]] = set()

    def visit(dependant: Dependant) -> None:
        if dependant is not root:
            if dependant.cache_key in seen:
                return
            seen.add(dependant.cache_key)
        fields.extend(field for field in dependant.fields if field.location != "body")
        scheme = dependant.scheme
        if scheme is not None:
            security.append(SecurityAbout(scheme.scheme_name, scheme.model, dependant.scopes))
        for child in dependant.children:
            visit(child)

    visit(root)
    order = ("path", "query", "header", "cookie")
    found: dict[tuple[str, str], ParameterAbout] = {}
    for field in sorted(fields, key=lambda field: order.index(field.location)):
        for made in _parameters(field):
            known = found.get((made.location, made.name))
            # Of several with one name the last describes it, a required one before others, a hidden one never.
            if known is None or (made.include_in_schema, made.required) >= (known.include_in_schema, known.required):
                found[made.location, made.name] = made
    return About(tuple(found.values()), _body(body_fields, embedded), tuple(security))


def _parameters(field: Field) -> list[ParameterAbout]:
    model = field.model
    if model is None:
        return [_parameter(field, field, field.alias)]
    made = []
    hyphens = getattr(field.info, "convert_underscores", True)
    for item in model_fields(model):
        label = item.aliases[0][0]
        if field.location == "header" and getattr(item.info, "convert_underscores", hyphens):
            item = item.with_hyphens()
        made.append(_parameter(field, item, label))
    return made


def _parameter(declared: Field, field: Field, label: str) -> ParameterAbout:
    info = field.info
    optional = declared is not field and declared.annotation is not declared.model and not declared.required
    example = getattr(info, "example", PydanticUndefined)
    return ParameterAbout(
        name=field.alias,
        location=declared.location,
        required=field.required and not optional,
        type=field.adapter,
        label=label,
        title=info.title,
        description=info.description,
        deprecated=bool(info.deprecated),
        include_in_schema=all(getattr(item, "include_in_schema", True) for item in (info, declared.info)),
        example=None if example is PydanticUndefined else example,
        openapi_examples=getattr(info, "openapi_examples", None),
    )


def _body(fields: Sequence[Field], embedded: bool) -> BodyAbout | None:
    if not fields:
        return None
    parts = tuple(fields)
    if embedded and not any(part.form_models for part in parts):
        parts = tuple({field.name: field for field in fields}.values())
    first = parts[0].info
    example = getattr(first, "example", PydanticUndefined)
    return BodyAbout(
        media_type=_media_type(parts) if embedded else getattr(first, "media_type", "application/json"),
        required=any(part.required for part in parts) if embedded else parts[0].required,
        parts=parts,
        embedded=embedded,
        description=None if embedded else first.description,
        example=None if embedded or example is PydanticUndefined else example,
        openapi_examples=None if embedded else getattr(first, "openapi_examples", None),
    )


def _media_type(parts: Sequence[Field]) -> str:
    infos = [part.info for part in parts if isinstance(part.info, parameters.Body)]
    if any(isinstance(info, parameters.File) for info in infos):
        return "multipart/form-data"
    forms = {info.media_type for info in infos if isinstance(info, parameters.Form)}
    kinds = forms or {info.media_type for info in infos}
    if forms and "multipart/form-data" in forms:
        return "multipart/form-data"
    if len(kinds) == 1:
        return kinds.pop()
    return "application/x-www-form-urlencoded" if forms else "application/json"


class _Schemas(GenerateJsonSchema):
    """Pydantic's generator, with binary strings as OpenAPI 3.1 describes them."""

    def bytes_schema(self, schema: CoreSchema) -> dict[str, Any]:
        """Return the schema of bytes."""
        made: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
        self.update_with_validations(made, schema, self.ValidationsMapping.bytes)
        return made


def json_schemas(
    types: Mapping[K, tuple[Mode, TypeAdapter[Any]]], ref_template: str = "#/components/schemas/{model}"
) -> tuple[dict[K, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the JSON schema (2020-12) of each type, and the definitions that they refer to."""
    keys = list(types)
    inputs: list[tuple[int, Mode, TypeAdapter[Any]]] = [
        (number, types[key][0], types[key][1]) for number, key in enumerate(keys)
    ]
    made, whole = TypeAdapter.json_schemas(inputs, ref_template=ref_template, schema_generator=_Schemas)
    schemas = {key: made[number, types[key][0]] for number, key in enumerate(keys)}
    return schemas, whole.get("$defs", {})
