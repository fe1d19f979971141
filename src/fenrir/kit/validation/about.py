"""What documentation needs to know of a route's parameters; `Binding.about` is an `About`.

JSON schemas come from `json_schemas`, for all types of a document at once, because models of the same name must be told
apart and shared ones must appear once.

    about = plan.binding.about
    wanted = {parameter: ("validation", parameter.type) for parameter in about.parameters}
    schemas, definitions = json_schemas(wanted, "#/components/schemas/{model}")
    schemas[about.parameters[0]]        # {"type": "integer", "minimum": 1}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, create_model
from pydantic_core import PydanticUndefined

from fenrir.kit.validation import parameters
from fenrir.kit.validation.fields import Field, Location, model_fields
from fenrir.kit.validation.form_schema import form_type, is_optional_form, optional_form_type
from fenrir.kit.validation.graph import Dependant, SecurityScheme

__all__ = ["About", "BodyAbout", "ParameterAbout", "SecurityAbout", "StreamAbout", "about_route"]


@dataclass(frozen=True, slots=True, eq=False)
class ParameterAbout:
    """One value outside the body.

    Attributes:
        name: as the request spells it.
        location: "path", "query", "header" or "cookie".
        type: for `json_schemas`; carries the default, the constraints and the title.
        title: for a schema that is no reference.
        example: a single example of the old style, `examples` of JSON schema are in the schema.
        openapi_examples: name -> Example Object.
    """

    name: str
    location: Location
    required: bool
    type: TypeAdapter[Any]
    title: str
    description: str | None
    deprecated: bool
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
        title: for a schema that is no reference.
    """

    media_type: str
    required: bool
    parts: tuple[Field, ...]
    embedded: bool
    title: str
    example: Any
    openapi_examples: Mapping[str, Any] | None

    def type(self, name: str) -> TypeAdapter[Any]:
        """Return the type for `json_schemas`; `name` is that of the object around embedded parts."""
        first = self.parts[0]
        if not self.embedded:
            return optional_form_type(name, first) if is_optional_form(first) else first.adapter
        if any(part.form_models for part in self.parts):
            return TypeAdapter(form_type(name, self.parts))
        members: dict[str, Any] = {part.name: (part.annotation, part.info) for part in self.parts}
        return TypeAdapter(create_model(name, **members))


@dataclass(frozen=True, slots=True, eq=False)
class SecurityAbout:
    """One use of a security scheme.

    Attributes:
        used: the scheme; it has to know its name and its object only when a document is made.
        scopes: those that this route asks for.
    """

    used: SecurityScheme
    scopes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the scheme among the components."""
        return self.used.scheme_name

    @property
    def scheme(self) -> Any:
        """The Security Scheme Object."""
        return self.used.model


@dataclass(frozen=True, slots=True, eq=False)
class About:
    """Parameters, body and security of a route.

    Attributes:
        parameters: those that documentation shows.
        validates: there is something in a request that can be wrong, shown or not.
    """

    parameters: tuple[ParameterAbout, ...]
    body: BodyAbout | None
    security: tuple[SecurityAbout, ...]
    validates: bool


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
            security.append(SecurityAbout(scheme, dependant.scopes))
        for child in dependant.children:
            visit(child)

    visit(root)
    order = ("path", "query", "header", "cookie")
    validates = bool(body_fields)
    found: dict[tuple[str, str], ParameterAbout] = {}
    for field in sorted(fields, key=lambda field: order.index(field.location)):
        for made in described_parameters(field):
            validates = True
            known = found.get((made.location, made.name))
            # Upstream: of several with one name the last counts, but one that is required counts more.
            if getattr(field.info, "include_in_schema", True) and (
                known is None or made.required or not known.required
            ):
                found[made.location, made.name] = made
    return About(tuple(found.values()), _body(body_fields, embedded), tuple(security), validates)


def described_parameters(declared: Field) -> Iterator[ParameterAbout]:
    """Iterate over the parameters of a field: itself, or the fields of its model."""
    model = declared.model
    if model is None:
        yield _parameter(declared, declared, declared.required)
        return
    hyphens = declared.location == "header" and getattr(declared.info, "convert_underscores", True)
    all_optional = declared.annotation is not model and not declared.required
    for field in model_fields(model):
        own = getattr(field.info, "convert_underscores", hyphens) if declared.location == "header" else False
        yield _parameter(declared, field.with_hyphens() if own else field, field.required and not all_optional)


def _parameter(declared: Field, field: Field, required: bool) -> ParameterAbout:
    info = field.info
    example = getattr(info, "example", PydanticUndefined)
    return ParameterAbout(
        name=field.alias,
        location=declared.location,
        required=required,
        type=field.adapter,
        # A header of its own is titled as it is sent, one of a model by the name of the field.
        title=info.title or titled(field.aliases[0][0 if field is not declared else 1]),
        description=info.description,
        deprecated=bool(info.deprecated),
        example=None if example is PydanticUndefined else example,
        openapi_examples=getattr(info, "openapi_examples", None),
    )


def titled(name: str) -> str:
    """Return the title that a name stands for."""
    return name.title().replace("_", " ")


def _body(fields: Sequence[Field], embedded: bool) -> BodyAbout | None:
    if not fields:
        return None
    parts = (fields[0],) if not embedded else tuple(fields)
    if embedded and not any(field.form_models for field in fields):
        parts = tuple({field.name: field for field in fields}.values())
    first = parts[0].info
    example = getattr(first, "example", PydanticUndefined)
    alias = first.validation_alias
    return BodyAbout(
        media_type=_media_type(parts),
        required=any(part.required for part in parts),
        parts=parts,
        embedded=embedded,
        title=first.title or titled(alias if isinstance(alias, str) and alias else first.alias or parts[0].name),
        example=None if embedded or example is PydanticUndefined else example,
        openapi_examples=None if embedded else getattr(first, "openapi_examples", None),
    )


def _media_type(parts: Sequence[Field]) -> str:
    infos = [part.info for part in parts if isinstance(part.info, parameters.Body)]
    if any(isinstance(info, parameters.File) for info in infos):
        return "multipart/form-data"
    forms = {info.media_type for info in infos if isinstance(info, parameters.Form)}
    if "multipart/form-data" in forms:
        return "multipart/form-data"
    kinds = forms or {info.media_type for info in infos}
    if len(kinds) == 1:
        return kinds.pop()
    return "application/x-www-form-urlencoded" if forms else "application/json"
