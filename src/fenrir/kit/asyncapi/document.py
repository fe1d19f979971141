"""The document: every channel of every dialect, from the compiled plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fenrir.kit.asyncapi.channels import channels
from fenrir.kit.asyncapi.security import operation_security, schemes_of
from fenrir.kit.openapi.document import info_object
from fenrir.kit.openapi.schemas import SchemaTable
from fenrir.kit.validation import jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.kit.openapi.options import DocsOptions

__all__ = ["asyncapi_document"]

VERSION = "3.0.0"


def asyncapi_document(engine: Application, options: DocsOptions) -> dict[str, Any]:
    """Return the AsyncAPI document as JSON values; the caller may keep and change it."""
    table = SchemaTable(options.separate_input_output_schemas)
    info = {name: value for name, value in info_object(options).items() if name != "summary"}
    if options.tags:
        info["tags"] = list(options.tags)
    if options.external_docs:
        info["externalDocs"] = options.external_docs
    servers = dict(_servers(options))
    shown: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    schemes: dict[str, Any] = {}
    for channel in channels(engine.frozen.plans):
        content = channel.content(table)
        own = [{"$ref": f"#/servers/{name}"} for name, server in servers.items() if _speaks(server, channel.kind)]
        if own:
            content["servers"] = own
        shown[channel.id] = content
        operations.update(channel.operations(table, operation_security(channel.about)))
        schemes.update(schemes_of(channel.about))
    components: dict[str, Any] = {}
    if schemas := table.resolve():
        components["schemas"] = dict(sorted(schemas.items()))
    if schemes:
        components["securitySchemes"] = schemes
    document: dict[str, Any] = {"asyncapi": VERSION, "info": info}
    for name, value in (
        ("servers", servers),
        ("channels", shown),
        ("operations", operations),
        ("components", components),
    ):
        if value:
            document[name] = value
    encoded: dict[str, Any] = jsonable_encoder(document, by_alias=True, exclude_none=True)
    return encoded


def _servers(options: DocsOptions) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the Server Objects of absolute addresses: each for HTTP, and for WebSockets."""
    for number, server in enumerate(options.servers or ()):
        url = urlsplit(str(server.get("url", "")))
        if url.scheme not in ("http", "https") or not url.netloc:
            continue
        for protocol in (url.scheme, url.scheme.replace("http", "ws")):
            made: dict[str, Any] = {"host": url.netloc, "protocol": protocol}
            if url.path.strip("/"):
                made["pathname"] = url.path
            if server.get("description"):
                made["description"] = server["description"]
            yield f"{protocol}_{number + 1}", made


def _speaks(server: dict[str, Any], kind: str) -> bool:
    return bool(server["protocol"].startswith(kind))
