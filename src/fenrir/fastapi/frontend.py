"""Front ends: the files that a build of a web application has written, tried when no route takes a request.

A path without a file is answered with `404.html` or, for what a browser asks for as a page, with `index.html`: the
application in the browser has routes of its own. Of several front ends the one with the longest path counts.
"""

from __future__ import annotations

import email.message
import errno
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fenrir.core.declare import caller
from fenrir.fastapi._scope import FRONTEND_PATH, SPECIFICITY, fastapi_scope, update_scope
from fenrir.fastapi.handler import RequestHandler, request_response
from fenrir.fastapi.requests import Request
from fenrir.starlette.concurrency import run_in_threadpool
from fenrir.starlette.datastructures import URL, URLPath
from fenrir.starlette.exceptions import HTTPException
from fenrir.starlette.responses import RedirectResponse, Response
from fenrir.starlette.routing import BaseRoute, Match, NoMatchFound, get_route_path
from fenrir.starlette.staticfiles import StaticFiles
from fenrir.starlette.types import Receive, Send

if TYPE_CHECKING:
    from fenrir.fastapi.inclusion import IncludeContext

__all__ = ["Fallback", "FrontendGroup", "FrontendRoute", "checks_directory", "frontend_path", "joined"]

Fallback = Literal["auto", "index.html", "404.html"] | None
Directory = str | os.PathLike[str]
Resource = tuple[str, os.stat_result, bool]  # the file, and whether it is the index of the folder that was asked for

_PAGES = ("text/html", "application/xhtml+xml")


def frontend_path(path: str) -> str:
    """Return the path of a front end without a slash at its end.

    Raises:
        AssertionError: it is none.
    """
    assert path, "A frontend path cannot be empty"
    assert path.startswith("/"), "A frontend path must start with '/'"
    return path if path == "/" else path.rstrip("/")


def joined(prefix: str, path: str) -> str:
    """Return the path of a front end below a prefix."""
    if not prefix:
        return path
    return prefix if path == "/" else prefix + path


def _specificity(path: str) -> int:
    return 0 if path == "/" else len(path)


def _absolute(path: Directory) -> str:
    return os.path.realpath(os.fspath(path))


def checks_directory(directory: Directory, check_dir: bool | Literal["auto"]) -> bool:
    """Say whether a directory has to exist now: in development it may be built later, which is only warned of."""
    if check_dir != "auto":
        return check_dir
    if os.environ.get("FASTAPI_ENV") != "development":
        return True
    if not Path(directory).is_dir():
        place = caller()
        message = f"Frontend directory '{directory}' does not exist. Resolved absolute path: '{_absolute(directory)}'"
        warnings.warn_explicit(message, UserWarning, place.file, place.line)
    return False


class FrontendFiles(StaticFiles):
    """The files of one front end."""

    def __init__(self, *, directory: Directory, fallback: Fallback, check_dir: bool) -> None:
        self.fallback = fallback
        if check_dir and not Path(directory).is_dir():
            raise RuntimeError(
                f"Frontend directory '{directory}' does not exist. Resolved absolute path: '{_absolute(directory)}'"
            )
        super().__init__(directory=directory, html=True, check_dir=check_dir, follow_symlink=False)
        if check_dir and fallback in ("index.html", "404.html"):
            _, found = self.lookup_path(fallback)
            if found is None or not stat.S_ISREG(found.st_mode):
                raise self._missing(fallback)

    def _missing(self, fallback: str) -> RuntimeError:
        assert self.directory is not None
        return RuntimeError(
            f"Frontend fallback file '{fallback}' does not exist in directory '{self.directory}'. "
            f"Resolved absolute directory: '{_absolute(self.directory)}'"
        )

    def get_path(self, scope: Any) -> str:
        """Return the path of a file below the directory."""
        path: str = fastapi_scope(scope).get(FRONTEND_PATH, "")
        return os.path.normpath(path.replace("/", os.sep) or ".")

    async def get_response_for_scope(self, scope: Any) -> Response:
        """Return the answer to a request."""
        if not self.config_checked:
            await self.check_config()
            self.config_checked = True
        return await self.get_response(self.get_path(scope), scope)

    async def get_response(self, path: str, scope: Any) -> Response:
        """Return a file, or the fallback.

        Raises:
            HTTPException: 404, or 405 when the method can not be used on a file.
        """
        found = await self._resource(path)
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(status_code=404 if found is None else 405)
        if found is not None:
            file, about, is_index = found
            if is_index and not scope["path"].endswith("/"):
                url = URL(scope=scope)
                return RedirectResponse(url=url.replace(path=url.path + "/"))
            return self.file_response(file, about, scope)
        if self.fallback == "404.html" or (self.fallback == "auto" and await self._has("404.html")):
            return await self._fallback("404.html", scope, 404)
        if _asks_for_a_page(scope) and (
            self.fallback == "index.html" or (self.fallback == "auto" and await self._has("index.html"))
        ):
            return await self._fallback("index.html", scope, 200)
        raise HTTPException(status_code=404)

    async def _look(self, path: str) -> tuple[str, os.stat_result | None]:
        try:
            return await run_in_threadpool(self.lookup_path, path)
        except PermissionError:
            raise HTTPException(status_code=401) from None
        except ValueError:
            raise HTTPException(status_code=404) from None
        except OSError as exc:
            if exc.errno == errno.ENAMETOOLONG:
                raise HTTPException(status_code=404) from None
            raise

    async def _resource(self, path: str) -> Resource | None:
        file, found = await self._look(path)
        if found is None:
            return None
        if stat.S_ISREG(found.st_mode):
            return file, found, False
        if stat.S_ISDIR(found.st_mode):
            file, found = await self._look(f"{path}/index.html")
            if found is not None and stat.S_ISREG(found.st_mode):
                return file, found, True
        return None

    async def _has(self, fallback: str) -> bool:
        _, found = await run_in_threadpool(self.lookup_path, fallback)
        return found is not None and stat.S_ISREG(found.st_mode)

    async def _fallback(self, fallback: str, scope: Any, status_code: int) -> Response:
        file, found = await run_in_threadpool(self.lookup_path, fallback)
        if found is None or not stat.S_ISREG(found.st_mode):
            raise self._missing(fallback)
        return self.file_response(file, found, scope, status_code=status_code)


