"""The request class: a view over the request context with the attributes that Flask's users know.

The body has been read before the view runs, so everything here is a value. What is computed is kept: there is one view
per request.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fenrir.core.errors import PayloadTooLarge
from fenrir.flask.ctx import door_of
from fenrir.flask.datastructures import (
    Accept,
    Authorization,
    FileStorage,
    ImmutableMultiDict,
    RequestHeaders,
    UserAgent,
)
from fenrir.flask.environ import environ_of
from fenrir.flask.exceptions import BadRequest, RequestEntityTooLarge, SecurityError, UnsupportedMediaType, adopt
from fenrir.http.cookies import parse_cookies
from fenrir.http.dates import parse_date
from fenrir.http.headers import parse_dict_params
from fenrir.http.hosts import AllowedHosts
from fenrir.http.media import best_encoding, best_language
from fenrir.http.query import TooManyFields, parse_pairs
from fenrir.http.url import percent_encode

if TYPE_CHECKING:
    from datetime import datetime

    from fenrir.core.context import RequestContext
    from fenrir.flask.routing import Rule

__all__ = ["Request"]

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_PATH_SAFE = "!$&'()*+,/:;=@%"


class Request:
    """The request that is being served."""

    def __init__(self, c: RequestContext) -> None:
        self._c = c
        self.view_args: dict[str, Any] | None = None
        options = self._options
        if c.plan is not None:
            self.view_args = {**options.get("defaults", {}), **c.path_values}

    @property
    def _options(self) -> Mapping[str, Any]:
        plan = self._c.plan
        return plan.route.options if plan is not None and hasattr(plan, "route") else {}

    # --------------------------------------------------------------- routing
    @property
    def endpoint(self) -> str | None:
        """The name of the route, None if none matched."""
        plan = self._c.plan
        return plan.route.name if plan is not None and hasattr(plan, "route") else None

    @property
    def url_rule(self) -> Rule | None:
        """The rule that matched, if it is one of Flask's."""
        return self._options.get("rule")

    @property
    def blueprint(self) -> str | None:
        """The full name of the blueprint of the view."""
        return self._options.get("blueprint")

    @property
    def blueprints(self) -> list[str]:
        """The names of the blueprint and of those around it, the nearest first."""
        name = self.blueprint
        names = []
        while name:
            names.append(name)
            name = name.rpartition(".")[0]
        return names

    @property
    def routing_exception(self) -> Exception | None:
        """Why no route matched."""
        from fenrir.flask._dialect import routing_error

        return routing_error(self._c)

    # ------------------------------------------------------------------- URL
    @property
    def method(self) -> str:
        """The method."""
        return self._c.http.method

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self._c.http.connection.scheme

    @property
    def is_secure(self) -> bool:
        """The request came encrypted."""
        return self.scheme in ("https", "wss")

    @property
    def path(self) -> str:
        """The path below the root, decoded."""
        path: str = self._c.exchange.path
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def full_path(self) -> str:
        """The path with the query, a question mark always between."""
        return f"{self.path}?{self.query_string.decode(errors='replace')}"

    @property
    def query_string(self) -> bytes:
        """The query as it came."""
        query: bytes = self._c.exchange.query
        return query

    @property
    def script_root(self) -> str:
        """The prefix below which the application is mounted."""
        root: str = self._c.exchange.connection.root_path
        return root

    root_path = script_root

    @cached_property
    def host(self) -> str:
        """The host as the client named it, without the usual port. Raises SecurityError for one not trusted."""
        c = self._c
        host: str = c.exchange.headers.get("host") or ""
        if not host and (server := c.exchange.connection.server) is not None:
            host = server[0] if server[1] is None else f"{server[0]}:{server[1]}"
        default = ":443" if self.is_secure else ":80"
        host = host.removesuffix(default)
        trusted = self.trusted_hosts
        if trusted is not None and not AllowedHosts(_spelled_out(trusted)).allows(host):
            raise SecurityError(f"Host {host!r} is not trusted.")
        return host

    @property
    def trusted_hosts(self) -> list[str] | None:
        """The hosts to which the application answers, None for any."""
        return self._config.get("TRUSTED_HOSTS")

    @property
    def host_url(self) -> str:
        """Scheme and host, with a slash."""
        return f"{self.scheme}://{self.host}/"

    @property
    def root_url(self) -> str:
        """Scheme, host and prefix, with a slash."""
        return f"{self.scheme}://{self.host}{_readable(percent_encode(self.script_root, _PATH_SAFE))}/"

    url_root = root_url

    @property
    def base_url(self) -> str:
        """The URL without the query."""
        return self.root_url + _readable(percent_encode(self._c.exchange.path.lstrip("/"), _PATH_SAFE))

    @property
    def url(self) -> str:
        """The whole URL."""
        query = self.query_string
        return f"{self.base_url}?{_readable(percent_encode(query, _PATH_SAFE + '?'))}" if query else self.base_url

    @property
    def remote_addr(self) -> str | None:
        """The address of the client."""
        client = self._c.exchange.connection.client
        return client[0] if client else None

    @property
    def access_route(self) -> list[str]:
        """The addresses that `X-Forwarded-For` names, or the client's. SECURITY: anyone may write that header."""
        forwarded = self.headers.get("x-forwarded-for")
        if forwarded:
            return [address.strip() for address in forwarded.split(",")]
        return [self.remote_addr] if self.remote_addr else []

    # --------------------------------------------------------------- headers
    @cached_property
    def headers(self) -> RequestHeaders:
        """The header fields."""
        return RequestHeaders(self._c.exchange.headers)

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str]:
        """The cookies."""
        found: dict[str, str] = {}
        for header in self._c.exchange.headers.getall("cookie"):
            found = {**parse_cookies(header), **found}
        return ImmutableMultiDict(found)

    @property
    def content_type(self) -> str | None:
        """The content type with its parameters."""
        value: str | None = self._c.exchange.headers.get("content-type")
        return value

    @property
    def mimetype(self) -> str:
        """The content type without parameters, in lower case."""
        return parse_dict_params(self.content_type or "")[0]

    @property
    def mimetype_params(self) -> dict[str, str]:
        """The parameters of the content type."""
        return parse_dict_params(self.content_type or "")[1]

    @property
    def content_length(self) -> int | None:
        """The length of the body as the client said it."""
        value = self._c.exchange.headers.get("content-length")
        return int(value) if value is not None and value.isascii() and value.isdigit() else None

    @property
    def content_encoding(self) -> str | None:
        """The encoding of the body."""
        value: str | None = self._c.exchange.headers.get("content-encoding")
        return value

    @property
    def referrer(self) -> str | None:
        """Where the client came from, as it says."""
        value: str | None = self._c.exchange.headers.get("referer")
        return value

    @property
    def origin(self) -> str | None:
        """The origin of the page that asks."""
        value: str | None = self._c.exchange.headers.get("origin")
        return value

    @property
    def date(self) -> datetime | None:
        """When the client sent it."""
        return parse_date(self._c.exchange.headers.get("date") or "")

    @property
    def if_modified_since(self) -> datetime | None:
        """The condition on the date."""
        return parse_date(self._c.exchange.headers.get("if-modified-since") or "")

    @cached_property
    def user_agent(self) -> UserAgent:
        """What the client calls itself."""
        return UserAgent(self._c.exchange.headers.get("user-agent") or "")

    @cached_property
    def authorization(self) -> Authorization | None:
        """The credentials."""
        return Authorization.from_header(self._c.exchange.headers.get("authorization"))

    @cached_property
    def accept_mimetypes(self) -> Accept:
        """The media types that the client wants."""
        return Accept(self._accept("accept"))

    @cached_property
    def accept_languages(self) -> Accept:
        """The languages that the client wants."""
        return Accept(self._accept("accept-language"), best_language)

    @cached_property
    def accept_encodings(self) -> Accept:
        """The encodings that the client takes."""
        return Accept(self._accept("accept-encoding"), best_encoding)

    def _accept(self, name: str) -> str | None:
        return ", ".join(self._c.exchange.headers.getall(name)) or None

    @property
    def is_xhr(self) -> bool:
        """A script asks, as it says."""
        return str(self.headers.get("x-requested-with", "")).lower() == "xmlhttprequest"

    # ------------------------------------------------------------------ body
    @cached_property
    def args(self) -> ImmutableMultiDict[str]:
        """The parameters of the query."""
        try:
            return ImmutableMultiDict(parse_pairs(self.query_string))
        except TooManyFields:
            raise RequestEntityTooLarge from None

    @cached_property
    def form(self) -> ImmutableMultiDict[str]:
        """The fields of the form."""
        return ImmutableMultiDict(self._form().fields)

    @cached_property
    def files(self) -> ImmutableMultiDict[FileStorage]:
        """The files of the form."""
        return ImmutableMultiDict([(name, FileStorage.of(part)) for name, part in self._form().files])

    def _form(self) -> Any:
        try:
            return self._c.form
        except PayloadTooLarge as exc:
            raise adopt(exc) from None

    @cached_property
    def values(self) -> ImmutableMultiDict[str]:
        """Query and, where the method has a body, form together; the query first."""
        pairs = self.args.multi_items()
        if self.method in ("POST", "PUT", "PATCH"):
            pairs = [*pairs, *self.form.multi_items()]
        return ImmutableMultiDict(pairs)

    @property
    def want_form_data_parsed(self) -> bool:
        """The body is a form."""
        return self.mimetype in _FORMS

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        """Return the body; of a form whose files are on disk nothing is left to return."""
        data = b"" if parse_form_data and self.want_form_data_parsed else self._c.body
        return data.decode(errors="replace") if as_text else data

    @cached_property
    def data(self) -> bytes:
        """The body, empty if it is a form."""
        data: bytes = self.get_data(parse_form_data=True)
        return data

    @cached_property
    def stream(self) -> io.BytesIO:
        """The body as a file."""
        return io.BytesIO(self._c.body)

    @property
    def is_json(self) -> bool:
        """The content type is JSON."""
        kind = self.mimetype
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body read as JSON.

        Args:
            force: whatever the content type is.
            silent: None instead of an error.

        Raises:
            UnsupportedMediaType: the content type is not JSON.
            BadRequest: the body is not JSON.
        """
        kept = self.__dict__.get("_json")
        if cache and kept is not None and kept[silent] is not _NOTHING:
            return kept[silent]
        if not (force or self.is_json):
            return None if silent else self.on_json_loading_failed(None)
        try:
            value = self._loads(self._c.body)
        except ValueError as error:
            value = None if silent else self.on_json_loading_failed(error)
            if cache:
                _, loud = kept or (_NOTHING, _NOTHING)
                self.__dict__["_json"] = (loud, value) if silent else (value, value)
        else:
            if cache:
                self.__dict__["_json"] = (value, value)
        return value

    def _loads(self, data: bytes) -> Any:
        return door_of(self._c.app).json.loads(data)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Answer a body that is not JSON; a subclass may return a value instead."""
        if e is None:
            raise UnsupportedMediaType(
                "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
            )
        if self._config.get("DEBUG"):
            raise BadRequest(f"Failed to decode JSON object: {e}") from e
        raise BadRequest from e

    @property
    def json(self) -> Any:
        """The body read as JSON; errors as of `get_json`."""
        return self.get_json()

    # ----------------------------------------------------------------- other
    @cached_property
    def environ(self) -> dict[str, Any]:
        """The request as WSGI describes it (PEP 3333)."""
        return environ_of(self._c, self.stream)

    @property
    def _config(self) -> Mapping[str, Any]:
        return door_of(self._c.app).config

    @property
    def max_content_length(self) -> int | None:
        """The most that a body may have."""
        return self._c.body_limit

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url!r} [{self.method}]>"


_NOTHING = object()
_ENCODED = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")


def _readable(text: str) -> str:
    """Return a part of a URL in which letters beyond ASCII stand for themselves (an IRI, RFC 3987 §3.2)."""
    return _ENCODED.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    try:
        return bytes.fromhex(match[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return match[0]


def _spelled_out(hosts: Iterable[str]) -> Iterator[str]:
    """Return trusted hosts with `.name` (the name and all below it) as two entries."""
    for host in hosts:
        if host.startswith("."):
            yield f"*{host}"
        yield host.lstrip(".")
