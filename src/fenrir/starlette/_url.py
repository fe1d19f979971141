"""URLs as upstream spells them: a text that is split when somebody asks, and whose parts can be exchanged."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from fenrir.starlette.types import Scope

__all__ = ["URL", "ParsedHost", "URLPath", "parse_host_header", "url_text"]

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

# RFC 3986 §3.2.2. SECURITY: a Host header with anything else could move the URL's path or name another authority.
_HOST = re.compile(
    r"(?P<host>[A-Za-z0-9._~%!$&'()*+,;=-]+"
    r"|\[(?:(?P<ipv6>[A-Fa-f0-9]*:[A-Fa-f0-9.:]+)|v[A-Fa-f0-9]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\])"
    r"(?::(?P<port>[0-9]+))?"
)


class ParsedHost(NamedTuple):
    """A `Host` header: the name (an IP literal in its brackets) and the digits of the port."""

    host: str
    port: str | None

    @property
    def authority(self) -> str:
        """Both, as they are written in a URL."""
        return f"{self.host}:{self.port}" if self.port is not None else self.host

    @property
    def is_valid_port(self) -> bool:
        """The port is missing or a number of TCP."""
        digits = (self.port or "").lstrip("0")
        return len(digits) < 6 and int(digits or 0) < 65536


def parse_host_header(host_header: str | None) -> ParsedHost | None:
    """Return the two parts of a `Host` header, None when it is missing or malformed."""
    match = _HOST.fullmatch(host_header) if host_header is not None else None
    if match is None:
        return None
    if match["ipv6"] is not None:
        try:
            ipaddress.IPv6Address(match["ipv6"])
        except ValueError:
            return None
    return ParsedHost(match["host"], match["port"])


def url_text(scheme: str, host: str | None, server: Any, path: str, query: str) -> str:
    """Return the URL of a request: at the host of its `Host` header if that can be one, else at the server's."""
    path = path.replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")
    parsed = parse_host_header(host)
    if parsed is not None and parsed.is_valid_port:
        netloc = parsed.authority
    elif server is not None:
        name, port = server
        if ":" in name and not name.startswith("["):
            name = f"[{name}]"
        netloc = name if port == _PORTS[scheme] else f"{name}:{port}"
    else:
        # SECURITY: without a host, two slashes at the beginning would be read as one.
        path = f"/%2F{path[2:]}" if path.startswith("//") else path
        return f"{path}?{query}" if query else path
    return SplitResult(scheme, netloc, path, query, "").geturl()


def _of_scope(scope: Scope) -> str:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), None)
    query = scope.get("query_string", b"").decode("utf-8", "replace")
    return url_text(scope.get("scheme", "http"), host, scope.get("server"), scope["path"], query)


