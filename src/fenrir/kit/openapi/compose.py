"""Composing a document: operations become JSON values, the schemas that they share are made once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fenrir.kit.openapi.described import Callback, Described
from fenrir.kit.openapi.parameters import parameter_objects, request_body
from fenrir.kit.openapi.responses import INVALID, response_objects
from fenrir.kit.openapi.schemas import ERROR_SCHEMAS, SchemaTable, merge
from fenrir.kit.openapi.security import security_requirements, security_schemes

__all__ = ["Composer"]

_WITHOUT_BODY = frozenset({"options", "trace"})


class Composer:
    """Writes the operations of one document.

    What `path_items` and `operation` return is complete after `components`.

    Args:
        separate: types that are written otherwise than they are read have two schemas.
    """

    def __init__(self, separate: bool = True) -> None:
        self._table = SchemaTable(separate)
        self._extras: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
        self._schemes: dict[str, Any] = {}
        self._shows_errors = False

    def path_items(self, operations: Iterable[Described], *, last_wins: bool = False) -> dict[str, dict[str, Any]]:
        """Return the Path Items by path.

        Args:
            last_wins: of two operations with one path and method the last one is shown, else the first.
        """
        items: dict[str, dict[str, Any]] = {}
        for described in operations:
            item = items.setdefault(described.path, {})
            content = self.operation(described)
            if last_wins or described.method not in item:
                item[described.method] = content
        return items

    def operation(self, described: Described) -> dict[str, Any]:
        """Return one Operation Object."""
        about = described.about
        content: dict[str, Any] = {}
        if described.tags:
            content["tags"] = list(described.tags)
        content["summary"] = described.summary
        if described.description:
            content["description"] = described.description
        content["operationId"] = described.operation_id
        if described.deprecated:
            content["deprecated"] = True
        if about is not None and about.security:
            content["security"] = security_requirements(about.security)
            self._schemes.update(security_schemes(about.security))
        if parameters := parameter_objects(described, self._table):
            content["parameters"] = parameters
        if about is not None and about.body is not None and described.method not in _WITHOUT_BODY:
            content["requestBody"] = request_body(about.body, described.body_type, self._table)
        if described.callbacks:
            content["callbacks"] = {callback.name: self._callback(callback) for callback in described.callbacks}
        content["responses"] = response_objects(described, self._table)
        self._shows_errors |= content["responses"].get("422") == INVALID
        if described.extra:
            self._extras.append((content, described.extra))
        return content

    def _callback(self, callback: Callback) -> dict[str, Any]:
        return {callback.path: {one.method: self.operation(one) for one in callback.operations}}

    def components(self) -> dict[str, Any]:
        """Complete everything; return the Components Object."""
        schemas: dict[str, Any] = dict(self._table.resolve())
        if self._shows_errors:
            schemas.update(ERROR_SCHEMAS)
        for content, extra in self._extras:
            merge(content, extra)
        found: dict[str, Any] = {}
        if schemas:
            found["schemas"] = dict(sorted(schemas.items()))
        if self._schemes:
            found["securitySchemes"] = self._schemes
        return found
