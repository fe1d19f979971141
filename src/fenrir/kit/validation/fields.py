"""A field: one declared value of a request, with its place, its names there and its validator."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Json, TypeAdapter, ValidationError
from pydantic import Field as PydanticField
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fenrir.kit.validation import parameters, shapes
from fenrir.kit.validation.adapters import shared_adapter
from fenrir.kit.validation.errors import missing

__all__ = ["Field", "Location", "model_fields", "prefixed"]

Location = Literal["path", "query", "header", "cookie", "body"]

_ATTRIBUTES: Mapping[str, Any] = {
    "default": PydanticUndefined,
    "default_factory": None,
    "title": None,
    "description": None,
    "examples": None,
    "discriminator": None,
    "deprecated": None,
    "json_schema_extra": None,
    "validate_default": None,
}


@dataclass(frozen=True, eq=False)
class Field:
    """One value to find and to validate.

    Attributes:
        name: of the argument, or of the field of a model.
        info: the marker.
        aliases: pairs of the name in a model and the name in the request, the preferred first.
        config: of the model that it is a field of.
    """

    name: str
    info: FieldInfo
    aliases: tuple[tuple[str, str], ...]
    config: ConfigDict | None = None

    @classmethod
    def of(cls, name: str, info: FieldInfo, config: ConfigDict | None = None, *, hyphens: bool = False) -> Field:
        """Build a field; `hyphens` spells a name without alias as a header."""
        return cls(name, info, tuple(_aliases(name, info, config, hyphens)), config)

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """What validates and describes the value, its default included.

        Raises:
            pydantic.errors.PydanticUserError: the annotation has no schema.
        """
        return adapter_of(self.info, self.config)

    @property
    def alias(self) -> str:
        """The preferred name in the request."""
        return self.aliases[0][1]

    @property
    def required(self) -> bool:
        """Without a default."""
        return self.info.is_required()

    @property
    def makes_checked_default(self) -> bool:
        """A default in it is made anew and validated: a failure there must not make a second one."""
        models = self.form_models or ((self.model,) if self.model is not None else ())
        infos = [self.info, *(info for model in models for info in model.model_fields.values())]
        return any(info.default_factory is not None and bool(info.validate_default) for info in infos)

    @property
    def annotation(self) -> Any:
        """The type."""
        return self.info.annotation

    @property
    def location(self) -> Location:
        """Where in the request it is."""
        if isinstance(self.info, parameters.Param):
            location: Any = self.info.in_.value
            return location  # type: ignore[no-any-return]
        return "body"

    @property
    def is_json(self) -> bool:
        """A text that holds JSON (`Json[...]`)."""
        return any(type(item) is Json for item in self.info.metadata)

    @property
    def takes_list(self) -> bool:
        """All values of its name are wanted."""
        return not self.is_json and shapes.is_sequence(self.annotation)

    @property
    def model(self) -> type[BaseModel] | None:
        """The model whose fields are parameters of their own."""
        if self.is_json:
            return None
        annotation = self.annotation
        if isinstance(self.info, (parameters.Query, parameters.Header, parameters.Cookie)):
            return shapes.model_of(annotation)
        is_model = isinstance(self.info, parameters.Param) and shapes.is_class(annotation, BaseModel)
        return annotation if is_model else None

    @property
    def form_models(self) -> tuple[type[BaseModel], ...]:
        """The models whose fields are fields of a form."""
        if not isinstance(self.info, parameters.Form) or self.info.embed or self.is_json:
            return ()
        model = shapes.model_of(self.annotation)
        return (model,) if model is not None else shapes.models_of_union(self.annotation)

    def with_hyphens(self) -> Field:
        """Return the field with its name as a header spells it."""
        return replace(self, aliases=tuple(_aliases(self.name, self.info, self.config, True)))

    def default(self) -> Any:
        """Return a fresh default value."""
        return copy.deepcopy(self.info.get_default(call_default_factory=True))

    def check(self, value: Any, loc: tuple[int | str, ...]) -> tuple[Any, list[dict[str, Any]]]:
        """Validate a value (or its absence, `PydanticUndefined`); return it and the errors."""
        if value is PydanticUndefined:
            if self.required:
                return None, [missing(loc)]
            value = self.default()
            if not self.info.validate_default:
                return value, []
        try:
            return self.adapter.validator.validate_python(value, from_attributes=True), []
        except ValidationError as exc:
            return None, prefixed(exc, loc)


def prefixed(exc: ValidationError, loc: tuple[int | str, ...]) -> list[dict[str, Any]]:
    """Return the errors of Pydantic with their place in the request."""
    return [{**error, "loc": loc + error["loc"]} for error in exc.errors(include_url=False)]


def adapter_of(info: FieldInfo, config: ConfigDict | None) -> TypeAdapter[Any]:
    """Return the adapter for a field's annotation, metadata, default and description."""
    attributes = {
        name: value
        for name, unset in _ATTRIBUTES.items()
        if ((value := getattr(info, name, unset)) is not unset and value is not None) or name == "default"
    }

    def make() -> TypeAdapter[Any]:
        annotated: Any = Annotated[(info.annotation, *info.metadata, PydanticField(**attributes))]
        with warnings.catch_warnings():
            # Attributes that Pydantic knows for fields of models only; here they are read by documentation.
            warnings.filterwarnings("ignore", message=r".* was provided to the `Field\(\)` function")
            return TypeAdapter(annotated, config=config)

    if config:
        return make()
    return shared_adapter((info.annotation, *info.metadata, *attributes.items()), make)


def _aliases(name: str, info: FieldInfo, config: Mapping[str, Any] | None, hyphens: bool) -> Sequence[tuple[str, str]]:
    """Return the pairs of names (in the model, in the request)."""
    choices = info.validation_alias
    if isinstance(info, parameters.Path):
        in_path = choices if isinstance(choices, str) and choices else info.alias or name
        return [(in_path, in_path)]
    alias = choices if isinstance(choices, str) and choices else info.alias or name
    spelled = name.replace("_", "-") if hyphens else name
    if isinstance(choices, AliasChoices) and all(isinstance(choice, str) for choice in choices.choices):
        pairs = [(str(choice), str(choice)) for choice in choices.choices]
    else:
        pairs = [(alias, spelled if alias == name else alias)]
    config = config or {}
    if config.get("validate_by_alias") is False:
        return [(name, spelled)]
    by_name = config.get("validate_by_name", config.get("populate_by_name", False))
    if by_name and all(name != alias for alias, _ in pairs):
        pairs.append((name, spelled))
    return pairs


@lru_cache(maxsize=1024)
def model_fields(model: type[BaseModel]) -> tuple[Field, ...]:
    """Return the fields of a model that stands for several parameters."""
    return tuple(Field.of(name, info, model.model_config) for name, info in model.model_fields.items())
