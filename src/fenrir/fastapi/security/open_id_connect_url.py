"""OpenID Connect Discovery."""

from __future__ import annotations

from fenrir.fastapi.exceptions import StarletteHTTPException
from fenrir.fastapi.openapi.models import OpenIdConnect as OpenIdConnectModel
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.security.base import SecurityBase

__all__ = ["OpenIdConnect"]


class OpenIdConnect(SecurityBase):
    """What a provider's discovery document says; gives the Authorization header as it is.

    Args:
        openIdConnectUrl: of the discovery document.
        auto_error: answer 401 where there is none, in place of giving None.
    """

    model: OpenIdConnectModel

    def __init__(
        self,
        *,
        openIdConnectUrl: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        self.model = OpenIdConnectModel(openIdConnectUrl=openIdConnectUrl, description=description)
        self.scheme_name = scheme_name or type(self).__name__
        self.auto_error = auto_error

    def make_not_authenticated_error(self) -> StarletteHTTPException:
        """Return the answer to a request without a token."""
        return StarletteHTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the header."""
        authorization: str | None = request.headers.get("Authorization")
        if not authorization and self.auto_error:
            raise self.make_not_authenticated_error()
        return authorization or None
