"""What this dialect keeps in an ASGI scope, under upstream's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = [
    "BODY_LIMIT",
    "EFFECTIVE",
    "FORM_LIMITS",
    "FRONTEND_PATH",
    "INCLUDED",
    "SPECIFICITY",
    "fastapi_scope",
    "in_scope",
    "inherit_form_limits",
    "restore",
    "update_scope",
]

KEY = "fastapi"
EFFECTIVE = "effective_route_context"
INCLUDED = "included_router"
FRONTEND_PATH = "frontend_path"
SPECIFICITY = "frontend_specificity"
FORM_LIMITS = "form_limits"
BODY_LIMIT = "fenrir.body_limit"
MISSING: Any = object()


def fastapi_scope(scope: Any) -> dict[str, Any]:
    """Return this dialect's part of a scope."""
    part: dict[str, Any] = scope.setdefault(KEY, {})
    return part


def inherit_form_limits(scope: Any, limits: Mapping[str, int]) -> None:
    """Let limits of forms hold for what is below, beside those from above that they do not replace."""
    if limits and scope["type"] == "http":
        part = fastapi_scope(scope)
        part[FORM_LIMITS] = {**part.get(FORM_LIMITS, {}), **limits}


def update_scope(scope: Any, added: Any) -> None:
    """Add to a scope what a match says; this dialect's part is merged."""
    added = dict(added)
    part = added.pop(KEY, None)
    if isinstance(part, dict):
        fastapi_scope(scope).update(part)
    scope.update(added)


def restore(scope: Any, key: str, previous: Any) -> None:
    """Give a key of this dialect's part the value that it had."""
    part = scope.get(KEY)
    if not isinstance(part, dict):
        return
    if previous is MISSING:
        part.pop(key, None)
    else:
        part[key] = previous


@contextmanager
def in_scope(scope: Any, key: str, value: Any) -> Iterator[None]:
    """Give a key of this dialect's part a value for a while."""
    part = fastapi_scope(scope)
    previous = part.get(key, MISSING)
    part[key] = value
    try:
        yield
    finally:
        restore(scope, key, previous)
