"""What an application says about itself, and where its documentation is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DocsOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsOptions:
    """Everything about documentation that is not said by a route.

    Attributes:
        title, version, summary, description, terms_of_service, contact, license_info: the Info Object.
        servers, tags, external_docs: as the specification has them.
        openapi_version: the version that the document claims.
        openapi_url: where the document is; without it there is no other document and there are no pages.
        asyncapi_url: where AsyncAPI's document is, of WebSockets and event streams; None for nowhere.
        docs_url, redoc_url: where Swagger UI and ReDoc are; None switches one off.
        swagger_ui_oauth2_redirect_url: where an authorization server sends the browser back to; None for nowhere.
        swagger_ui_init_oauth: what Swagger UI fills into its login form.
        swagger_ui_parameters: settings of Swagger UI, over the ones here.
        separate_input_output_schemas: a model that is written otherwise than it is read has two schemas.
        root_path_in_servers: a root path of the server is the first of the `servers`.
    """

    title: str = "Fenrir"
    version: str = "0.1.0"
    summary: str | None = None
    description: str | None = None
    terms_of_service: str | None = None
    contact: Mapping[str, Any] | None = None
    license_info: Mapping[str, Any] | None = None
    servers: Sequence[Mapping[str, Any]] | None = None
    tags: Sequence[Mapping[str, Any]] | None = None
    external_docs: Mapping[str, Any] | None = None
    openapi_version: str = "3.1.0"
    openapi_url: str | None = "/openapi.json"
    asyncapi_url: str | None = None
    docs_url: str | None = "/docs"
    redoc_url: str | None = "/redoc"
    swagger_ui_oauth2_redirect_url: str | None = "/docs/oauth2-redirect"
    swagger_ui_init_oauth: Mapping[str, Any] | None = None
    swagger_ui_parameters: Mapping[str, Any] | None = None
    separate_input_output_schemas: bool = True
    root_path_in_servers: bool = True
