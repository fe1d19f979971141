"""Types that upstream keeps here and that other packages import."""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

__all__ = ["DecoratedCallable", "DependencyCacheKey", "IncEx", "ModelNameMap", "UnionType"]

DecoratedCallable = TypeVar("DecoratedCallable", bound=Callable[..., Any])
UnionType = types.UnionType
ModelNameMap = dict[type[Any] | type[Enum], str]
IncEx = set[int] | set[str] | dict[int, Any] | dict[str, Any]
DependencyCacheKey = tuple[Callable[..., Any] | None, tuple[str, ...], str]
