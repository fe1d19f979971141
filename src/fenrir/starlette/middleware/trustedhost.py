"""Only for known hosts: requests that name another one are refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fenrir.core.context import RequestContext
from fenrir.core.reply import Reply
from fenrir.starlette._url import parse_host_header
from fenrir.starlette.datastructures import URL, Headers
from fenrir.starlette.middleware._hook import CallNext
from fenrir.starlette.requests import Request
from fenrir.starlette.responses import PlainTextResponse, RedirectResponse, Response
from fenrir.starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TrustedHostMiddleware"]

_WILDCARD = "Domain wildcard patterns must be like '*.example.com'."


class TrustedHostMiddleware:
    """Answers a request for a host that is not allowed with 400.

    Args:
        allowed_hosts: names, `*.name` for all its subdomains, or `*`, which is the default.
        www_redirect: redirect from `name` when only `www.name` is allowed.
    """

    __wrap_replaces__ = ("__call__",)

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str] | None = None, www_redirect: bool = True) -> None:
        allowed_hosts = ["*"] if allowed_hosts is None else allowed_hosts
        for pattern in allowed_hosts:
            assert "*" not in pattern[1:], _WILDCARD
            assert pattern == "*" or not pattern.startswith("*") or pattern.startswith("*."), _WILDCARD
        self.app = app
        self.allowed_hosts = [pattern.lower() for pattern in allowed_hosts]
        self.allow_any = "*" in allowed_hosts
        self.www_redirect = www_redirect

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.allow_any or scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = self.refusal(Headers(scope=scope).get("host"), lambda: URL(scope=scope))
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    async def __wrap__(self, c: RequestContext, call_next: CallNext) -> Reply:
        refusal = self.refusal(c.http.headers.get("host"), lambda: Request.of(c).url)
        return await call_next() if refusal is None else refusal.__reply__()

    def refusal(self, host: str | None, url: Callable[[], URL]) -> Response | None:
        """Return the answer to a request for a host, None when it is allowed."""
        if self.allow_any:
            return None
        parsed = parse_host_header(host)
        if parsed is not None:
            name = parsed.host.lower()
            if any(
                name == known or (known[0] == "*" and name.endswith(known[1:])) for known in self.allowed_hosts if known
            ):
                return None
            if self.www_redirect and f"www.{name}" in self.allowed_hosts:
                here = url()
                return RedirectResponse(url=str(here.replace(netloc=f"www.{here.netloc}")))
        return PlainTextResponse("Invalid host header", status_code=400)


def _is_subdomain(name: str, pattern: str) -> bool:
    return pattern.startswith("*") and name.endswith(pattern[1:])
