"""The document of an application, under upstream's module name."""

from fenrir.fastapi.openapi.document import (
    get_openapi,
    validation_error_definition,
    validation_error_response_definition,
)
from fenrir.fastapi.openapi.fields import _get_openapi_dependency_data as _get_openapi_dependency_data
from fenrir.fastapi.openapi.fields import _get_openapi_operation_parameters as _get_openapi_operation_parameters

__all__ = ["get_openapi", "validation_error_definition", "validation_error_response_definition"]
