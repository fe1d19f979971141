"""Operations: what is known of one handler at one path, wherever its router was included.

An `APIRoute` is an operation at the path of its own router. Each inclusion makes another one of it, with the prefix,
the dependencies and the defaults of everything around (`fenrir.fastapi.inclusion`). Attributes have upstream's names
and may be changed until the application freezes; then `declared` makes the engine's route of them.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from enum import Enum, IntEnum
from functools import partial
from typing import Any, cast, get_args, get_origin

from fenrir.core.binding import Argument, Binding, Given
from fenrir.core.context import RequestContext
from fenrir.core.declare import DeclarationError, Mode, Route, Scope, Source, checked_timeout
from fenrir.core.dialect import Renderer
from fenrir.core.pattern import Pattern
from fenrir.core.router import Slashes
from fenrir.fastapi._dialect import DIALECT, given_by_type
from fenrir.fastapi._patterns import pattern_of_path
from fenrir.fastapi._pictured import Pictured
from fenrir.fastapi.choices import is_body_allowed_for_status_code
from fenrir.fastapi.datastructures import Default, DefaultPlaceholder
from fenrir.fastapi.dependencies.bodies import _get_body_field, _get_flat_body_params, _should_embed_body_fields
from fenrir.fastapi.exceptions import RequestValidationError
from fenrir.fastapi.model_field import ModelField, create_model_field
from fenrir.fastapi.openapi.description import DescribedRoute, described_route
from fenrir.fastapi.rendering import Rendering, is_events
from fenrir.fastapi.responses import JSONResponse, Response
from fenrir.fastapi.surroundings import Surroundings, failed_inside
from fenrir.fastapi.unique_ids import generate_unique_id
from fenrir.kit.sse import ServerSentEvent
from fenrir.kit.validation import Serializer, bind_signature, return_annotation
from fenrir.kit.validation.graph import calling_mode, kind_of
from fenrir.kit.validation.output import adapter_of_result
from fenrir.kit.validation.shapes import is_class
from fenrir.starlette._paths import Compiled, path_parts

__all__ = ["Operation", "OperationError", "checked_body_size"]

_STREAMS = (AsyncIterable, AsyncIterator, AsyncGenerator, Iterable, Iterator, Generator)
_RENDERED = ("include", "exclude", "by_alias", "exclude_unset", "exclude_defaults", "exclude_none")


_NO_LIMITS: Mapping[str, int] = {}


class OperationError(DeclarationError, AssertionError):
    """An option of a route makes no sense; upstream asserts."""


def checked_body_size(size: int | None) -> int | None:
    """Return a limit of bodies.

    Raises:
        ValueError: it is no number of bytes.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise ValueError("max_body_size must be a non-negative integer or None")
    return size


