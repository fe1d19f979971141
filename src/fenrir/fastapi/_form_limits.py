"""Limits of forms that are parsed for parameters: `FastAPI(form_limits=...)`, of routers, inclusions and routes too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

__all__ = ["FormLimitOptions", "check_form_limits"]


class FormLimitOptions(TypedDict, total=False):
    """What may be limited.

    Attributes:
        max_fields: fields that are no files.
        max_files: files.
        max_part_size: bytes of a field that is no file.
    """

    max_fields: int
    max_files: int
    max_part_size: int


_FormLimits = FormLimitOptions  # upstream's name


def check_form_limits(limits: Mapping[str, Any] | None) -> dict[str, int]:
    """Return a copy of limits.

    Raises:
        ValueError: an unknown name, or a value that is no number of something.
    """
    made: dict[str, int] = {}
    for name, value in (limits or {}).items():
        if name not in FormLimitOptions.__annotations__:
            raise ValueError(
                f"form_limits has no {name!r}; it has {', '.join(sorted(FormLimitOptions.__annotations__))}"
            )
        if type(value) is not int or value < 0:
            raise ValueError(f"form_limits: {name} must be a non-negative integer, not {value!r}")
        made[name] = value
    return made
