"""Request classes: views of the request context, with upstream's names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from asteri.exchange import Disconnected
from fenrir.fastapi.datastructures import URL, Address, FormData, Headers, QueryParams, State, UploadFile
from fenrir.http.json import loads
from fenrir.kit.validation.gather import cookies_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["ClientDisconnect", "HTTPConnection", "Request"]


class ClientDisconnect(Exception):
    """The client left before its request was complete."""


class HTTPConnection(Mapping[str, Any]):
    """What a request and a WebSocket have in common; as a mapping it is the ASGI scope."""

    _kind = "http"

    def __init__(self, c: RequestContext) -> None:
        self._c = c
        self._scope: dict[str, Any] | None = None
        self._headers: Headers | None = None
        self._query: QueryParams | None = None
        self._cookies: dict[str, str] | None = None

    @property
    def scope(self) -> dict[str, Any]:
        """An ASGI scope with what is known of the request."""
        if self._scope is None:
            c, exchange = self._c, self._c.exchange
            connection = exchange.connection
            given = getattr(exchange, "scope", None)
            self._scope = dict(given) if given is not None else {"asgi": {"version": "3.0", "spec_version": "2.4"}}
            self._scope.update(
                type=self._kind,
                http_version=connection.http_version,
                scheme=connection.scheme,
                method=getattr(exchange, "method", "GET"),
                path=connection.root_path + exchange.path,
                raw_path=exchange.raw_path,
                query_string=exchange.query,
                root_path=connection.root_path,
                headers=list(exchange.headers.raw),
                client=connection.client,
                server=connection.server,
                app=self.app,
                path_params=self.path_params,
                state=self.state,
            )
            if c.plan is not None:
                self._scope["endpoint"] = c.plan.route.handler
        return self._scope

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def app(self) -> Any:
        """The application object."""
        return self._c.app.facade

    @property
    def url(self) -> URL:
        """The whole URL, as far as the Host header can be believed."""
        exchange = self._c.exchange
        connection = exchange.connection
        path = connection.root_path + exchange.raw_path.decode("ascii", "replace").partition("?")[0]
        return URL(self._scheme, self._netloc, path, exchange.query.decode("latin-1"))

    @property
    def base_url(self) -> URL:
        """The URL of the application's root."""
        return URL(self._scheme, self._netloc, self._c.exchange.connection.root_path + "/")

    @property
    def _scheme(self) -> str:
        scheme: str = self._c.exchange.connection.scheme
        return scheme

    @property
    def _netloc(self) -> str:
        host: str | None = self._c.exchange.headers.get("host")
        if host is not None:
            return host
        server = self._c.exchange.connection.server
        if server is None or server[1] is None:
            return ""
        default = {"http": 80, "https": 443, "ws": 80, "wss": 443}.get(self._scheme)
        return str(server[0]) if server[1] == default else f"{server[0]}:{server[1]}"

    @property
    def headers(self) -> Headers:
        """The headers."""
        if self._headers is None:
            self._headers = Headers(self._c.exchange.headers)
        return self._headers

    @property
    def query_params(self) -> QueryParams:
        """The query; `[name]` is the last value of a name."""
        if self._query is None:
            self._query = QueryParams.parse(self._c.exchange.query)
        return self._query

    @property
    def path_params(self) -> dict[str, Any]:
        """The converted values of the path."""
        return self._c.path_values

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies."""
        if self._cookies is None:
            self._cookies = cookies_of(self._c.exchange.headers)
        return self._cookies

    @property
    def client(self) -> Address | None:
        """The peer."""
        client = self._c.exchange.connection.client
        return Address(*client) if client is not None else None

    @property
    def state(self) -> State:
        """The notebook of this request."""
        return self._c.state

    def url_for(self, name: str, /, **path_params: Any) -> Any:
        """Return the absolute URL of a route."""
        return self.app.url_path_for(name, **path_params).make_absolute_url(self.base_url)


class Request(HTTPConnection):
    """An HTTP request; the body is awaited."""

    @property
    def method(self) -> str:
        """The method, as it was sent."""
        return self._c.http.method

    async def stream(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it arrives, and over nothing at its end. It is not kept.

        Raises:
            ClientDisconnect: it will never be complete.
        """
        c = self._c
        body = c.exchange.buffered if c.exchange.buffered is not None else c._body
        try:
            if body is not None:
                yield body
            else:
                async for piece in c.http:
                    yield piece
        except Disconnected as exc:
            raise ClientDisconnect from exc
        yield b""

    async def body(self) -> bytes:
        """Return the whole body."""
        try:
            return await self._c.read_body()
        except Disconnected as exc:
            raise ClientDisconnect from exc

    async def json(self) -> Any:
        """Return the body's JSON value. Raises `ValueError` when it is none."""
        return loads(await self.body())

    def form(self, **limits: int) -> _FormReader:
        """Return the form, to be awaited or used as `async with request.form() as form`."""
        return _FormReader(self._c)

    async def is_disconnected(self) -> bool:
        """Say whether the client has left."""
        gone: asyncio.Future[None] = self._c.note("fastapi.gone", _watch)
        await asyncio.sleep(0)
        return gone.done()

    async def close(self) -> None:
        """Close the form's files; the request does so by itself."""
        self._c.close()


def _watch(c: RequestContext) -> asyncio.Future[None]:
    watching = asyncio.ensure_future(c.http.disconnected())
    c.after_sending(_stopper(watching))
    return watching


def _stopper(watching: asyncio.Future[None]) -> Any:
    async def stop() -> None:
        watching.cancel()

    return stop


class _FormReader:
    """A form on its way: awaitable, and an async context manager."""

    def __init__(self, c: RequestContext) -> None:
        self._c = c

    async def _read(self) -> FormData:
        form = await self._c.read_form()
        pairs: list[tuple[str, Any]] = [*form.fields]
        pairs += [(name, UploadFile.of(part)) for name, part in form.files]
        return FormData(pairs)

    def __await__(self) -> Generator[Any, None, FormData]:
        return self._read().__await__()

    async def __aenter__(self) -> FormData:
        return await self._read()

    async def __aexit__(self, *_: object) -> None:
        self._c.close()
