"""What every security scheme is."""

from __future__ import annotations

from fenrir.kit.validation import SecurityScheme

__all__ = ["SecurityBase"]


class SecurityBase(SecurityScheme):
    """A dependency that documentation shows as a security scheme.

    Attributes:
        model: its Security Scheme Object, one of `openapi.models`.
        scheme_name: its name among the components.
    """
