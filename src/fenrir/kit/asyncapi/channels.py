"""Channels: one for each WebSocket route and each stream of events, with the operations on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fenrir.kit.asyncapi.messages import Messages, messages_of
from fenrir.kit.openapi.parameters import converter_schema
from fenrir.kit.openapi.plans import description_of, summary_of, title_of, user_function
from fenrir.kit.validation import About, ParameterAbout, StreamAbout, titled
from fenrir.kit.validation.adapters import TypeAdapter

if TYPE_CHECKING:
    from fenrir.core.plan import Plan
    from fenrir.kit.openapi.schemas import SchemaTable

__all__ = ["Channel", "channels"]

EVENTS = "text/event-stream"


class Channel:
    """One route as a channel.

    Attributes:
        id: its name in the document.
        kind: "ws" or "http".
    """

    def __init__(self, plan: Plan, identifier: str, said: Messages, stream: StreamAbout | None) -> None:
        self.id = identifier
        self.kind = "ws" if plan.route.websocket else "http"
        self._plan = plan
        self._sends = _named(said.sends or ((stream.type,) if stream is not None and stream.type else ()))
        self._receives = _named(said.receives) if plan.route.websocket else {}

    @property
    def about(self) -> About | None:
        """Parameters and security."""
        about = self._plan.binding.about
        return about if isinstance(about, About) else None

    def content(self, table: SchemaTable) -> dict[str, Any]:
        """Return the Channel Object."""
        route = self._plan.route
        made: dict[str, Any] = {"address": route.pattern.template, "title": summary_of(route)}
        if description := description_of(route, "get"):
            made["description"] = description
        made["messages"] = {
            name: _message(name, adapter, table) for name, adapter in {**self._receives, **self._sends}.items()
        }
        if route.pattern.parameters:
            described = {parameter.name: parameter for parameter in self._parameters("path")}
            made["parameters"] = {
                parameter.name: _path_parameter(converter_schema(parameter.converter), described.get(parameter.name))
                for parameter in route.pattern.parameters
            }
        if route.websocket:
            made["bindings"] = {"ws": {"method": "GET", **self._values(table), "bindingVersion": "0.1.0"}}
        return made

    def operations(self, table: SchemaTable, security: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
        """Return the Operation Objects by name, as the application sees them: what it receives, what it sends."""
        route = self._plan.route
        reference = {"$ref": f"#/channels/{self.id}"}
        for action, names in (("receive", self._receives), ("send", self._sends)):
            if action == "receive" and not route.websocket:
                continue
            made: dict[str, Any] = {
                "action": action,
                "channel": reference,
                "messages": [{"$ref": f"#/channels/{self.id}/messages/{name}"} for name in names],
            }
            if security:
                made["security"] = list(security)
            if route.options.get("tags"):
                made["tags"] = [{"name": str(tag)} for tag in route.options["tags"]]
            if not route.websocket:
                method = next(iter(sorted(route.methods or ("GET",))))
                values = self._values(table)
                values.pop("headers", None)  # AsyncAPI's HTTP binding describes those of messages only
                made["bindings"] = {"http": {"method": method, **values, "bindingVersion": "0.3.0"}}
            yield f"{action}_{self.id}", made

    def _parameters(self, location: str) -> list[ParameterAbout]:
        about = self.about
        return [item for item in about.parameters if item.location == location] if about is not None else []

    def _values(self, table: SchemaTable) -> dict[str, Any]:
        """Return the query and the headers as schemas of objects."""
        made: dict[str, Any] = {}
        for key, location in (("query", "query"), ("headers", "header")):
            found = self._parameters(location)
            if found:
                made[key] = {
                    "type": "object",
                    "properties": {
                        item.name: table.want(item.type, "validation", item.title, _described(item)) for item in found
                    },
                }
                if required := [item.name for item in found if item.required]:
                    made[key]["required"] = required
        return made


def channels(plans: Sequence[Plan]) -> Iterator[Channel]:
    """Return the channels of an application."""
    given: set[str] = set()
    for plan in plans:
        route = plan.route
        shown = route.options.get("include_in_schema", True) if route.websocket else route.document
        about = plan.renderer.about if plan.renderer is not None else None
        stream = about if isinstance(about, StreamAbout) and about.media_type == EVENTS else None
        said = messages_of(user_function(route))
        if shown and (route.websocket or stream is not None or said is not None):
            wanted = re.sub(r"\W+", "_", title_of(route)).strip("_") or "channel"
            identifier, number = wanted, 2
            while identifier in given:
                identifier, number = f"{wanted}_{number}", number + 1
            given.add(identifier)
            yield Channel(plan, identifier, said or Messages(), stream)


def _named(annotations: Sequence[Any]) -> dict[str, TypeAdapter[Any] | None]:
    """Return the types by the names of their messages; without any, one message that may be everything."""
    found: dict[str, TypeAdapter[Any] | None] = {}
    for annotation in annotations:
        adapter = annotation if isinstance(annotation, TypeAdapter) else TypeAdapter(annotation)
        kind = adapter._type
        name = re.sub(r"\W+", "_", getattr(kind, "__name__", "") or str(kind)).strip("_")
        found[name] = adapter
    return found or {"message": None}


def _message(name: str, adapter: TypeAdapter[Any] | None, table: SchemaTable) -> dict[str, Any]:
    if adapter is None:
        return {"name": name, "title": titled(name), "payload": {}}
    payload = table.want(adapter, "serialization", titled(name))
    return {"name": name, "title": titled(name), "contentType": "application/json", "payload": payload}


def _path_parameter(schema: Mapping[str, Any], about: ParameterAbout | None) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "enum" in schema:
        made["enum"] = [str(value) for value in schema["enum"]]
    if about is not None and about.description:
        made["description"] = about.description
    return made


def _described(parameter: ParameterAbout) -> dict[str, Any]:
    made: dict[str, Any] = {"description": parameter.description} if parameter.description else {}
    return {**made, "deprecated": True} if parameter.deprecated else made
