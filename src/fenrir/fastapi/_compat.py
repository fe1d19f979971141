"""Names that upstream keeps here and that other packages import: questions about annotations, Pydantic's version."""

from pydantic_core import Url

from fenrir.fastapi.dependencies.bodies import create_body_model
from fenrir.fastapi.model_field import ModelField
from fenrir.fastapi.openapi.fields import get_definitions, get_flat_models_from_fields, get_model_name_map
from fenrir.kit.validation.errors import missing as get_missing_field_error
from fenrir.kit.validation.parameters import Undefined
from fenrir.kit.validation.shapes import (
    SEQUENCES as sequence_types,
)
from fenrir.kit.validation.shapes import (
    is_bytes as is_bytes_or_nonable_bytes_annotation,
)
from fenrir.kit.validation.shapes import (
    is_bytes_list as is_bytes_sequence_annotation,
)
from fenrir.kit.validation.shapes import (
    is_class as lenient_issubclass,
)
from fenrir.kit.validation.shapes import (
    is_scalar as field_annotation_is_scalar,
)
from fenrir.kit.validation.shapes import (
    is_scalar_list as field_annotation_is_scalar_sequence,
)
from fenrir.kit.validation.shapes import (
    is_sequence as field_annotation_is_sequence,
)
from fenrir.kit.validation.shapes import (
    is_upload as is_uploadfile_or_nonable_uploadfile_annotation,
)
from fenrir.kit.validation.shapes import (
    is_upload_list as is_uploadfile_sequence_annotation,
)
from fenrir.kit.validation.version import PYDANTIC_VERSION

__all__ = [
    "PYDANTIC_VERSION",
    "PYDANTIC_VERSION_MINOR_TUPLE",
    "ModelField",
    "RequiredParam",
    "Undefined",
    "Url",
    "create_body_model",
    "field_annotation_is_scalar",
    "field_annotation_is_scalar_sequence",
    "field_annotation_is_sequence",
    "get_definitions",
    "get_flat_models_from_fields",
    "get_missing_field_error",
    "get_model_name_map",
    "is_bytes_or_nonable_bytes_annotation",
    "is_bytes_sequence_annotation",
    "is_uploadfile_or_nonable_uploadfile_annotation",
    "is_uploadfile_sequence_annotation",
    "lenient_issubclass",
    "sequence_types",
]

RequiredParam = Undefined
PYDANTIC_VERSION_MINOR_TUPLE = tuple(map(int, PYDANTIC_VERSION.split(".")[:2]))
