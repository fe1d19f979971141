"""An OpenAPI document from the YAML in the docstrings of handlers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fenrir.starlette.requests import Request
from fenrir.starlette.responses import Response
from fenrir.starlette.routing import BaseRoute, Host, Mount, Route

__all__ = ["BaseSchemaGenerator", "EndpointInfo", "OpenAPIResponse", "SchemaGenerator"]

METHODS = ("get", "post", "put", "patch", "delete", "options", "query")

_CONVERTER = re.compile(r":\w+}")
_VERSION = re.compile(r"(\d+)\.(\d+)")


class OpenAPIResponse(Response):
    """A document in YAML."""

    media_type = "application/vnd.oai.openapi"

    def render(self, content: Any) -> bytes:
        """Return the document as YAML."""
        yaml = _yaml("OpenAPIResponse")
        assert isinstance(content, dict), "The schema passed to OpenAPIResponse should be a dictionary."
        text: str = yaml.dump(content, default_flow_style=False)
        return text.encode("utf-8")


def _yaml(user: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise AssertionError(f"`pyyaml` must be installed to use {user}.") from None
    return yaml


class EndpointInfo(NamedTuple):
    """One method of one path, and the function whose docstring describes it."""

    path: str
    http_method: str
    func: Callable[..., Any]


class BaseSchemaGenerator:
    """Base of what makes a document of routes."""

    def get_schema(self, routes: list[BaseRoute]) -> dict[str, Any]:
        """Return the document."""
        raise NotImplementedError

    def get_endpoints(self, routes: list[BaseRoute]) -> list[EndpointInfo]:
        """Return what the routes serve, those of mounted applications included, without HEAD."""
        found: list[EndpointInfo] = []
        for route in routes:
            if isinstance(route, (Mount, Host)):
                prefix = self._remove_converter(route.path) if isinstance(route, Mount) else ""
                found += [
                    inner._replace(path=prefix + inner.path) for inner in self.get_endpoints(list(route.routes or ()))
                ]
            elif isinstance(route, Route) and route.include_in_schema:
                path = self._remove_converter(route.path)
                found += [EndpointInfo(path, method, func) for method, func in _handlers(route)]
        return found

    def _remove_converter(self, path: str) -> str:
        return _CONVERTER.sub("}", path)

    def parse_docstring(self, func_or_method: Callable[..., Any]) -> dict[str, Any]:
        """Return the YAML of a docstring, what follows its last `---`; {} when it is no mapping."""
        text = func_or_method.__doc__
        if not text:
            return {}
        parsed = _yaml("parse_docstring").safe_load(text.rpartition("---")[2])
        return parsed if isinstance(parsed, dict) else {}

    def OpenAPIResponse(self, request: Request) -> Response:
        """Answer with the document of the application's routes."""
        return OpenAPIResponse(self.get_schema(routes=request.app.routes))


def _handlers(route: Route) -> Iterable[tuple[str, Callable[..., Any]]]:
    endpoint = route.endpoint
    if inspect.isfunction(endpoint) or inspect.ismethod(endpoint):
        return [(method.lower(), endpoint) for method in route.methods or {"GET"} if method != "HEAD"]
    return [(method, getattr(endpoint, method)) for method in METHODS if hasattr(endpoint, method)]


class SchemaGenerator(BaseSchemaGenerator):
    """Adds the paths to a document's beginning."""

    def __init__(self, base_schema: dict[str, Any]) -> None:
        self.base_schema = base_schema

    def get_schema(self, routes: list[BaseRoute]) -> dict[str, Any]:
        """Return the document. The method QUERY is part of OpenAPI from version 3.2 on."""
        schema = {**self.base_schema}
        paths = schema.setdefault("paths", {})
        version = _VERSION.match(str(schema.get("openapi", "")))
        knows_query = version is not None and (int(version[1]), int(version[2])) >= (3, 2)
        for path, method, func in self.get_endpoints(routes):
            if method == "query" and not knows_query:
                continue
            if described := self.parse_docstring(func):
                paths.setdefault(path, {})[method] = described
        return schema
