"""Documents of Flask applications, and the pages that show them: rules like any other, where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from fenrir.core.declare import Mode
from fenrir.flask.globals import request_ctx
from fenrir.flask.injection import engine_context
from fenrir.kit.asyncapi import asyncapi_document
from fenrir.kit.openapi import DocsOptions, install_docs, openapi_document

if TYPE_CHECKING:
    from fenrir.core.reply import Reply
    from fenrir.flask.app import Flask
    from fenrir.kit.openapi.hidden import Handler

__all__ = ["asyncapi", "openapi", "serve_documents"]


def options_of(app: Flask, urls: Mapping[str, str | None] = MappingProxyType({})) -> DocsOptions:
    """Return what an application says of itself."""
    said: dict[str, Any] = {name: value for name, value in app._about.items() if value is not None}
    docs_url = urls.get("docs_url")
    redirect = None if docs_url is None else f"{docs_url.rstrip('/')}/oauth2-redirect"
    return DocsOptions(**{"title": app.name, **said}, **urls, swagger_ui_oauth2_redirect_url=redirect)  # type: ignore[arg-type]


def openapi(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document."""
    return openapi_document(app.engine, options_of(app))


def asyncapi(app: Flask) -> dict[str, Any]:
    """Return the AsyncAPI document."""
    return asyncapi_document(app.engine, options_of(app))


def serve_documents(app: Flask, urls: Mapping[str, str | None]) -> None:
    """Add the rules of the documents and pages; hooks of the application run around them.

    Raises:
        ValueError: a page is to be served without the document that it shows.
    """
    options = options_of(app, urls)
    if options.openapi_url is None:
        raise ValueError("docs_url, redoc_url and asyncapi_url need an openapi_url, which says where the document is")

    def add(path: str, handler: Handler, mode: Mode) -> None:
        def document() -> Reply:
            return handler(engine_context(request_ctx._get_current_object()))

        endpoint = "documents:" + re.sub(r"\W+", "_", path).strip("_")
        said: dict[str, Any] = {"include_in_schema": False}
        ours = app.url_rule_class is Rule  # else a class of the application's reads the options
        app.add_url_rule(path, endpoint, document, **(said if ours else {}))
        app._said[id(next(app.url_map.iter_rules(endpoint)))] = said

    install_docs(app.engine, options, add=add)
