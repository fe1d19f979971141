"""What a callable takes and depends on, for packages that look at routes or change them."""

from __future__ import annotations

import inspect
import re
from collections import abc
from collections.abc import Callable
from typing import Any, ForwardRef, get_args, get_origin

from fenrir.fastapi._dialect import given_by_type
from fenrir.fastapi.datastructures import UploadFile
from fenrir.fastapi.dependencies.models import Dependant
from fenrir.kit.validation import graph
from fenrir.kit.validation.graph import return_annotation, signature_of

__all__ = [
    "get_dependant",
    "get_parameterless_sub_dependant",
    "get_stream_item_type",
    "get_typed_annotation",
    "get_typed_return_annotation",
    "get_typed_signature",
    "lenient_issubclass",
]

_STREAMS = (
    abc.AsyncIterable,
    abc.AsyncIterator,
    abc.AsyncGenerator,
    abc.Iterable,
    abc.Iterator,
    abc.Generator,
)
_NAME = re.compile(r"{(\w+)")


async def _read_file_bytes(file: UploadFile) -> bytes:
    """Read a file that others may read too: it is afterwards where it was."""
    position = file.file.tell()
    try:
        return await file.read()
    finally:
        await file.seek(position)


def get_typed_annotation(annotation: Any, globalns: dict[str, Any]) -> Any:
    """Return an annotation, evaluated if it is a text; one that names what does not exist stays a reference."""
    if not isinstance(annotation, str):
        return annotation
    try:
        found = eval(annotation, globalns)
    except NameError:
        return ForwardRef(annotation)
    return None if found is type(None) else found


def get_typed_signature(call: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a callable with evaluated annotations."""
    return signature_of(call).replace(return_annotation=inspect.Signature.empty)


def get_typed_return_annotation(call: Callable[..., Any]) -> Any:
    """Return the evaluated annotation of the result, None when there is none."""
    found = return_annotation(call)
    return None if found is inspect.Signature.empty else found


def get_stream_item_type(annotation: Any) -> Any:
    """Return the type of the items that a handler with this annotation yields; None when it is no stream."""
    if get_origin(annotation) not in _STREAMS:
        return None
    return next(iter(get_args(annotation)), Any)


def get_dependant(
    *,
    path: str,
    call: Callable[..., Any],
    name: str | None = None,
    own_oauth_scopes: list[str] | None = None,
    parent_oauth_scopes: list[str] | None = None,
    use_cache: bool = True,
    scope: str | None = None,
) -> Dependant:
    """Return a callable with its parameters and dependencies."""
    known = graph.Dependant.read(
        call,
        path_names=frozenset(_NAME.findall(path)),
        reserved=given_by_type,
        name=name,
        use_cache=use_cache,
        scope=scope,
    )
    made = Dependant.of(known, path)
    made.own_oauth_scopes = own_oauth_scopes or made.own_oauth_scopes
    made.parent_oauth_scopes = parent_oauth_scopes
    return made


def get_parameterless_sub_dependant(*, depends: Any, path: str) -> Dependant:
    """Return a dependency whose value nobody takes."""
    assert callable(depends.dependency), "A parameter-less dependency must have a callable dependency"
    return get_dependant(
        path=path,
        call=depends.dependency,
        own_oauth_scopes=list(getattr(depends, "scopes", None) or ()) or None,
        use_cache=depends.use_cache,
        scope=depends.scope,
    )


def lenient_issubclass(cls: Any, class_or_tuple: Any) -> bool:
    """Say whether it is a class below another; what is no class is not."""
    try:
        return isinstance(cls, type) and issubclass(cls, class_or_tuple)
    except TypeError:  # a generic alias calls itself a class
        return False
