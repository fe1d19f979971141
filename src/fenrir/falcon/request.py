"""The request, as sync responders see it: what they read of the body is there, without an `await`.

`fenrir.falcon.asgi.Request` is the same request for async responders. Both are views of one request context and share
their attributes: what middleware notes on the one is seen on the other.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from fenrir.core.errors import UnreadBody
from fenrir.core.threads import on_loop
from fenrir.falcon.constants import SINGLETON_HEADERS
from fenrir.falcon.errors import HTTPInvalidHeader, HTTPMissingHeader, MediaNotFoundError
from fenrir.falcon.forwarded import Forwarded, parse_forwarded
from fenrir.falcon.media.multipart import MultipartForm
from fenrir.falcon.params import Params, RequestOptions
from fenrir.falcon.uri import decode, parse_host
from fenrir.http.cookies import parse_cookies
from fenrir.http.dates import parse_date
from fenrir.http.etags import ETag as Tag
from fenrir.http.etags import parse_etag, parse_etags
from fenrir.http.media import best_match, quality

if TYPE_CHECKING:
    from asteri.exchange import Connection
    from fenrir.core.context import RequestContext

__all__ = ["ETag", "Request", "RequestOptions"]

UNSET: Any = object()


class ETag(str):
    """An entity tag: the text without quotes, and whether it is weak."""

    is_weak: bool = False

    @classmethod
    def loads(cls, text: str) -> ETag:
        """Read a tag as a header spells it; the quotes may be missing."""
        tag = parse_etag(text) or Tag(text)
        return cls.of(tag)

    @classmethod
    def of(cls, tag: Tag) -> ETag:
        """Return a parsed tag."""
        made = cls(tag.value)
        made.is_weak = tag.weak
        return made

    def strong_compare(self, other: str) -> bool:
        """Compare as If-Match does: both must be strong."""
        return self == other and not (self.is_weak or getattr(other, "is_weak", False))

    def dumps(self) -> str:
        """Return the tag as a header spells it."""
        return str(Tag(str(self), self.is_weak))


class _Media(NamedTuple):
    value: Any
    error: Exception | None


def _named(name: str) -> Any:
    def get(self: Request) -> str | None:
        return self.get_header(name) or None

    return property(get, doc=f"The {name} header.")


class Request(Params):
    """One request.

    Attributes:
        uri_template: the template of the route, None before the match.
        is_websocket: it is a WebSocket handshake.
    """

    def __init__(self, c: RequestContext, options: RequestOptions | None = None) -> None:
        self._c = c
        self.options = options if options is not None else RequestOptions()
        self.uri_template: str | None = None
        self.is_websocket = False
        self._media: _Media | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.url!r}>"

    # ------------------------------------------------------------------ head
    @property
    def method(self) -> str:
        """The method, as it arrived."""
        return self._c.http.method

    @property
    def path(self) -> str:
        """The decoded path."""
        path = self._c.http.path
        if self.options.strip_url_path_trailing_slash and len(path) > 1 and path.endswith("/"):
            return path[:-1]
        return path

    @path.setter
    def path(self, value: str) -> None:
        """Have another path routed; of use in process_request only."""
        self._c.exchange.path = value

    @property
    def context(self) -> Any:
        """The notebook of the request, under its names in all dialects."""
        return self._c.state

    @property
    def _connection(self) -> Connection:
        return self._c.http.connection

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers by name in capitals."""
        return {name.upper(): value for name, value in self.headers_lower.items()}

    @cached_property
    def headers_lower(self) -> dict[str, str]:
        """The headers by name in small letters."""
        names = dict.fromkeys(name.lower() for name, _ in self._c.http.headers)
        return {name: self.get_header(name) or "" for name in names}

    def get_header(self, name: str, required: bool = False, default: str | None = None) -> str | None:
        """Return a header; a repeated one joined with commas.

        Raises:
            HTTPMissingHeader: it is required and missing.
        """
        key = name.lower()
        values = self._c.http.headers.getall(key)
        if not values:
            if required:
                raise HTTPMissingHeader(name)
            return default
        return values[-1] if key in SINGLETON_HEADERS else ",".join(values)

    def get_header_as_int(self, header: str, required: bool = False) -> int | None:
        """Return a header as a whole number. Raises `HTTPInvalidHeader` or `HTTPMissingHeader`."""
        text = self.get_header(header, required)
        try:
            return None if text is None else int(text)
        except ValueError:
            raise HTTPInvalidHeader("The value of the header must be an integer.", header) from None

    def get_header_as_datetime(self, header: str, required: bool = False, obs_date: bool = False) -> datetime | None:
        """Return a header as a date. Raises `HTTPInvalidHeader` or `HTTPMissingHeader`."""
        text = self.get_header(header, required)
        if text is None:
            return None
        moment = parse_date(text)
        if moment is None:
            raise HTTPInvalidHeader("It must be formatted according to RFC 7231, Section 7.1.1.1", header)
        return moment

    auth = _named("Authorization")
    expect = _named("Expect")
    if_range = _named("If-Range")
    last_event_id = _named("Last-Event-ID")
    referer = _named("Referer")
    user_agent = _named("User-Agent")

    @property
    def content_type(self) -> str | None:
        """The content-type header."""
        return self.get_header("content-type")

    @property
    def content_length(self) -> int | None:
        """The content-length header. Raises `HTTPInvalidHeader`."""
        text = self.get_header("content-length")
        if not text:
            return None
        try:
            length = int(text)
        except ValueError:
            raise HTTPInvalidHeader("The value of the header must be a number.", "Content-Length") from None
        if length < 0:
            raise HTTPInvalidHeader("The value of the header must be a positive number.", "Content-Length")
        return length

    @property
    def date(self) -> datetime | None:
        """The Date header."""
        return self.get_header_as_datetime("Date")

    @property
    def if_modified_since(self) -> datetime | None:
        """The If-Modified-Since header."""
        return self.get_header_as_datetime("If-Modified-Since")

    @property
    def if_unmodified_since(self) -> datetime | None:
        """The If-Unmodified-Since header."""
        return self.get_header_as_datetime("If-Unmodified-Since")

    @cached_property
    def if_match(self) -> list[Any] | None:
        """The tags of If-Match; ["*"] for any."""
        return _tags(self.get_header("If-Match"))

    @cached_property
    def if_none_match(self) -> list[Any] | None:
        """The tags of If-None-Match; ["*"] for any."""
        return _tags(self.get_header("If-None-Match"))

    @property
    def range(self) -> tuple[int, int] | None:
        """The one range that is asked for: (first, last), (first, -1), (-length, -1). Raises `HTTPInvalidHeader`."""
        found = self._range()
        if found is None:
            return None
        wanted = found[1]
        if "," in wanted:
            raise HTTPInvalidHeader("The value must be a continuous range.", "Range")
        first, dash, last = wanted.partition("-")
        if dash and not first and not last:
            raise HTTPInvalidHeader("The range offsets are missing.", "Range")
        try:
            if not dash:
                raise ValueError
            if not first:
                if int(last) <= 0:
                    raise ValueError
                return -int(last), -1
            start, stop = int(first), int(last) if last else -1
            if last and stop < start:
                raise ValueError
        except ValueError:
            raise HTTPInvalidHeader(
                "It must be a range formatted according to RFC 7233.",
                "Range",
                href="https://tools.ietf.org/html/rfc7233",
                href_text="HTTP/1.1 Range Requests",
            ) from None
        return start, stop

    @property
    def range_unit(self) -> str | None:
        """The unit of the Range header. Raises `HTTPInvalidHeader`."""
        found = self._range()
        return None if found is None else found[0]

    def _range(self) -> tuple[str, str] | None:
        text = self.get_header("Range")
        if text is None:
            return None
        unit, equals, wanted = text.partition("=")
        if not equals:
            raise HTTPInvalidHeader("The value must be prefixed with a range unit, e.g. 'bytes='", "Range")
        return unit, wanted

    # ------------------------------------------------------------- negotiation
    @property
    def accept(self) -> str:
        """The Accept header, or "*/*"."""
        return self.get_header("Accept") or "*/*"

    def client_accepts(self, media_type: str) -> bool:
        """Say whether the client accepts a media type."""
        accept = self.accept
        if accept in (media_type, "*/*"):
            return True
        try:
            return quality(accept, media_type) != 0.0
        except ValueError:
            return False

    def client_prefers(self, media_types: Iterable[str]) -> str | None:
        """Return the media type that the client prefers, None if it accepts none."""
        try:
            return best_match(self.accept, list(media_types))
        except ValueError:
            return None

    @property
    def client_accepts_json(self) -> bool:
        """Say whether the client accepts JSON."""
        return self.client_accepts("application/json")

    @property
    def client_accepts_msgpack(self) -> bool:
        """Say whether the client accepts MessagePack, under either name."""
        return self.client_accepts("application/x-msgpack") or self.client_accepts("application/msgpack")

    @property
    def client_accepts_xml(self) -> bool:
        """Say whether the client accepts XML."""
        return self.client_accepts("application/xml")

    # --------------------------------------------------------------- address
    @property
    def scheme(self) -> str:
        """http or https."""
        return self._connection.scheme

    @property
    def root_path(self) -> str:
        """The prefix of a mount or a proxy."""
        return self._connection.root_path

    @property
    def netloc(self) -> str:
        """Host and port, as the client wrote them."""
        host = self.get_header("Host")
        if host is not None:
            return host
        name, port = self._server
        return name if port == self._default_port else f"{name}:{port}"

    @property
    def _default_port(self) -> int:
        return 443 if self.scheme in ("https", "wss") else 80

    @property
    def _server(self) -> tuple[str, int]:
        server = self._connection.server
        return (server[0], server[1] or self._default_port) if server else ("localhost", self._default_port)

    @property
    def host(self) -> str:
        """The host that the client asked for, without the port."""
        header = self.get_header("Host")
        return self._server[0] if header is None else parse_host(header)[0]

    @property
    def port(self) -> int:
        """The port that the client asked for."""
        header = self.get_header("Host")
        found = self._server[1] if header is None else parse_host(header, self._default_port)[1]
        return found or self._default_port

    @property
    def subdomain(self) -> str | None:
        """The host up to its first dot."""
        name, dot, _ = self.host.partition(".")
        return name if dot else None

    @property
    def relative_uri(self) -> str:
        """Path and query, with the prefix of a mount."""
        path = self.root_path + self.path
        return f"{path}?{self.query_string}" if self.query_string else path

    @property
    def prefix(self) -> str:
        """Scheme, host and the prefix of a mount."""
        return f"{self.scheme}://{self.netloc}{self.root_path}"

    @property
    def uri(self) -> str:
        """The whole URI."""
        return f"{self.scheme}://{self.netloc}{self.relative_uri}"

    @property
    def url(self) -> str:
        """Same as `uri`."""
        return self.uri

    # ------------------------------------------------------------- forwarded
    @cached_property
    def forwarded(self) -> list[Forwarded] | None:
        """The hops of the Forwarded header (RFC 7239), as the client wrote them: trust them only behind a proxy."""
        header = self.get_header("Forwarded")
        return None if header is None else parse_forwarded(header)

    @property
    def forwarded_scheme(self) -> str:
        """The scheme before the first proxy, as the headers claim."""
        if self.forwarded is not None:
            return (self.forwarded[0].scheme if self.forwarded else None) or self.scheme
        return (self.get_header("X-Forwarded-Proto") or self.scheme).lower()

    @property
    def forwarded_host(self) -> str:
        """The host before the first proxy, as the headers claim."""
        if self.forwarded is not None:
            return (self.forwarded[0].host if self.forwarded else None) or self.netloc
        return self.get_header("X-Forwarded-Host") or self.netloc

    @property
    def forwarded_prefix(self) -> str:
        """`prefix` before the first proxy, as the headers claim."""
        return f"{self.forwarded_scheme}://{self.forwarded_host}{self.root_path}"

    @property
    def forwarded_uri(self) -> str:
        """`uri` before the first proxy, as the headers claim."""
        return f"{self.forwarded_scheme}://{self.forwarded_host}{self.relative_uri}"

    @property
    def remote_addr(self) -> str:
        """The address of the peer."""
        return self._connection.client[0] if self._connection.client else "127.0.0.1"

    @cached_property
    def access_route(self) -> list[str]:
        """The addresses from the client to the peer, as the headers claim."""
        route: list[str] = []
        if self.forwarded is not None:
            route = [parse_host(hop.src)[0] for hop in self.forwarded if hop.src is not None]
        elif (header := self.get_header("X-Forwarded-For")) is not None:
            route = [address.strip() for address in header.split(",")]
        elif (header := self.get_header("X-Real-IP")) is not None:
            route = [header]
        if not route or route[-1] != self.remote_addr:
            route.append(self.remote_addr)
        return route

    # --------------------------------------------------------------- cookies
    @cached_property
    def _cookie_values(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for header in self._c.http.headers.getall("cookie"):
            for pair in header.split(";"):
                for name, value in parse_cookies(pair).items():
                    found.setdefault(name, []).append(value)
        return found

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name; of a repeated name the first."""
        return {name: values[0] for name, values in self._cookie_values.items()}

    def get_cookie_values(self, name: str) -> list[str] | None:
        """Return all values of a cookie."""
        return self._cookie_values.get(name)

    # ------------------------------------------------------------------ body
    @cached_property
    def _sync_stream(self) -> io.BytesIO:
        try:
            return io.BytesIO(self._c.body)
        except UnreadBody:
            return io.BytesIO(on_loop(self._c.read_body()))  # from the worker thread of this request

    @property
    def stream(self) -> Any:
        """The body as a file."""
        return self._sync_stream

    @property
    def bounded_stream(self) -> Any:
        """Same as `stream`: the body ends where the request ends."""
        return self.stream

    def get_media(self, default_when_empty: Any = UNSET) -> Any:
        """Return the object that the body stands for, by the handler for its content type; read only once.

        Raises:
            MediaNotFoundError: there is no body, and no default is given.
            HTTPUnsupportedMediaType: no handler is known.
        """
        if self._media is None:
            kind, options = self.content_type, self.options
            handler = options.media_handlers.resolve(kind, options.default_media_type)
            try:
                self._media = self._taken(handler.deserialize(self.stream, kind, self.content_length))
            except Exception as exc:
                self._media = _Media(None, exc)
        return _given(self._media, default_when_empty)

    def _taken(self, value: Any) -> _Media:
        if isinstance(value, MultipartForm) and self._c._form is None:
            self._c._keep(value.form)  # its files are closed with the request
        return _Media(value, None)

    @property
    def media(self) -> Any:
        """The object that the body stands for; see `get_media`."""
        return self.get_media()

    def get_query_string_as_media(self, media_type: str | None = None, default_when_empty: Any = UNSET) -> Any:
        """Return the object that the whole query spells in a media type. Raises `ValueError` without a handler."""
        kind = media_type or self.options.default_media_type
        handler = self.options.media_handlers.find(kind, self.options.default_media_type)
        if handler is None:
            raise ValueError(f"No media handler is configured for {kind!r}.")
        data = decode(self.query_string, unquote_plus=False).encode()
        try:
            return handler.deserialize(io.BytesIO(data), kind, len(data))
        except MediaNotFoundError:
            if default_when_empty is UNSET:
                raise
            return default_when_empty


def _given(media: _Media, default: Any) -> Any:
    if media.error is None:
        return media.value
    if default is not UNSET and isinstance(media.error, MediaNotFoundError):
        return default
    raise media.error


def _tags(header: str | None) -> list[Any] | None:
    if not header or not header.strip():
        return None
    found = parse_etags(header)
    if isinstance(found, str):
        return ["*"]
    if not found and "," not in header:
        return [ETag.loads(header.strip())]
    return [ETag.of(tag) for tag in found] or None
