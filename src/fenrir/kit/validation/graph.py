"""Reading signatures: a callable and what it depends on, as a tree.

The rules for where a parameter comes from are upstream FastAPI's: a name of the path is a path value; what is marked is
what it is marked as; an upload is a file; a model, a dataclass, a mapping or a list is the body; everything else is in
the query. Annotations are evaluated here, also those that `from __future__ import annotations` left as strings.
"""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ForwardRef, cast, get_args, get_origin

from pydantic import AliasChoices
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fenrir.core.binding import ArgumentSource, Given
from fenrir.core.declare import DeclarationError, Mode, mode_of, source_of
from fenrir.kit.validation import parameters, shapes
from fenrir.kit.validation.concurrency import Concurrency
from fenrir.kit.validation.errors import (
    V1_MODEL,
    DependencyScopeError,
    FieldTypeError,
    PydanticV1NotSupportedError,
    SignatureError,
)
from fenrir.kit.validation.fields import Field
from fenrir.kit.validation.form_unions import form_union

__all__ = [
    "Dependant",
    "Reserved",
    "SecurityScheme",
    "SecurityScopes",
    "calling_mode",
    "kind_of",
    "return_annotation",
    "signature_of",
]

Reserved = Callable[[str, Any, int], ArgumentSource | None]
"""(name, annotation, position) -> where a dialect's own argument comes from, or None when it is an ordinary one.

Asked for parameters without a marker whose name is not in the path; the annotation is without `Annotated` and is
`inspect.Parameter.empty` when there is none.
"""

_empty = inspect.Parameter.empty


class SecurityScopes:
    """The scopes that the dependants of a dependency ask for.

    Attributes:
        scopes: in the order in which they were asked for.
        scope_str: the same, separated by spaces.
    """

    def __init__(self, scopes: Sequence[str] | None = None) -> None:
        self.scopes = list(scopes or ())
        self.scope_str = " ".join(self.scopes)


class SecurityScheme:
    """The base of dependencies that read credentials, for documentation.

    Attributes:
        model: the OpenAPI Security Scheme Object.
        scheme_name: its name among the components.
    """

    model: Any
    scheme_name: str


@dataclass(eq=False)
class Dependant:
    """A callable with its parameters.

    Attributes:
        name: of the argument that it makes for its parent; None when nobody takes its value.
        parts: of each parameter the name, whether it is positional only, and a field, a child or a source.
        own_scopes: OAuth2 scopes that it was declared with.
        scopes: those of all above it, then its own.
    """

    call: Callable[..., Any]
    name: str | None = None
    use_cache: bool = True
    scope: str | None = None
    own_scopes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    concurrency: Concurrency | None = None
    takes_scopes: bool = False
    before: list[Dependant] = field(default_factory=list)
    parts: list[tuple[str, bool, Field | Dependant | ArgumentSource]] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        call: Callable[..., Any],
        *,
        path_names: frozenset[str],
        reserved: Reserved,
        name: str | None = None,
        use_cache: bool = True,
        scope: str | None = None,
        own_scopes: Sequence[str] = (),
        parent_scopes: Sequence[str] = (),
        concurrency: Concurrency | None = None,
        above: tuple[Any, ...] = (),
    ) -> Dependant:
        """Read a callable and all below it.

        Raises:
            DeclarationError: a parameter makes no sense; it names the file and the line of the callable.
        """
        if call in above:
            raise DeclarationError(f"{_title(call)} depends on itself", source_of(call))
        scopes = (*parent_scopes, *(scope for scope in own_scopes if scope not in parent_scopes))
        made = cls(call, name, use_cache, scope, tuple(own_scopes), scopes, concurrency)
        # A signature that a library put there says what to gather, not how its function counts its arguments.
        own = getattr(call, "__signature__", None) is None
        for position, parameter in enumerate(signature_of(call).parameters.values()):
            part = _part(parameter, position, made, path_names, reserved, (*above, call))
            made.parts.append((parameter.name, own and parameter.kind is inspect.Parameter.POSITIONAL_ONLY, part))
        return made

    @property
    def children(self) -> Iterator[Dependant]:
        """The dependencies, in the order in which they run."""
        yield from self.before
        yield from (part for _, _, part in self.parts if isinstance(part, Dependant))

    @property
    def fields(self) -> list[Field]:
        """Its own values, in the order in which they are checked."""
        found = [part for _, _, part in self.parts if isinstance(part, Field)]
        return sorted(found, key=lambda item: _ORDER.index(item.location))

    def depend(self, depends: Sequence[parameters.Depends], path_names: frozenset[str], reserved: Reserved) -> None:
        """Add dependencies whose values nobody takes, to run before those of its own parameters."""
        for marker in depends:
            if not callable(marker.dependency):
                raise SignatureError(
                    "A parameter-less dependency must have a callable dependency", source_of(self.call)
                )
            scopes = marker.scopes or () if isinstance(marker, parameters.Security) else ()
            # Upstream hands a dependency of a route neither the route's scopes nor its own choice about the cache.
            self.before.append(
                Dependant.read(
                    marker.dependency,
                    path_names=path_names,
                    reserved=reserved,
                    scope=marker.scope,
                    own_scopes=scopes,
                    concurrency=marker._concurrency,
                )
            )

    @property
    def kind(self) -> str:
        """ "generator", "async generator" or "call"."""
        return kind_of(self.call)

    @property
    def lifetime(self) -> str:
        """When it is left: "request", "function", or "" for what is not left."""
        return self.scope or ("request" if self.kind != "call" else "")

    @property
    def scheme(self) -> SecurityScheme | None:
        """The security scheme that it is."""
        call = inspect.unwrap(_whole(self.call))
        return call if isinstance(call, SecurityScheme) else None

    @property
    def uses_scopes(self) -> bool:
        """Its value may depend on the scopes, so it is cached for each set of them."""
        return bool(
            self.own_scopes
            or self.takes_scopes
            or self.scheme is not None
            or any(child.uses_scopes for child in self.children)
        )

    @property
    def cache_key(self) -> tuple[Any, ...]:
        """What two uses have in common that share one call."""
        return self.call, tuple(sorted(set(self.scopes))) if self.uses_scopes else (), self.lifetime


