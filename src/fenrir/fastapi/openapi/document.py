"""The document of an application, from its routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fenrir.fastapi.openapi.description import DescribedRoute, described_routes, is_described
from fenrir.kit.openapi.options import DocsOptions
from fenrir.kit.openapi.schemas import ERROR_SCHEMAS

__all__ = ["get_openapi", "validation_error_definition", "validation_error_response_definition"]

validation_error_definition: dict[str, Any] = ERROR_SCHEMAS["ValidationError"]
validation_error_response_definition: dict[str, Any] = ERROR_SCHEMAS["HTTPValidationError"]


def get_openapi(
    *,
    title: str,
    version: str,
    openapi_version: str = "3.1.0",
    summary: str | None = None,
    description: str | None = None,
    routes: Sequence[Any],
    webhooks: Sequence[Any] | None = None,
    tags: Sequence[Mapping[str, Any]] | None = None,
    servers: Sequence[Mapping[str, Any]] | None = None,
    terms_of_service: str | None = None,
    contact: Mapping[str, Any] | None = None,
    license_info: Mapping[str, Any] | None = None,
    separate_input_output_schemas: bool = True,
    external_docs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document as JSON values, its members in upstream's order.

    Args:
        routes: those of an application or a router; what is no API route is passed over.
        webhooks: routes whose requests the application sends.
    """
    # Applications start without what only documents need.
    from fenrir.fastapi.openapi.models import OpenAPI
    from fenrir.kit.openapi.compose import Composer
    from fenrir.kit.openapi.document import info_object

    info = info_object(
        DocsOptions(
            title=title,
            version=version,
            summary=summary,
            description=description,
            terms_of_service=terms_of_service,
            contact=contact,
            license_info=license_info,
        )
    )
    composer = Composer(separate_input_output_schemas)
    given: set[str] = set()
    paths = composer.path_items(described_routes(_api_routes(routes), given), last_wins=True)
    hooks = composer.path_items(described_routes(_api_routes(webhooks or ()), given), last_wins=True)
    document: dict[str, Any] = {"openapi": openapi_version, "info": info, "paths": paths}
    for name, value in (
        ("servers", servers),
        ("components", composer.components()),
        ("webhooks", hooks),
        ("tags", tags),
        ("externalDocs", external_docs),
    ):
        if value:
            document[name] = value
    written = OpenAPI(**document).model_dump(mode="json", by_alias=True, exclude_none=True)
    made: dict[str, Any] = _without_none(written)
    return made


def _api_routes(routes: Sequence[Any]) -> Iterator[DescribedRoute]:
    from fenrir.fastapi.inclusion import iter_route_contexts  # an operation describes itself by this package

    for context in iter_route_contexts(routes):
        if is_described(context.effective_route):
            yield context.effective_route


def _without_none(value: Any) -> Any:
    """Leave out members that are None also where no model says so."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
