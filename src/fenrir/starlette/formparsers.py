"""Forms from a stream of bytes: fields as text, files spooled to disk by worker threads.

Rules
    * Every limit is checked while bytes arrive. A form that exceeds one, or is malformed, raises
      `MultiPartException`; the files that were begun are closed, whatever ended the parsing.
    * A multipart body that ends before its last boundary is malformed, never a shorter form.
    * Names and values are decoded in the charset of the content type, in latin-1 where they are not.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from enum import Enum
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import unquote_plus

from multipart import MultipartError, ParserError, ParserLimitReached, PushMultipartParser
from typing_extensions import deprecated

from fenrir.http.headers import is_token, parse_dict_params, split_list
from fenrir.starlette.datastructures import FormData, Headers, UploadFile
from fenrir.starlette.exceptions import StarletteDeprecationWarning

__all__ = ["FormMessage", "FormParser", "MultiPartException", "MultiPartParser", "MultipartPart", "read_form"]

MAX_HEADERS = 8  # of a part; RFC 7578 knows three
MAX_HEADER_SIZE = 4096 + 128
MAX_BOUNDARY = 256

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


@deprecated(
    "`FormMessage` is deprecated and will be removed in a future version.", category=StarletteDeprecationWarning
)
class FormMessage(Enum):
    """The events of a parser that is no longer there."""

    FIELD_START = 1
    FIELD_NAME = 2
    FIELD_DATA = 3
    FIELD_END = 4
    END = 5


class MultiPartException(Exception):
    """A form is malformed or exceeds a limit.

    Attributes:
        message: what is wrong, fit for the client.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _malformed() -> MultiPartException:
    return MultiPartException("Invalid multipart data.")


def _check_fields(number: int, limit: float) -> None:
    if number > limit:
        raise MultiPartException(f"Too many fields. Maximum number of fields is {limit}.")


async def read_form(
    headers: Headers, stream: AsyncIterable[bytes], *, max_files: float, max_fields: float, max_part_size: int
) -> FormData:
    """Return the form that a body is, an empty one when its content type says that it is none."""
    kind = parse_dict_params(headers.get("content-type", ""))[0]
    if kind == "multipart/form-data":
        return await MultiPartParser(
            headers, stream, max_files=max_files, max_fields=max_fields, max_part_size=max_part_size
        ).parse()
    if kind == "application/x-www-form-urlencoded":
        return await FormParser(headers, stream, max_fields=max_fields, max_part_size=max_part_size).parse()
    return FormData()


class FormParser:
    """Reads `application/x-www-form-urlencoded`."""

    def __init__(
        self,
        headers: Headers,
        stream: AsyncIterable[bytes],
        *,
        max_fields: float = 1000,
        max_part_size: int = 1024 * 1024,
    ) -> None:
        self.headers = headers
        self.stream = stream
        self.max_fields = max_fields
        self.max_part_size = max_part_size
        self._current_fields = 0
        self._field_name = bytearray()
        self._field_value = bytearray()
        self._has_value = False
        self._items: list[tuple[str, str | UploadFile]] = []

    async def parse(self) -> FormData:
        """Read the stream to its end. Raises `MultiPartException`."""
        async for piece in self.stream:
            self._feed(piece)
        self._end_field()
        return FormData(self._items)

    def _feed(self, piece: bytes) -> None:
        start = 0
        while (end := piece.find(b"&", start)) >= 0:
            self._take(piece, start, end)
            self._end_field()
            start = end + 1
        self._take(piece, start, len(piece))

    def _take(self, piece: bytes, start: int, end: int) -> None:
        if not self._has_value:
            equals = piece.find(b"=", start, end)
            self._grow(self._field_name, piece, start, end if equals < 0 else equals)
            if equals < 0:
                return
            self._has_value = True
            start = equals + 1
        self._grow(self._field_value, piece, start, end)

    def _grow(self, target: bytearray, piece: bytes, start: int, end: int) -> None:
        if len(self._field_name) + len(self._field_value) + end - start > self.max_part_size:
            raise MultiPartException(f"Field exceeded maximum size of {int(self.max_part_size / 1024)}KB.")
        target += piece[start:end]

    def _end_field(self) -> None:
        if self._field_name or self._has_value:
            self._current_fields += 1
            _check_fields(self._current_fields, self.max_fields)
            name, value = self._field_name.decode("latin-1"), self._field_value.decode("latin-1")
            self._items.append((unquote_plus(name), unquote_plus(value)))
        self._field_name.clear()
        self._field_value.clear()
        self._has_value = False


