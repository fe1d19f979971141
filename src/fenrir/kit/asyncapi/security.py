"""OpenAPI's security schemes in AsyncAPI's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenrir.kit.openapi.security import security_schemes
from fenrir.kit.validation import About

__all__ = ["operation_security", "schemes_of"]


def schemes_of(about: About | None) -> dict[str, Any]:
    """Return the Security Scheme Objects of a route by name."""
    if about is None:
        return {}
    return {name: _scheme(scheme) for name, scheme in security_schemes(about.security).items()}


def operation_security(about: About | None) -> list[dict[str, Any]]:
    """Return what one operation asks for: a reference, or the scheme itself where it asks for scopes."""
    if about is None:
        return []
    schemes = schemes_of(about)
    scopes: dict[str, dict[str, None]] = {}
    for use in about.security:
        scopes.setdefault(use.name, {}).update(dict.fromkeys(use.scopes))
    return [
        {**schemes[name], "scopes": list(asked)}
        if asked and schemes[name]["type"] in ("oauth2", "openIdConnect")
        else {"$ref": f"#/components/securitySchemes/{name}"}
        for name, asked in scopes.items()
    ]


def _scheme(scheme: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(scheme)
    if scheme["type"] == "apiKey":
        made["type"] = "httpApiKey"  # its apiKey is that of a broker
    if scheme["type"] == "oauth2":
        made["flows"] = {name: _flow(flow) for name, flow in scheme["flows"].items()}
    return made


def _flow(flow: Mapping[str, Any]) -> dict[str, Any]:
    return {"availableScopes" if name == "scopes" else name: value for name, value in flow.items()}