_ORDER = ("path", "query", "header", "cookie", "body")


def _title(call: Any) -> str:
    return getattr(call, "__qualname__", None) or type(call).__name__


def name_of(call: Any) -> str:
    """Return what messages call a callable."""
    return getattr(call, "__name__", None) or type(call).__name__


def _whole(call: Any) -> Any:
    while isinstance(call, functools.partial):
        call = call.func
    return call


def _forms(call: Any) -> Iterator[Any]:
    """Iterate over what a callable may really be: behind partials, decorators and `__call__`."""
    whole = _whole(call)
    unwrapped = inspect.unwrap(whole)
    yield from (whole, unwrapped)
    if inspect.isclass(unwrapped):
        return
    for owner in (whole, unwrapped):
        method = _whole(getattr(owner, "__call__", None))  # noqa: B004 - the method itself
        yield from (method, inspect.unwrap(method))


def kind_of(call: Any) -> str:
    """Return how a dependency makes its value: "generator", "async generator" or "call"."""
    if type(call) is types.FunctionType and "__wrapped__" not in call.__dict__:  # what most are
        flags = call.__code__.co_flags
        if flags & inspect.CO_ASYNC_GENERATOR:
            return "async generator"
        return "generator" if flags & inspect.CO_GENERATOR else "call"
    forms = list(_forms(call))
    if any(map(inspect.isasyncgenfunction, forms)):
        return "async generator"
    return "generator" if any(map(inspect.isgeneratorfunction, forms)) else "call"


def calling_mode(call: Callable[..., Any], blocking: Mode) -> Mode:
    """Return how a callable runs, also behind a plain wrapper (`functools.wraps`) that hands on its coroutine."""
    if any(
        mode_of(form, blocking) is Mode.LOOP or _is_marked(form) for form in (call, *_forms(call)) if callable(form)
    ):
        return Mode.LOOP
    return blocking


def _is_marked(call: Any) -> bool:
    """Say whether it is marked as a coroutine function in the way of Python before 3.12."""
    mark = getattr(asyncio.coroutines, "_is_coroutine", None)
    return mark is not None and getattr(call, "_is_coroutine", None) is mark


