"""Places: where the routes of a router stand in an application.

A router may be included several times and may get routes after that. So a router only lists what was declared on it,
and each inclusion is a `Place` that turns declarations into the engine's routes: with the prefix, tags, dependencies
and defaults of everything around it. A late route goes to every place of its router.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, get_args, get_origin

from fenrir.core.application import Application
from fenrir.core.binding import Binding
from fenrir.core.declare import DeclarationError, Mode, Route, Scope, Source
from fenrir.core.pattern import Pattern, PatternError
from fenrir.fastapi._dialect import DIALECT, given_by_type
from fenrir.fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fenrir.fastapi.openapi.description import described_route
from fenrir.fastapi.rendering import Rendering, is_events
from fenrir.fastapi.responses import JSONResponse, Response
from fenrir.http.status import forbids_body
from fenrir.kit.sse import ServerSentEvent
from fenrir.kit.validation import Serializer, bind_signature, return_annotation
from fenrir.kit.validation.graph import calling_mode, kind_of
from fenrir.kit.validation.output import adapter_of_result
from fenrir.kit.validation.shapes import is_class

__all__ = ["Declared", "Inclusion", "Place"]

NAMES = "fastapi.names"
_STREAMS = (AsyncIterable, AsyncIterator, AsyncGenerator, Iterable, Iterator, Generator)


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """A route as it stands on its router.

    Attributes:
        methods: None of a WebSocket route.
    """

    path: str
    handler: Callable[..., Any]
    methods: frozenset[str] | None
    options: Mapping[str, Any]
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Inclusion:
    """A router on another one."""

    router: Any
    options: Mapping[str, Any]
    source: Source


class DocumentedRoute:
    """A route as documentation and functions that make operation ids read it: with upstream's names."""

    def __init__(self, pattern: Pattern, methods: frozenset[str], handler: Any, options: Mapping[str, Any]) -> None:
        self.path, self.path_format = pattern.text, pattern.template
        self.endpoint = handler
        self.methods = sorted(methods)
        self.name: str = options["name"]
        self.tags: list[Any] = options["tags"]
        self.include_in_schema: bool = options["include_in_schema"]
        self.summary: str | None = options.get("summary")
        said = options.get("description") or inspect.cleandoc(getattr(handler, "__doc__", None) or "")
        self.description = said.split("\f")[0].strip()
        self.deprecated: bool | None = options.get("deprecated")
        self.operation_id: str | None = options.get("operation_id")
        self.status_code: int | None = options.get("status_code")
        self.response_class: Any = options.get("response_class") or JSONResponse
        self.response_description: str = options.get("response_description") or "Successful Response"
        self.responses = options["responses"]
        self.callbacks = options["callbacks"]
        self.openapi_extra = options.get("openapi_extra")
        rendering: Rendering = options["rendering"]
        self.is_json_stream = rendering.stream == "json"
        self.is_sse_stream = rendering.stream == "events"
        self.serializer = rendering.model
        self.item_serializer = rendering.item
        make = options["unique_id"]
        self.unique_id = self.operation_id or str(make(self) if make is not None else _unique_id(self))
        self._bind: Callable[[Mapping[Any, Any]], Binding] = lambda _: Binding()

    def bind(self, overrides: Mapping[Any, Any]) -> Binding:
        """Return how the handler gets its arguments."""
        return self._bind(overrides)


