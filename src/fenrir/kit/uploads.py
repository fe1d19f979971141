"""Uploaded files as handlers see them: an async face on a file that may be on disk."""

from __future__ import annotations

import io
from typing import IO, Self

from fenrir.core.threads import to_thread
from fenrir.http.forms import FormFile
from fenrir.kit.headers import Headers

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
        self, file: IO[bytes], *, size: int | None = None, filename: str | None = None, headers: Headers | None = None
    ) -> None:
        self.file = file
        self.size = size
        self.filename = filename
        self.headers = headers if headers is not None else Headers()
        self._max_mem_size = getattr(file, "_max_size", 0)

    @classmethod
    def of(cls, part: FormFile) -> Self:
        """Return the upload of a form's file."""
        fields = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in part.headers]
        return cls(part.file, size=part.size, filename=part.filename, headers=Headers(raw=fields))

    @property
    def content_type(self) -> str | None:
        """The media type that the client claims."""
        kind: str | None = self.headers.get("content-type")
        return kind

    def __repr__(self) -> str:
        return f"{type(self).__name__}(filename={self.filename!r}, size={self.size!r}, headers={self.headers!r})"

    @property
    def _in_memory(self) -> bool:
        """The file is a spooled one that has not left memory, so that nothing blocks."""
        return not getattr(self.file, "_rolled", not isinstance(self.file, io.BytesIO))

    def _stays_in_memory(self, more: int) -> bool:
        return self._in_memory and (not self._max_mem_size or self.file.tell() + more <= self._max_mem_size)

    async def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, all by default."""
        return self.file.read(size) if self._in_memory else await to_thread(self.file.read, size)

    async def write(self, data: bytes) -> None:
        """Write at the current position."""
        if self.size is not None:
            self.size += len(data)
        if self._stays_in_memory(len(data)):
            self.file.write(data)
        else:
            await to_thread(self.file.write, data)

    async def seek(self, offset: int) -> None:
        """Go to a position."""
        if self._in_memory:
            self.file.seek(offset)
        else:
            await to_thread(self.file.seek, offset)

    async def close(self) -> None:
        """Close the file; the request does so by itself when it ends."""
        if self._in_memory:
            self.file.close()
        else:
            await to_thread(self.file.close)