class Operation(Pictured, Compiled):
    """One handler at one path.

    Attributes:
        path, endpoint, methods, name: where it is, and what serves it.
        original_route: the route of the router on which it was declared.
        source: the user's line.
        timeout: seconds that a request may take, None for any number.
        cancel_on_disconnect: the work of a request is cancelled when its client leaves; None as the engine says.
    """

    path: str
    endpoint: Callable[..., Any]
    name: str
    methods: set[str]
    original_route: Any
    _limits_around: Mapping[str, int] = _NO_LIMITS
    _described = False
    source: Source
    app: Any

    # ---------------------------------------------------------- description
    def _describe(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        source: Source,
        like: Operation | None = None,
        response_model: Any = Default(None),
        status_code: int | None = None,
        tags: Sequence[Any] | None = None,
        dependencies: Sequence[Any] | None = None,
        summary: str | None = None,
        description: str | None = None,
        response_description: str = "Successful Response",
        responses: Mapping[int | str, Any] | None = None,
        deprecated: bool | None = None,
        name: str | None = None,
        methods: Iterable[str] | None = None,
        operation_id: str | None = None,
        response_model_include: Any = None,
        response_model_exclude: Any = None,
        response_model_by_alias: bool = True,
        response_model_exclude_unset: bool = False,
        response_model_exclude_defaults: bool = False,
        response_model_exclude_none: bool = False,
        include_in_schema: bool = True,
        response_class: Any = Default(JSONResponse),
        dependency_overrides_provider: Any = None,
        callbacks: Sequence[Any] | None = None,
        openapi_extra: Mapping[str, Any] | None = None,
        generate_unique_id_function: Any = Default(generate_unique_id),
        strict_content_type: Any = Default(True),
        stream_item_type: Any = None,
        max_body_size: int | None = None,
        form_limits: Mapping[str, int] | None = None,
        timeout: float | None = None,
        cancel_on_disconnect: bool | None = None,
    ) -> None:
        """Take the options and check them; `like` is the same handler elsewhere, whose parts are shared.

        Raises:
            DeclarationError: they make no sense.
        """
        self.source = source
        self.path = path
        self._call(endpoint, dependencies or ())
        self.stream_item_type = stream_item_type
        self.summary, self.response_description = summary, response_description
        self.deprecated, self.operation_id = deprecated, operation_id
        self.response_model_include, self.response_model_exclude = response_model_include, response_model_exclude
        self.response_model_by_alias = response_model_by_alias
        self.response_model_exclude_unset = response_model_exclude_unset
        self.response_model_exclude_defaults = response_model_exclude_defaults
        self.response_model_exclude_none = response_model_exclude_none
        self.include_in_schema = include_in_schema
        self.response_class = response_class
        self.dependency_overrides_provider = dependency_overrides_provider
        self.callbacks = None if callbacks is None else list(callbacks)
        self.openapi_extra = openapi_extra
        self.generate_unique_id_function = generate_unique_id_function
        self.strict_content_type = strict_content_type
        self.max_body_size = checked_body_size(max_body_size)
        self.form_limits = dict(form_limits or {})
        self.timeout = checked_timeout(timeout, source)
        self.cancel_on_disconnect = cancel_on_disconnect
        self.tags = list(tags or ())
        self.responses = dict(responses or {})
        if not callable(endpoint):
            raise OperationError("An endpoint must be a callable", source)
        self.name = getattr(endpoint, "__name__", type(endpoint).__name__) if name is None else name
        self._compile()
        self.methods = {method.upper() for method in (["GET"] if methods is None else methods)}
        make_id = generate_unique_id_function
        make_id = make_id.value if isinstance(make_id, DefaultPlaceholder) else make_id
        self.unique_id: str = operation_id or make_id(self)
        self.status_code = int(status_code) if isinstance(status_code, IntEnum) else status_code
        self.description = (description or inspect.cleandoc(endpoint.__doc__ or "")).split("\f")[0].strip()
        self._declared = None
        self._placed = path
        self._bound: _Bound | None = None
        self._like = like
        self._check_responses()
        self._read_result(response_model)
        self.bind({})  # a mistake in the signature is found now
        self._described = True

    def _check_responses(self) -> None:
        for status, response in self.responses.items():
            if not isinstance(response, dict):
                raise OperationError("An additional response must be a dict", self.source)
            if response.get("model") and not is_body_allowed_for_status_code(status):
                raise OperationError(f"Status code {status} must not have a response body", self.source)
            if response.get("model"):
                adapter_of_result(response["model"], self.source)

    def _read_result(self, response_model: Any) -> None:
        """Decide what becomes of the handler's value."""
        chosen = self.response_class
        self.is_generator = kind_of(self.endpoint) != "call"
        events = is_class(chosen, object) and is_events(chosen)
        self.is_sse_stream = self.is_generator and events
        self.is_json_stream = self.is_generator and isinstance(chosen, DefaultPlaceholder)
        if isinstance(response_model, DefaultPlaceholder):
            response_model = self._annotated(events)
        self.response_model = response_model
        if response_model and not is_body_allowed_for_status_code(self.status_code):
            raise OperationError(f"Status code {self.status_code} must not have a response body", self.source)
        # Checked at registration: a type without a schema is the mistake of the line that names it.
        self.serializer = self._serializer(response_model, "serializer") if response_model else None
        self.item_serializer = (
            self._serializer(self.stream_item_type, "item_serializer") if self.stream_item_type else None
        )

    def _annotated(self, events: bool) -> Any:
        annotation = return_annotation(self.endpoint)
        if annotation in (inspect.Signature.empty, None, type(None)):
            return None
        if is_class(annotation, Response) or hasattr(annotation, "__reply__"):
            return None
        if self.is_generator and (annotation in _STREAMS or get_origin(annotation) in _STREAMS):
            item = next(iter(get_args(annotation)), Any)
            streams = isinstance(self.response_class, DefaultPlaceholder) or events
            if streams and not is_class(item, ServerSentEvent):
                self.stream_item_type = item
            return None
        return annotation

    def _serializer(self, annotation: Any, which: str) -> Serializer:
        options = {name: getattr(self, f"response_model_{name}") for name in _RENDERED}
        known: Serializer | None = getattr(self._like, which) if self._like is not None else None
        if known is not None and known.annotation is annotation and known.options == options:
            return known
        return Serializer(annotation, **options, source=self.source)

    # -------------------------------------------------------------- binding
    @property
    def pattern(self) -> Pattern:
        """The path as the engine knows it: where the route was made, or where somebody has moved it with all it has."""
        path = self.path if self._moved else self._placed
        return pattern_of_path(path if path.startswith("/") else f"/{path}", self.source)

    _moved = False

    @property
    def is_elsewhere(self) -> bool:
        """Somebody has given it an expression that is not the one of its path."""
        return self._moved and self.path_regex.pattern != path_parts(self.path)[0]

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in ("path_regex", "methods", "serializer") and self.__dict__.get("_described"):
            self._moved = self._moved or name == "path_regex"
            self._forget()

    def bind(self, overrides: Mapping[Any, Any], added: Sequence[Any] = ()) -> Binding:
        """Return how the handler gets its arguments.

        Args:
            added: dependencies that something around the route adds to its own.

        Raises:
            DeclarationError: the signature of the handler or of a dependency makes no sense.
        """
        strict = self.strict_content_type
        strict = strict.value if isinstance(strict, DefaultPlaceholder) else strict
        # Decorators of classes give an endpoint its signature when its route exists already.
        signature = getattr(self._called, "__signature__", None)
        if self._picture:
            return self._bind_picture(overrides, added, strict_content_type=strict, invalid=RequestValidationError)
        wanted = (self._called, self.path, (*self._called_after, signature), strict)
        if self._bound is None or self._bound.wanted != wanted:
            pattern, like = self.pattern, self._like
            shared = like._bound if like is not None else None
            if (
                shared is not None
                and shared.pattern.names == pattern.names
                and shared.wanted == (self._called, shared.wanted[1], wanted[2], strict)
            ):
                self._bound = _Bound(wanted, pattern, shared.binding)
            else:
                self._bound = _Bound(wanted, pattern, self._read({}, pattern, strict))
        bound = self._bound
        if added:
            return self._read(overrides, bound.pattern, strict, added)
        # What no dependency of this handler is replaced for has nothing to read again.
        binding = bound.binding
        if overrides and binding.touched_by(overrides):
            return self._read(overrides, bound.pattern, strict)
        return bound.binding

    def _read(self, overrides: Mapping[Any, Any], pattern: Pattern, strict: bool, added: Sequence[Any] = ()) -> Binding:
        return bind_signature(
            self._called,
            pattern,
            reserved=given_by_type,
            overrides=overrides,
            dependencies=[*self._called_after, *added],
            strict_content_type=strict,
            invalid=RequestValidationError,
        )

    @property
    def body_field(self) -> Any:
        """The body, as one field; None of a handler that takes none."""
        if "body_field" in self.__dict__:
            return self.__dict__["body_field"]
        return _get_body_field(
            body_params=_get_flat_body_params(self.dependant),
            name=self.unique_id,
            embed_body_fields=self._embed_body_fields,
        )

    @body_field.setter
    def body_field(self, field: Any) -> None:
        self.__dict__["body_field"] = field  # a package that adds dependencies keeps it in step with them

    @property
    def _embed_body_fields(self) -> bool:
        return _should_embed_body_fields(_get_flat_body_params(self.dependant))

    @property
    def response_field(self) -> ModelField | None:
        """What filters the value that is returned."""
        return self._written("Response", self.serializer.annotation) if self.serializer is not None else None

    @response_field.setter
    def response_field(self, field: Any) -> None:
        annotation = field.field_info.annotation if isinstance(field, ModelField) else field
        self.serializer = None if field is None else self._serializer(annotation, "serializer")

    @property
    def stream_item_field(self) -> ModelField | None:
        """What filters each value of a stream."""
        return self._written("StreamItem", self.stream_item_type) if self.item_serializer is not None else None

    @property
    def response_fields(self) -> dict[int | str, ModelField]:
        """The models of `responses`, by status."""
        return {
            status: self._written(f"Response_{status}", said["model"])
            for status, said in self.responses.items()
            if said.get("model")
        }

    def _written(self, name: str, model: Any) -> ModelField:
        known = self.__dict__.setdefault("_written_fields", {})
        if name not in known or known[name].field_info.annotation is not model:
            known[name] = create_model_field(f"{name}_{self.unique_id}", model, mode="serialization")
        field: ModelField = known[name]
        return field

    # ------------------------------------------------------------ rendering
    @property
    def rendering(self) -> Rendering:
        """What the handler's value becomes."""
        chosen = self.response_class
        default = isinstance(chosen, DefaultPlaceholder)
        kind = "json" if self.is_json_stream else "events" if self.is_sse_stream else "raw"
        return Rendering(
            model=self.serializer,
            response_class=None if default and chosen.value is JSONResponse else chosen.value if default else chosen,
            status=self.status_code,
            stream=kind if self.is_generator else "",
            item=self.item_serializer,
        )

    def renderer(self) -> Renderer:
        """Return what the engine asks for the meaning of a value."""
        if self._declared is not None and self._declared[1].handler is not self.handler:
            return Renderer(lambda c, response: response.__reply__())
        return self.rendering.renderer()

    # ---------------------------------------------------------- declaration
    def declared(
        self, scope: Scope, slashes: Slashes, name: str | None, form_limits: Mapping[str, int] = _NO_LIMITS
    ) -> Route:
        """Return the engine's route; the same one for as long as nothing was changed.

        Args:
            form_limits: of the application.
        """
        self._limits_around = form_limits
        key = (
            self.stands_inside,
            scope,
            slashes,
            name,
            self.methods.copy(),
            self.path,
            self.status_code,
            self.response_class,
            self.is_custom,
        )
        if self._declared is not None and self._declared[0] == key and self._bound is not None:
            return self._declared[1]
        route = self._route(scope, slashes, name)
        around = self.custom_handler()
        if around is not None:
            route = replace(
                route,
                handler=around,
                mode=Mode.LOOP,
                bind=lambda overrides: Binding(arguments=_CONTEXT, about=self.bind({}).about),
                stream=True,
                failed=failed_inside(self.surroundings),
            )
        self._declared = key, route
        return route

    @property
    def mode(self) -> Mode:
        """How the handler is called."""
        # Calling a generator function runs nothing of it.
        if self.is_generator:
            return Mode.INLINE
        mode = calling_mode(self._called, Mode.THREAD)
        return mode if self.handler is self._called or mode is Mode.LOOP else calling_mode(self.handler, mode)

    def plain(self, scope: Scope) -> Route:
        """Return the engine's route without anything around the handler."""
        return self._route(scope, Slashes.STRICT, None)

    def _route(self, scope: Scope, slashes: Slashes, name: str | None) -> Route:
        return Route(
            pattern=self.pattern,
            methods=frozenset(self.methods),
            handler=self.handler,
            mode=self.mode,
            name=name,
            dialect=DIALECT,
            scope=scope,
            source=self.source,
            bind=self.bind,
            options=_Options(self, slashes),
            body_limit=self.max_body_size,
            timeout=self.timeout,
            cancel_on_disconnect=self.cancel_on_disconnect,
            document=self.include_in_schema,
            user=self.endpoint,
        )

    @property
    def stands_inside(self) -> tuple[Any, ...]:
        """The state of what is around the handler."""
        return tuple(around.state_of_surroundings for around in self.surroundings)

    @property
    def surroundings(self) -> tuple[Surroundings, ...]:
        """What is around the handler, the outermost first."""
        return ()

    @property
    def is_custom(self) -> bool:
        """Something else than the plan has to serve a request."""
        return False

    def custom_handler(self) -> Callable[[RequestContext], Any] | None:
        """Return what serves a request when the route's class has a way of its own."""
        return None


