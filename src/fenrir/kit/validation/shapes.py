"""What kind of value an annotation describes: the questions by which the place of a parameter is decided."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from typing import Annotated, Any, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from fenrir.kit.validation.uploads import UploadFile

__all__ = [
    "SEQUENCES",
    "holds_model",
    "is_bytes",
    "is_bytes_list",
    "is_class",
    "is_scalar",
    "is_scalar_list",
    "is_sequence",
    "is_upload",
    "is_upload_list",
    "is_v1",
    "model_of",
    "models_of_union",
    "unalias",
]

T = TypeVar("T")
SEQUENCES = (Sequence, list, tuple, set, frozenset, deque)


def is_class(annotation: object, of: type[T] | tuple[type[T], ...]) -> TypeGuard[type[T]]:
    """Say whether an annotation is a class below another; never raises for what is no class."""
    return isinstance(annotation, type) and issubclass(annotation, of)


def unalias(annotation: Any) -> Any:
    """Return what a `type X = ...` alias (PEP 695) stands for."""
    while hasattr(annotation, "__value__") and type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    return annotation


def _members(annotation: object) -> tuple[Any, ...] | None:
    """Return the members of a union, None for everything else."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else None


def _inner(annotation: object) -> object:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_sequence(annotation: object) -> bool:
    """Say whether it is a list, tuple, set, ... or a union with one."""
    annotation = _inner(annotation)
    members = _members(annotation)
    if members is not None:
        return any(map(is_sequence, members))
    return _is_plain_sequence(annotation) or _is_plain_sequence(get_origin(annotation))


def _is_plain_sequence(annotation: object) -> bool:
    return not is_class(annotation, (str, bytes)) and is_class(annotation, SEQUENCES)


def is_scalar(annotation: object) -> bool:
    """Say whether it can stand in a query, a path or a header by itself."""
    if annotation is Ellipsis:
        return True  # in tuple[int, ...]
    annotation = _inner(annotation)
    members = _members(annotation)
    if members is not None:
        return all(map(is_scalar, members))
    origin = get_origin(annotation)
    return not (_is_complex(annotation) or _is_complex(origin) or hasattr(origin, "__get_pydantic_core_schema__"))


def _is_complex(annotation: object) -> bool:
    is_object = is_class(annotation, (BaseModel, Mapping, UploadFile)) or is_dataclass(annotation)
    return is_object or _is_plain_sequence(annotation)


def is_scalar_list(annotation: object) -> bool:
    """Say whether it is a sequence of scalars, or a union of scalars with one."""
    annotation = _inner(annotation)
    members = _members(annotation)
    if members is not None:
        lists = [is_scalar_list(member) for member in members]
        return any(lists) and all(is_list or is_scalar(member) for is_list, member in zip(lists, members, strict=True))
    return is_sequence(annotation) and all(map(is_scalar, get_args(annotation)))


def _is_or_optional(annotation: object, wanted: type) -> bool:
    members = _members(annotation)
    return any(is_class(member, wanted) for member in (members if members is not None else (annotation,)))


def _is_list_of(annotation: object, wanted: type) -> bool:
    members = _members(annotation)
    if members is not None:
        return any(_is_list_of(member, wanted) for member in members)
    return is_sequence(annotation) and all(_is_or_optional(member, wanted) for member in get_args(annotation))


def is_bytes(annotation: object) -> bool:
    """Say whether it is bytes, or optional bytes."""
    return _is_or_optional(annotation, bytes)


def is_bytes_list(annotation: object) -> bool:
    """Say whether it is a sequence of bytes."""
    return _is_list_of(annotation, bytes)


def is_upload(annotation: object) -> bool:
    """Say whether it is an upload, or an optional one."""
    return _is_or_optional(annotation, UploadFile)


def is_upload_list(annotation: object) -> bool:
    """Say whether it is a sequence of uploads."""
    return _is_list_of(annotation, UploadFile)


def model_of(annotation: object) -> type[BaseModel] | None:
    """Return the model of `Model` or `Model | None`."""
    members = _members(annotation)
    if members is not None and len(members) == 2 and type(None) in members:
        annotation = next(member for member in members if member is not type(None))
    return annotation if is_class(annotation, BaseModel) else None


def holds_model(annotation: object) -> bool:
    """Say whether it is a model or a dataclass, or a collection or a union with one."""
    annotation = unalias(annotation)
    if is_class(annotation, BaseModel) or (isinstance(annotation, type) and is_dataclass(annotation)):
        return True
    return any(map(holds_model, get_args(annotation)))


def models_of_union(annotation: object) -> tuple[type[BaseModel], ...]:
    """Return the models of a union that consists of several (and None), else nothing."""
    models = [_inner(member) for member in _members(annotation) or () if member is not type(None)]
    found = tuple(model for model in models if is_class(model, BaseModel))
    return found if len(found) > 1 and len(found) == len(models) else ()


def is_v1(annotation: object) -> bool:
    """Say whether it is, or holds, a model of `pydantic.v1`."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return any(base.__module__ == "pydantic.v1.main" for base in annotation.__mro__)
    return any(map(is_v1, get_args(annotation)))
