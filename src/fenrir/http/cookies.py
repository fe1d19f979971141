"""Cookies: reading `Cookie`, writing `Set-Cookie` (RFC 6265bis).

Our own because the standard library's reader was quadratic (CVE-2024-7592) and its writer lets line ends through
(CVE-2026-0672). What is read is never trusted to be well-formed; what is written is checked in every attribute.

A value that is not made of cookie octets is written as a quoted string in which other bytes are octal escapes,
the convention that Python's frameworks share; reading undoes it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Literal

from fenrir.http.dates import format_date, parse_date

__all__ = ["MAX_COOKIES", "SameSite", "cookie_header", "parse_cookies"]

MAX_COOKIES = 300
"""Cookies read from one request. Browsers keep about 180 per site; header limits allow some thousands."""

SameSite = Literal["lax", "strict", "none", "Lax", "Strict", "None"]

# SECURITY: names that browsers and proxies trim differently must not pass as another name ("\x85__Host-a").
_READ_NAME = re.compile(r'[^\x00-\x20\x7f-\xa0=;"]+')
_READ_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPE = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OCTETS = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_WRITTEN_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TO_ESCAPE = re.compile(rb'[",;\\\x80-\xff]')
_PATH = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
_DOMAIN = re.compile(r"\.?[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,252}[A-Za-z0-9_])?")


def parse_cookies(header: str, *, limit: int = MAX_COOKIES, last: bool = False) -> dict[str, str]:
    """Return the cookies of a `Cookie` header; of equal names the first wins, as the more specific is sent first.

    With `last` the last one wins, as in some dialects.

    A pair without `=`, without a name or with a control character is ignored, and so is what follows after
    `limit` pairs. Quoted values are unquoted. Bytes that are UTF-8 are decoded so, others as latin-1.
    """
    cookies: dict[str, str] = {}
    has_control = _READ_CONTROL.search(header) is not None
    for pair in header.split(";", limit)[:limit]:
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if not equals or (name in cookies and not last) or _READ_NAME.fullmatch(name) is None:
            continue
        value = value.strip(" \t")
        if has_control and _READ_CONTROL.search(value) is not None:
            continue
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
            if "\\" in value:
                value = _ESCAPE.sub(_unescape, value)
        cookies[name] = value if value.isascii() else _as_utf8(value)
    return cookies


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def cookie_header(
    name: str,
    value: str,
    *,
    max_age: int | timedelta | None = None,
    expires: datetime | int | float | str | None = None,
    path: str | None = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = False,
    samesite: str | None = None,
    partitioned: bool = False,
) -> bytes:
    """Return the value of a `Set-Cookie` header.

    Args:
        expires: a datetime (naive: UTC), seconds since the epoch, or an HTTP date.
        domain: an international name is written in its ASCII form.
        samesite: "lax", "strict" or "none", in any case.

    Raises:
        ValueError: a part could break out of its place, or a browser would refuse the cookie because its name
            begins with `__Host-` or `__Secure-` (RFC 6265bis §4.1.3).
    """
    if _TOKEN.fullmatch(name) is None:
        raise ValueError(f"{name[:80]!r} is not a cookie name")
    _check_prefix(name, secure, path, domain)
    pieces = [f"{name}={_written_value(name, value)}"]
    if domain is not None:
        pieces.append(f"Domain={_written_domain(domain)}")
    if expires is not None:
        pieces.append(f"Expires={_written_date(expires)}")
    if max_age is not None:
        seconds = max_age.total_seconds() if isinstance(max_age, timedelta) else max_age
        pieces.append(f"Max-Age={int(seconds)}")
    if secure:
        pieces.append("Secure")
    if httponly:
        pieces.append("HttpOnly")
    if path is not None:
        if _PATH.fullmatch(path) is None:
            raise ValueError(f"cookie path {path[:80]!r} contains ';', a control or a non-ASCII character")
        pieces.append(f"Path={path}")
    if samesite is not None:
        if samesite.lower() not in ("lax", "strict", "none"):
            raise ValueError(f"samesite is 'lax', 'strict' or 'none', not {samesite[:80]!r}")
        pieces.append(f"SameSite={samesite.capitalize()}")
    if partitioned:
        pieces.append("Partitioned")
    return "; ".join(pieces).encode("ascii")


def _check_prefix(name: str, secure: bool, path: str | None, domain: str | None) -> None:
    prefix = name[:9].lower()
    if prefix.startswith("__host-") and not (secure and path == "/" and domain is None):
        raise ValueError(f"cookie {name[:80]!r} needs secure=True, path='/' and no domain")
    if prefix == "__secure-" and not secure:
        raise ValueError(f"cookie {name[:80]!r} needs secure=True")


def _written_value(name: str, value: str) -> str:
    if _OCTETS.fullmatch(value) is not None:
        return value
    if _WRITTEN_CONTROL.search(value) is not None:
        raise ValueError(f"the value of cookie {name!r} contains a control character")
    escaped = _TO_ESCAPE.sub(_escape, value.encode("utf-8"))
    return f'"{escaped.decode("ascii")}"'


def _escape(match: re.Match[bytes]) -> bytes:
    byte = match[0]
    return b"\\" + byte if byte in b'"\\' else b"\\%03o" % byte[0]


def _written_domain(domain: str) -> str:
    try:
        text = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        text = ""
    if _DOMAIN.fullmatch(text) is None:
        raise ValueError(f"{domain[:80]!r} is not a cookie domain")
    return text


def _written_date(expires: datetime | int | float | str) -> str:
    if not isinstance(expires, str):
        return format_date(expires)
    moment = parse_date(expires)
    if moment is None:
        raise ValueError(f"{expires[:80]!r} is not an HTTP date")
    return format_date(moment)
