"""Bottle's responses: the one under construction (`response`), and those that are returned or raised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from fenrir.bottle.structures import HeaderDict, header_key, header_value
from fenrir.bottle.text import http_date, parse_date, tob
from fenrir.core.errors import StatusError
from fenrir.core.reply import Reply
from fenrir.http.cookies import cookie_header
from fenrir.http.headers import MutableHeaders
from fenrir.http.status import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["BaseResponse", "CookieError", "HTTPError", "HTTPResponse", "Response", "sign", "unsign"]


# Upstream's phrases, which its error pages show, are those of the standard library.
_PHRASES = {**http.client.responses, 418: "I'm a teapot", 416: "Requested Range Not Satisfiable"}


class CookieError(Exception):
    """A cookie's attribute makes no sense."""


def sign(name: str, value: Any, secret: Any, digestmod: Any = hashlib.sha256) -> str:
    """Return a signed value for a cookie; the value is anything that JSON can hold."""
    message = base64.b64encode(json.dumps([name, value]).encode())
    signature = base64.b64encode(hmac.new(tob(secret), message, digestmod).digest())
    return (b"!" + signature + b"?" + message).decode()


def unsign(name: str, signed: str | None, secret: Any, digestmod: Any = hashlib.sha256) -> Any:
    """Return the value of a signed cookie, None when it is not ours."""
    if not signed or not signed.startswith("!") or "?" not in signed:
        return None
    signature, _, message = tob(signed[1:]).partition(b"?")
    expected = base64.b64encode(hmac.new(tob(secret), message, digestmod).digest())
    if not hmac.compare_digest(signature, expected):
        return None
    try:
        kept = json.loads(base64.b64decode(message))
    except ValueError:
        return None
    return kept[1] if isinstance(kept, list) and len(kept) == 2 and kept[0] == name else None