class _Parser(PushMultipartParser):  # type: ignore[misc]  # untyped
    """Multipart's push parser, with the lines of a part's head judged as upstream's parser does."""

    def _on_segment_headerline(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not colon or not is_token(name.decode("latin-1")) or _CONTROL.search(value) is not None:
            raise ParserError("Malformed segment header")
        if len(line) > MAX_HEADER_SIZE or len(self._segment_headerlist) >= MAX_HEADERS:
            raise ParserLimitReached("Segment header limit exceeded")
        self._segment_headerlist.append((name.lower(), value.lstrip(b" \t")))

    def _create_segment(self, headerlist: list[tuple[bytes, bytes]]) -> Any:
        disposition = dict(headerlist).get(b"content-disposition")
        return MultipartPart(content_disposition=disposition, item_headers=headerlist)


@dataclass
class MultipartPart:
    """A part while it arrives: a field, or a file. Upload parsers of other packages are made of it as well.

    Attributes:
        item_headers: names in lower case.
        data: of a field.
        bytes_received, complete: the push parser's.
    """

    content_disposition: bytes | None = None
    field_name: str = ""
    data: bytearray = field(default_factory=bytearray)
    file: UploadFile | None = None
    item_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    bytes_received: int = 0
    complete: bool = False


class MultiPartParser:
    """Reads `multipart/form-data` (RFC 7578).

    Attributes:
        spool_max_size: a file above it goes to disk.
        max_part_size: of a field, which is held in memory.
    """

    spool_max_size = 1024 * 1024
    max_part_size = 1024 * 1024

    def __init__(
        self,
        headers: Headers,
        stream: AsyncIterable[bytes],
        *,
        max_files: float = 1000,
        max_fields: float = 1000,
        max_part_size: int = 1024 * 1024,
    ) -> None:
        self.headers = headers
        self.stream = stream
        self.max_files = max_files
        self.max_fields = max_fields
        self.max_part_size = max_part_size
        self.items: list[tuple[str, str | UploadFile]] = []
        self._current_files = 0
        self._current_fields = 0
        self._charset = "latin-1"
        self._part: MultipartPart | None = None
        self._files_to_close_on_error: list[Any] = []

    async def parse(self) -> FormData:
        """Read the stream to its end. Raises `MultiPartException`."""
        boundary = self._boundary()
        try:
            start, parser = _Start(boundary), _Parser(boundary)
            async for piece in self.stream:
                if (body := start.after(piece)) and not parser.closed:
                    for event in parser.parse(body):
                        await self._take(event)
            if start.end():
                parser.close()  # raises unless the last boundary was seen
        except BaseException as error:
            for file in self._files_to_close_on_error:
                file.close()
            if isinstance(error, MultipartError):
                raise _malformed() from error
            raise
        return FormData(self.items)

    def _boundary(self) -> bytes:
        params = parse_dict_params(self.headers["content-type"])[1]
        try:
            self._charset = codecs.lookup(params.get("charset", "utf-8")).name
        except LookupError:
            self._charset = "latin-1"
        boundary = params.get("boundary")
        if boundary is None:
            raise MultiPartException("Missing boundary in multipart.")
        if not 0 < len(boundary) <= MAX_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
            raise _malformed()
        return boundary.encode("ascii")

    async def _take(self, event: Any) -> None:
        if isinstance(event, MultipartPart):
            self._part = event
            self._begin(event)
            return
        part = self._part
        assert part is not None
        if event is None:
            await self._end(part)
        elif part.file is not None:
            await part.file.write(event)
        else:
            if len(part.data) + len(event) > self.max_part_size:
                raise MultiPartException(f"Part exceeded maximum size of {int(self.max_part_size / 1024)}KB.")
            part.data += event

    def _begin(self, part: MultipartPart) -> None:
        params = _disposition((part.content_disposition or b"").decode("latin-1"))
        name = params.get("name")
        if name is None:
            raise MultiPartException('The Content-Disposition header field "name" must be provided.')
        part.field_name = self._decoded(name.encode("latin-1"))
        filename = params.get("filename")
        if filename is None:
            self._current_fields += 1
            _check_fields(self._current_fields, self.max_fields)
            return
        self._current_files += 1
        if self._current_files > self.max_files:
            raise MultiPartException(f"Too many files. Maximum number of files is {self.max_files}.")
        file: Any = SpooledTemporaryFile(max_size=self.spool_max_size)  # noqa: SIM115 - closed with the form
        self._files_to_close_on_error.append(file)
        name = self._decoded(filename.encode("latin-1"))
        part.file = UploadFile(file, size=0, filename=name, headers=Headers(raw=part.item_headers))

    async def _end(self, part: MultipartPart) -> None:
        if part.file is not None:
            await part.file.seek(0)
            self.items.append((part.field_name, part.file))
        else:
            self.items.append((part.field_name, self._decoded(bytes(part.data))))

    def _decoded(self, text: bytes) -> str:
        try:
            return text.decode(self._charset)
        except (UnicodeError, LookupError):  # the client names the codec, and not every one raises a decoding error
            return text.decode("latin-1")


class _Start:
    """The beginning of a body: nothing but line breaks may come before the first boundary (RFC 7578 has none)."""

    def __init__(self, boundary: bytes) -> None:
        self._opening = b"--" + boundary
        self._seen: bytes | None = b""

    def after(self, piece: bytes) -> bytes:
        """Return the body from its first boundary on, b"" while it is not there yet."""
        if self._seen is None:
            return piece
        self._seen = text = (self._seen + piece).lstrip(b"\r\n")
        if text.startswith(self._opening):
            self._seen = None
            return text
        if not self._opening.startswith(text):
            raise _malformed()
        return b""

    def end(self) -> bool:
        """Say whether there was a boundary; a body that is not empty must have one."""
        if self._seen:
            raise _malformed()
        return self._seen is None


def _disposition(text: str) -> dict[str, str]:
    """Return the parameters of a Content-Disposition, the last of equal names.

    RFC 7578 §4.2: no `name*=`. Old browsers send the path of a file.
    """
    params: dict[str, str] = {}
    for item in split_list(text, ";")[1:]:
        name, equals, value = item.partition("=")
        name, value = name.strip().lower(), value.strip()
        if not equals or not name:
            continue
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1].replace("\\\\", "\\").replace('\\"', '"')
        if name == "filename" and (value[1:3] == ":\\" or value[:2] == "\\\\"):
            value = value.rpartition("\\")[2]
        params[name] = value
    return params
