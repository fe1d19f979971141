"""Redirects by exception: raised anywhere in a request, they are its answer."""

from __future__ import annotations

from fenrir.falcon.http_error import HTTPStatus

__all__ = [
    "HTTPFound",
    "HTTPMovedPermanently",
    "HTTPPermanentRedirect",
    "HTTPSeeOther",
    "HTTPTemporaryRedirect",
]


class _Redirect(HTTPStatus):
    _line: str

    def __init__(self, location: str, headers: dict[str, str] | None = None) -> None:
        given = {} if headers is None else dict(headers)
        given.setdefault("location", location)
        super().__init__(self._line, given)


class HTTPMovedPermanently(_Redirect):
    """301."""

    http_status = 301
    _line = "301 Moved Permanently"


class HTTPFound(_Redirect):
    """302."""

    http_status = 302
    _line = "302 Found"


class HTTPSeeOther(_Redirect):
    """303."""

    http_status = 303
    _line = "303 See Other"


class HTTPTemporaryRedirect(_Redirect):
    """307."""

    http_status = 307
    _line = "307 Temporary Redirect"


class HTTPPermanentRedirect(_Redirect):
    """308."""

    http_status = 308
    _line = "308 Permanent Redirect"