class BaseResponse:
    """Status, headers and cookies of a response, and a body of any type that a handler may return.

    Headers are items too: `response["X-Name"] = "value"`.
    """

    default_status: ClassVar[int] = 200
    default_content_type: ClassVar[str] = "text/html; charset=UTF-8"
    bad_headers: ClassVar[dict[int, frozenset[str]]] = {
        204: frozenset(("Content-Type", "Content-Length")),
        304: frozenset(
            (
                "Allow",
                "Content-Encoding",
                "Content-Language",
                "Content-Length",
                "Content-Range",
                "Content-Type",
                "Content-Md5",
                "Last-Modified",
            )
        ),
    }

    def __init__(
        self,
        body: Any = "",
        status: int | str | None = None,
        headers: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        **more_headers: Any,
    ) -> None:
        self._headers: dict[str, list[str]] = {}
        self._cookies: dict[str, bytes] = {}
        self._status_code = 200
        self._status_line = "200 OK"
        self.body = body
        self.status = status or self.default_status
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers or ())
        for name, value in (*pairs, *more_headers.items()):
            self.add_header(name, value)

    def __repr__(self) -> str:
        return "".join(f"{name.title()}: {value.strip()}\n" for name, value in self.headerlist)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.body)

    def copy(self, cls: type[BaseResponse] | None = None) -> Any:
        """Return an independent response with the same status, headers and cookies, without the body."""
        new = (cls or BaseResponse)()
        new.status = self.status
        new._headers = {name: values[:] for name, values in self._headers.items()}
        new._cookies = dict(self._cookies)
        return new

    def close(self) -> None:
        """Close the body."""
        if hasattr(self.body, "close"):
            self.body.close()

    # ----------------------------------------------------------------- status
    @property
    def status_line(self) -> str:
        """The status with its phrase."""
        return self._status_line

    @property
    def status_code(self) -> int:
        """The status as a number."""
        return self._status_code

    @property
    def status(self) -> str:
        """The status with its phrase; set it as a number or as a line ("404 Brain not found")."""
        return self._status_line

    @status.setter
    def status(self, status: int | str) -> None:
        if isinstance(status, int):
            code, line = int(status), f"{int(status)} {_PHRASES.get(int(status), 'Unknown')}"
        elif " " in status:
            if any(char in status for char in "\n\r\0"):
                raise ValueError("Status line must not include control chars.")
            line = status.strip()
            code = int(line.split()[0])
        else:
            raise ValueError("String status line without a reason phrase.")
        if not 100 <= code <= 999:
            raise ValueError("Status code out of range.")
        self._status_code, self._status_line = code, line

    # ---------------------------------------------------------------- headers
    @property
    def headers(self) -> HeaderDict:
        """The headers; changes reach the answer."""
        headers = HeaderDict()
        headers.dict = self._headers
        return headers

    def __contains__(self, name: str) -> bool:
        return header_key(name) in self._headers

    def __delitem__(self, name: str) -> None:
        del self._headers[header_key(name)]

    def __getitem__(self, name: str) -> str:
        return self._headers[header_key(name)][-1]

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_header(name, value)

    def get_header(self, name: str, default: Any = None) -> Any:
        """Return the newest value of a header."""
        return self._headers.get(header_key(name), [default])[-1]

    def set_header(self, name: str, value: Any) -> None:
        """Replace a header. Raises `ValueError` for line ends."""
        self._headers[header_key(name)] = [header_value(value)]

    def add_header(self, name: str, value: Any) -> None:
        """Add a header, keeping those of the same name."""
        self._headers.setdefault(header_key(name), []).append(header_value(value))

    @property
    def headerlist(self) -> list[tuple[str, str]]:
        """All headers, cookies included, as WSGI has them; those that the status forbids are left out."""
        fields = dict(self._headers)
        fields.setdefault("Content-Type", [self.default_content_type])
        bad = self.bad_headers.get(self._status_code, frozenset())
        pairs = [(name, value) for name, values in fields.items() if name not in bad for value in values]
        pairs += [("Set-Cookie", cookie.decode("latin-1")) for cookie in self._cookies.values()]
        return [(name, value.encode("utf8", "surrogateescape").decode("latin-1")) for name, value in pairs]

    def iter_headers(self) -> list[tuple[str, str]]:
        """Return `headerlist`."""
        return self.headerlist

    @property
    def content_type(self) -> str:
        """The Content-Type header, "" when it is not set."""
        return str(self.get_header("Content-Type", ""))

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.set_header("Content-Type", value)

    @property
    def content_length(self) -> int:
        """The Content-Length header, -1 when it is not set."""
        return int(self.get_header("Content-Length", -1))

    @content_length.setter
    def content_length(self, value: int) -> None:
        self.set_header("Content-Length", str(value))

    @property
    def expires(self) -> datetime:
        """The Expires header."""
        return datetime.fromtimestamp(parse_date(self.get_header("Expires", "")) or 0, UTC)

    @expires.setter
    def expires(self, value: Any) -> None:
        self.set_header("Expires", http_date(value))

    @property
    def charset(self) -> str:
        """The charset in the Content-Type header, UTF-8 by default."""
        _, found, rest = self.content_type.rpartition("charset=")
        return rest.split(";")[0].strip() if found else "UTF-8"

    # ---------------------------------------------------------------- cookies
    def set_cookie(
        self, name: str, value: Any, secret: Any = None, digestmod: Any = hashlib.sha256, **options: Any
    ) -> None:
        """Set a cookie.

        Args:
            value: text; with a secret anything that JSON can hold, signed.
            options: max_age (maxage), expires, path, domain, secure, httponly, samesite (same_site).

        Raises:
            TypeError: another option, or a value that is no text and no secret.
            ValueError: it is too long for a browser.
        """
        if secret:
            value = sign(name, value, secret, digestmod)
        elif not isinstance(value, str):
            raise TypeError("Secret key required for non-string cookies.")
        if len(name) + len(value) > 3800:
            raise ValueError("Content does not fit into a cookie.")
        names = {"maxage": "max_age", "same_site": "samesite"}
        known: dict[str, Any] = {"path": None}
        for key, option in options.items():
            known[names.get(key, key)] = option
        if "samesite" in known:
            known["samesite"] = (known["samesite"] or "none").lower()
            if known["samesite"] not in ("lax", "strict", "none"):
                raise CookieError("Invalid value for SameSite")
        if isinstance(known.get("max_age"), timedelta):
            known["max_age"] = int(known["max_age"].total_seconds())
        if "expires" in known:
            known["expires"] = http_date(known["expires"])
        for flag in ("secure", "httponly"):
            known[flag] = bool(known.get(flag))
        self._cookies[name] = cookie_header(name, value, **known)

    def delete_cookie(self, key: str, **options: Any) -> None:
        """Have the client forget a cookie; path and domain must be those with which it was set."""
        self.set_cookie(key, "", **{**options, "max_age": -1, "expires": 0})

    # ------------------------------------------------------------------ reply
    def apply(self, other: BaseResponse) -> None:
        """Make another response the same as this one."""
        other._status_code, other._status_line = self._status_code, self._status_line
        other._headers, other._cookies, other.body = self._headers, self._cookies, self.body

    def as_reply(self, body: bytes = b"", stream: Any = None) -> Reply:
        """Return the engine's reply with these headers and a body."""
        headers = MutableHeaders()
        headers.raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headerlist]
        return Reply(self._status_code, headers, body, stream)


Response = BaseResponse


class HTTPResponse(BaseResponse, StatusError):
    """A response to return or to raise; it takes the place of `response`, and no error handler sees it."""

    def __init__(
        self,
        body: Any = "",
        status: int | str | None = None,
        headers: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        **more_headers: Any,
    ) -> None:
        BaseResponse.__init__(self, body, status, headers, **more_headers)

    @property
    def http_status(self) -> int:  # type: ignore[override]
        """The status as a number."""
        return self._status_code

    @property
    def http_detail(self) -> Any:
        """The body."""
        return self.body or phrase(self._status_code)

    @property
    def http_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """The headers, but for those of the body."""
        pairs = [(name, value) for name, values in self._headers.items() for value in values]
        return [(name, value) for name, value in pairs if not name.startswith("Content-")]

    def __reply__(self) -> Reply:
        from fenrir.bottle._dialect import cast_alone

        return cast_alone(self)


class HTTPError(HTTPResponse):
    """A response that the error handler of its status answers.

    Attributes:
        exception, traceback: what caused it, if it was not raised on purpose.
    """

    default_status = 500

    def __init__(
        self,
        status: int | str | None = None,
        body: Any = None,
        exception: BaseException | None = None,
        traceback: str | None = None,
        **more_headers: Any,
    ) -> None:
        self.exception = exception
        self.traceback = traceback
        super().__init__(body, status, **more_headers)
