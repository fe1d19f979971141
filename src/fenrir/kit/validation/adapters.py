"""Adapters of Pydantic, shared by equal types: a large application names the same types again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from pydantic import TypeAdapter

__all__ = ["TypeAdapter", "shared_adapter"]

_known: WeakValueDictionary[tuple[Any, ...], TypeAdapter[Any]] = WeakValueDictionary()


def shared_adapter(parts: tuple[Any, ...], make: Callable[[], TypeAdapter[Any]]) -> TypeAdapter[Any]:
    """Return the adapter that was made for equal parts, or make one.

    Args:
        parts: the annotation and everything else that the adapter depends on.
    """
    try:
        # Equal is not enough: `int | str` equals `str | int`, and 1 equals True.
        key = (parts, repr(parts))
        found = _known.get(key)
    except Exception:  # something in it has no hash, or no repr
        return make()
    if "ForwardRef(" in key[1]:  # one name may be two types in two modules
        return make()
    if found is None:
        found = _known[key] = make()
    return found
