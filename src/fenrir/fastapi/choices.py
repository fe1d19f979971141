"""What was chosen at one place and what holds when nobody chose: options of routes, routers and inclusions."""

from __future__ import annotations

from typing import Any, TypeVar

from fenrir.fastapi.datastructures import DefaultPlaceholder
from fenrir.http.status import forbids_body

__all__ = ["deep_dict_update", "first_limit", "get_value_or_default", "is_body_allowed_for_status_code"]

L = TypeVar("L")


def get_value_or_default(first_item: Any, *extra_items: Any) -> Any:
    """Return the first value that somebody chose, the nearest before the outer ones; else the first placeholder."""
    items = (first_item, *extra_items)
    return next((item for item in items if not isinstance(item, DefaultPlaceholder)), first_item)


def first_limit(*limits: L | None) -> L | None:
    """Return the nearest limit that was set."""
    return next((limit for limit in limits if limit is not None), None)


def is_body_allowed_for_status_code(status_code: int | str | None) -> bool:
    """Say whether a response of a status may have a body; ranges ("4XX") and "default" may."""
    if status_code is None or (isinstance(status_code, str) and not status_code.isdecimal()):
        return True
    return not forbids_body(int(status_code))


def deep_dict_update(main_dict: dict[Any, Any], update_dict: dict[Any, Any]) -> None:
    """Merge a dictionary into another one: dictionaries member by member, lists one after the other."""
    for key, value in update_dict.items():
        known = main_dict.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            deep_dict_update(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            main_dict[key] = known + value
        else:
            main_dict[key] = value
