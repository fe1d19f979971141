"""Multipart bodies as an iterable of parts.

The form has been read and checked by the engine's parser (its limits hold) when iteration begins; the fields come
first, then the files.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import IO, TYPE_CHECKING, Any

from fenrir.falcon.errors import HTTPInvalidHeader, MultipartParseError
from fenrir.falcon.filenames import secure_filename
from fenrir.falcon.media.base import BaseHandler
from fenrir.http.forms import FormError, FormParser
from fenrir.http.headers import parse_dict_params

if TYPE_CHECKING:
    from fenrir.falcon.media.handlers import Handlers

__all__ = ["AsyncBodyPart", "BodyPart", "MultipartForm", "MultipartFormHandler", "MultipartParseOptions"]


class MultipartParseOptions:
    """Limits and handlers for parts."""

    def __init__(self) -> None:
        self.default_charset = "utf-8"
        self.max_body_part_count = 64
        self.max_body_part_buffer_size = 1024 * 1024
        self.max_body_part_headers_size = 8192
        self.max_secure_filename_length: int | None = None
        self._handlers: Handlers | None = None

    @property
    def media_handlers(self) -> Handlers:
        """Handlers for the media of parts."""
        if self._handlers is None:
            from fenrir.falcon.media.handlers import Handlers
            from fenrir.falcon.media.json import JSONHandler
            from fenrir.falcon.media.urlencoded import URLEncodedFormHandler

            self._handlers = Handlers(
                {"application/json": JSONHandler(), "application/x-www-form-urlencoded": URLEncodedFormHandler()}
            )
        return self._handlers

    @media_handlers.setter
    def media_handlers(self, value: Handlers) -> None:
        self._handlers = value


class BodyPart:
    """One part of a form."""

    def __init__(
        self, name: str, filename: str | None, content_type: str, stream: IO[bytes], options: MultipartParseOptions
    ) -> None:
        self.name = name
        self.filename = filename
        self.content_type = content_type
        self.stream: Any = stream
        self._options = options
        self._data: bytes | None = None

    @property
    def secure_filename(self) -> str:
        """The name of the file without anything that could mean another place."""
        if not self.filename:
            raise MultipartParseError(description="filename may not be an empty string")
        return secure_filename(self.filename, self._options.max_secure_filename_length)

    def _read(self, stream: IO[bytes]) -> bytes:
        if self._data is None:
            limit = self._options.max_body_part_buffer_size
            data = stream.read(limit + 1)
            if len(data) > limit:
                raise MultipartParseError(description="body part is too large")
            self._data = data
        return self._data

    def _text(self, data: bytes) -> str | None:
        kind, params = parse_dict_params(self.content_type)
        if kind != "text/plain":
            return None
        charset = params.get("charset", self._options.default_charset)
        try:
            return data.decode(charset)
        except (ValueError, LookupError) as exc:
            raise MultipartParseError(description=f"invalid text or charset: {charset}") from exc

    def _value(self, data: bytes) -> Any:
        handler = self._options.media_handlers.resolve(self.content_type, "text/plain")
        return handler.deserialize(io.BytesIO(data), self.content_type, len(data))

    def get_data(self) -> bytes:
        """Return the whole part. Raises `MultipartParseError` if it is too large."""
        return self._read(self.stream)

    def get_text(self) -> str | None:
        """Return the part as text, None if it is not text."""
        return self._text(self.get_data())

    def get_media(self) -> Any:
        """Return the object that the part stands for."""
        return self._value(self.get_data())

    data = property(get_data)
    text = property(get_text)
    media = property(get_media)


class _AsyncFile:
    """A spooled part, read with `await`; what the parser keeps is small or on the local disk."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes."""
        return self._file.read(size)

    async def exhaust(self) -> None:
        """Skip the rest."""
        self._file.seek(0, io.SEEK_END)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := self._file.read(65536):
            yield piece


class AsyncBodyPart(BodyPart):
    """One part of a form, for async responders."""

    def __init__(
        self, name: str, filename: str | None, content_type: str, stream: IO[bytes], options: MultipartParseOptions
    ) -> None:
        super().__init__(name, filename, content_type, stream, options)
        self._file = stream
        self.stream = _AsyncFile(stream)

    async def get_data(self) -> bytes:  # type: ignore[override]
        """Return the whole part."""
        return self._read(self._file)

    async def get_text(self) -> str | None:  # type: ignore[override]
        """Return the part as text, None if it is not text."""
        return self._text(self._read(self._file))

    async def get_media(self) -> Any:
        """Return the object that the part stands for."""
        return self._value(self._read(self._file))

    data = property(get_data)
    text = property(get_text)
    media = property(get_media)


class MultipartForm:
    """The parts of a form, iterated with `for` or with `async for`.

    Attributes:
        form: what was parsed; whoever makes this closes it.
    """

    def __init__(self, data: bytes, content_type: str, options: MultipartParseOptions) -> None:
        self._options = options
        parser = FormParser(content_type)
        try:
            parser.feed(data)
            self.form = parser.finish()
        except FormError as exc:
            parser.close()
            raise MultipartParseError(description=exc.detail) from exc
        count = len(self.form.fields) + len(self.form.files)
        if 0 < options.max_body_part_count < count:
            self.form.close()
            raise MultipartParseError(description="maximum number of form body parts exceeded")

    def _parts(self, kind: type[BodyPart]) -> Iterator[BodyPart]:
        for name, value in self.form.fields:
            yield kind(name, None, "text/plain", io.BytesIO(value.encode()), self._options)
        for name, file in self.form.files:
            yield kind(name, file.filename, file.content_type, file.file, self._options)

    def __iter__(self) -> Iterator[BodyPart]:
        return self._parts(BodyPart)

    async def __aiter__(self) -> AsyncIterator[BodyPart]:
        for part in self._parts(AsyncBodyPart):
            yield part


class MultipartFormHandler(BaseHandler):
    """multipart/form-data; not written, only read."""

    def __init__(self, parse_options: MultipartParseOptions | None = None) -> None:
        self.parse_options = parse_options or MultipartParseOptions()

    def _read(self, data: bytes, content_type: str | None) -> MultipartForm:
        kind = content_type or ""
        boundary = parse_dict_params(kind)[1].get("boundary")
        if boundary is None:
            raise HTTPInvalidHeader(f"No boundary specifier found in {kind!r}", "Content-Type")
        if not 1 <= len(boundary.rstrip()) <= 70:
            raise HTTPInvalidHeader("The boundary parameter must consist of 1 to 70 characters", "Content-Type")
        return MultipartForm(data, kind, self.parse_options)

    def deserialize(self, stream: Any, content_type: str | None, content_length: int | None) -> MultipartForm:
        return self._read(stream.read(), content_type)

    async def deserialize_async(
        self, stream: Any, content_type: str | None, content_length: int | None
    ) -> MultipartForm:
        return self._read(await stream.read(), content_type)

    def serialize(self, media: object, content_type: str) -> bytes:
        raise NotImplementedError("multipart form serialization unsupported")
