"""Cross-origin requests: the headers with which a browser is told what pages of other origins may do.

A preflight is answered here. Every other answer gets its headers on the way out, also the one that
`ServerErrorMiddleware`, which is outside of this, gives for an unhandled exception: a page could not read it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.starlette.datastructures import Headers, MutableHeaders
from fenrir.starlette.middleware._hook import CallNext
from fenrir.starlette.middleware.errors import on_server_error
from fenrir.starlette.responses import PlainTextResponse, Response
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ALL_METHODS", "SAFELISTED_HEADERS", "CORSMiddleware"]

ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY")
# Fetch §2.2.2: what may be sent without asking.
SAFELISTED_HEADERS = {"Accept", "Accept-Language", "Content-Language", "Content-Type"}

_PREFLIGHT_VARY = (
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network"
)


class CORSMiddleware:
    """Allows pages of other origins to use the application.

    Args:
        allow_origins: origins, or `*`.
        allow_origin_regex: matches whole origins, in addition.
        allow_methods, allow_headers: or `*`; the safelisted headers are always allowed.
        allow_credentials: cookies and authorization may be sent; the answer then names the origin instead of `*`.
        allow_private_network: pages of public networks may ask.
        expose_headers: which headers of answers pages may read.
        max_age: in seconds, for which a browser may keep the answer to a preflight.
    """

    __wrap_replaces__ = ("__call__", "simple_response", "send")

    def __init__(
        self,
        app: ASGIApp,
        allow_origins: Collection[str] = (),
        allow_methods: Collection[str] = ("GET",),
        allow_headers: Collection[str] = (),
        allow_credentials: bool = False,
        allow_origin_regex: str | None = None,
        allow_private_network: bool = False,
        expose_headers: Collection[str] = (),
        max_age: int = 600,
    ) -> None:
        self.app = app
        self.allow_origins = allow_origins
        self.allow_methods = ALL_METHODS if "*" in allow_methods else allow_methods
        self.allow_all_origins = "*" in allow_origins
        self.allow_all_headers = "*" in allow_headers
        self.allow_credentials = allow_credentials
        self.allow_origin_regex = re.compile(allow_origin_regex) if allow_origin_regex is not None else None
        self.allow_private_network = allow_private_network
        self.preflight_explicit_allow_origin = not self.allow_all_origins or allow_credentials

        named = sorted(SAFELISTED_HEADERS.union(allow_headers))
        self.allow_headers = [name.lower() for name in named]
        credentials = {"Access-Control-Allow-Credentials": "true"} if allow_credentials else {}
        self.simple_headers: dict[str, str] = {
            **({"Access-Control-Allow-Origin": "*"} if self.allow_all_origins else {}),
            **credentials,
            **({"Access-Control-Expose-Headers": ", ".join(expose_headers)} if expose_headers else {}),
        }
        self.preflight_headers: dict[str, str] = {
            "Vary": _PREFLIGHT_VARY,
            **({} if self.preflight_explicit_allow_origin else {"Access-Control-Allow-Origin": "*"}),
            "Access-Control-Allow-Methods": ", ".join(self.allow_methods),
            "Access-Control-Max-Age": str(max_age),
            **({} if self.allow_all_headers else {"Access-Control-Allow-Headers": ", ".join(named)}),
            **credentials,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if is_preflight(scope["method"], headers):
            await self.preflight_response(request_headers=headers)(scope, receive, send)
        else:
            await self.simple_response(scope, receive, send, request_headers=headers)

    async def __wrap__(self, c: RequestContext, call_next: CallNext) -> Reply:
        headers = Headers.over(c.http.headers)
        if is_preflight(c.http.method, headers):
            return self.preflight_response(request_headers=headers).__reply__()
        try:
            reply = (await call_next()).copy()
        except Exception:
            c.before_sending(lambda _, reply: self.add_headers(MutableHeaders(raw=reply.headers.raw), headers))
            raise
        self.add_headers(MutableHeaders(raw=reply.headers.raw), headers)
        return reply

    def is_allowed_origin(self, origin: str) -> bool:
        """Say whether pages of an origin may use the application."""
        if self.allow_all_origins or origin in self.allow_origins:
            return True
        return self.allow_origin_regex is not None and self.allow_origin_regex.fullmatch(origin) is not None

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer the question of a browser before the request itself; 400 names what is not allowed."""
        headers = dict(self.preflight_headers)
        refused = []
        origin = request_headers["origin"]
        if not self.is_allowed_origin(origin):
            refused.append("origin")
        elif self.preflight_explicit_allow_origin:
            headers["Access-Control-Allow-Origin"] = origin
        if request_headers["access-control-request-method"] not in self.allow_methods:
            refused.append("method")
        wanted = request_headers.get("access-control-request-headers")
        if wanted is not None and self.allow_all_headers:
            headers["Access-Control-Allow-Headers"] = wanted
        elif wanted is not None and any(name.strip() not in self.allow_headers for name in wanted.lower().split(",")):
            refused.append("headers")
        if "access-control-request-private-network" in request_headers:
            if self.allow_private_network:
                headers["Access-Control-Allow-Private-Network"] = "true"
            else:
                refused.append("private-network")
        # A browser decides by the headers; the status and the text are for people.
        if refused:
            return PlainTextResponse(f"Disallowed CORS {', '.join(refused)}", status_code=400, headers=headers)
        return PlainTextResponse("OK", status_code=200, headers=headers)

    async def simple_response(self, scope: Scope, receive: Receive, send: Send, request_headers: Headers) -> None:
        """Call the application, and add to its answer what the browser has to know."""

        async def send_with_headers(message: Message) -> None:
            await self.send(message, send=send, request_headers=request_headers)

        on_server_error(scope, lambda headers: self.add_headers(headers, request_headers))
        await self.app(scope, receive, send_with_headers)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Send a message of the application."""
        if message["type"] == "http.response.start":
            message.setdefault("headers", [])
            self.add_headers(MutableHeaders(scope=message), request_headers)
        await send(message)

    def add_headers(self, headers: MutableHeaders, request_headers: Mapping[str, str]) -> None:
        """Add to an answer what the browser has to know."""
        origin = request_headers.get("origin")
        if origin is not None:
            headers.update(self.simple_headers)
            # With credentials, or for some origins only, `*` would not do.
            if self.allow_credentials if self.allow_all_origins else self.is_allowed_origin(origin):
                self.allow_explicit_origin(headers, origin)
                return
        headers.add_vary_header("Origin")

    @staticmethod
    def allow_explicit_origin(headers: MutableHeaders, origin: str) -> None:
        """Allow one origin, by its name."""
        headers["Access-Control-Allow-Origin"] = origin
        headers.add_vary_header("Origin")


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Say whether a request is the question of a browser before the request itself (Fetch §3.2.2)."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
