"""Any object as JSON values: `jsonable_encoder`, by upstream FastAPI's rules."""

from __future__ import annotations

import dataclasses
import datetime
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from math import isfinite
from pathlib import PurePath
from re import Pattern
from types import GeneratorType
from typing import Any
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.networks import AnyUrl, NameEmail
from pydantic_core import PydanticUndefinedType, Url

from fenrir.kit.validation.errors import V1_MODEL, PydanticV1NotSupportedError
from fenrir.kit.validation.shapes import is_v1

__all__ = ["ENCODERS_BY_TYPE", "finite", "jsonable_encoder"]


def _decimal(value: Decimal) -> int | float:
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


ENCODERS_BY_TYPE: dict[type[Any], Callable[[Any], Any]] = {
    bytes: bytes.decode,
    datetime.date: datetime.date.isoformat,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: datetime.timedelta.total_seconds,
    Decimal: _decimal,
    IPv4Address: str,
    IPv4Interface: str,
    IPv4Network: str,
    IPv6Address: str,
    IPv6Interface: str,
    IPv6Network: str,
    NameEmail: str,
    Pattern: lambda value: value.pattern,
    SecretBytes: str,
    SecretStr: str,
    UUID: str,
    Url: str,
    AnyUrl: str,
}
_COLORS = ("pydantic.color", "pydantic_extra_types.color")  # known by name: importing the first one warns
_ITERABLES = (list, set, frozenset, GeneratorType, tuple, deque)


def jsonable_encoder(
    obj: Any,
    include: Any = None,
    exclude: Any = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    custom_encoder: Mapping[Any, Callable[[Any], Any]] | None = None,
    sqlalchemy_safe: bool = True,
) -> Any:
    """Return an object as dicts, lists, strings, numbers, booleans and None.

    Args:
        include, exclude, by_alias, exclude_unset, exclude_defaults, exclude_none: as of Pydantic's `model_dump`.
        custom_encoder: type -> function, asked first.
        sqlalchemy_safe: leave out keys that begin with `_sa`.

    Raises:
        ValueError: an object is nothing that JSON or this function knows.
    """

    def again(value: Any, **changed: Any) -> Any:
        options: dict[str, Any] = {
            "by_alias": by_alias,
            "exclude_unset": exclude_unset,
            "exclude_defaults": exclude_defaults,
            "exclude_none": exclude_none,
            "custom_encoder": custom_encoder,
            "sqlalchemy_safe": sqlalchemy_safe,
        }
        return jsonable_encoder(value, **(options | changed))

    if custom_encoder:
        encode = custom_encoder.get(type(obj)) or next(
            (call for kind, call in custom_encoder.items() if isinstance(kind, type) and isinstance(obj, kind)), None
        )
        if encode is not None:
            return encode(obj)
    include = set(include) if include is not None and not isinstance(include, (set, dict)) else include
    exclude = set(exclude) if exclude is not None and not isinstance(exclude, (set, dict)) else exclude
    if is_v1(type(obj)):
        raise PydanticV1NotSupportedError(V1_MODEL.format(type(obj)))
    if isinstance(obj, BaseModel):
        dumped = obj.model_dump(
            mode="json",
            include=include,
            exclude=exclude,
            by_alias=by_alias,
            exclude_unset=exclude_unset,
            exclude_none=exclude_none,
            exclude_defaults=exclude_defaults,
        )
        return again(dumped, by_alias=True, exclude_unset=False, custom_encoder=None)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return again(dataclasses.asdict(obj), include=include, exclude=exclude)
    if isinstance(obj, Enum):
        return obj.value
    if isinstance(obj, PurePath):
        return str(obj)
    if isinstance(obj, (str, int, float, type(None))):
        return obj
    if isinstance(obj, PydanticUndefinedType):
        return None
    if isinstance(obj, dict):
        return {
            again(key): again(value)
            for key, value in obj.items()
            if not (sqlalchemy_safe and isinstance(key, str) and key.startswith("_sa"))
            and not (value is None and exclude_none)
            and (include is None or key in include)
            and (exclude is None or key not in exclude)
        }
    if isinstance(obj, _ITERABLES):
        return [again(item, include=include, exclude=exclude) for item in obj]
    for kind in type(obj).__mro__:
        if kind in ENCODERS_BY_TYPE:
            return ENCODERS_BY_TYPE[kind](obj)
        if kind.__name__ == "Color" and kind.__module__ in _COLORS:
            return str(obj)
    try:
        members = dict(obj)
    except Exception as first:
        try:
            members = vars(obj)
        except Exception as second:
            raise ValueError([first, second]) from second
    return again(members, include=include, exclude=exclude)


def finite(data: Any) -> Any:
    """Return JSON values with null in the place of NaN and infinity."""
    if isinstance(data, float):
        return data if isfinite(data) else None
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, list):
        return [finite(value) for value in data]
    return data
