"""Functions that upstream keeps under this name, and that other packages import from here."""

from fenrir.fastapi.dependencies.reading import (
    _get_body_field,
    _get_flat_body_params,
    _read_file_bytes,
    get_dependant,
    get_parameterless_sub_dependant,
    get_typed_annotation,
    get_typed_return_annotation,
    get_typed_signature,
    lenient_issubclass,
)

__all__ = [
    "_get_body_field",
    "_get_flat_body_params",
    "_read_file_bytes",
    "get_dependant",
    "get_parameterless_sub_dependant",
    "get_typed_annotation",
    "get_typed_return_annotation",
    "get_typed_signature",
    "lenient_issubclass",
]
