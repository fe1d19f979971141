"""The response: a mutable view of the reply under construction.

Headers are written on the reply at once, so that code of other dialects sees them. The body has several forms (`text`,
`data`, `media`, `stream`, `sse`), of which the first that is set wins; `commit` turns it into the reply's body when the
responder, or a middleware after it, is done. What other code did to the reply meanwhile is taken over by `bind`.
"""

from __future__ import annotations

import inspect
import mimetypes
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fenrir.core.reply import Reply
from fenrir.core.threads import to_thread
from fenrir.falcon.constants import DEFAULT_MEDIA_TYPE
from fenrir.falcon.errors import HeaderNotSupported
from fenrir.falcon.filenames import secure_filename
from fenrir.falcon.http_error import (
    HeaderArg,
    ResponseStatus,
    code_to_http_status,
    encode_uri_checked,
    header_items,
    http_status_to_code,
)
from fenrir.falcon.media.base import BaseHandler
from fenrir.falcon.media.handlers import Handlers
from fenrir.falcon.streams import answer_stream
from fenrir.falcon.uri import encode_value
from fenrir.http.cookies import cookie_header
from fenrir.http.dates import format_date

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext, State

__all__ = ["Response", "ResponseOptions"]

_BODILESS = frozenset({100, 101, 204, 304})
_TYPELESS = frozenset({204, 304})
_OWN_TYPES = {".bmp": "image/bmp", ".csv": "text/csv", ".gif": "image/gif", ".htm": "text/html", ".html": "text/html"}
_OWN_TYPES |= {".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript", ".json": "application/json"}
_OWN_TYPES |= {".mjs": "text/javascript", ".png": "image/png", ".txt": "text/plain", ".xml": "application/xml"}
_OWN_TYPES |= {".yaml": "application/yaml", ".yml": "application/yaml", ".msgpack": "application/msgpack"}
_UNRENDERED: Any = object()


class ResponseOptions:
    """What an application decides about its responses."""

    def __init__(self) -> None:
        self.secure_cookies_by_default = True
        self.default_media_type: str = DEFAULT_MEDIA_TYPE
        self.media_handlers = Handlers()
        self.xml_error_serialization = True
        self.static_media_types: dict[str, str] = {**mimetypes.types_map, **_OWN_TYPES}


def _header(name: str, transform: Callable[[Any], str] = str) -> Any:
    """Return a property that reads and writes one header; None removes it."""

    def get(self: Response) -> str | None:
        return self.get_header(name)

    def put(self: Response, value: Any) -> None:
        if value is None:
            self._reply.headers.remove(name)
        else:
            self._reply.headers.set(name, transform(value))

    def remove(self: Response) -> None:
        self._reply.headers.remove(name)

    return property(get, put, remove, f"The {name} header; None removes it.")


def _listed(value: str | Iterable[str]) -> str:
    return ", ".join(value) if not isinstance(value, str) else ", ".join([value])


def _ranged(value: tuple[Any, ...]) -> str:
    unit = value[3] if len(value) == 4 else "bytes"
    return f"{unit} {value[0]}-{value[1]}/{value[2]}"


def _tagged(value: str) -> str:
    return value if value.endswith('"') else f'"{value}"'


def _dated(value: datetime) -> str:
    return format_date(value)


def _disposed(kind: str) -> Callable[[str], str]:
    def write(value: str) -> str:
        if value.isascii():
            return f'{kind}; filename="{value}"'
        return f"{kind}; filename={secure_filename(value)}; filename*=UTF-8''{encode_value(value)}"

    return write


