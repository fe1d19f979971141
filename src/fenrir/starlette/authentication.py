"""Who makes a request and what it may do: backends, users, credentials, and the decorator that demands scopes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec
from urllib.parse import urlencode

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.requests import HTTPConnection, Request
from fenrir.starlette.responses import RedirectResponse
from fenrir.starlette.websockets import WebSocket

__all__ = [
    "AuthCredentials",
    "AuthenticationBackend",
    "AuthenticationError",
    "BaseUser",
    "SimpleUser",
    "UnauthenticatedUser",
    "has_required_scope",
    "requires",
]

P = ParamSpec("P")


def has_required_scope(conn: HTTPConnection, scopes: Sequence[str]) -> bool:
    """Say whether a connection's credentials have all these scopes."""
    return all(scope in conn.auth.scopes for scope in scopes)


def requires(
    scopes: str | Sequence[str], status_code: int = 403, redirect: str | None = None
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let only connections with these scopes reach a handler, which has a parameter `request` or `websocket`.

    Others are answered with the status, or sent to the route `redirect` with their URL as `next`; a WebSocket is
    closed.
    """
    demanded = [scopes] if isinstance(scopes, str) else list(scopes)

    def refusal(request: Request) -> RedirectResponse | None:
        if has_required_scope(request, demanded):
            return None
        if redirect is None:
            raise HTTPException(status_code=status_code)
        back = urlencode({"next": str(request.url)})
        return RedirectResponse(url=f"{request.url_for(redirect)}?{back}", status_code=303)

    def decorate(func: Callable[P, Any]) -> Callable[P, Any]:
        name, position = _connection_parameter(func)

        if name == "websocket":

            @functools.wraps(func)
            async def guarded_websocket(*args: P.args, **kwargs: P.kwargs) -> None:
                websocket = _argument(WebSocket, name, position, args, kwargs)
                if has_required_scope(websocket, demanded):
                    await func(*args, **kwargs)
                else:
                    await websocket.close()

            return guarded_websocket

        if is_async_callable(func):

            @functools.wraps(func)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
                refused = refusal(_argument(Request, name, position, args, kwargs))
                return await func(*args, **kwargs) if refused is None else refused

            return guarded

        @functools.wraps(func)
        def guarded_here(*args: P.args, **kwargs: P.kwargs) -> Any:
            refused = refusal(_argument(Request, name, position, args, kwargs))
            return func(*args, **kwargs) if refused is None else refused

        return guarded_here

    return decorate


def _connection_parameter(func: Callable[..., Any]) -> tuple[str, int]:
    for position, name in enumerate(inspect.signature(func).parameters):
        if name in ("request", "websocket"):
            return name, position
    raise Exception(f'No "request" or "websocket" argument on function "{func}"')


def _argument(kind: type[Any], name: str, position: int, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    given = kwargs.get(name, args[position] if position < len(args) else None)
    assert isinstance(given, kind), (
        f"Parameter with name '{name}' is required to be of type '{kind.__name__}' not '{type(given).__name__}'"
    )
    return given


class AuthenticationError(Exception):
    """The credentials of a request are not valid."""


class AuthenticationBackend:
    """Base of what finds out who makes a request."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """Return credentials and user, None for a request without. Raises `AuthenticationError`."""
        raise NotImplementedError


class AuthCredentials:
    """What a request may do."""

    def __init__(self, scopes: Sequence[str] | None = None) -> None:
        self.scopes = list(scopes) if scopes is not None else []


class BaseUser:
    """Base of users."""

    @property
    def is_authenticated(self) -> bool:
        """It is known who it is."""
        raise NotImplementedError

    @property
    def display_name(self) -> str:
        """The name for people."""
        raise NotImplementedError

    @property
    def identity(self) -> str:
        """The name for programs."""
        raise NotImplementedError


class SimpleUser(BaseUser):
    """A user with a name."""

    def __init__(self, username: str) -> None:
        self.username = username

    @property
    def is_authenticated(self) -> bool:
        """True."""
        return True

    @property
    def display_name(self) -> str:
        """The name."""
        return self.username

    @property
    def identity(self) -> str:
        """The name."""
        return self.username


class UnauthenticatedUser(BaseUser):
    """Nobody."""

    @property
    def is_authenticated(self) -> bool:
        """False."""
        return False

    @property
    def display_name(self) -> str:
        """No name."""
        return ""

    @property
    def identity(self) -> str:
        """No name."""
        return ""
