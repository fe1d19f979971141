"""Functions that upstream keeps here and that other packages import."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ForwardRef

from fenrir.fastapi.datastructures import UploadFile
from fenrir.kit.validation.graph import return_annotation, signature_of

__all__ = ["get_typed_annotation", "get_typed_return_annotation", "get_typed_signature"]


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
