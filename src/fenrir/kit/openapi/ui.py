"""The routes that serve documentation; everything that does not depend on a request is made once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fenrir.core.declare import Mode
from fenrir.core.reply import Reply
from fenrir.http.headers import MutableHeaders
from fenrir.http.json import dumps
from fenrir.kit.openapi.bundles import ASSETS, local_assets, media_type
from fenrir.kit.openapi.document import openapi_document, with_root
from fenrir.kit.openapi.hidden import FOREVER, Handler, add_hidden, file_handler
from fenrir.kit.openapi.options import DocsOptions
from fenrir.kit.openapi.pages import (
    SCRIPTS,
    content_policy,
    oauth2_redirect_page,
    redoc_page,
    swagger_page,
)
from fenrir.kit.validation import jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.application import Application, Frozen
    from fenrir.core.context import RequestContext
    from fenrir.kit.openapi.bundles import Assets

__all__ = ["install_docs"]

_REDOC_LOGO = "https://cdn.redoc.ly"  # the standalone ReDoc of the CDN shows its maker's logo from there


def install_docs(
    engine: Application,
    options: DocsOptions,
    *,
    assets: Path = ASSETS,
    add: Callable[[str, Handler, Mode], None] | None = None,
) -> None:
    """Add the routes of the documents and of the pages.

    Args:
        add: takes a path, what serves it and how that runs; a hidden route of the engine by default.
        assets: the folder with the files of Swagger UI and ReDoc; where it is empty the pages use a CDN.
    """
    if options.openapi_url is None:
        return
    install = _Installer(options, local_assets(assets), add or partial(add_hidden, engine))
    if options.asyncapi_url is not None:
        # What it is made of is only imported when somebody asks for it.
        install.add(options.asyncapi_url, _Document(engine, options, _asyncapi, servers=False), Mode.THREAD)
    document = _Document(engine, options, openapi_document)
    install.add(options.openapi_url, document, Mode.THREAD)
    if options.docs_url is not None:
        install.swagger(options.docs_url, document)
    if options.redoc_url is not None:
        install.redoc(options.redoc_url)


def _asyncapi(engine: Application, options: DocsOptions) -> dict[str, Any]:
    from fenrir.kit.asyncapi import asyncapi_document

    return asyncapi_document(engine, options)


class _Document:
    """Serves a document: bytes that are made again when the application changed.

    Args:
        servers: the root path of the server is one of the document's servers.
    """

    def __init__(
        self,
        engine: Application,
        options: DocsOptions,
        make: Callable[[Application, DocsOptions], dict[str, Any]],
        *,
        servers: bool = True,
    ) -> None:
        self._engine = engine
        self._options = options
        self._make = make
        self._servers = servers
        self._made: tuple[Frozen, dict[str, Any], bytes] | None = None

    def made(self) -> tuple[dict[str, Any], bytes]:
        """Return the document and its bytes."""
        frozen = self._engine.frozen
        made = self._made
        if made is None or made[0] is not frozen:
            document = self._make(self._engine, self._options)
            made = self._made = (frozen, document, dumps(document))
        return made[1], made[2]

    def __call__(self, c: RequestContext) -> Reply:
        document, content = self.made()
        root = _root(c)
        if root and self._servers and self._options.root_path_in_servers:
            shown = with_root(document, root)
            content = content if shown is document else dumps(shown)
        return Reply(200, MutableHeaders([(b"content-type", b"application/json")]), content)


def _hosts(document: Mapping[str, Any]) -> list[str]:
    """Return the other hosts to which Swagger UI sends requests: servers, and where tokens come from."""
    schemes = document.get("components", {}).get("securitySchemes", {}).values()
    flows = [flow for scheme in schemes for flow in scheme.get("flows", {}).values()]
    urls = [server.get("url") for server in document.get("servers", ())]
    urls += [flow.get(name) for flow in flows for name in ("tokenUrl", "refreshUrl")]
    urls += [scheme.get("openIdConnectUrl") for scheme in schemes]
    found = (urlsplit(str(url or "")) for url in urls)
    return list(dict.fromkeys(f"{url.scheme}://{url.netloc}" for url in found if url.scheme and url.netloc))


def _root(c: RequestContext) -> str:
    return c.http.connection.root_path.rstrip("/")


class _Installer:
    """Adds the routes of pages, each by `add`."""

    def __init__(self, options: DocsOptions, assets: Assets, add: Callable[[str, Handler, Mode], None]) -> None:
        self.options = options
        self.assets = assets
        self.add = add

    def _files(self, page: str, names: tuple[str, ...]) -> str:
        """Serve the files of a page, ours and those that are here; return the path of their folder."""
        folder = f"{page.rstrip('/')}/assets/{self.assets.digest or 'cdn'}-{_scripts_digest()}"
        for name in names:
            if name in SCRIPTS:
                self.add(f"{folder}/{name}", _script(SCRIPTS[name]), Mode.INLINE)
            elif self.assets.folder is not None:
                self.add(f"{folder}/{name}", file_handler(self.assets.folder / name), Mode.THREAD)
        return folder

    def swagger(self, path: str, document: _Document) -> None:
        """Serve Swagger UI, and the page to which it returns from a login."""
        options, assets = self.options, self.assets
        settings = jsonable_encoder(options.swagger_ui_parameters or {})
        bundles = ["swagger-ui-bundle.js"]
        if settings.get("layout") == "StandaloneLayout":
            bundles.append("swagger-ui-standalone-preset.js")
        redirect = options.swagger_ui_oauth2_redirect_url
        ours = ("swagger-init.js", "oauth2-redirect.js") if redirect else ("swagger-init.js",)
        folder = self._files(path, (*bundles, "swagger-ui.css", *ours))
        oauth = jsonable_encoder(options.swagger_ui_init_oauth)

        def page(root: str) -> str:
            return swagger_page(
                options.title,
                f"{root}{options.openapi_url}",
                scripts=[*(assets.url(name, root + folder) for name in bundles), f"{root}{folder}/swagger-init.js"],
                styles=[assets.url("swagger-ui.css", root + folder)],
                settings=settings,
                redirect_url=f"{root}{redirect}" if redirect else None,
                oauth=oauth,
            )

        def policy() -> str:
            return content_policy(origin=assets.origin, connect=_hosts(document.made()[0]))

        self.add(path, _html(page, policy), Mode.THREAD)
        if redirect:
            self.add(
                redirect,
                _html(lambda root: oauth2_redirect_page(f"{root}{folder}/oauth2-redirect.js"), content_policy),
                Mode.INLINE,
            )

    def redoc(self, path: str) -> None:
        """Serve ReDoc."""
        options, assets = self.options, self.assets
        folder = self._files(path, ("redoc.standalone.js", "redoc-init.js"))

        def page(root: str) -> str:
            bundle = assets.url("redoc.standalone.js", root + folder)
            scripts = [bundle, f"{root}{folder}/redoc-init.js"]
            return redoc_page(options.title, f"{root}{options.openapi_url}", scripts=scripts)

        images = [_REDOC_LOGO] if assets.origin is not None else []
        policy = partial(content_policy, origin=assets.origin, images=images, generates=True)
        self.add(path, _html(page, policy), Mode.INLINE)


def _scripts_digest() -> str:
    return hashlib.sha256("".join(SCRIPTS.values()).encode()).hexdigest()[:8]


def _html(page: Callable[[str], str], policy: Callable[[], str]) -> Handler:
    def show(c: RequestContext) -> Reply:
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", policy().encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]
        return Reply(200, MutableHeaders(headers), page(_root(c)).encode())

    return show


def _script(text: str) -> Handler:
    headers = [
        (b"content-type", media_type("a.js").encode()),
        (b"cache-control", FOREVER),
        (b"x-content-type-options", b"nosniff"),
    ]
    body = text.encode()

    def show(c: RequestContext) -> Reply:
        return Reply(200, MutableHeaders(headers), body)

    return show
