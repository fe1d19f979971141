"""Schemes of the Authorization header (RFC 9110 §11.6, RFC 7617, RFC 6750)."""

from __future__ import annotations

from base64 import b64decode

from pydantic import BaseModel

from fenrir.fastapi.exceptions import HTTPException
from fenrir.fastapi.openapi.models import HTTPBase as HTTPBaseModel
from fenrir.fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.security.authorization import get_authorization_scheme_param
from fenrir.fastapi.security.base import SecurityBase

__all__ = [
    "HTTPAuthorizationCredentials",
    "HTTPBase",
    "HTTPBasic",
    "HTTPBasicCredentials",
    "HTTPBearer",
    "HTTPDigest",
]


class HTTPBasicCredentials(BaseModel):
    """A name and a password."""

    username: str
    password: str


class HTTPAuthorizationCredentials(BaseModel):
    """The scheme as the client wrote it, and what follows."""

    scheme: str
    credentials: str


class HTTPBase(SecurityBase):
    """A scheme whose credentials stay as they are.

    Args:
        scheme: for documentation and for the challenge; which one comes is not looked at.
        auto_error: answer 401 where there is none, in place of giving None.
    """

    model: HTTPBaseModel

    def __init__(
        self,
        *,
        scheme: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        self.model = HTTPBaseModel(scheme=scheme, description=description)
        self.scheme_name = scheme_name or type(self).__name__
        self.auto_error = auto_error

    def make_authenticate_headers(self) -> dict[str, str]:
        """Return the challenge."""
        return {"WWW-Authenticate": self.model.scheme.title()}

    def make_not_authenticated_error(self) -> HTTPException:
        """Return the answer to a request without credentials."""
        return HTTPException(401, "Not authenticated", self.make_authenticate_headers())

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """Return the credentials."""
        return self._credentials(request, None)

    def _credentials(self, request: HTTPConnection, wanted: str | None) -> HTTPAuthorizationCredentials | None:
        scheme, credentials = get_authorization_scheme_param(request.headers.get("Authorization"))
        if scheme and credentials and wanted in (None, scheme.lower()):
            return HTTPAuthorizationCredentials(scheme=scheme, credentials=credentials)
        self._absent()
        return None

    def _absent(self) -> None:
        if self.auto_error:
            raise self.make_not_authenticated_error()


class HTTPBasic(HTTPBase):
    """Name and password, as a browser asks for them.

    Args:
        realm: what the password is for.
        auto_error: answer 401 where there is none, in place of giving None; malformed ones are always answered.
    """

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        realm: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme="basic", scheme_name=scheme_name, description=description, auto_error=auto_error)
        self.realm = realm

    def make_authenticate_headers(self) -> dict[str, str]:
        """Return the challenge."""
        return {"WWW-Authenticate": f'Basic realm="{self.realm}"' if self.realm else "Basic"}

    async def __call__(self, request: HTTPConnection) -> HTTPBasicCredentials | None:  # type: ignore[override]
        """Return the name and the password."""
        scheme, encoded = get_authorization_scheme_param(request.headers.get("Authorization"))
        if scheme.lower() != "basic":
            self._absent()
            return None
        try:
            username, colon, password = b64decode(encoded).decode("ascii").partition(":")
        except ValueError as exc:
            raise self.make_not_authenticated_error() from exc
        if not colon:
            raise self.make_not_authenticated_error()
        return HTTPBasicCredentials(username=username, password=password)


class HTTPBearer(HTTPBase):
    """A token.

    Args:
        bearerFormat: a hint for readers of the documentation.
        auto_error: answer 401 where there is none, in place of giving None.
    """

    def __init__(
        self,
        *,
        bearerFormat: str | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme="bearer", scheme_name=scheme_name, description=description, auto_error=auto_error)
        self.model = HTTPBearerModel(bearerFormat=bearerFormat, description=description)

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """Return the token with its scheme."""
        return self._credentials(request, "bearer")


class HTTPDigest(HTTPBase):
    """A digest; it is read, not verified.

    Args:
        auto_error: answer 401 where there is none, in place of giving None.
    """

    def __init__(
        self, *, scheme_name: str | None = None, description: str | None = None, auto_error: bool = True
    ) -> None:
        super().__init__(scheme="digest", scheme_name=scheme_name, description=description, auto_error=auto_error)

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        """Return the digest with its scheme."""
        return self._credentials(request, "digest")
