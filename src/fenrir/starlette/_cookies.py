"""`Set-Cookie` as upstream writes it: by the standard library's rules of quoting and order."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from email.utils import format_datetime
from http.cookies import Morsel, SimpleCookie

from fenrir.http.headers import checked_value

__all__ = ["set_cookie_value"]

# SECURITY: these end an attribute or the header; the standard library looks at the name and the value only.
_ENDS = re.compile(r"[;\x00-\x1f\x7f]")


def set_cookie_value(
    key: str,
    value: str,
    *,
    max_age: int | None,
    expires: datetime | str | int | None,
    path: str | None,
    domain: str | None,
    secure: bool,
    httponly: bool,
    samesite: str | None,
    partitioned: bool,
) -> bytes:
    """Return the value of a `Set-Cookie` header; `expires` as a number is seconds from now.

    Raises:
        http.cookies.CookieError: the name is no token.
        ValueError: an attribute could break out of its place.
    """
    jar: SimpleCookie = SimpleCookie()
    jar[key] = value
    cookie: Morsel[str] = jar[key]
    if isinstance(expires, datetime):
        expires = format_datetime(expires, usegmt=True)
    if samesite is not None:
        assert samesite.lower() in ("strict", "lax", "none"), "samesite must be either 'strict', 'lax' or 'none'"
    if partitioned and sys.version_info < (3, 14):
        raise ValueError("Partitioned cookies are only supported in Python 3.14 and above.")
    attributes = {
        "max-age": max_age,
        "expires": expires,
        "path": path,
        "domain": domain,
        "samesite": samesite,
        "secure": secure or None,
        "httponly": httponly or None,
        "partitioned": partitioned or None,
    }
    for name, given in attributes.items():
        if given is None:
            continue
        if isinstance(given, str) and _ENDS.search(given) is not None:
            raise ValueError(f"{name} of cookie {key!r} contains a semicolon or a control character: {given[:80]!r}")
        cookie[name] = given
    return checked_value(cookie.OutputString())
