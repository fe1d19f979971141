"""What this dialect keeps in an ASGI scope, under upstream's keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "EFFECTIVE",
    "FRONTEND_PATH",
    "INCLUDED",
    "SPECIFICITY",
    "fastapi_scope",
    "in_scope",
    "restore",
    "update_scope",
]

KEY = "fastapi"
EFFECTIVE = "effective_route_context"
INCLUDED = "included_router"
FRONTEND_PATH = "frontend_path"
SPECIFICITY = "frontend_specificity"
MISSING: Any = object()


def fastapi_scope(scope: Any) -> dict[str, Any]:
    """Return this dialect's part of a scope."""
    part: dict[str, Any] = scope.setdefault(KEY, {})
    return part


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
