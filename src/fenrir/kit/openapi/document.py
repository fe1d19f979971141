"""The document: every documented route of every dialect, from the compiled plans.

Routes with `document=False`, WebSocket routes and mounted applications are left out. Of two routes with the same
template and method (they differ in a converter) the one that was declared first is described, because a document has
one place for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fenrir.kit.openapi.operations import OperationIds, operations
from fenrir.kit.openapi.schemas import ERROR_SCHEMAS, SchemaTable, merge
from fenrir.kit.openapi.security import security_schemes
from fenrir.kit.validation import jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.kit.openapi.options import DocsOptions

__all__ = ["openapi_document"]


def openapi_document(engine: Application, options: DocsOptions) -> dict[str, Any]:
    """Return the OpenAPI document as JSON values; the caller may keep and change it.

    Raises:
        DeclarationError: the application can not be compiled, or `responses` of a route make no sense.
    """
    table = SchemaTable(options.separate_input_output_schemas)
    ids = OperationIds(options)
    found = [
        operation
        for plan in engine.frozen.plans
        if plan.route.document and not plan.route.websocket
        for operation in operations(plan, ids, table)
    ]
    schemas: dict[str, Any] = table.resolve()
    schemes: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in found:
        if operation.shows_errors:
            schemas.update(ERROR_SCHEMAS)
        if operation.extra:
            merge(operation.content, operation.extra)
        if operation.about is not None:
            schemes.update(security_schemes(operation.about.security))
        paths.setdefault(operation.path, {}).setdefault(operation.method, operation.content)
    components: dict[str, Any] = {}
    if schemas:
        components["schemas"] = dict(sorted(schemas.items()))
    if schemes:
        components["securitySchemes"] = schemes
    document: dict[str, Any] = {"openapi": options.openapi_version, "info": _info(options)}
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


def _info(options: DocsOptions) -> dict[str, Any]:
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
