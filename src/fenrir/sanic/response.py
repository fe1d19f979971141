"""Sanic's responses: views over the engine's reply, and the functions that make them.

`HTTPResponse` is at once what a handler returns, what a response middleware sees, and what `await request.respond()`
gives to be written to piece by piece.
"""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from os import PathLike, fspath, stat
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote_plus

from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.http.dates import format_date, parse_date
from fenrir.http.headers import MutableHeaders, format_params
from fenrir.http.json import dumps as dump_json
from fenrir.http.status import forbids_body
from fenrir.sanic.cookies import CookieJar
from fenrir.sanic.exceptions import SanicException, ServerError
from fenrir.sanic.headers import Header
from fenrir.sanic.streaming import Drive, Piece, hand_over

__all__ = [
    "BaseHTTPResponse",
    "HTTPResponse",
    "JSONResponse",
    "ResponseStream",
    "empty",
    "file",
    "file_stream",
    "guess_content_type",
    "html",
    "json",
    "json_dumps",
    "raw",
    "redirect",
    "text",
    "validate_file",
]

_UNSET: Any = object()


def json_dumps(value: Any, **options: Any) -> str:
    """Return a value as JSON text."""
    if options:
        import json as standard

        return standard.dumps(value, **options)
    return dump_json(value).decode()


def _encoded(data: Any) -> bytes:
    if data is None:
        return b""
    if isinstance(data, bytes):
        return data
    return data.encode() if hasattr(data, "encode") else bytes(data)


class BaseHTTPResponse:
    """What all responses share."""

    __slots__ = ("__weakref__", "_ended", "_reply", "_sending")

    _dumps = staticmethod(json_dumps)

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._sending = False  # request.respond() gave it away
        self._ended = False

    @classmethod
    def over(cls, reply: Reply) -> BaseHTTPResponse:
        """Return a view of a reply."""
        response = HTTPResponse.__new__(HTTPResponse)
        BaseHTTPResponse.__init__(response, reply)
        return response

    def __reply__(self) -> Reply:
        return self._reply

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status} {self.content_type}>"

    @property
    def status(self) -> int:
        """The status code."""
        return self._reply.status

    @status.setter
    def status(self, status: int) -> None:
        self._reply.status = int(status)

    @property
    def headers(self) -> Header:
        """The headers; changes reach the answer."""
        return Header.over(self._reply.headers)

    @headers.setter
    def headers(self, headers: Mapping[str, Any]) -> None:
        self._reply.headers = MutableHeaders(Header(headers).items())

    @property
    def content_type(self) -> str | None:
        """The content-type header."""
        return self._reply.headers.get("content-type")

    @content_type.setter
    def content_type(self, content_type: str | None) -> None:
        if content_type is None:
            self._reply.headers.remove("content-type")
        else:
            self.headers["content-type"] = content_type

    @property
    def body(self) -> Any:
        """The body as bytes; empty while it is streamed."""
        return self._reply.body

    @body.setter
    def body(self, body: Any) -> None:
        self._reply.body = _encoded(body)
        self._reply.stream = None

    @property
    def cookies(self) -> CookieJar:
        """The cookies that the response sets."""
        return CookieJar(self._reply.headers)

    def add_cookie(self, key: str, value: str, **options: Any) -> None:
        """Set a cookie; options as of `CookieJar.add_cookie`."""
        self.cookies.add_cookie(key, value, **options)

    def delete_cookie(self, key: str, **options: Any) -> None:
        """Have the client forget a cookie."""
        self.cookies.delete_cookie(key, **options)

    async def send(self, data: str | bytes | None = None, end_stream: bool | None = None) -> None:
        """Send a piece of the body; without any, or with `end_stream`, the body ends.

        Raises:
            SanicException: the response was not given by `request.respond()`.
            ServerError: the body has ended.
        """
        if data is None and end_stream is None:
            end_stream = True
        if not self._sending:
            raise SanicException("No stream is connected to the response object instance.")
        if self._ended:
            if end_stream and not data:
                return
            raise ServerError("Response stream was ended, no more response data is allowed to be sent.")
        self._ended = bool(end_stream)
        await hand_over(Piece(_encoded(data), self._ended))

    async def eof(self) -> None:
        """End the body."""
        await self.send("", True)


class HTTPResponse(BaseHTTPResponse):
    """A response.

    Args:
        body: text or bytes.
        content_type: None for none.
    """

    __slots__ = ()

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> None:
        super().__init__(Reply(status, body=_encoded(body)))
        if headers:
            self.headers.extend(headers)
        if content_type is not None and not forbids_body(status):
            self.headers.setdefault("content-type", content_type)

    async def __aenter__(self) -> Callable[..., Awaitable[None]]:
        return self.send

    async def __aexit__(self, *_: object) -> None:
        await self.eof()


