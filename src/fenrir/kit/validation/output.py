"""The other direction: what a handler returned, filtered by its model and written as JSON.

SECURITY: a value that its model does not allow is an error and nothing of it leaves; there is no second way on which an
unfiltered object could be written. Validation is never skipped: Pydantic takes an instance of the model as it is, which
costs next to nothing, and writes only the model's own fields of a subclass.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation

from fenrir.core.context import current
from fenrir.core.declare import Source
from fenrir.http.json import dumps, quick_writer
from fenrir.kit.validation.adapters import shared_adapter
from fenrir.kit.validation.encoder import jsonable_encoder
from fenrir.kit.validation.errors import (
    V1_MODEL,
    FieldTypeError,
    PydanticV1NotSupportedError,
    ResponseValidationError,
    endpoint_of,
)
from fenrir.kit.validation.fields import prefixed
from fenrir.kit.validation.shapes import is_v1

__all__ = ["Serializer", "adapter_of_result", "dump_container", "dump_plain"]


INVALID = (
    "Invalid args for response field! Hint: check that {!r} is a valid Pydantic field type. A handler that is "
    "annotated with a union of a response and something else can be annotated otherwise, or its model be switched off "
    "with the parameter response_model=None"
)


def adapter_of_result(annotation: Any, source: Source | None = None) -> TypeAdapter[Any]:
    """Return the adapter for what a handler returns, or for what `responses=` describes.

    Raises:
        DeclarationError: Pydantic knows no schema for the annotation.
    """
    if is_v1(annotation):
        raise PydanticV1NotSupportedError(V1_MODEL.format(annotation), source)
    try:
        return shared_adapter((annotation,), lambda: TypeAdapter(annotation))
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as exc:
        raise FieldTypeError(INVALID.format(annotation), source) from exc


class Serializer:
    """Filters values by a type and writes them.

    Args:
        annotation: a model, or any type that Pydantic knows.
        include, exclude, by_alias, exclude_unset, exclude_defaults, exclude_none: as of Pydantic's `model_dump_json`.
        source: the user's line, for the error.

    Attributes:
        type: for documentation, with the mode "serialization".

    Raises:
        DeclarationError: Pydantic knows no schema for the annotation.
    """

    def __init__(
        self,
        annotation: Any,
        *,
        include: Any = None,
        exclude: Any = None,
        by_alias: bool = True,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        source: Source | None = None,
    ) -> None:
        self.type = adapter_of_result(annotation, source)
        self.annotation = annotation
        self.options: dict[str, Any] = {
            "include": include,
            "exclude": exclude,
            "by_alias": by_alias,
            "exclude_unset": exclude_unset,
            "exclude_defaults": exclude_defaults,
            "exclude_none": exclude_none,
        }
        self.dump = self._compiled()

    def _compiled(self) -> Callable[[Any], bytes]:
        validate = self.type.validator.validate_python
        write = self.type.serializer.to_json
        # What is left out has the same meaning, and is not read for every response.
        options = {name: value for name, value in self.options.items() if value or name == "by_alias"}

        def dump(value: Any) -> bytes:
            try:
                return write(validate(value, from_attributes=True), **options)
            except ValidationError as exc:
                raise _refused(exc, value) from None

        return dump

    def unless_response(self) -> Callable[[Any], bytes | None]:
        """Return `dump` for values, which says None to the response object of any dialect."""
        write = self.dump
        # PERF: asking a Pydantic model for an attribute that it has not costs 2.5 us (bench/run.py, body).
        plain = {dict, list, self.annotation} if isclass(self.annotation) else {dict, list}

        def dump(value: Any) -> bytes | None:
            return write(value) if type(value) in plain or not hasattr(value, "__reply__") else None

        return dump

    def jsonable(self, value: Any) -> Any:
        """Return the filtered value as JSON values, for response classes that write it in their own way."""
        try:
            checked = self.type.validator.validate_python(value, from_attributes=True)
        except ValidationError as exc:
            raise _refused(exc, value) from None
        return self.type.serializer.to_python(checked, mode="json", **self.options)


def _refused(exc: ValidationError, value: Any) -> ResponseValidationError:
    place = endpoint_of(current.get(None))
    return ResponseValidationError(prefixed(exc, ("response",)), body=value, endpoint_ctx=place)


def _plain(value: Any) -> Any:
    # PERF: what Pydantic has made JSON values of needs no second look (a model of three fields: 75 -> 5 us).
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else jsonable_encoder(value)


def dump_plain(value: Any) -> bytes:
    """Write a value without a model, by the rules of `jsonable_encoder`.

    Raises:
        ValueError, TypeError: it can not be written (NaN, say).
    """
    try:
        out = dumps(value, default=_plain)
    except TypeError:
        return dumps(jsonable_encoder(value))  # keys that only the encoder knows
    if out.find(_SQLALCHEMY) >= 0:
        return dumps(jsonable_encoder(value))  # what SQLAlchemy keeps in its objects is left out
    return out


_SQLALCHEMY = b'"_sa'
dump_container = quick_writer(jsonable_encoder, _SQLALCHEMY, dump_plain)
"""Write a dict or a list as `dump_plain` does; None for anything else."""