class Response:
    """What a responder writes.

    Attributes:
        status: a code, a status line or `http.HTTPStatus`.
        text, data, stream: forms of the body; see also `media` and `sse`.
        complete: set by middleware to answer at once.
        context: the notebook of the request.
    """

    complete: bool = False

    def __init__(self, options: ResponseOptions | None = None, *, c: RequestContext | None = None) -> None:
        self.options = options if options is not None else ResponseOptions()
        self._c = c
        self._reply = c.reply if c is not None else Reply()
        self._forget()
        self._default_type: str | None = None
        self._sent: tuple[int, Any, Any] = (self._reply.status, self._reply.body, self._reply.stream)
        self.status: ResponseStatus = code_to_http_status(self._reply.status)
        self._foreign = False  # the answer was written elsewhere: what it has no media type for gets none here
        self._own_context: State | None = None

    def _forget(self) -> None:
        """Have no body in any form."""
        self.text: str | None = None
        self.stream: Any = None
        self._data: bytes | None = None
        self._media: Any = None
        self._rendered: Any = _UNRENDERED
        self._sse: Any = None

    def __reply__(self) -> Reply:
        # That of a request is committed when its responder ends; one that somebody made and returned has no such end.
        return self._reply if self._c is not None else self.commit()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.status!s}>"

    # ----------------------------------------------------------------- reply
    def bind(self, reply: Reply) -> None:
        """Take over what is now the reply of the request, whoever wrote it."""
        current = (reply.status, reply.body, reply.stream)
        if reply is self._reply and current == self._sent:
            if self._default_type is not None and reply.headers.get("content-type") == self._default_type:
                reply.headers.remove("content-type")  # set by `commit`, and again if nobody chooses another
            return
        self._reply = reply
        self._default_type = None
        self._foreign = self._c is None or reply is not self._c.touched_reply
        self._forget()
        self.status = code_to_http_status(reply.status)
        if reply.stream is not None:
            self.stream = reply.stream
        else:
            self._data = reply.body
        self._sent = current

    def commit(self) -> Reply:
        """Write status and body to the reply."""
        # A coroutine function can not be awaited here: errors and sync responders have only the sync half of handlers.
        overridden = not inspect.iscoroutinefunction(self.render_body)
        return self._write(self.render_body() if overridden else Response.render_body(self))

    async def commit_async(self) -> Reply:
        """Write status and body to the reply; media may be serialised by a coroutine."""
        if type(self).render_body is Response.render_body:
            return self._write(await self.render_async())
        data = self.render_body()
        return self._write(await data if inspect.isawaitable(data) else data)

    def _write(self, data: bytes | None) -> Reply:
        reply, status = self._reply, self.status_code
        reply.status = status
        reply.body, reply.stream = b"", None
        default: str | None = self.options.default_media_type
        if self._sse is not None:
            reply.stream, default = answer_stream(self._sse, self.options, events=True), "text/event-stream"
        elif data is not None:
            reply.body = data
            if self._c is None or self._c.exchange.method != "HEAD":
                reply.headers.remove("content-length")
        elif self.stream is not None:
            reply.stream = answer_stream(self.stream, self.options, events=False)
        if status in _BODILESS:
            reply.body, reply.stream = b"", None
        if status in _TYPELESS or self._foreign:
            default = None
        if default is not None and "content-type" not in reply.headers:
            reply.headers.set("content-type", default)
            self._default_type = default
        self._sent = (reply.status, reply.body, reply.stream)
        return reply

    def share_status(self) -> None:
        """Show the status to code of other dialects, before there is a body to write."""
        self._reply.status = self.status_code
        self._sent = (self._reply.status, self._reply.body, self._reply.stream)

    def drop_body(self) -> None:
        """Have no body: somebody else answers."""
        self._forget()

    def reset(self) -> None:
        """Drop the body for an error to write its own."""
        self.text = self._data = None
        self.media = None

    # ---------------------------------------------------------------- status
    @property
    def status_code(self) -> int:
        """The status as a number."""
        return http_status_to_code(self.status)

    @status_code.setter
    def status_code(self, value: int) -> None:
        self.status = value

    @property
    def context(self) -> Any:
        """The notebook of the request (of the response alone when there is no request)."""
        if self._c is not None:
            return self._c.state
        if self._own_context is None:
            from fenrir.core.context import State

            self._own_context = State()
        return self._own_context

    # ------------------------------------------------------------------ body
    @property
    def data(self) -> bytes | None:
        """The body as bytes."""
        return self._data

    @data.setter
    def data(self, value: bytes | None) -> None:
        self._data = value

    @property
    def media(self) -> Any:
        """The body as an object, serialised by the handler for `content_type`."""
        return self._media

    @media.setter
    def media(self, value: Any) -> None:
        self._media = value
        self._rendered = _UNRENDERED

    @property
    def sse(self) -> Any:
        """Server-sent events: an async iterable of `SSEvent`, or of None for a ping."""
        return self._sse

    @sse.setter
    def sse(self, value: Any) -> None:
        self._sse = value

    def _plain_body(self) -> bytes | None:
        if self.text is not None:
            return self.text.encode() if isinstance(self.text, str) else self.text
        return self._data

    def _handler(self) -> BaseHandler:
        if not self.content_type:
            self.content_type = self.options.default_media_type
        return self.options.media_handlers.resolve(self.content_type, self.options.default_media_type)

    def render_body(self) -> Any:
        """Return the body as bytes, None when there is none (or a stream)."""
        data = self._plain_body()
        if data is None and self._media is not None:
            data = self._handler().serialize(self._media, self.content_type)
        return data

    async def render_async(self) -> bytes | None:
        """Return the body as bytes, media serialised by the async half of its handler."""
        data = self._plain_body()
        if data is None and self._media is not None:
            handler = self._handler()
            if handler._serialize_sync is not None:
                return handler._serialize_sync(self._media)
            return await handler.serialize_async(self._media, self.content_type)
        return data

    def set_stream(self, stream: Any, content_length: int) -> None:
        """Send a stream of a known length."""
        self.stream = stream
        self.content_length = content_length

    # --------------------------------------------------------------- headers
    @property
    def headers(self) -> dict[str, str]:
        """A copy of the headers without cookies."""
        found: dict[str, str] = {}
        for name, value in self._reply.headers.items():
            if name != "set-cookie":
                found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """Return a header.

        Raises:
            HeaderNotSupported: of Set-Cookie there may be several.
        """
        if name.lower() == "set-cookie":
            raise HeaderNotSupported("Getting Set-Cookie is not currently supported.")
        values = self._reply.headers.getall(name)
        return ", ".join(values) if values else default

    def set_header(self, name: str, value: Any) -> None:
        """Set a header. Raises `HeaderNotSupported` for cookies, `ValueError` for what could split a response."""
        if name.lower() == "set-cookie":
            raise HeaderNotSupported("This method cannot be used to set cookies")
        self._reply.headers.set(name, str(value))

    def delete_header(self, name: str) -> None:
        """Remove a header. Raises `HeaderNotSupported` for cookies."""
        if name.lower() == "set-cookie":
            raise HeaderNotSupported("This method cannot be used to remove cookies")
        self._reply.headers.remove(name)

    def append_header(self, name: str, value: Any) -> None:
        """Add to a header, after a comma if it is there; a raw Set-Cookie is added as another header."""
        if name.lower() == "set-cookie":
            self._reply.headers.add(name, str(value))
            return
        present = self.get_header(name)
        self._reply.headers.set(name, str(value) if present is None else f"{present}, {value}")

    def set_headers(self, headers: HeaderArg) -> None:
        """Set several headers. Raises `HeaderNotSupported` for cookies."""
        for name, value in header_items(headers) if isinstance(headers, Mapping) else _pairs(headers):
            self.set_header(name, value)

    def append_link(
        self,
        target: str,
        rel: str,
        title: str | None = None,
        title_star: tuple[str, str] | None = None,
        anchor: str | None = None,
        hreflang: str | Iterable[str] | None = None,
        type_hint: str | None = None,
        crossorigin: str | None = None,
        link_extension: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        """Add to the Link header (RFC 8288).

        Raises:
            ValueError: `crossorigin` is neither "anonymous" nor "use-credentials".
        """
        if "//" in rel:
            rel = f'"{" ".join(encode_uri_checked(one) for one in rel.split())}"'
        pieces = [f"<{encode_uri_checked(target)}>", f"rel={rel}"]
        if title is not None:
            pieces.append(f'title="{title}"')
        if title_star is not None:
            pieces.append(f"title*=UTF-8'{title_star[0]}'{encode_value(title_star[1])}")
        if type_hint is not None:
            pieces.append(f'type="{type_hint}"')
        if hreflang is not None:
            pieces += [f"hreflang={one}" for one in ([hreflang] if isinstance(hreflang, str) else hreflang)]
        if anchor is not None:
            pieces.append(f'anchor="{encode_uri_checked(anchor)}"')
        if crossorigin is not None:
            mode = crossorigin.lower()
            if mode not in ("anonymous", "use-credentials"):
                raise ValueError("crossorigin must be set to either 'anonymous' or 'use-credentials'")
            pieces.append("crossorigin" if mode == "anonymous" else f'crossorigin="{mode}"')
        pieces += [f"{name}={value}" for name, value in link_extension or ()]
        self.append_header("link", "; ".join(pieces))

    cache_control = _header("Cache-Control", _listed)
    content_location = _header("Content-Location", encode_uri_checked)
    content_length = _header("Content-Length")
    content_range = _header("Content-Range", _ranged)
    content_type = _header("Content-Type")
    downloadable_as = _header("Content-Disposition", _disposed("attachment"))
    viewable_as = _header("Content-Disposition", _disposed("inline"))
    etag = _header("ETag", _tagged)
    expires = _header("Expires", _dated)
    last_modified = _header("Last-Modified", _dated)
    location = _header("Location", encode_uri_checked)
    retry_after = _header("Retry-After")
    vary = _header("Vary", _listed)
    accept_ranges = _header("Accept-Ranges")

    # --------------------------------------------------------------- cookies
    def set_cookie(
        self,
        name: str,
        value: str,
        expires: datetime | None = None,
        max_age: int | None = None,
        domain: str | None = None,
        path: str | None = None,
        secure: bool | None = None,
        http_only: bool = True,
        same_site: str | None = None,
        partitioned: bool = False,
    ) -> None:
        """Set a cookie; of the same name there is only one.

        Raises:
            KeyError: the name can not be one.
            ValueError: another part can not be written.
        """
        if not isinstance(name, str) or not name.isascii():
            raise KeyError("name is not ASCII encodable")
        if not isinstance(value, str) or not value.isascii():
            raise ValueError("value is not ASCII encodable")
        if same_site and same_site.lower() not in ("lax", "strict", "none"):
            raise ValueError("same_site must be set to either 'lax', 'strict', or 'none'")
        try:
            cookie_header(name, "", secure=True)
        except ValueError as exc:
            raise KeyError(str(exc)) from exc
        self._put_cookie(
            name,
            cookie_header(
                name,
                value,
                expires=expires or None,
                max_age=int(max_age) if max_age else None,
                domain=domain or None,
                path=path or None,
                secure=self.options.secure_cookies_by_default if secure is None else secure,
                httponly=http_only,
                samesite=same_site or None,
                partitioned=partitioned,
            ),
        )

    def unset_cookie(
        self,
        name: str,
        domain: str | None = None,
        path: str | None = None,
        same_site: str = "Lax",
        samesite: str | None = None,
    ) -> None:
        """Have the client drop a cookie."""
        gone = datetime.fromtimestamp(time.time() - 1, UTC)
        chosen = samesite if samesite is not None else same_site
        written = cookie_header(name, "", expires=gone, domain=domain or None, path=path or None, samesite=chosen)
        self._put_cookie(name, written)

    def _put_cookie(self, name: str, written: bytes) -> None:
        begin = name.encode() + b"="
        raw = self._reply.headers.raw
        raw[:] = [pair for pair in raw if pair[0] != b"set-cookie" or not pair[1].startswith(begin)]
        self._reply.headers.add("set-cookie", written)

    # ----------------------------------------------------------------- later
    def schedule(self, callback: Callable[[], Any]) -> None:
        """Await `callback()` when the response has been sent.

        Raises:
            TypeError: it is no coroutine function.
        """
        if not inspect.iscoroutinefunction(callback):
            raise TypeError("The callback must be a coroutine function (the function itself, not what a call returns).")
        self._require_request().after_sending(callback)

    def schedule_sync(self, callback: Callable[[], None]) -> None:
        """Call `callback()` in a worker thread when the response has been sent."""

        async def call() -> None:
            await to_thread(callback)

        self._require_request().after_sending(call)

    def _require_request(self) -> RequestContext:
        if self._c is None:
            raise RuntimeError("this response belongs to no request")
        return self._c


def _pairs(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from headers