class JSONResponse(HTTPResponse):
    """A JSON response whose value can still be changed: `append`, `extend`, `update`, `pop`, `raw_body`."""

    __slots__ = ("_by_hand", "_dump", "_options", "_value")

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        dumps: Callable[..., str | bytes] | None = None,
        **options: Any,
    ) -> None:
        self._dump: Callable[..., str | bytes] = dumps or BaseHTTPResponse._dumps
        self._options = options
        self._value = body
        self._by_hand = False
        encoded = dump_json(body) if self._dump is json_dumps and not options else _encoded(self._dump(body, **options))
        super().__init__(encoded, status, headers, content_type)

    @property
    def raw_body(self) -> Any:
        """The value. Raises `SanicException` after `body` was set to bytes."""
        if self._by_hand:
            raise SanicException("Cannot use raw_body after body has been manually set.")
        return self._value

    @raw_body.setter
    def raw_body(self, value: Any) -> None:
        self.set_body(value)

    @property
    def body(self) -> Any:
        """The body as bytes."""
        return self._reply.body

    @body.setter
    def body(self, body: Any) -> None:
        self._reply.body = _encoded(body)
        self._by_hand = True

    def set_body(self, body: Any, dumps: Callable[..., str | bytes] | None = None, **options: Any) -> None:
        """Replace the value."""
        self._value = body
        self._by_hand = False
        self._reply.body = _encoded((dumps or self._dump)(body, **(options or self._options)))

    def append(self, value: Any) -> None:
        """Append to a list."""
        self._changed(list, "Cannot append to a non-list object.").append(value)
        self.set_body(self._value)

    def extend(self, value: Any) -> None:
        """Extend a list."""
        self._changed(list, "Cannot extend a non-list object.").extend(value)
        self.set_body(self._value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Update a dictionary."""
        self._changed(dict, "Cannot update a non-dict object.").update(*args, **kwargs)
        self.set_body(self._value)

    def pop(self, key: Any, default: Any = _UNSET) -> Any:
        """Remove and return an item of a list or a dictionary."""
        value = self._changed((list, dict), "Cannot pop from a non-list/dict object.")
        if default is _UNSET:
            popped = value.pop(key)
        elif isinstance(value, dict):
            popped = value.pop(key, default)
        else:
            raise TypeError("pop doesn't accept a default argument for lists")
        self.set_body(value)
        return popped

    def _changed(self, kind: Any, complaint: str) -> Any:
        if not isinstance(self.raw_body, kind):
            raise SanicException(complaint)
        return self._value


class ResponseStream(BaseHTTPResponse):
    """A response whose body a coroutine function writes: `await response.write(piece)`."""

    __slots__ = ("streaming_fn",)

    def __init__(
        self,
        streaming_fn: Callable[[Any], Awaitable[None]],
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> None:
        super().__init__(Reply(status))
        if headers:
            self.headers.extend(headers)
        if content_type is not None:
            self.headers.setdefault("content-type", content_type)
        self._sending = True
        self.streaming_fn = streaming_fn
        Drive(self._run).stream_into(self._reply, Piece(b"", False))

    async def _run(self) -> None:
        await self.streaming_fn(self)

    async def write(self, message: str | bytes) -> None:
        """Send a piece of the body."""
        await self.send(message, False)


def text(
    body: str,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "text/plain; charset=utf-8",
) -> HTTPResponse:
    """Return a response with text. Raises `TypeError` for anything but a string."""
    if not isinstance(body, str):
        raise TypeError(f"Bad body type. Expected str, got {type(body).__name__})")
    return HTTPResponse(body, status, headers, content_type)


def html(body: Any, status: int = 200, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Return a response with HTML: text, bytes, or an object with `__html__` or `_repr_html_`."""
    if not isinstance(body, str | bytes):
        if hasattr(body, "__html__"):
            body = body.__html__()
        elif hasattr(body, "_repr_html_"):
            body = body._repr_html_()
    return HTTPResponse(body, status, headers, "text/html; charset=utf-8")


def json(
    body: Any,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "application/json",
    dumps: Callable[..., str | bytes] | None = None,
    **options: Any,
) -> JSONResponse:
    """Return a response with a value as JSON; `options` are given to `dumps`."""
    return JSONResponse(body, status, headers, content_type, dumps, **options)


def raw(
    body: str | bytes | None,
    status: int = 200,
    headers: Mapping[str, Any] | None = None,
    content_type: str = "application/octet-stream",
) -> HTTPResponse:
    """Return a response with bytes as they are."""
    return HTTPResponse(body, status, headers, content_type)


def empty(status: int = 204, headers: Mapping[str, Any] | None = None) -> HTTPResponse:
    """Return a response without a body."""
    return HTTPResponse(b"", status, headers)


def redirect(
    to: str,
    headers: Mapping[str, Any] | None = None,
    status: int = 302,
    content_type: str = "text/html; charset=utf-8",
) -> HTTPResponse:
    """Return a redirect; characters that no URL may have are percent-encoded."""
    location = quote_plus(to, safe=":/%#?&=@[]!$&'()*+,;")
    return HTTPResponse(status=status, headers={**(headers or {}), "Location": location}, content_type=content_type)


def guess_content_type(file_path: str | PathLike[str], fallback: str = "application/octet-stream") -> str:
    """Return the content type that the extension of a file stands for."""
    guessed = mimetypes.guess_type(fspath(file_path))[0]
    if guessed is None:
        return fallback
    return f"{guessed}; charset=utf-8" if guessed.startswith("text/") else guessed


async def validate_file(request_headers: Any, last_modified: datetime | float) -> HTTPResponse | None:
    """Return a 304 when the client's copy (If-Modified-Since) is as new as the file."""
    since = parse_date(request_headers.get("if-modified-since") or "")
    if since is None:
        return None
    moment = last_modified if isinstance(last_modified, datetime) else datetime.fromtimestamp(last_modified, UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return HTTPResponse(status=304) if int(moment.timestamp()) <= since.timestamp() else None


def _read(location: Any, window: Any) -> bytes:
    with Path(location).open("rb") as opened:
        if window is None:
            return opened.read()
        opened.seek(window.start)
        return opened.read(window.size)


def _attachment(filename: str) -> str:
    return format_params("attachment", {"filename": filename})


async def file(
    location: str | PathLike[str],
    status: int = 200,
    request_headers: Any = None,
    validate_when_requested: bool = True,
    mime_type: str | None = None,
    headers: Mapping[str, Any] | None = None,
    filename: str | None = None,
    last_modified: datetime | float | None = _UNSET,
    max_age: float | None = None,
    no_store: bool | None = None,
    _range: Any = None,
) -> HTTPResponse:
    """Return a response with a file; it is read in a thread.

    Args:
        request_headers: of the request, to answer 304 when the client has the file.
        filename: offer it as a download of this name.
        last_modified: by default the file's; None for no such header.
        _range: an object with start, end, size and total; the answer is then a 206.
    """
    if last_modified is _UNSET:
        last_modified = (await to_thread(stat, location)).st_mtime
    if validate_when_requested and request_headers is not None and last_modified:
        fresh = await validate_file(request_headers, last_modified)
        if fresh is not None:
            return fresh
    fields = Header(headers or {})
    if last_modified:
        fields.setdefault("Last-Modified", format_date(last_modified))
    if filename:
        fields.setdefault("Content-Disposition", _attachment(filename))
    if no_store:
        fields.setdefault("Cache-Control", "no-store")
    elif max_age:
        fields.setdefault("Expires", format_date(time.time() + max_age))
        fields.setdefault("Cache-Control", f"public, max-age={max_age}")
    else:
        fields.setdefault("Cache-Control", "no-cache")
    if _range:
        fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
        status = 206
    body = await to_thread(_read, location, _range)
    kind = mime_type or guess_content_type(filename or Path(location).name, "text/plain; charset=utf-8")
    return HTTPResponse(body, status, fields, kind)


async def file_stream(
    location: str | PathLike[str],
    status: int = 200,
    chunk_size: int = 4096,
    mime_type: str | None = None,
    headers: Mapping[str, Any] | None = None,
    filename: str | None = None,
    _range: Any = None,
) -> ResponseStream:
    """Return a response that streams a file, read in a thread piece by piece. Arguments as of `file`."""
    fields = Header(headers or {})
    if filename:
        fields.setdefault("Content-Disposition", _attachment(filename))
    if _range:
        fields["Content-Range"] = f"bytes {_range.start}-{_range.end}/{_range.total}"
        status = 206

    async def write(response: ResponseStream) -> None:
        opened: IO[bytes] = await to_thread(Path(location).open, "rb")
        try:
            left = None
            if _range:
                await to_thread(opened.seek, _range.start)
                left = _range.size
            while left is None or left > 0:
                piece = await to_thread(opened.read, chunk_size if left is None else min(left, chunk_size))
                if not piece:
                    break
                if left is not None:
                    left -= len(piece)
                await response.write(piece)
        finally:
            opened.close()

    name = filename or Path(location).name
    return ResponseStream(write, status, fields, mime_type or mimetypes.guess_type(name)[0] or "text/plain")
