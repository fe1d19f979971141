"""The direct door: the application takes exchanges as they are."""

from __future__ import annotations

from typing import Any

from asteri.exchange import Doors

__all__ = ["VERSION", "direct_doors"]

VERSION = 1


def direct_doors(app: Any) -> Doors | None:
    """Return the application's own doors, None if it wants ASGI. Call it after its lifespan startup.

    Raises:
        TypeError: `__asteri__` returned something else.
    """
    door = getattr(app, "__asteri__", None)
    if door is None:
        return None
    doors = door(VERSION)
    if doors is not None and not isinstance(doors, Doors):
        raise TypeError(f"{type(app).__name__}.__asteri__ returned {type(doors).__name__}, not Doors or None")
    return doors
