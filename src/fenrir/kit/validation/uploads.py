"""Uploaded files as handlers see them: an async face on a file that may be on disk."""

from __future__ import annotations

import io
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from fenrir.core.threads import to_thread
from fenrir.http.forms import FormFile
from fenrir.http.headers import MutableHeaders

__all__ = ["UploadFile"]


class UploadFile:
    """An uploaded file.

    Attributes:
        file: the open file, for code that reads it without awaiting.
        size: in bytes; None when it is not known.
        filename: as the client sent it. SECURITY: never a path; see `fenrir.http.filenames.secure_filename`.
        headers: of the part.
    """

    def __init__(
        self,
        file: IO[bytes],
        *,
        size: int | None = None,
        filename: str | None = None,
        headers: MutableHeaders | None = None,
    ) -> None:
        self.file = file
        self.size = size
        self.filename = filename
        self.headers = headers if headers is not None else MutableHeaders()

    @classmethod
    def of(cls, part: FormFile) -> UploadFile:
        """Return the upload of a form's file."""
        return cls(part.file, size=part.size, filename=part.filename, headers=MutableHeaders(part.headers))

    @property
    def content_type(self) -> str | None:
        """The media type that the client claims."""
        return self.headers.get("content-type")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(filename={self.filename!r}, size={self.size!r}, headers={self.headers!r})"

    def _in_memory(self) -> bool:
        if isinstance(self.file, SpooledTemporaryFile):
            return not getattr(self.file, "_rolled", True)
        return isinstance(self.file, io.BytesIO)

    async def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all by default."""
        if self._in_memory():
            return self.file.read(size)
        return await to_thread(self.file.read, size)

    async def write(self, data: bytes) -> None:
        """Write at the current position."""
        if self.size is not None:
            self.size += len(data)
        await to_thread(self.file.write, data)

    async def seek(self, offset: int) -> None:
        """Go to a position."""
        if self._in_memory():
            self.file.seek(offset)
        else:
            await to_thread(self.file.seek, offset)

    async def close(self) -> None:
        """Close the file; the request does so by itself when it ends."""
        if self._in_memory():
            self.file.close()
        else:
            await to_thread(self.file.close)

    @classmethod
    def _validate(cls, value: Any, _: Any) -> UploadFile:
        if not isinstance(value, UploadFile):
            raise ValueError(f"Expected UploadFile, received: {type(value)}")
        return value

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._validate)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "contentMediaType": "application/octet-stream"}
