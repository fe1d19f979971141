"""Routes that lead to another application: below a prefix of the path, or under a host name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fenrir.starlette._paths import compile_path, get_route_path, matched_params, replace_params
from fenrir.starlette._route import BaseRoute, Match, NoMatchFound
from fenrir.starlette._url import parse_host_header
from fenrir.starlette.datastructures import Headers, URLPath
from fenrir.starlette.middleware import Middleware, wrap
from fenrir.starlette.middleware.body_limit import RequestBodyLimitMiddleware
from fenrir.starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Host", "Mount"]


class _Nested(BaseRoute):
    """What mounts and hosts have in common: an application, and a name in front of the names of its routes."""

    app: ASGIApp
    name: str | None

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes of the application, as far as it has such."""
        return getattr(self.app, "routes", [])

    def _inner_name(self, name: str) -> str | None:
        """What a name is for the application inside, None when it is not inside. A nameless one adds nothing."""
        if self.name is None:
            return name
        return name.removeprefix(f"{self.name}:") if name.startswith(f"{self.name}:") else None

    def _inner_url(self, name: str, path_params: dict[str, Any]) -> URLPath | None:
        for route in self.routes or ():
            try:
                return route.url_path_for(name, **path_params)
            except NoMatchFound:
                continue
        return None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        await self.app(scope, receive, send)


class Mount(_Nested):
    """An ASGI application, or routes, below a prefix.

    The application sees the prefix in `root_path`. `app_root_path` keeps the root path of the outermost application, so
    that `url_for` builds URLs from the top.
    """

    def __init__(
        self,
        path: str,
        app: ASGIApp | None = None,
        routes: Sequence[BaseRoute] | None = None,
        name: str | None = None,
        *,
        middleware: Sequence[Middleware] | None = None,
        max_body_size: int | None = None,
    ) -> None:
        from fenrir.starlette._router import Router  # a router holds mounts, a mount may hold a router

        assert path == "" or path.startswith("/"), "Routed paths must start with '/'"
        assert app is not None or routes is not None, "Either 'app=...', or 'routes=' must be specified"
        self.path = path.rstrip("/")
        self._base_app: ASGIApp = Router(routes=routes) if app is None else app
        self.app = wrap(self._base_app, middleware)
        if max_body_size is not None:
            self.app = RequestBodyLimitMiddleware(self.app, max_body_size=max_body_size)
        self.name = name
        self.path_regex, self.path_format, self.param_convertors = compile_path(f"{self.path}/{{path:path}}")

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes of the application itself, whatever middleware is around it."""
        return getattr(self._base_app, "routes", [])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether the path begins with the prefix."""
        if scope["type"] not in ("http", "websocket"):
            return Match.NONE, {}
        path = get_route_path(scope)
        params = matched_params(self.path_regex, self.param_convertors, path)
        if params is None:
            return Match.NONE, {}
        inner = "/" + params.pop("path")
        root = scope.get("root_path", "")
        return Match.FULL, {
            "path_params": {**scope.get("path_params", {}), **params},
            "app_root_path": scope.get("app_root_path", root),
            "root_path": root + path[: -len(inner)],
            "endpoint": self.app,
        }

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the path of `name` with `path=` below the mount, or of `name:inner` for a route inside."""
        if self.name is not None and name == self.name and "path" in path_params:
            path_params["path"] = path_params["path"].lstrip("/")
            path, rest = replace_params(self.path_format, self.param_convertors, path_params)
            if not rest:
                return URLPath(path=path)
        elif (inner := self._inner_name(name)) is not None:
            # `path` may be a parameter of the inner route as well.
            own = path_params.get("path")
            path_params["path"] = ""
            prefix, rest = replace_params(self.path_format, self.param_convertors, path_params)
            if own is not None:
                rest["path"] = own
            if (url := self._inner_url(inner, rest)) is not None:
                return URLPath(path=prefix.rstrip("/") + str(url), protocol=url.protocol)
        raise NoMatchFound(name, path_params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mount) and self.path == other.path and self.app == other.app

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.path!r}, name={self.name or ''!r}, app={self.app!r})"


class Host(_Nested):
    """An ASGI application under a host name, which may have parameters: `{tenant}.example.org`."""

    def __init__(self, host: str, app: ASGIApp, name: str | None = None) -> None:
        assert not host.startswith("/"), "Host must not start with '/'"
        self.host = host
        self.app = app
        self.name = name
        self.host_regex, self.host_format, self.param_convertors = compile_path(host)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether the `Host` header, without its port, is this one."""
        if scope["type"] not in ("http", "websocket"):
            return Match.NONE, {}
        parts = parse_host_header(Headers(scope=scope).get("host"))
        params = parts and matched_params(self.host_regex, self.param_convertors, parts.host.lower())
        if params is None:
            return Match.NONE, {}
        return Match.FULL, {"path_params": {**scope.get("path_params", {}), **params}, "endpoint": self.app}

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Build the URL of `name` with `path=` under the host, or of `name:inner` for a route inside."""
        if self.name is not None and name == self.name and "path" in path_params:
            path = path_params.pop("path")
            host, rest = replace_params(self.host_format, self.param_convertors, path_params)
            if not rest:
                return URLPath(path=path, host=host)
        elif (inner := self._inner_name(name)) is not None:
            host, rest = replace_params(self.host_format, self.param_convertors, path_params)
            if (url := self._inner_url(inner, rest)) is not None:
                return URLPath(path=str(url), protocol=url.protocol, host=host)
        raise NoMatchFound(name, path_params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Host) and self.host == other.host and self.app == other.app

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self.host!r}, name={self.name or ''!r}, app={self.app!r})"