def _unique_id(route: DocumentedRoute) -> str:
    return re.sub(r"\W", "_", f"{route.name}{route.path_format}") + f"_{route.methods[0].lower()}"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One inclusion of a router, or the application itself.

    Attributes:
        defaults: options that hold for every route here unless it says otherwise.
    """

    engine: Application
    scope: Scope
    prefix: str = ""
    tags: tuple[Any, ...] = ()
    dependencies: tuple[Any, ...] = ()
    responses: Mapping[int | str, Any] = None  # type: ignore[assignment]
    callbacks: tuple[Any, ...] = ()
    deprecated: bool | None = None
    include_in_schema: bool = True
    defaults: Mapping[str, Any] = None  # type: ignore[assignment]

    @classmethod
    def of(cls, engine: Application, scope: Scope, options: Mapping[str, Any], around: Place | None = None) -> Place:
        """Return the place that options make inside another one."""
        base = around or cls(engine, scope, responses={}, defaults={})
        inherited = ("default_response_class", "generate_unique_id_function", "strict_content_type", "max_body_size")
        deprecated = options.get("deprecated")
        return cls(
            engine,
            scope,
            base.prefix + (options.get("prefix") or ""),
            (*base.tags, *(options.get("tags") or ())),
            (*base.dependencies, *(options.get("dependencies") or ())),
            {**base.responses, **(options.get("responses") or {})},
            (*base.callbacks, *(options.get("callbacks") or ())),
            base.deprecated or deprecated,
            base.include_in_schema and options.get("include_in_schema", True),
            {**base.defaults, **{name: options[name] for name in inherited if options.get(name) is not None}},
        )

    def take(self, item: Declared | Inclusion) -> None:
        """Give a route, or all of a router, to the engine."""
        if isinstance(item, Inclusion):
            self.include(item)
        else:
            self.declare(item)

    def include(self, item: Inclusion) -> None:
        """Open a place inside for an included router."""
        scope = Scope(f"router {item.options.get('prefix') or item.router.prefix or '/'}", self.scope)
        outer = Place.of(self.engine, scope, item.options, self)
        item.router.settle(Place.of(self.engine, scope, item.router.options_given, outer))

    def declare(self, item: Declared) -> None:
        """Give one route to the engine.

        Raises:
            DeclarationError: its path, its signature or its response model make no sense.
        """
        options = item.options
        text = self.prefix + item.path
        if not text.startswith("/"):
            raise DeclarationError(f"the path {text!r} must begin with '/'", item.source)
        try:
            pattern = DIALECT.parse(text, DIALECT.converters)
        except PatternError as exc:
            raise DeclarationError(str(exc), item.source) from exc
        websocket = item.methods is None
        dependencies = (*self.dependencies, *(options.get("dependencies") or ()))
        cached: list[Binding] = []

        def bind(overrides: Mapping[Any, Any]) -> Binding:
            if cached and not overrides:
                return cached[0]
            binding = bind_signature(
                item.handler,
                pattern,
                reserved=given_by_type,
                overrides=overrides,
                dependencies=dependencies,
                strict_content_type=options.get("strict_content_type", self.defaults.get("strict_content_type", True)),
                invalid=WebSocketRequestValidationError if websocket else RequestValidationError,
            )
            if not overrides:
                cached.append(binding)
            return binding

        known = {} if websocket else self._rendering(item)
        generator = not websocket and kind_of(item.handler) != "call"
        name = str(options.get("name") or getattr(item.handler, "__name__", type(item.handler).__name__))
        described: dict[str, Any] = {}
        if not websocket:
            documented = DocumentedRoute(pattern, item.methods or frozenset(), item.handler, {**known, "name": name})
            documented._bind = bind
            described = {"documented": documented, "described": partial(described_route, documented)}
        self.engine.add_route(
            Route(
                pattern=pattern,
                methods=item.methods if item.methods is not None else frozenset(),
                handler=item.handler,
                # Calling a generator function runs nothing of it.
                mode=Mode.INLINE if generator else calling_mode(item.handler, Mode.THREAD),
                name=self._named(name, item.handler),
                dialect=DIALECT,
                scope=self.scope,
                source=item.source,
                bind=bind,
                options={**known, "name": name, **described},
                websocket=websocket,
                body_limit=options.get("max_body_size", self.defaults.get("max_body_size")),
                document=bool(known.get("include_in_schema", False)),
            )
        )

    def _named(self, name: str, handler: Any) -> str | None:
        """Return the name for the engine's table; the first route of a name has it, as upstream looks names up."""
        names: dict[str, Any] = self.engine.extensions.setdefault(NAMES, {})
        return name if names.setdefault(name, handler) is handler else None

    def _rendering(self, item: Declared) -> dict[str, Any]:
        """Return the options with everything around them, and how the route renders."""
        options = item.options
        chosen = options.get("response_class") or self.defaults.get("default_response_class")
        status = options.get("status_code")
        status = int(status) if status is not None else None
        kind = kind_of(item.handler)
        annotation, element = self._model(item, chosen, kind != "call")
        if annotation is not None and status is not None and forbids_body(status):
            raise DeclarationError(f"Status code {status} must not have a response body", item.source)
        stream = "" if kind == "call" else "events" if is_events(chosen) else "json" if chosen is None else "raw"
        written = {
            name.removeprefix("response_model_"): options[name]
            for name in options
            if name.startswith("response_model_")
        }
        model = Serializer(annotation, **written, source=item.source) if annotation is not None else None
        responses = {**self.responses, **(options.get("responses") or {})}
        for described in responses.values():
            if described.get("model") is not None:
                adapter_of_result(described["model"], item.source)
        rendering = Rendering(
            model=model,
            response_class=chosen,
            status=status,
            stream=stream,
            item=Serializer(element, **written, source=item.source) if element is not None else None,
        )
        return {
            **options,
            "renderer": rendering.renderer,
            "rendering": rendering,
            "status_code": status,
            "tags": [tag.value if isinstance(tag, Enum) else tag for tag in (*self.tags, *(options.get("tags") or ()))],
            "responses": responses,
            "callbacks": [*self.callbacks, *(options.get("callbacks") or ())],
            "deprecated": self.deprecated or options.get("deprecated"),
            "response_class": chosen,
            "unique_id": options.get("generate_unique_id_function") or self.defaults.get("generate_unique_id_function"),
            "include_in_schema": self.include_in_schema and options.get("include_in_schema", True),
        }

    def _model(self, item: Declared, chosen: Any, generator: bool) -> tuple[Any, Any]:
        """Return the types of the whole value and of an element of a stream; None where nothing is to be checked."""
        if "response_model" in item.options:
            return item.options["response_model"], None
        annotation = return_annotation(item.handler)
        if annotation is inspect.Signature.empty or annotation is None or annotation is type(None):
            return None, None
        if is_class(annotation, Response) or hasattr(annotation, "__reply__"):
            return None, None
        if generator and get_origin(annotation) in _STREAMS:
            element = next(iter(get_args(annotation)), Any)
            streams = chosen is None or is_events(chosen)
            return None, element if streams and not is_class(element, ServerSentEvent) else None
        return annotation, None
