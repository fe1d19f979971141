"""What users write in a signature: as a default value (`q: int = Query(5)`) or in `Annotated[int, Query()]`.

The names are capitalised because upstream's are; the options are those of `fenrir.kit.validation.parameters`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Unpack

from fenrir.kit.validation import parameters
from fenrir.kit.validation.parameters import BodyOptions, HeaderOptions, ParameterOptions, Undefined

__all__ = ["Body", "Cookie", "Depends", "File", "Form", "Header", "Path", "Query", "Security"]


def Path(default: Any = ..., **options: Unpack[ParameterOptions]) -> Any:
    """Declare a value in the path."""
    return parameters.Path(default, **options)


def Query(default: Any = Undefined, **options: Unpack[ParameterOptions]) -> Any:
    """Declare a value, a list of values or a model of values in the query."""
    return parameters.Query(default, **options)


def Header(default: Any = Undefined, **options: Unpack[HeaderOptions]) -> Any:
    """Declare a request header; `user_agent` is `user-agent` unless convert_underscores=False."""
    return parameters.Header(default, **options)


def Cookie(default: Any = Undefined, **options: Unpack[ParameterOptions]) -> Any:
    """Declare a cookie."""
    return parameters.Cookie(default, **options)


def Body(default: Any = Undefined, **options: Unpack[BodyOptions]) -> Any:
    """Declare the JSON body, or a member of it."""
    return parameters.Body(default, **options)


def Form(default: Any = Undefined, **options: Unpack[BodyOptions]) -> Any:
    """Declare a field of a form, or a model of fields."""
    return parameters.Form(default, **options)


def File(default: Any = Undefined, **options: Unpack[BodyOptions]) -> Any:
    """Declare an uploaded file."""
    return parameters.File(default, **options)


def Depends(
    dependency: Callable[..., Any] | None = None,
    *,
    use_cache: bool = True,
    scope: Literal["function", "request", "app"] | None = None,
    max_concurrency: int | None = None,
) -> Any:
    """Declare an argument that `dependency` makes; without one the annotation is called."""
    return parameters.Depends(dependency, use_cache, scope, max_concurrency=max_concurrency)


def Security(
    dependency: Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] | None = None,
    use_cache: bool = True,
) -> Any:
    """Declare a dependency that asks for OAuth2 scopes."""
    return parameters.Security(dependency, use_cache, None, scopes)
