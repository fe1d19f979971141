"""Requests: over an ASGI scope, or over the engine's request context.

`Request(scope, receive, send)` is what a toolkit of ASGI makes. `Request.of(c)` is the same class over a
`RequestContext`: what is read often comes from the exchange, and `scope`, `receive` and `send` are made when somebody
asks for them. From then on they are the truth, as changes in them must be seen.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self

from typing_extensions import TypeVar

from asteri.exchange import Disconnected
from fenrir.core.errors import PayloadTooLarge
from fenrir.kit.headers import Headers
from fenrir.starlette._awaitable import AwaitableOrContextManagerWrapper
from fenrir.starlette._exchange import complete_scope, outermost, receive_of, scope_entry, scope_of, send_of
from fenrir.starlette._forms import as_form, form_data, limited
from fenrir.starlette._url import URL, url_text
from fenrir.starlette.datastructures import Address, FormData, QueryParams, State
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.types import Message, Receive, Scope, Send

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["ClientDisconnect", "HTTPConnection", "Request", "cookie_parser"]

StateT = TypeVar("StateT", bound=Mapping[str, Any] | State, default=State)

PUSHED_HEADERS = ("accept", "accept-encoding", "accept-language", "cache-control", "user-agent")

_ESCAPE = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))", re.DOTALL)


def cookie_parser(cookie_string: str) -> dict[str, str]:
    """Return the cookies of a `Cookie` header as browsers would read them.

    Of equal names the last wins, a text without `=` is the value of an empty name, a quoted value is unquoted.
    """
    cookies: dict[str, str] = {}
    for chunk in cookie_string.split(";"):
        name, equals, value = chunk.partition("=")
        if not equals:
            name, value = "", name
        name, value = name.strip(), value.strip()
        if name or value:
            cookies[name] = _unquoted(value)
    return cookies


def _unquoted(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    value = value[1:-1]
    return _ESCAPE.sub(_unescape, value) if "\\" in value else value


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8)) if match[1] else match[2]


class ClientDisconnect(Exception):
    """The client left before its request or the answer was complete."""


class HTTPConnection(Mapping[str, Any], Generic[StateT]):
    """What a request and a WebSocket have in common; as a mapping it is the ASGI scope."""

    _c: RequestContext | None = None
    _plan: Any = None
    _kind = "http"

    def __init__(self, scope: Scope, receive: Receive | None = None) -> None:
        assert scope["type"] in ("http", "websocket")
        self.scope = scope

    @classmethod
    def of(cls, c: RequestContext) -> Self:
        """Return the view of a request that the engine serves."""
        made = cls.__new__(cls)
        made._c = c
        return made

    @property
    def scope(self) -> Scope:
        """The ASGI scope."""
        scope: Scope | None = self.__dict__.get("scope")
        c = self._c
        if scope is None:
            assert c is not None
            scope = self.__dict__["scope"] = scope_of(c, self._kind)
        elif c is not None and c.plan is not self._plan:
            complete_scope(c, scope)  # it was made before the route was found
        if c is not None:
            self._plan = c.plan
        return scope

    @scope.setter
    def scope(self, scope: Scope) -> None:
        self.__dict__["scope"] = scope

    @property
    def _direct(self) -> RequestContext | None:
        """The context, as long as nobody has the scope."""
        return self._c if "scope" not in self.__dict__ else None

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # Two connections are never the same, whatever their scopes hold.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def app(self) -> Any:
        """The application."""
        c = self._direct
        return self.scope["app"] if c is None else c.app.facade

    @property
    def url(self) -> URL:
        """The whole URL, as far as the Host header can be believed."""
        if not hasattr(self, "_url"):
            c = self._direct
            if c is None:
                self._url = URL(scope=self.scope)
            else:
                exchange = c.exchange
                self._url = self._url_at(exchange.connection.root_path + exchange.path, exchange.query)
        return self._url

    def _url_at(self, path: str, query: bytes) -> URL:
        assert self._c is not None
        exchange = self._c.exchange
        connection = exchange.connection
        scheme = connection.scheme
        if self._kind == "websocket":
            scheme = "wss" if scheme == "https" else "ws"
        server = connection.server if connection.server is not None and connection.server[1] is not None else None
        if not path.isascii():  # as in a scope: what is not UTF-8 can not be written
            path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return URL(url_text(scheme, exchange.headers.get("host"), server, path, query.decode("utf-8", "replace")))

    @property
    def base_url(self) -> URL:
        """The URL of the outermost application's root."""
        if not hasattr(self, "_base_url"):
            c = self._direct
            if c is None:
                root = self.scope.get("app_root_path", self.scope.get("root_path", ""))
                path = root if root.endswith("/") else f"{root}/"
                self._base_url = URL(scope={**self.scope, "path": path, "query_string": b"", "root_path": root})
            else:
                self._base_url = self._url_at(f"{outermost(c)[1]}/", b"")
        return self._base_url

    @property
    def headers(self) -> Headers:
        """The headers."""
        if not hasattr(self, "_headers"):
            c = self._direct
            self._headers = Headers(scope=self.scope) if c is None else Headers.over(c.exchange.headers)
        return self._headers

    @property
    def query_params(self) -> QueryParams:
        """The query; `[name]` is the last value of a name."""
        if not hasattr(self, "_query_params"):
            c = self._direct
            self._query_params = QueryParams(self.scope["query_string"] if c is None else c.exchange.query)
        return self._query_params

    @property
    def path_params(self) -> dict[str, Any]:
        """The converted values of the path."""
        c = self._direct
        if c is None:
            params: dict[str, Any] = self.scope.get("path_params", {})
            return params
        outer: Scope | None = getattr(c.exchange, "scope", None)
        above = outer.get("path_params") if outer is not None else None  # of a mount with parameters in its prefix
        return {**above, **c.path_values} if above else c.path_values

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies."""
        if not hasattr(self, "_cookies"):
            self._cookies: dict[str, str] = {}
            for header in self.headers.getlist("cookie"):
                self._cookies.update(cookie_parser(header))
        return self._cookies

    @property
    def client(self) -> Address | None:
        """The peer."""
        c = self._direct
        peer = self.scope.get("client") if c is None else c.exchange.connection.client
        return Address(*peer) if peer is not None else None

    @property
    def session(self) -> dict[str, Any]:
        """The session."""
        c = self._direct
        session: Any = scope_entry(c, "session") if c is not None else None
        if session is None:
            assert "session" in self.scope, "SessionMiddleware must be installed to access request.session"
            session = self.scope["session"]
        accessed = getattr(session, "mark_accessed", None)
        if accessed is not None:
            accessed()
        return session  # type: ignore[no-any-return]

    @property
    def auth(self) -> Any:
        """What the client may do."""
        assert "auth" in self.scope, "AuthenticationMiddleware must be installed to access request.auth"
        return self.scope["auth"]

    @property
    def user(self) -> Any:
        """Who the client is."""
        assert "user" in self.scope, "AuthenticationMiddleware must be installed to access request.user"
        return self.scope["user"]

    @property
    def state(self) -> StateT:
        """The notebook of this request."""
        if not hasattr(self, "_state"):
            self._state: Any = State(self.scope.setdefault("state", {})) if self._c is None else self._c.state
        return self._state  # type: ignore[no-any-return]

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """Return the absolute URL of a route."""
        c = self._direct
        provider = (self.scope.get("router") or self.scope.get("app")) if c is None else outermost(c)[0]
        if provider is None:
            raise RuntimeError("The `url_for` method can only be used inside a Starlette application or with a router.")
        made: URL = provider.url_path_for(name, **path_params).make_absolute_url(base_url=self.base_url)
        return made


def _as_http(refused: PayloadTooLarge) -> HTTPException:
    return HTTPException(status_code=refused.http_status, detail=refused.http_detail)


async def empty_receive() -> NoReturn:
    """Stand in for the channel that a request was not given."""
    raise RuntimeError("Receive channel has not been made available")


async def empty_send(message: Message) -> NoReturn:
    """Stand in for the channel that a request was not given."""
    raise RuntimeError("Send channel has not been made available")


async def _has_left(receive: Receive) -> bool:
    import anyio

    message: Message = {}
    with anyio.CancelScope() as scope:
        scope.cancel()  # only what is there already
        message = await receive()
    return message.get("type") == "http.disconnect"


async def _is_gone(c: RequestContext) -> bool:
    exchange = c.http
    if not exchange.gone:
        if hasattr(exchange, "scope"):  # over ASGI one learns it by receiving, and what comes else is kept
            import anyio

            with anyio.CancelScope() as scope:
                scope.cancel()
                await exchange.disconnected()
        else:
            await asyncio.sleep(0)
    return exchange.gone


class Request(HTTPConnection[StateT]):
    """An HTTP request; the body is awaited."""

    _stream_consumed = False
    _is_disconnected = False
    _form: FormData | None = None

    def __init__(self, scope: Scope, receive: Receive = empty_receive, send: Send = empty_send) -> None:
        super().__init__(scope)
        assert scope["type"] == "http"
        self._receive = receive
        self._send = send

    @cached_property
    def _receive(self) -> Receive:
        assert self._c is not None
        return receive_of(self._c)

    @cached_property
    def _send(self) -> Send:
        assert self._c is not None
        return send_of(self._c)

    @property
    def _unread(self) -> RequestContext | None:
        """The context, as long as nobody has the channel on which the body comes."""
        return self._c if "_receive" not in self.__dict__ else None

    @property
    def method(self) -> str:
        """The method, as it was sent."""
        c = self._direct
        method: str = self.scope["method"] if c is None else c.http.method
        return method

    @property
    def receive(self) -> Receive:
        """The channel on which the body comes."""
        return self._receive

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Iterate over the body as it arrives, and over nothing at its end. It is not kept.

        Raises:
            ClientDisconnect: it will never be complete.
        """
        if hasattr(self, "_body"):
            yield self._body
            yield b""
            return
        if self._stream_consumed:
            raise RuntimeError("Stream consumed")
        c = self._unread
        if c is not None:
            async for piece in self._stream_of(c):
                yield piece
        else:
            while not self._stream_consumed:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._is_disconnected = True
                    raise ClientDisconnect
                if message["type"] == "http.request":
                    self._stream_consumed = not message.get("more_body", False)
                    if message.get("body"):
                        yield message["body"]
        yield b""

    async def _stream_of(self, c: RequestContext) -> AsyncGenerator[bytes, None]:
        held = c.kept_body if c.kept_body is not None else c.exchange.buffered
        self._stream_consumed = True
        try:
            if held is None:
                async for piece in c.stream_body():
                    yield piece
            elif held:
                yield held
        except Disconnected as gone:
            self._is_disconnected = True
            raise ClientDisconnect from gone
        except PayloadTooLarge as refused:
            raise _as_http(refused) from refused

    async def body(self) -> bytes:
        """Return the whole body. Raises `ClientDisconnect`."""
        if not hasattr(self, "_body"):
            c = self._unread
            if c is not None and not self._stream_consumed:
                try:
                    self._body = await c.read_body()
                except Disconnected as gone:
                    self._is_disconnected = True
                    raise ClientDisconnect from gone
                except PayloadTooLarge as refused:
                    raise _as_http(refused) from refused
            else:
                async with aclosing(self.stream()) as pieces:
                    self._body = b"".join([piece async for piece in pieces])
        return self._body

    async def json(self) -> Any:
        """Return the body's JSON value. Raises `json.JSONDecodeError` when it is none."""
        if not hasattr(self, "_json"):
            self._json = json.loads(await self.body())
        return self._json

    def form(
        self, *, max_files: float = 1000, max_fields: float = 1000, max_part_size: int = 1024 * 1024
    ) -> AwaitableOrContextManagerWrapper[FormData]:
        """Return the form, to be awaited or used as `async with request.form() as form`.

        Raises:
            HTTPException: 400, within an application: it is malformed or exceeds a limit.
            MultiPartException: the same without an application.
        """
        return AwaitableOrContextManagerWrapper(self._get_form(max_files, max_fields, max_part_size))

    async def _get_form(self, max_files: float, max_fields: float, max_part_size: int) -> FormData:
        if self._form is None:
            c = self._unread
            if c is not None and c.kept_form is not None:
                self._form = form_data(c.kept_form)
            else:
                self._form = await self._read_form(c, max_files, max_fields, max_part_size)
                if c is not None:
                    c.adopt_form(as_form(self._form))
        return self._form

    async def _read_form(
        self, c: RequestContext | None, max_files: float, max_fields: float, max_part_size: int
    ) -> FormData:
        from fenrir.starlette.formparsers import MultiPartException, read_form

        limit = c.body_limit if c is not None else None
        try:
            async with aclosing(self.stream() if limit is None else limited(self.stream(), limit)) as pieces:
                return await read_form(
                    self.headers, pieces, max_files=max_files, max_fields=max_fields, max_part_size=max_part_size
                )
        except MultiPartException as refused:
            if c is not None or "app" in self.scope:
                raise HTTPException(status_code=400, detail=refused.message) from refused
            raise

    async def close(self) -> None:
        """Close the form's files."""
        if self._form is not None:
            await self._form.close()

    async def is_disconnected(self) -> bool:
        """Say whether the client has left."""
        if not self._is_disconnected:
            c = self._unread
            self._is_disconnected = await _has_left(self._receive) if c is None else await _is_gone(c)
        return self._is_disconnected

    async def send_push_promise(self, path: str) -> None:
        """Push a response, where the server can (HTTP/2)."""
        if "http.response.push" in self.scope.get("extensions", {}):
            names = [(name, name.encode("latin-1")) for name in PUSHED_HEADERS]
            headers = [(raw, value.encode("latin-1")) for name, raw in names for value in self.headers.getlist(name)]
            await self._send({"type": "http.response.push", "path": path, "headers": headers})

    async def send_early_hints(self, link: str, /, *additional_links: str) -> None:
        """Send 103 with `Link` headers, where the server can (RFC 8297)."""
        if "http.response.early_hint" in self.scope.get("extensions", {}):
            links = [text.encode("latin-1") for text in (link, *additional_links)]
            await self._send({"type": "http.response.early_hint", "links": links})
