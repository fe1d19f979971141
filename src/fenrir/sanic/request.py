"""Sanic's request: a view of the engine's request context."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlunparse

from fenrir.core.context import current
from fenrir.core.errors import PayloadTooLarge
from fenrir.http.cookies import parse_cookies
from fenrir.http.headers import MutableHeaders
from fenrir.http.hosts import split_host
from fenrir.http.json import JSONError, loads
from fenrir.http.media import parse_accept
from fenrir.sanic.exceptions import BadRequest, ServerError
from fenrir.sanic.headers import Header
from fenrir.sanic.response import BaseHTTPResponse, HTTPResponse
from fenrir.sanic.settings import settings_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext, State
    from fenrir.sanic.routes import Route

__all__ = ["Credentials", "File", "Request", "RequestParameters", "RequestStream"]

_QUERY_FIELDS = 1000  # of one request; Starlette and Werkzeug have the same limit for forms


class File(NamedTuple):
    """An uploaded file, read into memory as upstream does."""

    type: str
    body: bytes
    name: str


class Credentials(NamedTuple):
    """The Authorization header: its scheme and its token; username and password of Basic."""

    auth_type: str | None
    token: str

    @property
    def username(self) -> str:
        """The user of Basic credentials. Raises `AttributeError` for another scheme."""
        return self._basic()[0]

    @property
    def password(self) -> str:
        """The password of Basic credentials. Raises `AttributeError` for another scheme."""
        return self._basic()[1]

    def _basic(self) -> tuple[str, str]:
        if self.auth_type != "Basic":
            raise AttributeError("username and password are available only for Basic Auth")
        try:
            user, _, password = base64.b64decode(self.token).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise AttributeError("these Basic credentials are malformed") from None
        return user, password


class RequestParameters(dict[str, list[Any]]):
    """Values by name: `get` returns the first, `getlist` all of a name."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value."""
        values = super().get(name)
        return values[0] if values else default

    def getlist(self, name: str, default: list[Any] | None = None) -> list[Any]:
        """Return all values, or an empty list."""
        return super().get(name, default) or []


class CookieRequestParameters(RequestParameters):
    """The cookies of a request: an item is the first value of its name."""

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name)[0]

    def __getattr__(self, name: str) -> Any:
        return self.get(name, "")


class RequestStream:
    """The body of a request, piece by piece (a route with stream=True)."""

    def __init__(self, c: RequestContext) -> None:
        self._c = c
        self._left = c.body_limit if c.plan is None or not c.plan.route.stream else None

    async def read(self) -> bytes | None:
        """Return the next piece, None at the end."""
        piece = await self._c.http.read()
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise PayloadTooLarge
        return piece or None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece


def _pair(text: str | None, schemes: tuple[str, ...] = ()) -> tuple[str | None, str | None]:
    """Split an Authorization header into scheme and token."""
    if not text:
        return None, None
    scheme, space, rest = text.partition(" ")
    if space and (not schemes or scheme in schemes):
        return scheme, rest.strip()
    return None, text


