"""`HTTPError`, `HTTPStatus` and what both need: status lines."""

from __future__ import annotations

import http
import re
import xml.etree.ElementTree as et
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fenrir.core.errors import StatusError
from fenrir.falcon import status_codes

if TYPE_CHECKING:
    from fenrir.falcon.media.base import BaseHandler

__all__ = [
    "HTTPError",
    "HTTPStatus",
    "HeaderArg",
    "ResponseStatus",
    "code_to_http_status",
    "encode_uri",
    "encode_uri_checked",
    "header_items",
    "http_status_to_code",
]

ResponseStatus = str | int | bytes | http.HTTPStatus
HeaderArg = Mapping[str, str] | Iterable[tuple[str, str]]

_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2}|[-._~:/?#\[\]@!$&'()*+,;=0-9A-Za-z])*")
_LINES: Mapping[int, str] = {
    int(name[5:]): getattr(status_codes, name) for name in status_codes.__all__ if name[5:].isdigit()
}


def http_status_to_code(status: ResponseStatus) -> int:
    """Return the code of a status given as 404, "404 Not Found" or `HTTPStatus.NOT_FOUND`.

    Raises:
        ValueError: there are no three digits from 100 to 999.
    """
    if isinstance(status, http.HTTPStatus):
        return status.value
    if isinstance(status, int):
        if not 100 <= status <= 999:
            raise ValueError(f"{status} is not a valid status code")
        return status
    text = status.decode() if isinstance(status, bytes) else status
    if not isinstance(text, str) or len(text) < 3:
        raise ValueError(f"status {status!r} is not a valid status line")
    try:
        return http_status_to_code(int(text[:3]))
    except ValueError:
        raise ValueError(f"status {status!r} does not begin with a status code") from None


def code_to_http_status(status: ResponseStatus) -> str:
    """Return the status line of a status."""
    if isinstance(status, str) and len(status) > 3 and status[3] == " ":
        return status
    code = http_status_to_code(status)
    return _LINES.get(code, f"{code} Unknown")


def encode_uri(text: str) -> str:
    """Percent-encode a whole URI, its delimiters kept (RFC 3986 §2)."""
    return quote(text, safe="-._~:/?#[]@!$&'()*+,;=")


def encode_uri_checked(text: str) -> str:
    """Percent-encode a whole URI unless it is encoded already."""
    if "%" in text and _ENCODED.fullmatch(text) is not None:
        return text
    return encode_uri(text)


def header_items(headers: HeaderArg | None) -> list[tuple[str, str]]:
    """Return headers, given as a mapping or as pairs, as pairs."""
    if headers is None:
        return []
    return [*headers.items()] if isinstance(headers, Mapping) else [*headers]


class HTTPError(StatusError):
    """An error with a status, serialised for the client as it accepts.

    Attributes:
        title, description, code, link: what the client is told.
    """

    def __init__(
        self,
        status: ResponseStatus,
        *,
        title: str | None = None,
        description: str | None = None,
        headers: HeaderArg | None = None,
        href: str | None = None,
        href_text: str | None = None,
        code: int | None = None,
    ) -> None:
        self.status = status
        self.title = title or code_to_http_status(status)
        self.description = description
        self.headers = headers
        self.code = code
        self.link: dict[str, str] | None = None
        if href:
            text = href_text or "Documentation related to this error"
            self.link = {"text": text, "href": encode_uri(href), "rel": "help"}
        self.http_status = http_status_to_code(status)
        self.http_headers: Sequence[tuple[str, str]] = header_items(headers)
        super().__init__(status, title, description)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status!s}>"

    __str__ = __repr__

    @property
    def http_detail(self) -> Any:
        """What another dialect may tell the client."""
        return self.description if self.description is not None else self.title

    @property
    def status_code(self) -> int:
        """The status as a number."""
        return http_status_to_code(self.status)

    def to_dict(self, obj_type: type[Any] = dict) -> Any:
        """Return what the client is told as a mapping."""
        told = obj_type()
        told["title"] = self.title
        for name in ("description", "code", "link"):
            value = getattr(self, name)
            if value is not None:
                told[name] = value
        return told

    def to_json(self, handler: BaseHandler | None = None) -> bytes:
        """Return what the client is told as JSON."""
        from fenrir.falcon.media.json import DEFAULT_JSON_HANDLER

        return (handler or DEFAULT_JSON_HANDLER).serialize(self.to_dict(), "application/json")

    def to_xml(self) -> bytes:
        """Return what the client is told as XML."""
        error = et.Element("error")
        et.SubElement(error, "title").text = self.title
        if self.description is not None:
            et.SubElement(error, "description").text = self.description
        if self.code is not None:
            et.SubElement(error, "code").text = str(self.code)
        if self.link is not None:
            link = et.SubElement(error, "link")
            for name in ("text", "href", "rel"):
                et.SubElement(link, name).text = self.link[name]
        document: bytes = et.tostring(error, encoding="utf-8")
        return b'<?xml version="1.0" encoding="UTF-8"?>' + document


class HTTPStatus(StatusError):
    """A response by exception, not necessarily an error: status, headers and text."""

    def __init__(self, status: ResponseStatus, headers: HeaderArg | None = None, text: str | None = None) -> None:
        self.status = status
        self.headers = headers
        self.text = text
        self.http_status = http_status_to_code(status)
        self.http_headers: Sequence[tuple[str, str]] = header_items(headers)
        self.http_detail = text
        super().__init__(status)

    @property
    def status_code(self) -> int:
        """The status as a number."""
        return http_status_to_code(self.status)
