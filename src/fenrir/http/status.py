"""Status codes and their phrases, by RFC 9110 §15 and the IANA registry.

Phrases are our own table because the standard library's differ between Python versions (413 and 422 were renamed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

__all__ = ["PHRASES", "forbids_body", "parse_status", "phrase"]

PHRASES: Mapping[int, str] = MappingProxyType(
    {
        100: "Continue",
        101: "Switching Protocols",
        102: "Processing",
        103: "Early Hints",
        200: "OK",
        201: "Created",
        202: "Accepted",
        203: "Non-Authoritative Information",
        204: "No Content",
        205: "Reset Content",
        206: "Partial Content",
        207: "Multi-Status",
        208: "Already Reported",
        226: "IM Used",
        300: "Multiple Choices",
        301: "Moved Permanently",
        302: "Found",
        303: "See Other",
        304: "Not Modified",
        305: "Use Proxy",
        307: "Temporary Redirect",
        308: "Permanent Redirect",
        400: "Bad Request",
        401: "Unauthorized",
        402: "Payment Required",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        406: "Not Acceptable",
        407: "Proxy Authentication Required",
        408: "Request Timeout",
        409: "Conflict",
        410: "Gone",
        411: "Length Required",
        412: "Precondition Failed",
        413: "Content Too Large",
        414: "URI Too Long",
        415: "Unsupported Media Type",
        416: "Range Not Satisfiable",
        417: "Expectation Failed",
        418: "I'm a Teapot",
        421: "Misdirected Request",
        422: "Unprocessable Content",
        423: "Locked",
        424: "Failed Dependency",
        425: "Too Early",
        426: "Upgrade Required",
        428: "Precondition Required",
        429: "Too Many Requests",
        431: "Request Header Fields Too Large",
        451: "Unavailable For Legal Reasons",
        500: "Internal Server Error",
        501: "Not Implemented",
        502: "Bad Gateway",
        503: "Service Unavailable",
        504: "Gateway Timeout",
        505: "HTTP Version Not Supported",
        506: "Variant Also Negotiates",
        507: "Insufficient Storage",
        508: "Loop Detected",
        510: "Not Extended",
        511: "Network Authentication Required",
    }
)
"""Registered status codes and their phrases."""

_STATUS_LINE = re.compile(r"([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?", re.ASCII)


def phrase(code: int) -> str:
    """Return the phrase of a status code, "" for an unregistered one."""
    return PHRASES.get(code, "")


def forbids_body(code: int) -> bool:
    """Say whether a response with this status has no content: 1xx, 204, 304 (RFC 9110 §6.4.1)."""
    return code < 200 or code == 204 or code == 304


def parse_status(status: int | str | bytes | HTTPStatus) -> int:
    """Return the code of a status given as 404, "404", "404 Not Found" or `HTTPStatus.NOT_FOUND`.

    Raises:
        ValueError: it is not three digits from 100 to 999, or its phrase could split a response.
    """
    if isinstance(status, int):
        if isinstance(status, bool) or not 100 <= status <= 999:
            raise ValueError(f"status code {status!r} is not between 100 and 999")
        return int(status)
    text = status.decode("latin-1") if isinstance(status, bytes) else status
    match = _STATUS_LINE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not a status line like '404 Not Found'")
    return int(match[1])
