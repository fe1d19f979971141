"""Operation ids of routes that are given none."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["generate_unique_id", "get_path_param_names"]


def generate_unique_id(route: Any) -> str:
    """Return the operation id of a route: name, path and first method."""
    assert route.methods
    return re.sub(r"\W", "_", f"{route.name}{route.path_format}") + f"_{next(iter(route.methods)).lower()}"


def get_path_param_names(path: str) -> set[str]:
    """Return what stands in braces in a path."""
    return set(re.findall(r"\{(.*?)\}", path))
