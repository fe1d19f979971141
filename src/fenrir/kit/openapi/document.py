"""The document: every documented route of every dialect, from the compiled plans.

Routes with `document=False`, WebSocket routes and mounted applications are left out. Of two routes with the same
template and method (they differ in a converter) the one that was declared first is described, because a document has
one place for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fenrir.kit.openapi.compose import Composer
from fenrir.kit.openapi.plans import described_plans
from fenrir.kit.validation import jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.kit.openapi.options import DocsOptions

__all__ = ["info_object", "openapi_document", "with_root"]


def openapi_document(engine: Application, options: DocsOptions) -> dict[str, Any]:
    """Return the OpenAPI document as JSON values; the caller may keep and change it.

    Raises:
        DeclarationError: the application can not be compiled, or `responses` of a route make no sense.
    """
    composer = Composer(options.separate_input_output_schemas)
    paths = composer.path_items(described_plans(engine.frozen.plans))
    components = composer.components()
    document: dict[str, Any] = {"openapi": options.openapi_version, "info": info_object(options)}
    for name, value in (
        ("servers", options.servers),
        ("paths", paths),
        ("components", components),
        ("tags", options.tags),
        ("externalDocs", options.external_docs),
    ):
        if value or name == "paths":
            document[name] = value
    encoded: dict[str, Any] = jsonable_encoder(document, by_alias=True, exclude_none=True)
    return encoded


def info_object(options: DocsOptions) -> dict[str, Any]:
    """Return the Info Object."""
    members = {
        "title": options.title,
        "version": options.version,
        "summary": options.summary,
        "description": options.description,
        "termsOfService": options.terms_of_service,
        "contact": options.contact,
        "license": options.license_info,
    }
    return {name: value for name, value in members.items() if value or name in ("title", "version")}


def with_root(document: Mapping[str, Any], root: str) -> Mapping[str, Any]:
    """Return a document with a root path as its first server; the one given stays as it is."""
    servers: Sequence[Mapping[str, Any]] = document.get("servers", ())
    if any(server.get("url") == root for server in servers):
        return document
    return {**document, "servers": [{"url": root}, *servers]}
