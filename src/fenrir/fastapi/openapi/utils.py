"""The document of an application, under upstream's module name."""

from fenrir.fastapi.openapi.document import (
    get_openapi,
    validation_error_definition,
    validation_error_response_definition,
)

__all__ = ["get_openapi", "validation_error_definition", "validation_error_response_definition"]
