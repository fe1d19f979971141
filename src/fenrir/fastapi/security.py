"""Security schemes: dependencies that read credentials and say to documentation what they read.

None of them checks a credential. They find it, or answer 401 with the challenge of their scheme (`auto_error`), or give
None. Each is a coroutine function of the connection, so none costs a thread.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel

from fenrir.fastapi.exceptions import HTTPException
from fenrir.fastapi.requests import HTTPConnection
from fenrir.kit.validation import Form, SecurityScheme, SecurityScopes

__all__ = [
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "HTTPAuthorizationCredentials",
    "HTTPBasic",
    "HTTPBasicCredentials",
    "HTTPBearer",
    "HTTPDigest",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2PasswordBearer",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "OpenIdConnect",
    "SecurityScopes",
]


class HTTPBasicCredentials(BaseModel):
    """A name and a password."""

    username: str
    password: str


class HTTPAuthorizationCredentials(BaseModel):
    """The two parts of an Authorization header."""

    scheme: str
    credentials: str


class _Authorization(NamedTuple):
    scheme: str
    value: str

    @classmethod
    def of(cls, request: HTTPConnection) -> _Authorization:
        scheme, _, value = (request.headers.get("authorization") or "").partition(" ")
        return cls(scheme, value.strip())


class _Scheme(SecurityScheme):
    """What the schemes share.

    Attributes:
        model: the Security Scheme Object.
        auto_error: answer 401 instead of giving None.
    """

    challenge = "Bearer"

    def __init__(
        self, model: Mapping[str, Any], scheme_name: str | None, description: str | None, auto_error: bool
    ) -> None:
        self.model = dict(model) if description is None else {**model, "description": description}
        self.scheme_name = scheme_name or type(self).__name__
        self.auto_error = auto_error

    def make_not_authenticated_error(self) -> HTTPException:
        """Return the 401."""
        return HTTPException(401, "Not authenticated", {"WWW-Authenticate": self.challenge})

    def _absent(self) -> None:
        if self.auto_error:
            raise self.make_not_authenticated_error()


class HTTPBasic(_Scheme):
    """Name and password, as a browser asks for them."""

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        realm: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__({"type": "http", "scheme": "basic"}, scheme_name, description, auto_error)
        self.challenge = f'Basic realm="{realm}"' if realm else "Basic"

    async def __call__(self, request: HTTPConnection) -> HTTPBasicCredentials | None:
        found = _Authorization.of(request)
        if found.scheme.lower() != "basic":
            self._absent()
            return None
        try:
            name, colon, password = b64decode(found.value).decode("ascii").partition(":")
        except (ValueError, binascii.Error) as exc:
            raise self.make_not_authenticated_error() from exc
        if not colon:
            raise self.make_not_authenticated_error()
        return HTTPBasicCredentials(username=name, password=password)


class _HTTPScheme(_Scheme):
    """A scheme of the Authorization header whose credentials stay as they are."""

    scheme: str

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
        **more: Any,
    ) -> None:
        super().__init__({"type": "http", "scheme": self.scheme, **more}, scheme_name, description, auto_error)
        self.challenge = self.scheme.title()

    async def __call__(self, request: HTTPConnection) -> HTTPAuthorizationCredentials | None:
        found = _Authorization.of(request)
        if found.scheme.lower() != self.scheme or not found.value:
            self._absent()
            return None
        return HTTPAuthorizationCredentials(scheme=found.scheme, credentials=found.value)


class HTTPBearer(_HTTPScheme):
    """A token."""

    scheme = "bearer"

    def __init__(
        self,
        *,
        bearerFormat: str | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        more = {"bearerFormat": bearerFormat} if bearerFormat else {}
        super().__init__(scheme_name=scheme_name, description=description, auto_error=auto_error, **more)


class HTTPDigest(_HTTPScheme):
    """A digest; it is read, not verified."""

    scheme = "digest"


class _APIKey(_Scheme):
    challenge = "APIKey"
    location: str

    def __init__(
        self,
        *,
        name: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__({"type": "apiKey", "in": self.location, "name": name}, scheme_name, description, auto_error)
        self.name = name

    def _checked(self, key: str | None) -> str | None:
        if not key:
            self._absent()
            return None
        return key


class APIKeyQuery(_APIKey):
    """A key in the query."""

    location = "query"

    async def __call__(self, request: HTTPConnection) -> str | None:
        return self._checked(request.query_params.get(self.name))


class APIKeyHeader(_APIKey):
    """A key in a header."""

    location = "header"

    async def __call__(self, request: HTTPConnection) -> str | None:
        return self._checked(request.headers.get(self.name))


class APIKeyCookie(_APIKey):
    """A key in a cookie."""

    location = "cookie"

    async def __call__(self, request: HTTPConnection) -> str | None:
        return self._checked(request.cookies.get(self.name))


class OAuth2(_Scheme):
    """OAuth2 with the flows of your choice; gives the Authorization header as it is."""

    def __init__(
        self,
        *,
        flows: Mapping[str, Any] | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__({"type": "oauth2", "flows": dict(flows or {})}, scheme_name, description, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        authorization: str | None = request.headers.get("authorization")
        if not authorization:
            self._absent()
            return None
        return authorization


class _OAuth2Token(OAuth2):
    async def __call__(self, request: HTTPConnection) -> str | None:
        found = _Authorization.of(request)
        if found.scheme.lower() != "bearer":
            self._absent()
            return None
        return found.value


class OAuth2PasswordBearer(_OAuth2Token):
    """A token that `tokenUrl` gives for a name and a password."""

    def __init__(
        self,
        tokenUrl: str,
        scheme_name: str | None = None,
        scopes: Mapping[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
        refreshUrl: str | None = None,
    ) -> None:
        flow: dict[str, Any] = {"scopes": dict(scopes or {}), "tokenUrl": tokenUrl}
        if refreshUrl is not None:
            flow["refreshUrl"] = refreshUrl
        super().__init__(
            flows={"password": flow}, scheme_name=scheme_name, description=description, auto_error=auto_error
        )


class OAuth2AuthorizationCodeBearer(_OAuth2Token):
    """A token that `tokenUrl` gives for a code of `authorizationUrl`."""

    def __init__(
        self,
        authorizationUrl: str,
        tokenUrl: str,
        refreshUrl: str | None = None,
        scheme_name: str | None = None,
        scopes: Mapping[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        flow: dict[str, Any] = {
            "scopes": dict(scopes or {}),
            "authorizationUrl": authorizationUrl,
            "tokenUrl": tokenUrl,
        }
        if refreshUrl is not None:
            flow["refreshUrl"] = refreshUrl
        super().__init__(
            flows={"authorizationCode": flow}, scheme_name=scheme_name, description=description, auto_error=auto_error
        )


class OpenIdConnect(OAuth2):
    """OpenID Connect; gives the Authorization header as it is."""

    def __init__(
        self,
        *,
        openIdConnectUrl: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(scheme_name=scheme_name, description=description, auto_error=auto_error)
        self.model = {"type": "openIdConnect", "openIdConnectUrl": openIdConnectUrl}
        if description is not None:
            self.model["description"] = description


class OAuth2PasswordRequestForm:
    """The form of the password flow, as a dependency."""

    def __init__(
        self,
        *,
        grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
        username: Annotated[str, Form()],
        password: Annotated[str, Form(json_schema_extra={"format": "password"})],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form(json_schema_extra={"format": "password"})] = None,
    ) -> None:
        self.grant_type = grant_type
        self.username = username
        self.password = password
        self.scopes = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret


class OAuth2PasswordRequestFormStrict(OAuth2PasswordRequestForm):
    """The same, with a grant type that must be there."""

    def __init__(
        self,
        grant_type: Annotated[str, Form(pattern="^password$")],
        username: Annotated[str, Form()],
        password: Annotated[str, Form()],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form()] = None,
    ) -> None:
        super().__init__(
            grant_type=grant_type,
            username=username,
            password=password,
            scope=scope,
            client_id=client_id,
            client_secret=client_secret,
        )
