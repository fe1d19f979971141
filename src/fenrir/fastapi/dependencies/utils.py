"""Functions that upstream keeps under this name, and that other packages import from here."""

from fenrir.fastapi.dependencies.bodies import _get_body_field, _get_flat_body_params, _should_embed_body_fields
from fenrir.fastapi.dependencies.flat import get_flat_params, request_params_to_args
from fenrir.fastapi.dependencies.reading import (
    _read_file_bytes,
    get_dependant,
    get_parameterless_sub_dependant,
    get_stream_item_type,
    get_typed_annotation,
    get_typed_return_annotation,
    get_typed_signature,
    lenient_issubclass,
)
from fenrir.fastapi.dependencies.solving import SolvedDependency, solve_dependencies

__all__ = [
    "SolvedDependency",
    "_get_body_field",
    "_get_flat_body_params",
    "_read_file_bytes",
    "_should_embed_body_fields",
    "get_dependant",
    "get_flat_params",
    "get_parameterless_sub_dependant",
    "get_stream_item_type",
    "get_typed_annotation",
    "get_typed_return_annotation",
    "get_typed_signature",
    "lenient_issubclass",
    "request_params_to_args",
    "solve_dependencies",
]
