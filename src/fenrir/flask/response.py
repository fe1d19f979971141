"""The response class: a view over a `Reply` with the attributes that Flask's users know.

Whatever is set here is set in the reply, so hooks of every dialect see it.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Self

from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.flask.datastructures import Headers, HeaderSet
from fenrir.flask.exceptions import status_name
from fenrir.http.conditional import evaluate
from fenrir.http.cookies import cookie_header
from fenrir.http.dates import format_date, parse_date
from fenrir.http.etags import ETag, parse_etag
from fenrir.http.headers import parse_dict_params

__all__ = ["Response", "text_pieces", "with_charset"]

_TEXT_TYPES = frozenset({"application/ecmascript", "application/javascript", "application/sql", "application/xml"})


def with_charset(mimetype: str) -> str:
    """Return the content type for a type: text gets the charset that we write."""
    if mimetype.startswith("text/") or mimetype in _TEXT_TYPES or mimetype.endswith("+xml"):
        return f"{mimetype}; charset=utf-8"
    return mimetype


def text_pieces(pieces: Iterable[Any]) -> Iterator[bytes]:
    """Encode the pieces of a stream, and close it when nobody wants more."""
    try:
        for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else bytes(piece)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


async def _async_pieces(pieces: AsyncIterable[Any]) -> Any:
    async for piece in pieces:
        yield piece.encode() if isinstance(piece, str) else bytes(piece)


class Response:
    """A response.

    Args:
        response: text, bytes, or an iterable of them, which is streamed if it is an iterator.
        status: a number, or "404 NOT FOUND".
        mimetype: a type to which a charset is added where it is text.
        content_type: the whole content-type instead.
        direct_passthrough: accepted for compatibility; nothing is ever looked at twice.
    """

    default_status = 200
    default_mimetype: str | None = "text/html"
    autocorrect_location_header = False
    max_cookie_size = 4093

    def __init__(
        self,
        response: Any = None,
        status: int | str | HTTPStatus | None = None,
        headers: Any = None,
        mimetype: str | None = None,
        content_type: str | None = None,
        direct_passthrough: bool = False,
    ) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.direct_passthrough = direct_passthrough
        self._reply = Reply(self.default_status, self.headers.fields)
        self._reason: str | None = None
        if content_type is None:
            if mimetype is None and "content-type" not in self.headers:
                mimetype = self.default_mimetype
            content_type = with_charset(mimetype) if mimetype is not None else None
        if content_type is not None:
            self.headers["Content-Type"] = content_type
        if status is not None:
            self.status = status
        self._set_body(response)

    @classmethod
    def over(cls, reply: Reply) -> Self:
        """Return the view of a reply."""
        view = cls.__new__(cls)
        view.headers = Headers(reply.headers)
        view.direct_passthrough = False
        view._reply = reply
        view._reason = None
        return view

    @classmethod
    def force_type(cls, response: Any, environ: Any = None) -> Self:
        """Return a response of any dialect as one of this class. Raises TypeError if it is none."""
        if isinstance(response, cls):
            return response
        if hasattr(response, "__reply__"):
            return cls.over(response.__reply__())
        raise TypeError(f"{type(response).__name__} is not a response")

    def __reply__(self) -> Reply:
        return self._reply

    def _set_body(self, value: Any) -> None:
        reply = self._reply
        reply.stream, reply.body = None, b""
        if value is None:
            return
        if isinstance(value, str):
            reply.body = value.encode()
        elif isinstance(value, bytes | bytearray | memoryview):
            reply.body = bytes(value)
        elif isinstance(value, AsyncIterable):
            reply.stream = _async_pieces(value)
        elif isinstance(value, list | tuple):
            reply.body = b"".join(text_pieces(value))
        else:
            reply.stream = text_pieces(value)

    # ---------------------------------------------------------------- status
    @property
    def status_code(self) -> int:
        """The status as a number."""
        return self._reply.status

    @status_code.setter
    def status_code(self, code: int) -> None:
        self.status = code

    @property
    def status(self) -> str:
        """The status with its phrase; a number may be set too."""
        return f"{self._reply.status} {self._reason or status_name(self._reply.status).upper()}"

    @status.setter
    def status(self, value: str | int | HTTPStatus) -> None:
        if isinstance(value, int):
            self._reply.status, self._reason = int(value), None
            return
        code, _, reason = str(value).strip().partition(" ")
        if not value or not code:
            raise ValueError("Empty status argument")
        if not code.isdigit():
            self._reply.status, self._reason = 0, str(value)
            raise ValueError(f"{value!r} does not begin with a status code")
        self._reply.status, self._reason = int(code), reason or None

    # ------------------------------------------------------------------ body
    @property
    def response(self) -> Iterable[bytes] | Any:
        """The body as an iterable of bytes."""
        return self._reply.stream if self._reply.stream is not None else [self._reply.body]

    @response.setter
    def response(self, value: Any) -> None:
        self._set_body(value)

    @property
    def is_streamed(self) -> bool:
        """The body is made while it is sent."""
        return self._reply.stream is not None

    is_sequence = property(lambda self: not self.is_streamed)

    def _whole(self) -> bytes:
        reply = self._reply
        if reply.stream is not None:
            if isinstance(reply.stream, AsyncIterable):
                raise RuntimeError("the body of this response is an asynchronous stream; it has no value yet")
            reply.body, reply.stream = b"".join(reply.stream), None
        return reply.body

    def get_data(self, as_text: bool = False) -> Any:
        """Return the body; a stream is read to its end first."""
        data = self._whole()
        return data.decode() if as_text else data

    def set_data(self, value: str | bytes) -> None:
        """Replace the body."""
        self._set_body(value)
        self.headers.remove("Content-Length")

    data = property(lambda self: self.get_data(), lambda self, value: self.set_data(value))

    @property
    def text(self) -> str:
        """The body as text."""
        return self._whole().decode()

    def iter_encoded(self) -> Iterable[bytes]:
        """Iterate over the body."""
        return iter(self.response)

    def make_sequence(self) -> None:
        """Read a stream to its end now."""
        self._whole()

    freeze = make_sequence

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        """Return the body read as JSON; None if it is none and `silent`, or not declared as such."""
        if not force and not self.is_json:
            return None
        try:
            return json.loads(self._whole())
        except ValueError:
            if silent:
                return None
            raise

    json = property(lambda self: self.get_json())

    @property
    def is_json(self) -> bool:
        """The content type is JSON."""
        return self.mimetype == "application/json" or (
            (self.mimetype or "").startswith("application/") and (self.mimetype or "").endswith("+json")
        )

    def calculate_content_length(self) -> int | None:
        """Return the length of the body, None for a stream."""
        return None if self.is_streamed else len(self._reply.body)

    def call_on_close(self, func: Callable[[], Any]) -> Callable[[], Any]:
        """Call a function after the response was sent."""
        before = self._reply.background

        async def background() -> None:
            if before is not None:
                await before()
            await to_thread(func)

        self._reply.background = background
        return func

    # --------------------------------------------------------------- headers
    @property
    def content_type(self) -> str | None:
        """The content type with its parameters."""
        return self.headers.get("content-type")  # type: ignore[no-any-return]

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["Content-Type"] = value

    @property
    def mimetype(self) -> str | None:
        """The content type without parameters; setting it adds a charset to text."""
        value = self.content_type
        return parse_dict_params(value)[0] if value else None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        self.headers["Content-Type"] = with_charset(value)

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the content type."""
        return parse_dict_params(self.content_type or "")[1]

    @property
    def content_length(self) -> int | None:
        """The length as the header says it, or that of the body; the header itself is added when it is sent."""
        declared: int | None = self.headers.get("content-length", type=int)
        return self.calculate_content_length() if declared is None else declared

    @content_length.setter
    def content_length(self, value: int) -> None:
        self.headers["Content-Length"] = str(value)

    @property
    def location(self) -> str | None:
        """Where a redirect leads."""
        return self.headers.get("location")  # type: ignore[no-any-return]

    @location.setter
    def location(self, value: str) -> None:
        self.headers["Location"] = value

    @property
    def vary(self) -> HeaderSet:
        """The names in `Vary`."""
        return HeaderSet(self._reply.headers, "vary")

    @property
    def allow(self) -> HeaderSet:
        """The methods in `Allow`."""
        return HeaderSet(self._reply.headers, "allow")

    @property
    def last_modified(self) -> datetime | None:
        """When the resource was changed."""
        return parse_date(self.headers.get("last-modified", ""))

    @last_modified.setter
    def last_modified(self, value: datetime | float) -> None:
        self.headers["Last-Modified"] = format_date(value)

    @property
    def expires(self) -> datetime | None:
        """Until when the response may be kept."""
        return parse_date(self.headers.get("expires", ""))

    @expires.setter
    def expires(self, value: datetime | float) -> None:
        self.headers["Expires"] = format_date(value)

    def set_etag(self, etag: str, weak: bool = False) -> None:
        """Set the entity tag."""
        self.headers["ETag"] = str(ETag(etag, weak))

    def get_etag(self) -> tuple[str | None, bool | None]:
        """Return the entity tag and whether it is weak."""
        tag = parse_etag(self.headers.get("etag", ""))
        return (None, None) if tag is None else (tag.value, tag.weak)

    def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:
        """Set an entity tag made of the body."""
        from hashlib import sha1

        if overwrite or "etag" not in self.headers:
            self.set_etag(sha1(self._whole()).hexdigest(), weak)

    def make_conditional(self, request: Any, **_: Any) -> Self:
        """Become a 304 or 412 if the conditions of the request say so."""
        verdict = evaluate(
            request.method,
            request.headers,
            etag=parse_etag(self.headers.get("etag", "")),
            last_modified=self.last_modified,
        )
        if verdict is not None and 200 <= self.status_code < 300:
            self.status_code = verdict
            self._set_body(None)
        return self

    # --------------------------------------------------------------- cookies
    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: timedelta | int | None = None,
        expires: str | datetime | int | float | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie. Raises ValueError where a part could break out of its place."""
        if expires is None and max_age is not None:
            # Clients that know only one of the two are old, but applications' tests look for both.
            expires = time.time() + (max_age.total_seconds() if isinstance(max_age, timedelta) else max_age)
        self._reply.headers.add(
            "set-cookie",
            cookie_header(
                key,
                value,
                max_age=max_age,
                expires=expires,
                path=path,
                domain=domain,
                secure=secure,
                httponly=httponly,
                samesite=samesite,
                partitioned=partitioned,
            ),
        )

    def delete_cookie(
        self,
        key: str,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Delete a cookie; path and domain must be those with which it was set."""
        self.set_cookie(
            key,
            expires=datetime.fromtimestamp(0, UTC),
            max_age=0,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )

    def close(self) -> None:
        """Close a stream that is not going to be sent."""
        close = getattr(self._reply.stream, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        size = "streamed" if self.is_streamed else f"{len(self._reply.body)} bytes"
        return f"<{type(self).__name__} {size} [{self.status}]>"