class Request:
    """One request.

    Attributes:
        responded: `respond` was called.
    """

    def __init__(self, c: RequestContext) -> None:
        self._c = c
        self._id: Any = None
        self._args: dict[Any, Any] = {}
        self.responded = False
        self.response: BaseHTTPResponse | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.method} {self.path}>"

    @classmethod
    def get_current(cls) -> Request:
        """Return the request that is being served. Raises `ServerError` outside of one."""
        from fenrir.sanic._dialect import DIALECT

        try:
            request: Request = current.get().view(DIALECT)
        except LookupError:
            raise ServerError("No current request") from None
        return request

    @classmethod
    def generate_id(cls, *_: Any) -> Any:
        """Return the id of a request that brought none; for subclasses to override."""
        return uuid.uuid4()

    # ------------------------------------------------------------------ head
    @property
    def app(self) -> Any:
        """The application."""
        return self._c.app.facade

    @property
    def ctx(self) -> State:
        """The notebook of this request."""
        return self._c.state

    @cached_property
    def method(self) -> str:
        """The method; of a WebSocket handshake GET."""
        return str(getattr(self._c.exchange, "method", "GET"))

    @property
    def path(self) -> str:
        """The path as it arrived, not percent-decoded."""
        return self._c.http.raw_path.decode("utf-8", "replace")

    @property
    def raw_url(self) -> bytes:
        """Path and query as they arrived."""
        query = self._c.http.query
        return self._c.http.raw_path + (b"?" + query if query else b"")

    @property
    def query_string(self) -> str:
        """The query as it arrived."""
        return self._c.http.query.decode("utf-8", "replace")

    @property
    def version(self) -> str:
        """The HTTP version."""
        return self._c.http.connection.http_version

    @cached_property
    def headers(self) -> Header:
        """The header fields."""
        fields = MutableHeaders()
        fields.raw = list(self._c.http.headers.raw)
        return Header.over(fields)

    @property
    def content_type(self) -> str:
        """The content-type header, application/octet-stream by default."""
        return self._c.content_type or "application/octet-stream"

    @property
    def id(self) -> Any:
        """The id: the client's X-Request-ID as UUID, number or text, or a new UUID."""
        if self._id is None:
            header = settings_of(self._c.app).config.REQUEST_ID_HEADER
            given = self.headers.getone(header, None) if header else None
            self._id = type(self).generate_id(self) if given is None else _identified(given)
        return self._id

    @cached_property
    def accept(self) -> list[str]:
        """The media types that the client accepts, the preferred first."""
        header = self.headers.get("accept")
        if header is None:
            return ["*/*"]
        return [item.value for item in sorted(parse_accept(header), key=lambda item: -item.q)]

    @property
    def token(self) -> str | None:
        """The token of the Authorization header."""
        return _pair(self.headers.get("authorization"), ("Bearer", "Token"))[1]

    @property
    def credentials(self) -> Credentials | None:
        """The Authorization header, or None."""
        scheme, token = _pair(self.headers.get("authorization"))
        return Credentials(scheme, token) if token else None

    @cached_property
    def cookies(self) -> CookieRequestParameters:
        """The cookies."""
        cookies = CookieRequestParameters()
        for header in self.headers.getall("cookie", []):
            for name, value in parse_cookies(header).items():
                dict.setdefault(cookies, name, []).append(value)
        return cookies

    # ------------------------------------------------------------------ query
    def get_args(
        self,
        keep_blank_values: bool = False,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> RequestParameters:
        """Return the query by name."""
        key = (keep_blank_values, strict_parsing, encoding, errors)
        if key not in self._args:
            query = self.query_string
            self._args[key] = RequestParameters(
                _limited(lambda: parse_qs(query, keep_blank_values, strict_parsing, encoding, errors, _QUERY_FIELDS))
                if query
                else {}
            )
        found: RequestParameters = self._args[key]
        return found

    @property
    def args(self) -> RequestParameters:
        """The query by name; blank values are left out."""
        return self.get_args()

    def get_query_args(
        self,
        keep_blank_values: bool = False,
        strict_parsing: bool = False,
        encoding: str = "utf-8",
        errors: str = "replace",
    ) -> list[tuple[str, str]]:
        """Return the query as pairs in order."""
        if not self.query_string:
            return []
        found: list[tuple[str, str]] = _limited(
            lambda: parse_qsl(self.query_string, keep_blank_values, strict_parsing, encoding, errors, _QUERY_FIELDS)
        )
        return found

    @property
    def query_args(self) -> list[tuple[str, str]]:
        """The query as pairs in order; blank values are left out."""
        return self.get_query_args()

    # ------------------------------------------------------------------- body
    @property
    def body(self) -> bytes:
        """The whole body; empty on a route with stream=True that has not read it."""
        c = self._c
        if c.plan is not None and c.plan.route.stream and c._body is None:
            return b""
        return c.body

    async def receive_body(self) -> None:
        """Read the whole body of a route with stream=True."""
        await self._c.read_body()

    @cached_property
    def stream(self) -> RequestStream:
        """The body piece by piece, on a route with stream=True."""
        return RequestStream(self._c)

    @property
    def json(self) -> Any:
        """The body as JSON; None when there is none. Raises `BadRequest`."""
        return self.load_json()

    def load_json(self, loads: Any = None) -> Any:
        """Return the body as JSON, read by `loads`; kept for the next time."""
        return self._c.note("sanic.json", lambda _: self._read_json(loads))

    def _read_json(self, read: Any) -> Any:
        body = self.body
        if not body:
            return None
        try:
            return (read or loads)(body)
        except (JSONError, ValueError) as exc:
            raise BadRequest("Failed when parsing body as json") from exc

    def get_form(self, keep_blank_values: bool = False) -> RequestParameters:
        """Return the fields of a form; blank values are left out unless wanted."""
        form = RequestParameters()
        for name, value in self._c.form.fields:
            if value or keep_blank_values or self.content_type.startswith("multipart/"):
                form.setdefault(name, []).append(value)
        return form

    @cached_property
    def form(self) -> RequestParameters:
        """The fields of a form. Raises 400 or 413 for a malformed or too large one."""
        return self.get_form()

    @cached_property
    def files(self) -> RequestParameters:
        """The uploaded files of a form."""
        files = RequestParameters()
        for name, upload in self._c.form.files:
            upload.file.seek(0)
            files.setdefault(name, []).append(File(upload.content_type, upload.file.read(), upload.filename))
        return files

    # ------------------------------------------------------------------ route
    @property
    def route(self) -> Route | None:
        """The route that serves the request, None before and without a match."""
        from fenrir.sanic.routes import Route

        plan = self._c.plan
        return None if plan is None or self._c.miss is not None else Route.of(plan.route)

    @property
    def match_info(self) -> dict[str, Any]:
        """Converted values of the path by name."""
        from fenrir.sanic.routes import path_values

        return path_values(self._c)

    @property
    def name(self) -> str | None:
        """The name of the route."""
        route = self.route
        return route.name if route is not None else None

    @property
    def endpoint(self) -> str | None:
        """Same as `name`."""
        return self.name

    @property
    def uri_template(self) -> str | None:
        """The path of the route as it was written."""
        route = self.route
        return route.uri if route is not None else None

    # ------------------------------------------------------------- connection
    @cached_property
    def conn_info(self) -> SimpleNamespace:
        """The connection: client, client_ip, client_port, peername, server, ssl."""
        connection = self._c.http.connection
        peer = connection.client
        return SimpleNamespace(
            client=peer[0] if peer else "",
            client_ip=peer[0] if peer else "",
            client_port=peer[1] if peer else 0,
            peername=peer,
            server=connection.server,
            server_name=connection.server[0] if connection.server else "",
            ssl=connection.scheme == "https",
        )

    @property
    def ip(self) -> str:
        """The peer's address."""
        return str(self.conn_info.client_ip)

    @property
    def port(self) -> int:
        """The peer's port."""
        return int(self.conn_info.client_port)

    @property
    def socket(self) -> tuple[Any, Any]:
        """The peer's address and port."""
        return self.conn_info.peername or (None, None)

    @cached_property
    def forwarded(self) -> Mapping[str, Any]:
        """What trusted proxies said (for, proto, host, port); needs PROXIES_COUNT or REAL_IP_HEADER."""
        config = settings_of(self._c.app).config
        address = self.headers.get(config.REAL_IP_HEADER) if config.REAL_IP_HEADER else None
        if not address and config.PROXIES_COUNT:
            hops = [
                hop.strip() for line in self.headers.getall(config.FORWARDED_FOR_HEADER, []) for hop in line.split(",")
            ]
            hops = [hop for hop in hops if hop]
            # SECURITY: only as many hops are believed as there are proxies of our own.
            address = hops[-config.PROXIES_COUNT] if len(hops) >= config.PROXIES_COUNT else None
        if not address:
            return {}
        found: dict[str, Any] = {"for": address}
        for name in ("proto", "host", "port"):
            value = self.headers.get(f"x-forwarded-{name}") or (self.headers.get("x-scheme") if name == "proto" else "")
            if value:
                found[name] = int(value) if name == "port" and value.isdecimal() else value.lower()
        return found

    @property
    def remote_addr(self) -> str:
        """The client's address as trusted proxies told it, or an empty string."""
        return str(self.forwarded.get("for", ""))

    @property
    def client_ip(self) -> str:
        """The client's address: `remote_addr` or else `ip`."""
        return self.remote_addr or self.ip

    @property
    def scheme(self) -> str:
        """http, https, ws or wss."""
        scheme = "ws" if self.headers.get("upgrade", "").lower() == "websocket" else "http"
        proto = self.forwarded.get("proto") or self._c.http.connection.scheme
        return str(proto).replace("http", scheme) if str(proto).startswith("http") else str(proto)

    @property
    def host(self) -> str:
        """The host that the client asked for, with its port if it named one."""
        named = settings_of(self._c.app).config.get("SERVER_NAME")
        if named:
            return str(named).split("//", 1)[-1].split("/", 1)[0]
        return str(self.forwarded.get("host") or self.headers.get("host", ""))

    @property
    def server_name(self) -> str:
        """The host without its port."""
        return split_host(self.host)[0] if self.host else ""

    @property
    def server_port(self) -> int:
        """The port that the client connected to."""
        port = self.forwarded.get("port") or (split_host(self.host)[1] if self.host else None)
        return int(port or (80 if self.scheme in ("http", "ws") else 443))

    @property
    def server_path(self) -> str:
        """The path of the URL."""
        return self.path

    @property
    def url(self) -> str:
        """The whole URL."""
        return urlunparse((self.scheme, self.host, self.path, "", self.query_string, ""))

    def url_for(self, view_name: str, **kwargs: Any) -> str:
        """Return the whole URL of a route."""
        port = self.server_port
        plain = (self.scheme in ("http", "ws") and port == 80) or (self.scheme in ("https", "wss") and port == 443)
        server = self.server_name if plain else f"{self.server_name}:{port}"
        url: str = settings_of(self._c.app).url_for(
            view_name, _external=True, _scheme=self.scheme, _server=server, **kwargs
        )
        return url

    @property
    def is_safe(self) -> bool:
        """GET, HEAD, OPTIONS or TRACE."""
        return self.method in ("GET", "HEAD", "OPTIONS", "TRACE")

    @property
    def is_idempotent(self) -> bool:
        """A safe method, PUT or DELETE."""
        return self.is_safe or self.method in ("PUT", "DELETE")

    @property
    def is_cacheable(self) -> bool:
        """GET or HEAD."""
        return self.method in ("GET", "HEAD")

    # --------------------------------------------------------------- response
    async def respond(
        self,
        response: Any = None,
        *,
        status: int = 200,
        headers: Mapping[str, Any] | None = None,
        content_type: str | None = None,
    ) -> Any:
        """Answer without returning: the response that is given back can be sent piece by piece.

        Raises:
            ServerError: it was called before.
        """
        if self.responded:
            raise ServerError("Second respond call is not allowed.")
        if response is None:
            response = HTTPResponse(status=status, headers=headers, content_type=content_type)
        elif not isinstance(response, BaseHTTPResponse):
            response = BaseHTTPResponse.over(response.__reply__())
        response._sending = True
        self.response = response
        self.responded = True
        return response


def _identified(given: str) -> Any:
    for kind in (uuid.UUID, int):
        try:
            return kind(given)
        except ValueError:
            continue
    return given


def _limited(read: Any) -> Any:
    """Read a query; too many fields, or (with strict_parsing) a malformed one, are the client's fault."""
    try:
        return read()
    except ValueError as exc:
        if "number of fields" in str(exc):
            raise BadRequest("the query has too many fields") from exc
        raise
