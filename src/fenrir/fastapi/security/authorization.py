"""The Authorization header (RFC 9110 §11.6.2)."""

from __future__ import annotations

__all__ = ["get_authorization_scheme_param"]


def get_authorization_scheme_param(authorization_header_value: str | None) -> tuple[str, str]:
    """Return the scheme and what follows it; both are empty when there is no header."""
    scheme, _, rest = (authorization_header_value or "").partition(" ")
    return scheme, rest.strip()
