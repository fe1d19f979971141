"""A declared value under upstream's names, for packages that look at the parameters of a route, or check with them.

The framework itself reads `fenrir.kit.validation.fields`; this is a picture of that, or of what a package declares.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from fenrir.fastapi.exceptions import FastAPIError
from fenrir.kit.validation.fields import Field, adapter_of, prefixed
from fenrir.kit.validation.output import INVALID
from fenrir.kit.validation.parameters import Undefined

__all__ = ["ModelField", "create_model_field"]


@dataclass
class ModelField:
    """A value with its name, its type and constraints, and what validates and writes it.

    Raises:
        pydantic.errors.PydanticSchemaGenerationError: Pydantic knows no schema for the annotation.
    """

    field_info: FieldInfo
    name: str
    mode: Literal["validation", "serialization"] = "validation"
    config: ConfigDict | None = None

    def __post_init__(self) -> None:
        self._type_adapter  # noqa: B018  # what has no schema is the mistake of whoever declares it

    @classmethod
    def of(cls, known: Field) -> ModelField:
        """Return the picture of a field that has been read; it has been checked, so nothing is built for it."""
        made = cls.__new__(cls)
        made.field_info = copy.copy(known.info)
        made.field_info.alias = known.alias
        made.name, made.mode, made.config = known.name, "validation", known.config
        made.__dict__["declared"] = known
        return made

    @cached_property
    def declared(self) -> Field:
        """The field as validation knows it."""
        return Field.of(self.name, self.field_info, self.config)

    @cached_property
    def _type_adapter(self) -> TypeAdapter[Any]:
        return adapter_of(self.field_info, self.config)

    @property
    def alias(self) -> str:
        """The name in the request."""
        return self.name if self.field_info.alias is None else self.field_info.alias

    @property
    def validation_alias(self) -> str | None:
        """The name in the request, when it is given for validation only."""
        alias = self.field_info.validation_alias
        return alias if isinstance(alias, str) and alias else None

    @property
    def serialization_alias(self) -> str | None:
        """The name in what is written, when it has one of its own."""
        return self.field_info.serialization_alias or None

    @property
    def default(self) -> Any:
        """A default value, `PydanticUndefined` of what is required."""
        return self.get_default()

    def get_default(self) -> Any:
        """Return a default value, `PydanticUndefined` of what is required."""
        return Undefined if self.field_info.is_required() else self.field_info.get_default(call_default_factory=True)

    def validate(
        self, value: Any, values: dict[str, Any] | None = None, *, loc: tuple[int | str, ...] = ()
    ) -> tuple[Any, list[dict[str, Any]]]:
        """Return the checked value and no errors, or None and the errors; `values` are upstream's and not read."""
        try:
            return self._type_adapter.validate_python(value, from_attributes=True), []
        except ValidationError as exc:
            return None, prefixed(exc, loc)

    def serialize(self, value: Any, *, mode: Literal["json", "python"] = "json", **options: Any) -> Any:
        """Return a checked value as plain data; the options are those of Pydantic's `dump_python`."""
        return self._type_adapter.dump_python(value, mode=mode, **{"by_alias": True, **options})

    def serialize_json(self, value: Any, **options: Any) -> bytes:
        """Return a checked value as JSON; the options are those of Pydantic's `dump_json`."""
        return self._type_adapter.dump_json(value, **{"by_alias": True, **options})

    def __deepcopy__(self, memo: dict[int, Any]) -> ModelField:
        """Copy the declaration; what has been read of it stays the same."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update({**self.__dict__, "field_info": copy.deepcopy(self.field_info, memo)})
        return made

    def __hash__(self) -> int:
        return id(self)  # two declarations are two fields


def create_model_field(
    name: str,
    type_: Any,
    default: Any = Undefined,
    field_info: FieldInfo | None = None,
    alias: str | None = None,
    mode: Literal["validation", "serialization"] = "validation",
) -> ModelField:
    """Return a field of a type.

    Raises:
        FastAPIError: Pydantic knows no schema for the type.
    """
    try:
        return ModelField(field_info or FieldInfo(annotation=type_, default=default, alias=alias), name, mode)
    except PydanticSchemaGenerationError:
        raise FastAPIError(INVALID.format(type_)) from None
