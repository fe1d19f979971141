"""Small functions on text that Bottle publishes: encodings, dates, the Authorization header, paths."""

from __future__ import annotations

import base64
import calendar
import inspect
from collections.abc import Callable, Iterator
from datetime import date, datetime
from email.utils import formatdate
from typing import Any

from fenrir.http import dates
from fenrir.http.ranges import parse_range

__all__ = [
    "html_escape",
    "html_quote",
    "http_date",
    "parse_auth",
    "parse_date",
    "parse_range_header",
    "path_shift",
    "py3k",
    "tob",
    "tonat",
    "touni",
    "yieldroutes",
]

py3k = True


def tob(text: Any, enc: str = "utf8") -> bytes:
    """Return text as bytes."""
    return text.encode(enc) if isinstance(text, str) else b"" if text is None else bytes(text)


def touni(data: Any, enc: str = "utf8", err: str = "strict") -> str:
    """Return bytes as text."""
    return data.decode(enc, err) if isinstance(data, bytes) else "" if data is None else str(data)


tonat = touni


def html_escape(string: str) -> str:
    """Escape markup and quotes."""
    for char, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#039;"):
        string = string.replace(char, entity)
    return string


def html_quote(string: str) -> str:
    """Escape and quote a text for an attribute."""
    escaped = html_escape(string).replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{escaped}"'


def http_date(value: Any) -> str:
    """Return a moment (a datetime, naive meaning UTC, a date, a time tuple or seconds) as an HTTP date."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        value = value.utctimetuple()
    elif isinstance(value, date):
        value = value.timetuple()
    if not isinstance(value, int | float):
        value = calendar.timegm(value)
    return formatdate(value, usegmt=True)


def parse_date(ims: Any) -> int | None:
    """Return an HTTP date as seconds since the epoch, None when it is none."""
    moment = dates.parse_date(ims) if isinstance(ims, str) else None
    return None if moment is None else int(moment.timestamp())


def parse_auth(header: str) -> tuple[str, str] | None:
    """Return user and password of a Basic Authorization header, None when it is none."""
    scheme, _, data = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = touni(base64.b64decode(tob(data.strip()))).partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def parse_range_header(header: str | None, maxlen: int = 0) -> Iterator[tuple[int, int]]:
    """Iterate over the half-open ranges of a Range header that can be satisfied."""
    yield from (parse_range(header, maxlen) or []) if header else []


def path_shift(script_name: str, path_info: str, shift: int = 1) -> tuple[str, str]:
    """Move segments from the path to the script name; back when `shift` is negative.

    Raises:
        AssertionError: there are not that many.
    """
    if shift == 0:
        return script_name, path_info
    path = [piece for piece in path_info.strip("/").split("/") if piece]
    script = [piece for piece in script_name.strip("/").split("/") if piece]
    if 0 < shift <= len(path):
        script, path = script + path[:shift], path[shift:]
    elif 0 > shift >= -len(script):
        script, path = script[:shift], script[shift:] + path
    else:
        raise AssertionError(f"Cannot shift. Nothing left from {'SCRIPT_NAME' if shift < 0 else 'PATH_INFO'}")
    shifted = "/" + "/".join(path)
    return "/" + "/".join(script), shifted + ("/" if path_info.endswith("/") and path else "")


def yieldroutes(func: Callable[..., Any]) -> Iterator[str]:
    """Iterate over the paths that stand for a function's name and arguments, one for each number of arguments."""
    path = "/" + func.__name__.replace("__", "/").lstrip("/")
    parameters = [
        p for p in inspect.signature(func).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    required = [p for p in parameters if p.default is p.empty]
    path += "".join(f"/<{p.name}>" for p in required)
    yield path
    for parameter in parameters[len(required) :]:
        path += f"/<{parameter.name}>"
        yield path
