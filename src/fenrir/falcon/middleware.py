"""`CORSMiddleware`: cross-origin requests (WHATWG Fetch §3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["CORSMiddleware"]


def _listed(value: str | Iterable[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)


class CORSMiddleware:
    """Allow origins to read responses.

    Args:
        allow_origins: "*", or origins.
        expose_headers: response headers that scripts may read.
        allow_credentials: None, "*", or origins that may send cookies.
        allow_private_network: answer preflights from public sites to private addresses.
    """

    def __init__(
        self,
        allow_origins: str | Iterable[str] = "*",
        expose_headers: str | Iterable[str] | None = None,
        allow_credentials: str | Iterable[str] | None = None,
        allow_private_network: bool = False,
    ) -> None:
        self.allow_origins = "*" if allow_origins == "*" else _listed(allow_origins)
        if self.allow_origins != "*" and "*" in self.allow_origins:
            raise ValueError('The wildcard string "*" may only be passed to allow_origins as a string literal.')
        exposed = expose_headers
        self.expose_headers = exposed if exposed is None or isinstance(exposed, str) else ", ".join(exposed)
        credentials = () if allow_credentials is None else allow_credentials
        self.allow_credentials = "*" if credentials == "*" else _listed(credentials)
        if self.allow_credentials != "*" and "*" in self.allow_credentials:
            raise ValueError('The wildcard string "*" may only be passed to allow_credentials as a string literal.')
        self.allow_private_network = allow_private_network

    def process_response(self, req: Any, resp: Any, resource: object, req_succeeded: bool) -> None:
        """Add the headers."""
        origin = req.get_header("Origin")
        if origin is None or (self.allow_origins != "*" and origin not in self.allow_origins):
            return
        if resp.get_header("Access-Control-Allow-Origin") is None:
            allowed = "*" if self.allow_origins == "*" else origin
            if self.allow_credentials == "*" or origin in self.allow_credentials:
                allowed = origin
                resp.set_header("Access-Control-Allow-Credentials", "true")
            if allowed != "*":
                resp.append_header("Vary", "Origin")
            resp.set_header("Access-Control-Allow-Origin", allowed)
        if self.expose_headers:
            resp.set_header("Access-Control-Expose-Headers", self.expose_headers)
        if req_succeeded and req.method == "OPTIONS" and req.get_header("Access-Control-Request-Method"):
            allow = resp.get_header("Allow")
            resp.delete_header("Allow")
            resp.set_header("Access-Control-Allow-Methods", allow or "")
            wanted = req.get_header("Access-Control-Request-Headers", default="*")
            resp.set_header("Access-Control-Allow-Headers", wanted)
            resp.set_header("Access-Control-Max-Age", "86400")
            if self.allow_private_network and req.get_header("Access-Control-Request-Private-Network") == "true":
                resp.set_header("Access-Control-Allow-Private-Network", "true")