class _Bound:
    """A binding, and what it was made for."""

    __slots__ = ("binding", "pattern", "wanted")

    def __init__(self, wanted: tuple[Any, ...], pattern: Pattern, binding: Binding) -> None:
        self.wanted = wanted
        self.pattern = pattern
        self.binding = binding


class _Options(Mapping[str, Any]):
    """What the engine's route knows of an operation: its attributes as they are now."""

    __slots__ = ("_operation", "_slashes")

    def __init__(self, operation: Operation, slashes: Slashes) -> None:
        self._operation = operation
        self._slashes = slashes

    def __getitem__(self, name: str) -> Any:
        operation = self._operation
        if name == "slashes":
            return self._slashes
        if name == "operation":
            return operation
        if name == "route":
            return operation.original_route
        if name == "fastapi":
            return {"effective_route_context": operation} if operation.original_route is not operation else {}
        if name == "documented":
            return operation
        if name == "described":
            return partial(described_route, cast("DescribedRoute", operation))
        if name == "form_limits":
            return {**operation._limits_around, **operation.form_limits}
        if name == "renderer":
            return operation.renderer
        if name == "response_class":
            return operation.rendering.response_class
        if name == "tags":
            return [tag.value if isinstance(tag, Enum) else tag for tag in operation.tags]
        if name == "unique_id":
            return lambda route, method: operation.unique_id
        if name in _KNOWN:
            return getattr(operation, name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter((*_MADE, *_KNOWN))

    def __len__(self) -> int:
        return len(_MADE) + len(_KNOWN)


_MADE = (
    "slashes", "operation", "route", "fastapi", "documented", "described", "renderer", "response_class", "tags",
    "unique_id", "form_limits",
)  # fmt: skip
_KNOWN = (
    "name", "rendering", "status_code", "summary", "description", "response_description", "responses", "callbacks",
    "deprecated", "operation_id", "openapi_extra", "include_in_schema", "timeout", "strict_content_type",
    "cancel_on_disconnect",
)  # fmt: skip
_CONTEXT = (Argument(None, Given(lambda c: c)),)
