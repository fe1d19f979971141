"""The classes behind the markers `Path`, `Query`, `Header`, `Cookie`, `Body`, `Form`, `File`, `Depends`, `Security`.

A marker is a Pydantic `FieldInfo`, so that its constraints are Pydantic's and it may stand in a model's field as well
as in a signature. What users call are the functions of `fenrir.kit.validation.markers`: they return `Any`, because a
marker stands where a default value of any type stands.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypedDict

from pydantic import AliasChoices, AliasPath, Discriminator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fenrir.kit.validation.concurrency import Concurrency

__all__ = [
    "Body",
    "BodyOptions",
    "Cookie",
    "Depends",
    "FastAPIDeprecationWarning",
    "File",
    "Form",
    "Header",
    "HeaderOptions",
    "Param",
    "ParamTypes",
    "ParameterOptions",
    "Path",
    "Query",
    "Security",
    "Undefined",
]

Undefined = PydanticUndefined
_HERE = __file__.rpartition("/")[0]


class ParamTypes(StrEnum):
    """Where a parameter is."""

    query = "query"
    header = "header"
    path = "path"
    cookie = "cookie"


class FastAPIDeprecationWarning(UserWarning):
    """An option has a newer name; a class of its own, because DeprecationWarning is not shown by default."""


def _outdated(old: str, new: str) -> None:
    message = f"`{old}` has been deprecated, please use `{new}` instead"
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):  # the user's line is what counts
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category=FastAPIDeprecationWarning, stacklevel=level)


class ParameterOptions(TypedDict, total=False):
    """What every marker of a value takes besides its default."""

    default_factory: Callable[[], Any] | None
    annotation: Any
    alias: str | None
    alias_priority: int | None
    validation_alias: str | AliasPath | AliasChoices | None
    serialization_alias: str | None
    title: str | None
    description: str | None
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    min_length: int | None
    max_length: int | None
    pattern: str | re.Pattern[str] | None
    regex: str | None
    discriminator: str | Discriminator | None
    strict: bool | None
    validate_default: bool | None
    union_mode: Literal["smart", "left_to_right"] | None
    fail_fast: bool | None
    multiple_of: float | None
    allow_inf_nan: bool | None
    max_digits: int | None
    decimal_places: int | None
    examples: list[Any] | None
    example: Any
    openapi_examples: Mapping[str, Any] | None
    deprecated: str | bool | None
    include_in_schema: bool
    json_schema_extra: dict[str, Any] | Callable[[dict[str, Any]], None] | None


class HeaderOptions(ParameterOptions, total=False):
    """What `Header` takes besides."""

    convert_underscores: bool


class BodyOptions(ParameterOptions, total=False):
    """What `Body`, `Form` and `File` take besides."""

    embed: bool | None
    media_type: str


_OWN = ("example", "openapi_examples", "include_in_schema", "regex")
_ALWAYS = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern")


class _Value(FieldInfo):  # type: ignore[misc]  # final for type checkers only: upstream's markers are subclasses too
    """A marker of a value; the location is the class."""

    known: ClassVar[frozenset[str]] = ParameterOptions.__optional_keys__

    def __init__(self, default: Any = Undefined, **options: Any) -> None:
        unknown = options.keys() - self.known
        if unknown:
            raise TypeError(
                f"{type(self).__name__}() does not know {', '.join(sorted(unknown))}; "
                f"it knows {', '.join(sorted(self.known))}"
            )
        self.example = options.pop("example", Undefined)
        if self.example is not Undefined:
            _outdated("example", "examples")
        self.openapi_examples = options.pop("openapi_examples", None)
        self.include_in_schema = options.pop("include_in_schema", True)
        if (regex := options.pop("regex", None)) is not None:
            _outdated("regex", "pattern")
            options.setdefault("pattern", regex)
        if "alias" in options:
            # The alias counts for both directions; None takes an alias away that stands elsewhere in Annotated.
            for direction in ("serialization_alias", "validation_alias"):
                if options.get(direction) is None:
                    options[direction] = options["alias"]
        super().__init__(default=default, **{k: v for k, v in options.items() if v is not None or k not in _ALWAYS})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.default})"


class Param(_Value):  # type: ignore[misc]
    """A scalar (or a list of them, or a model of them) outside the body; `in_` says where."""

    in_: ClassVar[ParamTypes] = ParamTypes.query


class Path(Param):  # type: ignore[misc]
    """A value in the path."""

    in_ = ParamTypes.path

    def __init__(self, default: Any = ..., **options: Any) -> None:
        if default is not ...:
            raise AssertionError("Path parameters cannot have a default value")
        super().__init__(default, **options)


class Query(Param):  # type: ignore[misc]
    """A value in the query."""

    in_ = ParamTypes.query


class Header(Param):  # type: ignore[misc]
    """A value in a request header; underscores in the argument's name become hyphens."""

    in_ = ParamTypes.header
    known = HeaderOptions.__optional_keys__

    def __init__(self, default: Any = Undefined, *, convert_underscores: bool = True, **options: Any) -> None:
        self.convert_underscores = convert_underscores
        super().__init__(default, **options)


class Cookie(Param):  # type: ignore[misc]
    """A value in a cookie."""

    in_ = ParamTypes.cookie


class Body(_Value):  # type: ignore[misc]
    """The body, or one member of it (`embed`)."""

    known = BodyOptions.__optional_keys__

    def __init__(
        self,
        default: Any = Undefined,
        *,
        embed: bool | None = None,
        media_type: str = "application/json",
        **options: Any,
    ) -> None:
        self.embed = embed
        self.media_type = media_type
        super().__init__(default, **options)


class Form(Body):  # type: ignore[misc]
    """A field of a form."""

    def __init__(
        self, default: Any = Undefined, *, media_type: str = "application/x-www-form-urlencoded", **options: Any
    ) -> None:
        super().__init__(default, media_type=media_type, **options)


class File(Form):  # type: ignore[misc]
    """An uploaded file of a form."""

    def __init__(self, default: Any = Undefined, *, media_type: str = "multipart/form-data", **options: Any) -> None:
        super().__init__(default, media_type=media_type, **options)


@dataclass(frozen=True)
class Depends:
    """An argument that another callable makes.

    Attributes:
        dependency: None means the annotation.
        use_cache: one call serves all that depend on it in one request.
        scope: when a `yield` dependency is left: "function" before the response is sent, "request" after it; "app"
            means once, when the application starts, to be left when it stops.
        max_concurrency: how many may use it at the same time; others wait.
    """

    dependency: Callable[..., Any] | None = None
    use_cache: bool = True
    scope: Literal["function", "request", "app"] | None = None
    max_concurrency: int | None = field(default=None, kw_only=True)
    # A field of the constructor, so that dataclasses.replace hands it on; its identity tells declarations apart that
    # are otherwise the same.
    _concurrency: Concurrency | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.max_concurrency is None:
            object.__setattr__(self, "_concurrency", None)
            return
        if type(self.max_concurrency) is not int or self.max_concurrency < 1:
            raise ValueError("max_concurrency must be a positive integer or None")
        if self._concurrency is None or self._concurrency.max_concurrency != self.max_concurrency:
            object.__setattr__(self, "_concurrency", Concurrency(self.max_concurrency))


@dataclass(frozen=True)
class Security(Depends):
    """A dependency that asks for OAuth2 scopes."""

    scopes: Sequence[str] | None = None
