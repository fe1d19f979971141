"""Uploaded files as values of parameters: what pydantic asks of their class."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from fenrir.kit import uploads

__all__ = ["UploadFile"]


class UploadFile(uploads.UploadFile):
    """An uploaded file."""

    @classmethod
    def _validate(cls, value: Any, _: Any) -> uploads.UploadFile:
        if not isinstance(value, uploads.UploadFile):
            raise ValueError(f"Expected UploadFile, received: {type(value)}")
        return value

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._validate)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "contentMediaType": "application/octet-stream"}
