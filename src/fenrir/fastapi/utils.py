"""Functions that upstream keeps here and that other packages import."""

from __future__ import annotations

import re
from typing import Any

from fenrir.fastapi.datastructures import DefaultPlaceholder
from fenrir.http.status import forbids_body

__all__ = [
    "deep_dict_update",
    "generate_unique_id",
    "get_path_param_names",
    "get_value_or_default",
    "is_body_allowed_for_status_code",
]


def is_body_allowed_for_status_code(status_code: int | str | None) -> bool:
    """Say whether a response of a status may have a body; ranges ("4XX") and "default" may."""
    if status_code is None or (isinstance(status_code, str) and not status_code.isdecimal()):
        return True
    return not forbids_body(int(status_code))


def get_value_or_default(first_item: Any, *extra_items: Any) -> Any:
    """Return the first value that somebody chose, the nearest before the outer ones; else the first placeholder."""
    items = (first_item, *extra_items)
    return next((item for item in items if not isinstance(item, DefaultPlaceholder)), first_item)


def get_path_param_names(path: str) -> set[str]:
    """Return what stands in braces in a path."""
    return set(re.findall(r"\{(.*?)\}", path))


def generate_unique_id(route: Any) -> str:
    """Return the operation id of a route that was given none: name, path and first method."""
    assert route.methods
    return re.sub(r"\W", "_", f"{route.name}{route.path_format}") + f"_{next(iter(route.methods)).lower()}"


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
