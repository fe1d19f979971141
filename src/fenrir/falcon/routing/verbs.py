"""The responders of a resource, by method.

SECURITY: names are made from the fixed table of verbs; nothing of a request ever becomes the name of an attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fenrir.falcon.constants import COMBINED_METHODS

__all__ = ["SuffixedMethodNotFoundError", "default_responder", "map_http_methods"]


class SuffixedMethodNotFoundError(Exception):
    """A resource has no responder with the suffix."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _name(verb: str, suffix: str | None) -> str:
    return f"on_{verb.lower()}_{suffix}" if suffix else f"on_{verb.lower()}"


def default_responder(resource: object, suffix: str | None) -> Callable[..., Any] | None:
    """Return `on_request` (`on_request_suffix`), the responder for all methods that have none."""
    found = getattr(resource, _name("request", suffix), None)
    return found if callable(found) else None


def map_http_methods(
    resource: object, suffix: str | None = None, default_to_on_request: bool = False
) -> dict[str, Callable[..., Any]]:
    """Return the responders of a resource by method, "WEBSOCKET" included.

    Raises:
        SuffixedMethodNotFoundError: there is none with the suffix.
    """
    found = {}
    for verb in COMBINED_METHODS:
        responder = getattr(resource, _name(verb, suffix), None)
        if callable(responder):
            found[verb] = responder
    if suffix and not found and not (default_to_on_request and default_responder(resource, suffix)):
        raise SuffixedMethodNotFoundError("No responders found for the specified suffix")
    return found