def signature_of(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a callable with evaluated annotations.

    Raises:
        DeclarationError: it has none, or an annotation names what does not exist.
    """
    try:
        signature = inspect.signature(call, eval_str=True)
    except NameError:
        signature = inspect.signature(call)
    except (TypeError, ValueError) as exc:
        raise DeclarationError(f"{_title(call)} has no signature that can be read: {exc}", source_of(call)) from exc
    if not any(isinstance(parameter.annotation, (str, ForwardRef)) for parameter in signature.parameters.values()):
        return signature
    # One annotation can not be evaluated, often that of the result under TYPE_CHECKING; or somebody has put a signature
    # of text on the callable (`__signature__`), which is taken as it is: evaluate one by one.
    scope = getattr(inspect.unwrap(_whole(call)), "__globals__", {})
    return signature.replace(
        parameters=[
            parameter.replace(annotation=_evaluated(parameter.annotation, scope))
            for parameter in signature.parameters.values()
        ]
    )


def _evaluated(annotation: Any, scope: dict[str, Any]) -> Any:
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, scope)
    except NameError:
        return ForwardRef(annotation)  # of what a dependency makes nothing has to be known


def return_annotation(call: Callable[..., Any]) -> Any:
    """Return the evaluated annotation of the result; `inspect.Signature.empty` when there is none or it is unknown."""
    try:
        annotation = inspect.signature(call).return_annotation
    except (TypeError, ValueError):  # written in C, without a signature
        return inspect.Signature.empty
    if isinstance(annotation, (str, ForwardRef)):
        scope = getattr(inspect.unwrap(_whole(call)), "__globals__", {})
        try:
            annotation = eval(annotation if isinstance(annotation, str) else annotation.__forward_arg__, scope)
        except NameError:
            return inspect.Signature.empty
    return shapes.unalias(annotation)


def _part(
    parameter: inspect.Parameter,
    position: int,
    parent: Dependant,
    path_names: frozenset[str],
    reserved: Reserved,
    above: tuple[Any, ...],
) -> Field | Dependant | ArgumentSource:
    """Decide what one parameter is."""
    name = parameter.name
    in_path = name in path_names
    source = source_of(parent.call)

    def wrong(message: str) -> DeclarationError:
        return SignatureError(f"parameter {name!r} of {_title(parent.call)}: {message}", source)

    annotation = shapes.unalias(parameter.annotation)
    if shapes.is_v1(annotation):
        raise PydanticV1NotSupportedError(V1_MODEL.format(annotation), source)
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    info, depends = _marker(name, annotation, plain, parameter.default, in_path, wrong)
    if depends is not None:
        return _child(depends, plain, parent, name, path_names, reserved, above, wrong)
    if isinstance(plain, ForwardRef):
        raise wrong(
            f"the annotation {plain.__forward_arg__!r} can not be evaluated; what annotations of handlers name must be"
            " importable at run time, at the top of the module"
        )
    if info is None and not in_path:
        if shapes.is_class(plain, SecurityScopes):
            parent.takes_scopes = True
            scopes = parent.scopes
            return Given(lambda c: SecurityScopes(scopes))
        given = reserved(name, plain, position)
        if given is not None:
            return given
    elif info is not None and (shapes.is_class(plain, SecurityScopes) or reserved("", plain, -1) is not None):
        raise wrong(f"Cannot specify FastAPI annotation for type {plain!r}")
    used = annotation if annotation is not _empty else Any
    if info is None:
        info = _inferred(used, plain if plain is not _empty else Any, parameter.default, in_path)
    try:
        return _field(name, info, in_path, path_names, wrong)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation) as exc:
        raise FieldTypeError(
            f"Invalid args for response field! Hint: check that {used!r} is a valid Pydantic field type: parameter"
            f" {name!r} of {_title(parent.call)} can not be validated, and is not given by its type either",
            source,
        ) from exc


def _marker(
    name: str, annotation: Any, plain: Any, default: Any, in_path: bool, wrong: Callable[[str], DeclarationError]
) -> tuple[FieldInfo | None, parameters.Depends | None]:
    """Return what the parameter is marked as."""
    info: FieldInfo | None = None
    depends: parameters.Depends | None = None
    if get_origin(annotation) is Annotated:
        found = [
            item
            for item in get_args(annotation)[1:]
            if isinstance(item, (parameters.Param, parameters.Body, parameters.Depends))
        ]
        if found and isinstance(found[-1], parameters.Depends):
            depends = found[-1]
        elif found:
            info = _merged(cast(FieldInfo, found[-1]), annotation)
            if info.default is not PydanticUndefined and info.default is not ...:
                kind = type(found[-1]).__name__
                raise wrong(
                    f"`{kind}` default value cannot be set in `Annotated` for {name!r}."
                    " Set the default value with `=` instead."
                )
            if default is not _empty and in_path:
                raise wrong("Path parameters cannot have default values")
            info.default = default if default is not _empty else PydanticUndefined
    if isinstance(default, parameters.Depends):
        if depends is not None:
            raise wrong(f"Cannot specify `Depends` in `Annotated` and default value together for {name!r}")
        if info is not None:
            raise wrong(
                "Cannot specify a FastAPI annotation in `Annotated` and `Depends` as a default value"
                f" together for {name!r}"
            )
        depends = default
    elif isinstance(default, FieldInfo):
        if info is not None:
            raise wrong(f"Cannot specify FastAPI annotations in `Annotated` and default value together for {name!r}")
        # Upstream reads nothing of Annotated beside a marker that is the default value.
        info = copy.copy(default)
        info.annotation = plain if plain is not _empty else Any
    return info, depends


_MERGED = (
    "default", "default_factory", "alias", "alias_priority", "validation_alias", "serialization_alias", "title",
    "description", "examples", "discriminator", "deprecated", "json_schema_extra", "validate_default",
)  # fmt: skip


def _merged(marker: FieldInfo, annotation: Any) -> FieldInfo:
    """Return a copy of a marker with what else stands in `Annotated`."""
    whole = FieldInfo.from_annotation(annotation)
    merged = copy.copy(marker)
    for name in _MERGED:
        setattr(merged, name, getattr(whole, name))
    merged._attributes_set = dict(whole._attributes_set)
    merged.metadata = whole.metadata
    merged.annotation = whole.annotation
    return merged


def _child(
    marker: parameters.Depends,
    plain: Any,
    parent: Dependant,
    name: str,
    path_names: frozenset[str],
    reserved: Reserved,
    above: tuple[Any, ...],
    wrong: Callable[[str], DeclarationError],
) -> Dependant:
    call = marker.dependency
    if call is None:
        if plain is _empty or not callable(plain):
            raise wrong("Depends() without a callable needs a class as the annotation")
        call = plain
    if not callable(call):
        raise wrong(f"Depends() needs a callable, not {type(call).__name__}")
    if parent.kind != "call" and parent.lifetime == "request" and marker.scope == "function":
        raise DependencyScopeError(
            f'The dependency "{name_of(parent.call)}" has a scope of "request", it cannot depend on dependencies with'
            ' scope "function": it lives until the response is sent, they end before that',
            source_of(parent.call),
        )
    return Dependant.read(
        call,
        path_names=path_names,
        reserved=reserved,
        name=name,
        use_cache=marker.use_cache,
        scope=marker.scope,
        own_scopes=(marker.scopes or ()) if isinstance(marker, parameters.Security) else (),
        parent_scopes=parent.scopes,
        concurrency=marker._concurrency,
        above=above,
    )


def _inferred(annotation: Any, plain: Any, default: Any, in_path: bool) -> FieldInfo:
    """Return the marker that an unmarked parameter stands for."""
    kind: Callable[..., FieldInfo]
    value = default if default is not _empty else PydanticUndefined
    if in_path:
        kind, value = parameters.Path, ...
    elif shapes.is_upload(plain) or shapes.is_upload_list(plain):
        kind = parameters.File
    elif not shapes.is_scalar(plain):
        kind = parameters.Body
    else:
        kind = parameters.Query
    info: FieldInfo = kind(value, annotation=annotation)
    if get_origin(annotation) is Annotated:
        default_value = info.default
        info = _merged(info, annotation)
        info.default = default_value
        if in_path:
            info.default_factory = None
    return info


def _field(
    name: str, info: FieldInfo, in_path: bool, path_names: frozenset[str], wrong: Callable[[str], DeclarationError]
) -> Field:
    if in_path and not isinstance(info, parameters.Path):
        raise wrong(f"Cannot use `{type(info).__name__}` for path param {name!r}")
    if not isinstance(info, (parameters.Param, parameters.Body)):
        # A bare Field(...) as the default value: upstream takes it for a query parameter.
        extra: FieldInfo = parameters.Query(info.default)
        for attribute in (*_MERGED, "metadata", "annotation", "_attributes_set"):
            setattr(extra, attribute, getattr(info, attribute))
        return _field(name, extra, in_path, path_names, wrong)
    choices = info.validation_alias
    if isinstance(info, parameters.Path) and isinstance(choices, AliasChoices):
        info = copy.copy(info)
        if all(isinstance(choice, str) for choice in choices.choices):
            info.validation_alias = next((choice for choice in choices.choices if choice in path_names), choices)
    hyphens = isinstance(info, parameters.Header) and info.convert_underscores and not info.alias
    if isinstance(info, parameters.Form) and shapes.models_of_union(info.annotation):
        info.annotation = form_union(info.annotation)
    made = Field.of(name, cast(FieldInfo, info), hyphens=hyphens)
    made.adapter  # noqa: B018 - a type that can not be validated must be found now
    if in_path and not shapes.is_scalar(info.annotation):
        raise wrong("Path params must be of one of the supported types")
    if isinstance(info, parameters.Query) and not (
        shapes.is_scalar(info.annotation)
        or shapes.is_scalar_list(info.annotation)
        or shapes.model_of(info.annotation) is not None
    ):
        raise wrong(
            f"Query parameter {name!r} must be one of the supported types: scalars, lists of them, and models,"
            f" not {info.annotation!r}"
        )
    return made
