"""The native request: values, whether the handler is `def` or `async def`, because the body is read before it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fenrir.core.errors import BadRequest, UnsupportedMediaType
from fenrir.http.cookies import parse_cookies
from fenrir.http.forms import FormFile
from fenrir.http.json import JSONError, loads
from fenrir.http.media import MediaType
from fenrir.http.multidict import MultiDict
from fenrir.http.query import QueryParams, TooManyFields
from fenrir.http.url import URL
from fenrir.kit.headers import Headers
from fenrir.kit.sessions import Session, session_of

if TYPE_CHECKING:
    from asteri.exchange import Connection
    from fenrir.core.context import RequestContext, State

__all__ = ["Request", "RequestHeaders"]


class RequestHeaders(Headers):
    """The header fields of a request, a mapping with names in any case; of a repeated field `[name]` is the first."""

    def getall(self, name: str) -> list[str]:
        """Return all values of a field; same as `getlist`."""
        return self.getlist(name)


class Request:
    """One request, as native handlers see it.

    Where frameworks differ only in a name, all names reach the same object: `state`, `ctx` and `g`; `args` and `query`
    (`query_params` gives the last value of a repeated name, they give the first).
    """

    def __init__(self, c: RequestContext) -> None:
        self._c = c

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    # ------------------------------------------------------------------ head
    @property
    def method(self) -> str:
        """The method, as it arrived."""
        return self._c.http.method

    @property
    def path(self) -> str:
        """The decoded path, without the prefix of a mount or a proxy."""
        return self._c.http.path

    @property
    def raw_path(self) -> bytes:
        """The path as it arrived."""
        return self._c.http.raw_path

    @property
    def query_string(self) -> bytes:
        """The query as it arrived, without "?"."""
        return self._c.http.query

    @cached_property
    def headers(self) -> RequestHeaders:
        """The header fields, by name in any case."""
        return RequestHeaders.over(self._c.http.headers)

    @property
    def connection(self) -> Connection:
        """Scheme, addresses and protocol version."""
        return self._c.http.connection

    @property
    def client(self) -> tuple[str, int] | None:
        """The peer's host and port."""
        return self._c.http.connection.client

    @property
    def scheme(self) -> str:
        """http or https."""
        return self._c.http.connection.scheme

    @property
    def host(self) -> str:
        """The Host header."""
        return self._c.http.headers.get("host") or ""

    @cached_property
    def url(self) -> URL:
        """The whole URL, as the client wrote it."""
        path = self.connection.root_path + self.raw_path.decode("latin-1")
        query = self.query_string.decode("latin-1")
        return URL(self.scheme, self.host, path, query)

    @cached_property
    def query_params(self) -> QueryParams:
        """The query by name; of a repeated name the last value."""
        try:
            return QueryParams.parse(self._c.http.query)
        except TooManyFields as exc:
            raise BadRequest(str(exc)) from exc

    @cached_property
    def args(self) -> MultiDict[str]:
        """The query by name; of a repeated name the first value."""
        return self.query_params.first

    @property
    def query(self) -> MultiDict[str]:
        """Same as `args`."""
        return self.args

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        cookies: dict[str, str] = {}
        for header in self.headers.getall("cookie"):
            for name, value in parse_cookies(header).items():
                cookies.setdefault(name, value)
        return cookies

    @property
    def path_params(self) -> dict[str, Any]:
        """Converted values of the path by name."""
        return self._c.path_values

    # ------------------------------------------------------------------ body
    @property
    def content_type(self) -> str:
        """The content-type header, or an empty string."""
        return self._c.content_type

    @property
    def body(self) -> bytes:
        """The whole body. Raises `UnreadBody` on a route with stream=True."""
        return self._c.body

    @property
    def data(self) -> bytes:
        """Same as `body`."""
        return self._c.body

    @property
    def text(self) -> str:
        """The body as text in the charset of its content-type, UTF-8 by default."""
        kind = self.content_type
        return self.body.decode((MediaType.parse(kind).charset if kind else None) or "utf-8")

    @property
    def is_json(self) -> bool:
        """Say whether the content-type is a JSON type."""
        return bool(self.content_type) and MediaType.parse(self.content_type).is_json

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when there is no body.

        Raises:
            BadRequest: it is not JSON.
            UnsupportedMediaType: its content-type is none of JSON.
        """
        body = self.body
        if not body:
            return None
        # SECURITY: a form of another site can send text/plain without asking; it must not pass for JSON.
        if not self.is_json:
            raise UnsupportedMediaType("the content-type of JSON is application/json")
        try:
            return loads(body)
        except JSONError as exc:
            raise BadRequest(f"the body is not JSON: {exc}") from exc

    @property
    def form(self) -> MultiDict[str]:
        """The fields of a form. Raises `BadRequest` or `PayloadTooLarge`."""
        return MultiDict(self._c.form.fields)

    @property
    def files(self) -> MultiDict[FormFile]:
        """The uploaded files of a form."""
        return MultiDict(self._c.form.files)

    def stream(self) -> AsyncIterator[bytes]:
        """Iterate over a body that was left unread (stream=True on the route)."""
        return self._c.http.__aiter__()

    async def disconnected(self) -> None:
        """Return when the client is gone."""
        await self._c.http.disconnected()

    # ------------------------------------------------------------- notebooks
    @property
    def state(self) -> State:
        """The notebook of this request."""
        return self._c.state

    @property
    def ctx(self) -> State:
        """Same as `state`."""
        return self._c.state

    @property
    def g(self) -> State:
        """Same as `state`."""
        return self._c.state

    @property
    def session(self) -> Session:
        """The session, opened on first use."""
        return session_of(self._c)

    @property
    def app(self) -> Any:
        """The application."""
        return self._c.app.facade
