"""The request class: Werkzeug's values over the engine's request.

A request that comes from a server of ours is a view of the engine's context; what WSGI calls the environ is made when
somebody asks for it. A request can be made of an environ as well, as upstream makes all of them.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import parse_qsl

from werkzeug.datastructures import EnvironHeaders, FileStorage, Headers, ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request as WerkzeugRequest

from fenrir.core.errors import StatusError
from fenrir.flask import json
from fenrir.flask.environ import environ_of
from fenrir.flask.exceptions import adopt
from fenrir.flask.globals import DOOR, current_app
from fenrir.flask.lazy import lazy
from fenrir.flask.origins import _split_blueprint_path

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException
    from werkzeug.routing import Rule

    from asteri.exchange import Exchange
    from fenrir.core.context import RequestContext

__all__ = ["Request"]


_PERCENT, _PLUS = b"%+"
_UNREAD = frozenset({"_cached_data", "stream", "environ", "form"})
"""What a request has whose body somebody has been at."""


class _Headers(EnvironHeaders):
    """The header fields of the environ, read from the exchange as long as nobody has asked for the environ."""

    def __init__(self, request: Request) -> None:
        self._request = request

    @property
    def environ(self) -> dict[str, Any]:  # type: ignore[override]
        return self._request.environ

    def _get_key(self, key: str) -> str:
        request = self._request
        if "environ" in request.__dict__ or type(key) is not str or "_" in key:
            return super()._get_key(key)
        assert request._c is not None
        values = request._c.exchange.headers.getall(key.lower())
        if not values:
            raise KeyError(key)
        return values[0] if len(values) == 1 else ("; " if key.lower() == "cookie" else ",").join(values)


class Request(WerkzeugRequest):
    """The request that is being served.

    Attributes:
        routing_exception: why no rule matched.
    """

    json_module: Any = json
    routing_exception: HTTPException | None = None
    _max_content_length: int | None = None
    _max_form_memory_size: int | None = None
    _max_form_parts: int | None = None
    _c: RequestContext | None = None

    @classmethod
    def of(cls, c: RequestContext) -> Self:
        """Return the view of a request that the engine serves."""
        if cls.__init__ is not WerkzeugRequest.__init__:
            return cls(environ_of(c))  # what a user's class makes of the environ is its own affair
        view = cls.__new__(cls)
        view._c = c
        if c.plan is not None and c.plan.route.websocket:
            c.keep_body(b"")  # a handshake has none
        return view

    # What Werkzeug's class sets when it is made of an environ is looked up here when somebody asks.
    shallow = False

    @lazy
    def method(self) -> str:
        """The method, in upper case."""
        return getattr(self._exchange, "method", "GET")  # a handshake has no other

    @lazy
    def scheme(self) -> str:
        """The scheme of the URL."""
        return self._exchange.connection.scheme

    @lazy
    def server(self) -> tuple[str, int | None] | None:
        """The address of the server."""
        return self._exchange.connection.server

    @lazy
    def root_path(self) -> str:
        """The prefix under which the application stands."""
        return self._exchange.connection.root_path

    @lazy
    def path(self) -> str:
        """The path behind that prefix."""
        path = self._exchange.path
        if not path.isascii():
            path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return "/" + path.lstrip("/")

    @lazy
    def query_string(self) -> bytes:
        """The query, as it was sent."""
        return self._exchange.query

    @lazy
    def remote_addr(self) -> str | None:
        """The address of the client."""
        client = self._exchange.connection.client
        return client[0] if client else None

    @property
    def _exchange(self) -> Exchange:
        assert self._c is not None
        exchange: Exchange = self._c.exchange
        return exchange

    # An attribute of the instance when the request was made of an environ.
    @lazy
    def environ(self) -> dict[str, Any]:
        """The request as WSGI describes it (PEP 3333)."""
        assert self._c is not None
        environ = environ_of(self._c)
        environ["werkzeug.request"] = self
        return environ

    @lazy
    def headers(self) -> EnvironHeaders:  # type: ignore[override]
        """The header fields."""
        return EnvironHeaders(self.environ) if self._c is None else _Headers(self)

    @lazy
    def args(self) -> MultiDict[str, str]:
        """The fields of the query."""
        query = self.query_string
        plain = query.isascii() and _PERCENT not in query and _PLUS not in query
        if not plain or self.parameter_storage_class is not ImmutableMultiDict:
            pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="werkzeug.url_quote")
            return self.parameter_storage_class(pairs)
        # PERF: a MultiDict is a dict of lists; its own way there asks first what else it may have been given (1.2 us).
        lists: dict[str, list[str]] = {}
        for piece in query.decode("ascii").split("&"):
            name, _, value = piece.partition("=")
            if piece and name not in lists:
                lists[name] = [value]
            elif piece:
                lists[name].append(value)
        made: ImmutableMultiDict[str, str] = ImmutableMultiDict.__new__(ImmutableMultiDict)
        cast(Any, dict).__init__(made, lists)
        return made

    # ---------------------------------------------------------------- limits
    def _limit(self, own: int | None, key: str, fallback: int | None) -> int | None:
        if own is not None:
            return own
        c = self._c
        app: Any = c.app.extensions.get(DOOR) if c is not None else current_app
        if not app:
            return fallback
        configured: int | None = app.config[key]
        return configured

    @property
    def max_content_length(self) -> int | None:
        """The most that a body may have; may be set for one request."""
        return self._limit(self._max_content_length, "MAX_CONTENT_LENGTH", WerkzeugRequest.max_content_length)

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value

    @property
    def max_form_memory_size(self) -> int | None:
        """The most that a field of a multipart form may have; may be set for one request."""
        return self._limit(self._max_form_memory_size, "MAX_FORM_MEMORY_SIZE", WerkzeugRequest.max_form_memory_size)

    @max_form_memory_size.setter
    def max_form_memory_size(self, value: int | None) -> None:
        self._max_form_memory_size = value

    @property  # type: ignore[override]
    def max_form_parts(self) -> int | None:
        """How many fields a multipart form may have; may be set for one request."""
        return self._limit(self._max_form_parts, "MAX_FORM_PARTS", WerkzeugRequest.max_form_parts)

    @max_form_parts.setter
    def max_form_parts(self, value: int | None) -> None:
        self._max_form_parts = value

    # --------------------------------------------------------------- routing
    @lazy
    def url_rule(self) -> Rule | None:
        """The rule that matched, None if none did."""
        plan = self._c.plan if self._c is not None else None
        return None if plan is None else plan.route.options.get("rule")

    @lazy
    def view_args(self) -> dict[str, Any] | None:
        """The values in the path, and the defaults of the rule."""
        rule = self.url_rule
        return None if rule is None or self._c is None else {**(rule.defaults or {}), **self._c.path_values}

    @property
    def endpoint(self) -> str | None:
        """The endpoint of the rule that matched; of a route of another dialect its name."""
        rule = self.url_rule
        if rule is not None:
            return rule.endpoint  # type: ignore[no-any-return]
        route = getattr(self._c.plan, "route", None) if self._c is not None else None
        return None if route is None or "app" in route.options else route.name

    @property
    def blueprint(self) -> str | None:
        """The full name of the view's blueprint."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None
        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The names of the view's blueprint and of those around it, the nearest first."""
        name = self.blueprint
        return [] if name is None else _split_blueprint_path(name)

    # ------------------------------------------------------------------ body
    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """Return the body; of a form that was parsed nothing is left."""
        # PERF: a body that is there needs no stream (0.7 us instead of 12).
        c = self._c
        if c is not None and cache and not parse_form_data and _UNREAD.isdisjoint(self.__dict__):
            body = c.kept_body
            if body is None:
                body = c.exchange.buffered
            limit = self.max_content_length
            if body is not None and not self.shallow and (limit is None or len(body) <= limit):
                self.__dict__.update(_cached_data=body, stream=BytesIO())
                if not as_text:
                    return body
        return super().get_data(cache, cast(Any, as_text), parse_form_data)

    def _load_form_data(self) -> None:
        c = self._c
        if c is not None and "form" not in self.__dict__ and self.want_form_data_parsed:
            app = c.app.extensions.get(DOOR)
            if app is not None and app.shares_requests:
                self._take_form(c)
        super()._load_form_data()
        # In debug mode a form that was sent without its files explains itself when a file is asked for.
        if current_app and current_app.debug and self.mimetype != "multipart/form-data" and not self.files:
            from fenrir.flask.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def _take_form(self, c: RequestContext) -> None:
        """Take the form that the engine reads for all dialects, with its limits."""
        try:
            form = c.form
        except StatusError as exc:
            raise adopt(exc) from None
        files = [
            (
                name,
                FileStorage(
                    part.file, part.filename, part.name, part.content_type, headers=Headers(list(part.headers))
                ),
            )
            for name, part in form.files
        ]
        # What Werkzeug finds here it does not parse again.
        self.__dict__.update(
            stream=BytesIO(),
            form=self.parameter_storage_class(form.fields),
            files=ImmutableMultiDict(files),
        )

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Answer a body that is not JSON; a subclass may return a value instead."""
        try:
            return super().on_json_loading_failed(e)
        except BadRequest as refused:
            if current_app and current_app.debug:
                raise
            raise BadRequest from refused  # SECURITY: what the parser said of the body is for developers
