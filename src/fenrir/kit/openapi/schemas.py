"""Schemas of a whole document: wanted one by one, made all at once.

Models of the same name must be told apart, and shared ones must appear once, so no schema is known before all types
are. `want` therefore returns a dictionary that has its place in the document at once and its content after `resolve`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fenrir.kit.validation import json_schemas
from fenrir.kit.validation.json_schemas import Mode

__all__ = ["ERROR_SCHEMAS", "REFERENCE", "SchemaTable", "merge"]

REFERENCE = "#/components/schemas/"
_KINDS = frozenset({"type", "anyOf", "oneOf", "allOf", "$ref", "enum", "const"})

ERROR_SCHEMAS: Mapping[str, Any] = {
    "ValidationError": {
        "title": "ValidationError",
        "type": "object",
        "properties": {
            "loc": {
                "title": "Location",
                "type": "array",
                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            },
            "msg": {"title": "Message", "type": "string"},
            "type": {"title": "Error Type", "type": "string"},
            "input": {"title": "Input"},
            "ctx": {"title": "Context", "type": "object"},
        },
        "required": ["loc", "msg", "type"],
    },
    "HTTPValidationError": {
        "title": "HTTPValidationError",
        "type": "object",
        "properties": {
            "detail": {"title": "Detail", "type": "array", "items": {"$ref": REFERENCE + "ValidationError"}},
        },
    },
}
"""What an answer to an invalid request looks like."""


def merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add to a dictionary in depth: members are merged, lists joined, everything else is replaced."""
    for key, value in more.items():
        known = into.get(key)
        if isinstance(known, dict) and isinstance(value, Mapping):
            merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            into[key] = [*known, *value]
        else:
            into[key] = copy.deepcopy(value)


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """One place in the document."""

    type: Any
    mode: Mode
    title: str | None
    place: dict[str, Any]
    converted: Mapping[str, Any]

    def fill(self, schema: Mapping[str, Any]) -> None:
        """Write the schema into its place."""
        made = copy.deepcopy(dict(schema))
        # What the path says counts where the annotation says nothing else.
        if self.converted and (made.get("type") == self.converted.get("type") or not _KINDS & made.keys()):
            made = {**self.converted, **made}
        if "$ref" not in made and self.title is not None:
            made["title"] = self.title
        merge(self.place, made)


class SchemaTable:
    """Collects the types of one document.

    Args:
        separate: types that are written otherwise than they are read have two schemas.
    """

    def __init__(self, separate: bool = True) -> None:
        self._separate = separate
        self._wanted: list[_Wanted] = []

    def want(
        self,
        type: Any,
        mode: Mode,
        title: str | None = None,
        place: dict[str, Any] | None = None,
        converted: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the dictionary that will be the schema.

        Args:
            type: a `TypeAdapter`.
            title: of a schema that is no reference.
            place: the dictionary; what is in it already stays if the schema does not say otherwise.
            converted: what is known from the path, for a type that says less.
        """
        place = {} if place is None else place
        self._wanted.append(_Wanted(type, mode, title, place, converted or {}))
        return place

    def resolve(self) -> dict[str, dict[str, Any]]:
        """Fill all places; return the definitions for the components."""
        schemas, definitions = json_schemas(
            {wanted: (wanted.mode, wanted.type) for wanted in self._wanted},
            REFERENCE + "{model}",
            separate=self._separate,
        )
        for wanted in self._wanted:
            wanted.fill(schemas[wanted])
        for definition in definitions.values():
            if "description" in definition:
                # A form feed ends what is for readers of the document.
                definition["description"] = definition["description"].split("\f")[0]
        return definitions
