"""Cookies of a Sanic response: the jar writes Set-Cookie headers, with upstream's defaults (secure, SameSite=Lax)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fenrir.http.cookies import cookie_header
from fenrir.http.headers import MutableHeaders

__all__ = ["CookieJar"]


def _key(key: str, host_prefix: bool, secure_prefix: bool) -> str:
    if host_prefix and secure_prefix:
        raise ValueError("Both host_prefix and secure_prefix were requested. A cookie should have only one prefix.")
    return f"__Host-{key}" if host_prefix else f"__Secure-{key}" if secure_prefix else key


class CookieJar:
    """The cookies that a response sets."""

    def __init__(self, fields: MutableHeaders) -> None:
        self._fields = fields

    def __len__(self) -> int:
        return len(self._fields.getall("set-cookie"))

    def has_cookie(self, key: str, *, host_prefix: bool = False, secure_prefix: bool = False) -> bool:
        """Say whether a cookie of this name is set."""
        start = _key(key, host_prefix, secure_prefix) + "="
        return any(value.startswith(start) for value in self._fields.getall("set-cookie"))

    def add_cookie(
        self,
        key: str,
        value: str,
        *,
        path: str = "/",
        domain: str | None = None,
        secure: bool = True,
        max_age: int | None = None,
        expires: datetime | None = None,
        httponly: bool = False,
        samesite: str | None = "Lax",
        partitioned: bool = False,
        host_prefix: bool = False,
        secure_prefix: bool = False,
    ) -> None:
        """Set a cookie. Raises `ValueError` for parts that a browser would refuse."""
        header = cookie_header(
            _key(key, host_prefix, secure_prefix),
            str(value),
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )
        self._fields.add("set-cookie", header)

    def delete_cookie(self, key: str, *, host_prefix: bool = False, secure_prefix: bool = False, **where: Any) -> None:
        """Have the client forget a cookie; `where` as of `add_cookie`: path, domain, secure, ..."""
        start = (_key(key, host_prefix, secure_prefix) + "=").encode("latin-1")
        raw = self._fields.raw
        raw[:] = [pair for pair in raw if pair[0] != b"set-cookie" or not pair[1].startswith(start)]
        where.setdefault("samesite", None)
        self.add_cookie(key, "", max_age=0, host_prefix=host_prefix, secure_prefix=secure_prefix, **where)
