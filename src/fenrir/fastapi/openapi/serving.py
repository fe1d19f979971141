"""The routes of an application's own documentation: its document, Swagger UI and ReDoc.

What the pages show is read from the application when they are asked for, so its attributes may change, and `openapi`
may be replaced. Pages load the files that `tools/docs_ui.py` put beside `kit.openapi`, and without them upstream's CDN.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fenrir.core.threads import to_thread
from fenrir.fastapi.responses import HTMLResponse, JSONResponse
from fenrir.kit.openapi.bundles import local_assets

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.fastapi.requests import Request
    from fenrir.fastapi.responses import Response

__all__ = ["Documented", "described_channels", "documentation"]


class Documented(Protocol):
    """What documentation reads of an application."""

    title: str
    version: str
    description: str
    summary: str | None
    terms_of_service: str | None
    asyncapi_url: str | None
    separate_input_output_schemas: bool
    openapi_url: str | None
    docs_url: str | None
    redoc_url: str | None
    root_path_in_servers: bool
    swagger_ui_oauth2_redirect_url: str | None

    @property
    def contact(self) -> Mapping[str, Any] | None: ...

    @property
    def license_info(self) -> Mapping[str, Any] | None: ...

    @property
    def servers(self) -> Sequence[Mapping[str, Any]]: ...

    @property
    def openapi_tags(self) -> Sequence[Mapping[str, Any]] | None: ...

    @property
    def openapi_external_docs(self) -> Mapping[str, Any] | None: ...

    @property
    def swagger_ui_init_oauth(self) -> Mapping[str, Any] | None: ...

    @property
    def swagger_ui_parameters(self) -> Mapping[str, Any] | None: ...

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""

    def asyncapi(self) -> dict[str, Any]:
        """Return the AsyncAPI document."""


Endpoint = Callable[["Request"], Awaitable["Response"]]
NO_ICON = "data:,"


def documentation(app: Documented, engine: Application) -> Iterator[tuple[str, Endpoint]]:
    """Return the routes that an application's documentation needs: paths, and functions with upstream's names.

    The local files are added to the engine: they are no routes that a user should see among his own.
    """
    if not app.openapi_url:
        return
    assets = local_assets()

    def local(page: str, name: str) -> str | None:
        if assets.folder is None:
            return None
        from fenrir.kit.openapi.hidden import serve_assets

        return serve_assets(engine, page, assets, (name,))[0]

    async def openapi(request: Request) -> Response:
        document: Mapping[str, Any] = app.openapi()
        root = _root(request)
        if root and app.root_path_in_servers:
            from fenrir.kit.openapi.document import with_root

            document = with_root(document, root)
        return JSONResponse(document)

    yield app.openapi_url, openapi
    if app.asyncapi_url:

        async def asyncapi(request: Request) -> Response:
            return JSONResponse(await to_thread(app.asyncapi))

        yield app.asyncapi_url, asyncapi
    if app.docs_url:
        script, style = local(app.docs_url, "swagger-ui-bundle.js"), local(app.docs_url, "swagger-ui.css")

        async def swagger_ui_html(request: Request) -> Response:
            from fenrir.fastapi import applications
            from fenrir.fastapi.openapi.docs import get_swagger_ui_html, swagger_script

            root = _root(request)
            redirect = app.swagger_ui_oauth2_redirect_url
            given: dict[str, Any] = {
                "openapi_url": f"{root}{app.openapi_url}",
                "oauth2_redirect_url": f"{root}{redirect}" if redirect else None,
                "init_oauth": app.swagger_ui_init_oauth,
                "swagger_ui_parameters": app.swagger_ui_parameters,
            }
            title = f"{app.title} - Swagger UI"
            show = applications.get_swagger_ui_html  # where applications put a page of their own
            if script is None or style is None or show is not get_swagger_ui_html:
                return show(title=title, **given)
            page = get_swagger_ui_html(
                title=title,
                swagger_js_url=root + script,
                swagger_css_url=root + style,
                swagger_favicon_url=NO_ICON,
                **given,
            )
            return _offline(page, swagger_script(**given))

        yield app.docs_url, swagger_ui_html
        if app.swagger_ui_oauth2_redirect_url:

            async def swagger_ui_redirect(request: Request) -> Response:
                from fenrir.fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html

                return get_swagger_ui_oauth2_redirect_html()

            yield app.swagger_ui_oauth2_redirect_url, swagger_ui_redirect
    if app.redoc_url:
        bundle = local(app.redoc_url, "redoc.standalone.js")

        async def redoc_html(request: Request) -> Response:
            from fenrir.fastapi import applications
            from fenrir.fastapi.openapi.docs import get_redoc_html

            root = _root(request)
            url, title = f"{root}{app.openapi_url}", f"{app.title} - ReDoc"
            show = applications.get_redoc_html
            if bundle is None or show is not get_redoc_html:
                return show(openapi_url=url, title=title)
            page = get_redoc_html(
                openapi_url=url,
                title=title,
                redoc_js_url=root + bundle,
                redoc_favicon_url=NO_ICON,
                with_google_fonts=False,
            )
            return _offline(page)

        yield app.redoc_url, redoc_html


def described_channels(app: Documented, engine: Application) -> dict[str, Any]:
    """Return the AsyncAPI document of an application."""
    from fenrir.kit.asyncapi import asyncapi_document
    from fenrir.kit.openapi.options import DocsOptions

    return asyncapi_document(
        engine,
        DocsOptions(
            title=app.title,
            version=app.version,
            description=app.description,
            summary=app.summary,
            terms_of_service=app.terms_of_service,
            contact=app.contact,
            license_info=app.license_info,
            servers=app.servers,
            tags=app.openapi_tags,
            external_docs=app.openapi_external_docs,
            separate_input_output_schemas=app.separate_input_output_schemas,
        ),
    )


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


def _offline(page: HTMLResponse, script: str = "") -> HTMLResponse:
    """Forbid every script that is not ours; documents may show images, and try requests, of any host."""
    allowed = "'self'"
    if script:
        digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed = f"'self' 'sha256-{digest}'"
    page.headers["content-security-policy"] = "; ".join(
        (
            "default-src 'self'",
            f"script-src {allowed}",
            "style-src 'self' 'unsafe-inline'",
            "img-src * data:",
            "connect-src *",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
        )
    )
    return page
