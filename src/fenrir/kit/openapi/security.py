"""Security of an operation: which schemes it asks for, and with which scopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fenrir.kit.validation import SecurityAbout, jsonable_encoder

__all__ = ["security_requirements", "security_schemes"]


def security_requirements(uses: Sequence[SecurityAbout]) -> list[dict[str, list[str]]]:
    """Return the Security Requirement Objects; scopes of one scheme that is used twice are joined."""
    scopes: dict[str, dict[str, None]] = {}
    for use in uses:
        scopes.setdefault(use.name, {}).update(dict.fromkeys(use.scopes))
    return [{name: list(asked)} for name, asked in scopes.items()]


def security_schemes(uses: Sequence[SecurityAbout]) -> dict[str, Any]:
    """Return the Security Scheme Objects by name."""
    return {use.name: jsonable_encoder(use.scheme, by_alias=True, exclude_none=True) for use in uses}