def _asks_for_a_page(scope: Any) -> bool:
    """Say whether a browser wants to show the answer, rather than to use it in a page."""
    accept = Request(scope).headers.get("accept", "")
    return any(kind in _PAGES and quality != 0 for kind, quality in _accepted(accept))


def _accepted(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        message = email.message.Message()
        message["content-type"] = part.strip()
        quality = message.get_param("q")
        try:
            yield message.get_content_type(), float(quality) if isinstance(quality, str) else 1.0
        except ValueError:
            yield message.get_content_type(), 1.0


class FrontendRoute(BaseRoute):
    """One front end."""

    def __init__(self, path: str, *, directory: Directory, fallback: Fallback = "auto", check_dir: bool) -> None:
        assert fallback in ("auto", "index.html", "404.html", None), (
            "fallback must be 'auto', 'index.html', '404.html', or None"
        )
        self.path = frontend_path(path)
        self.methods = {"GET", "HEAD"}
        self.app = FrontendFiles(directory=directory, fallback=fallback, check_dir=check_dir)

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a path is below this front end."""
        return self.matches_with_path(scope, self.path)

    def matches_with_path(self, scope: Any, path: str) -> tuple[Match, Any]:
        """Do as `matches`, for this front end at another path."""
        if scope["type"] != "http":
            return Match.NONE, {}
        below = _below(path, get_route_path(scope))
        if below is None:
            return Match.NONE, {}
        added = {"fastapi": {FRONTEND_PATH: below, SPECIFICITY: _specificity(path)}}
        return Match.FULL if scope["method"] in self.methods else Match.PARTIAL, added

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        response = await self.app.get_response_for_scope(scope)
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise: a front end has no name."""
        raise NoMatchFound(name, path_params)


def _below(path: str, route_path: str) -> str | None:
    """Return what a path is below a front end's, None when it is not."""
    if path == "/":
        return route_path.lstrip("/")
    if route_path == path:
        return ""
    return route_path.removeprefix(f"{path}/") if route_path.startswith(f"{path}/") else None


class FrontendGroup(BaseRoute):
    """The front ends of one router, with its dependencies around them."""

    def __init__(
        self,
        routes: list[FrontendRoute],
        dependencies: Sequence[Any],
        dependency_overrides_provider: Any,
        prefix: str = "",
    ) -> None:
        self.routes = routes
        self.dependencies = list(dependencies)
        self.dependency_overrides_provider = dependency_overrides_provider
        self.prefix = prefix
        self._app = self._with_dependencies() if self.dependencies else None

    def elsewhere(self, dependencies: Sequence[Any], context: IncludeContext) -> FrontendGroup:
        """Return the same front ends in an inclusion."""
        return FrontendGroup(self.routes, dependencies, context.dependency_overrides_provider, context.prefix)

    def _with_dependencies(self) -> Any:
        from fenrir.fastapi.api_route import APIRoute

        async def serve(request: Request, handed: Response) -> Response:
            response: Response = await request.scope["fastapi.frontend"].app.get_response_for_scope(request.scope)
            response.headers.raw.extend(handed.headers.raw)
            return response

        route = APIRoute(
            "/",
            serve,
            dependencies=self.dependencies,
            dependency_overrides_provider=self.dependency_overrides_provider,
            include_in_schema=False,
        )
        return request_response(RequestHandler(route))

    def _match(self, scope: Any, prefix: str) -> tuple[Match, Any, FrontendRoute | None]:
        best: tuple[Match, Any, FrontendRoute | None] = Match.NONE, {}, None
        rank = (False, -1)
        for route in self.routes:
            path = joined(prefix, route.path)
            match, added = route.matches_with_path(scope, path)
            if match is not Match.NONE and (match is Match.FULL, _specificity(path)) > rank:
                best, rank = (match, added, route), (match is Match.FULL, _specificity(path))
        return best

    def matches(self, scope: Any) -> tuple[Match, Any]:
        """Say whether a path is below one of the front ends."""
        return self.matches_with_prefix(scope, self.prefix)

    def matches_with_prefix(self, scope: Any, prefix: str) -> tuple[Match, Any]:
        """Do as `matches`, for the front ends below another prefix."""
        match, added, _ = self._match(scope, prefix)
        return match, added

    async def handle(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request that has matched."""
        match, added, route = self._match(scope, self.prefix)
        if route is None:
            raise HTTPException(status_code=404)
        update_scope(scope, added)
        if match is Match.FULL and self._app is not None:
            scope["fastapi.frontend"] = route
            await self._app(scope, receive, send)
        else:
            await route.handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise: front ends have no names."""
        raise NoMatchFound(name, path_params)
