"""OAuth2 (RFC 6749): schemes with their flows, and the form of the password flow."""

from __future__ import annotations

from typing import Annotated, Any

from fenrir.fastapi.exceptions import HTTPException
from fenrir.fastapi.openapi.models import OAuth2 as OAuth2Model
from fenrir.fastapi.openapi.models import OAuthFlows as OAuthFlowsModel
from fenrir.fastapi.requests import HTTPConnection
from fenrir.fastapi.security.authorization import get_authorization_scheme_param
from fenrir.fastapi.security.base import SecurityBase
from fenrir.kit.validation import Form, SecurityScopes

__all__ = [
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2PasswordBearer",
    "OAuth2PasswordRequestForm",
    "OAuth2PasswordRequestFormStrict",
    "SecurityScopes",
]


class OAuth2PasswordRequestForm:
    """The form of the password flow (RFC 6749 §4.3.2), as a dependency.

    Attributes:
        grant_type: "password", or None where the client left it out.
        scopes: `scope`, split at spaces.
    """

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
    """The same, with a grant type that must be there, as the RFC has it."""

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


class OAuth2(SecurityBase):
    """OAuth2 with the flows of your choice; gives the Authorization header as it is.

    Args:
        flows: an `openapi.models.OAuthFlows`, or its members.
        auto_error: answer 401 where there is none, in place of giving None.
    """

    model: OAuth2Model

    def __init__(
        self,
        *,
        flows: OAuthFlowsModel | dict[str, dict[str, Any]] | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        self.model = OAuth2Model(
            flows=OAuthFlowsModel() if flows is None else flows,  # type: ignore[arg-type]
            description=description,
        )
        self.scheme_name = scheme_name or type(self).__name__
        self.auto_error = auto_error

    def make_not_authenticated_error(self) -> HTTPException:
        """Return the answer to a request without a token (RFC 6750 §3)."""
        return HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Bearer"})

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the header."""
        authorization: str | None = request.headers.get("Authorization")
        if not authorization:
            self._absent()
        return authorization or None

    def _absent(self) -> None:
        if self.auto_error:
            raise self.make_not_authenticated_error()

    def _token(self, request: HTTPConnection) -> str | None:
        scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
        if scheme.lower() == "bearer":
            return token
        self._absent()
        return None


class OAuth2PasswordBearer(OAuth2):
    """A token that `tokenUrl` gives for a name and a password.

    Args:
        tokenUrl: where; relative to the document.
        scopes: by name, what each is for.
        auto_error: answer 401 where there is none, in place of giving None.
        refreshUrl: where a token is renewed.
    """

    def __init__(
        self,
        tokenUrl: str,
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
        refreshUrl: str | None = None,
    ) -> None:
        flow = {"tokenUrl": tokenUrl, "refreshUrl": refreshUrl, "scopes": scopes or {}}
        super().__init__(
            flows={"password": flow}, scheme_name=scheme_name, description=description, auto_error=auto_error
        )

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the token."""
        return self._token(request)


class OAuth2AuthorizationCodeBearer(OAuth2):
    """A token that `tokenUrl` gives for a code of `authorizationUrl`.

    Args:
        authorizationUrl: where the user says yes.
        tokenUrl: where the code becomes a token.
        refreshUrl: where a token is renewed.
        scopes: by name, what each is for.
        auto_error: answer 401 where there is none, in place of giving None.
    """

    def __init__(
        self,
        authorizationUrl: str,
        tokenUrl: str,
        refreshUrl: str | None = None,
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        flow = {
            "authorizationUrl": authorizationUrl,
            "tokenUrl": tokenUrl,
            "refreshUrl": refreshUrl,
            "scopes": scopes or {},
        }
        super().__init__(
            flows={"authorizationCode": flow}, scheme_name=scheme_name, description=description, auto_error=auto_error
        )

    async def __call__(self, request: HTTPConnection) -> str | None:
        """Return the token."""
        return self._token(request)