class URL:
    """A URL, made from its text, from an ASGI scope, or from components."""

    def __init__(self, url: str = "", scope: Scope | None = None, **components: Any) -> None:
        if scope is not None:
            assert not url, 'Cannot set both "url" and "scope".'
            assert not components, 'Cannot set both "scope" and "**components".'
            url = _of_scope(scope)
        elif components:
            assert not url, 'Cannot set both "url" and "**components".'
            url = str(URL().replace(**components))
        self._url = url

    @cached_property
    def components(self) -> SplitResult:
        """The parts, as `urllib.parse.urlsplit` gives them."""
        return urlsplit(self._url)

    @property
    def scheme(self) -> str:
        """The scheme in lower case."""
        return self.components.scheme

    @property
    def netloc(self) -> str:
        """User, host and port, as they are written."""
        return self.components.netloc

    @property
    def path(self) -> str:
        """The path, as it is written."""
        return self.components.path

    @property
    def query(self) -> str:
        """The query, as it is written."""
        return self.components.query

    @property
    def fragment(self) -> str:
        """What follows `#`."""
        return self.components.fragment

    @property
    def username(self) -> str | None:
        """The user, as it is written."""
        return self.components.username

    @property
    def password(self) -> str | None:
        """The password, as it is written."""
        return self.components.password

    @property
    def hostname(self) -> str | None:
        """The host in lower case, without brackets."""
        return self.components.hostname

    @property
    def port(self) -> int | None:
        """The port, None when it is not written."""
        return self.components.port

    @property
    def is_secure(self) -> bool:
        """The scheme is that of an encrypted connection."""
        return self.scheme in ("https", "wss")

    def replace(self, **kwargs: Any) -> Self:
        """Return a URL with other components; None takes a port, a user or a password away."""
        if kwargs.keys() & {"hostname", "port", "username", "password"}:
            kwargs["netloc"] = self._netloc(
                kwargs.pop("hostname", None),
                kwargs.pop("port", self.port),
                kwargs.pop("username", self.username),
                kwargs.pop("password", self.password),
            )
        return type(self)(self.components._replace(**kwargs).geturl())

    def _netloc(self, host: str | None, port: int | None, username: str | None, password: str | None) -> str:
        if host is None:
            host = self.netloc.rpartition("@")[2]
            if host and not host.endswith("]"):
                host = host.rsplit(":", 1)[0]
        elif _is_ipv6(host):
            host = f"[{host}]"
        if port is not None:
            host = f"{host}:{port}"
        if username is None:
            return host
        return f"{username}@{host}" if password is None else f"{username}:{password}@{host}"

    def include_query_params(self, **kwargs: Any) -> Self:
        """Return the URL with parameters of the query set."""
        kept = [pair for pair in parse_qsl(self.query, keep_blank_values=True) if pair[0] not in kwargs]
        return self.replace(query=urlencode([*kept, *((name, str(value)) for name, value in kwargs.items())]))

    def replace_query_params(self, **kwargs: Any) -> Self:
        """Return the URL with these parameters only."""
        return self.replace(query=urlencode([(name, str(value)) for name, value in kwargs.items()]))

    def remove_query_params(self, keys: str | Sequence[str]) -> Self:
        """Return the URL without some parameters of the query."""
        gone = {keys} if isinstance(keys, str) else set(keys)
        kept = [pair for pair in parse_qsl(self.query, keep_blank_values=True) if pair[0] not in gone]
        return self.replace(query=urlencode(kept))

    def __eq__(self, other: Any) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._url)

    def __str__(self) -> str:
        return self._url

    def __repr__(self) -> str:
        # SECURITY: a password must not reach logs through a repr.
        shown = str(self.replace(password="********")) if self.password else self._url
        return f"{type(self).__name__}({shown!r})"


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


class URLPath(str):
    """The path of a route, as `url_path_for` returns it, with the protocol and the host that the route demands."""

    protocol: Literal["http", "websocket", ""]
    host: str

    def __new__(cls, path: str, protocol: Literal["http", "websocket", ""] = "", host: str = "") -> Self:
        assert protocol in ("http", "websocket", "")
        path = path.replace("\\", "%5C")
        if path.startswith("//"):
            path = f"/%2F{path[2:]}"  # SECURITY: or it would be a host
        made = super().__new__(cls, path)
        made.protocol = protocol
        made.host = host
        return made

    def __init__(self, path: str, protocol: Literal["http", "websocket", ""] = "", host: str = "") -> None:
        """Take the arguments of `__new__`."""

    def make_absolute_url(self, base_url: str | URL) -> URL:
        """Return the path at a host, below the base's own path."""
        base = URL(base_url) if isinstance(base_url, str) else base_url
        scheme = base.scheme
        if self.protocol:
            scheme = (
                ("https" if base.is_secure else "http")
                if self.protocol == "http"
                else "wss"
                if base.is_secure
                else "ws"
            )
        return URL(scheme=scheme, netloc=self.host or base.netloc, path=base.path.rstrip("/") + str(self))
