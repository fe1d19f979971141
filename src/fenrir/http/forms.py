"""Forms, urlencoded and multipart, from the pieces in which a body arrives.

`FormParser` is fed bytes and gives a `Form`; it awaits nothing. Writing to a file that has left memory blocks, so
an event loop feeds large bodies from a thread.

Rules
    * Every limit is checked while bytes arrive, and all apply to both encodings. Too much is 413, malformed is 400,
      neither encoding is 415.
    * The form is the same however the body was cut (of two faults, either may be named). So a preamble is refused (RFC
      7578 has none) instead of being skipped where the cuts allow it; what follows the last boundary is ignored, but
      counts as body.
    * A body that ends before its last boundary is an error, never a shorter form.
    * Files above `spool_size`, and all files once together they would exceed `max_memory`, are on disk, nameless.
      Whoever gets the `Form` closes it; on any error the parser has closed everything itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Self

from multipart import MultipartError, MultipartSegment, ParserError, ParserLimitReached, PushMultipartParser

from fenrir.http.headers import parse_dict_params
from fenrir.http.query import TooManyFields, parse_pairs

__all__ = ["Form", "FormError", "FormFile", "FormLimits", "FormParser", "is_form"]

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_BOUNDARY = re.compile(r"[\x20-\x7e]{0,69}[\x21-\x7e]")  # RFC 2046 §5.1.1: 1 to 70 characters, no space at the end
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "latin-1",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
}
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN_ENCODINGS = ("7bit", "8bit", "binary")


class FormError(ValueError):
    """A body is not the form that it claims to be, or too large.

    Attributes:
        status: 400 malformed, 413 too large, 415 not a form.
        detail: what is wrong, fit for the client.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What a form may cost; sizes in bytes.

    Attributes:
        max_fields: fields and files together. Precedents: Starlette and Werkzeug 1000.
        max_files: files; each may hold a file descriptor.
        max_field_size: one field, which is held in memory. Precedent: Starlette 1 MiB.
        max_memory: fields and files together as far as they are held in memory.
        max_header_size: one header line of a part.
        max_headers: header lines of a part; RFC 7578 knows three.
        max_size: the whole body. Precedent: Sanic 100 MB.
        spool_size: a file above it goes to disk.
        directory: where temporary files are made, None for the system's.
    """

    max_fields: int = 1000
    max_files: int = 100
    max_field_size: int = 1 << 20
    max_memory: int = 8 << 20
    max_header_size: int = 8192
    max_headers: int = 8
    max_size: int = 100 << 20
    spool_size: int = 1 << 20
    directory: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FormFile:
    """An uploaded file, at its beginning.

    Attributes:
        name: of the field.
        filename: as the client sent it. SECURITY: never a path; see `fenrir.http.filenames.secure_filename`.
        content_type: as the client sent it, with parameters; "" if it sent none.
        headers: of the part, names in lower case.
        file: readable, seekable; closed with the form.
        size: in bytes.
    """

    name: str
    filename: str
    content_type: str
    headers: tuple[tuple[str, str], ...]
    file: IO[bytes]
    size: int


@dataclass(slots=True, eq=False)
class Form:
    """Fields and files, each in order of arrival. A context manager that closes the files.

    Attributes:
        parts: both in one list, in order of arrival.
    """

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, FormFile]] = field(default_factory=list)
    parts: list[tuple[str, str | FormFile]] = field(default_factory=list)

    def close(self) -> None:
        """Close all files, which removes them from disk. May be called repeatedly."""
        for _, upload in self.files:
            upload.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def is_form(content_type: str) -> bool:
    """Say whether `FormParser` reads bodies of this content type."""
    return parse_dict_params(content_type)[0] in (_URLENCODED, _MULTIPART)


class FormParser:
    """Parse one form. Feed it the body, then `finish`; `close` it if there is no reason to finish.

    Raises:
        FormError: the content type is no form (415) or its boundary is missing or malformed (400).
    """

    def __init__(self, content_type: str, *, limits: FormLimits | None = None) -> None:
        limits = FormLimits() if limits is None else limits
        essence, params = parse_dict_params(content_type)
        self._encoding: _Urlencoded | _Multipart
        if essence == _URLENCODED:
            self._encoding = _Urlencoded(limits)
        elif essence == _MULTIPART:
            boundary = params.get("boundary", "")
            if _BOUNDARY.fullmatch(boundary) is None:
                raise FormError(400, "multipart boundary is missing or malformed")
            self._encoding = _Multipart(boundary.encode("ascii"), limits)
        else:
            raise FormError(415, f"not a form: {essence[:80]}" if essence else "no content type")
        self._max_size = limits.max_size
        self._size = 0
        self._done = False

    def feed(self, data: bytes) -> None:
        """Parse a piece of the body.

        Raises:
            FormError: it is malformed (400) or too large (413); everything has been closed.
            OSError: a temporary file could not be written; everything has been closed.
        """
        self._check_open()
        self._size += len(data)
        try:
            if self._size > self._max_size:
                raise FormError(413, f"form is larger than {self._max_size} bytes")
            if data:
                self._encoding.feed(data)
        except BaseException:
            self.close()
            raise

    def finish(self) -> Form:
        """Return the form, whose files the caller closes. Raises `FormError` when the body is not complete."""
        self._check_open()
        try:
            form = self._encoding.finish()
        except BaseException:
            self.close()
            raise
        self._done = True
        return form

    def close(self) -> None:
        """Abandon the form and close all its files. Does nothing after `finish`."""
        if not self._done:
            self._done = True
            self._encoding.close()

    def _check_open(self) -> None:
        if self._done:
            raise RuntimeError("the form was finished, closed or refused")


class _Urlencoded:
    """Collects the body; fields are counted and measured before they are decoded."""

    def __init__(self, limits: FormLimits) -> None:
        self._limits = limits
        self._body = bytearray()
        self._separators = 0
        self._field_start = 0

    def feed(self, data: bytes) -> None:
        limits = self._limits
        start = len(self._body)
        self._separators += data.count(b"&")
        if self._separators >= limits.max_fields:
            raise FormError(413, f"more than {limits.max_fields} fields")
        if start + len(data) > limits.max_memory:
            raise FormError(413, f"form is larger than {limits.max_memory} bytes")
        self._body += data
        for position in _positions(data, b"&"):
            self._check_field(start + position)
            self._field_start = start + position + 1
        self._check_field(len(self._body))

    def _check_field(self, end: int) -> None:
        if end - self._field_start > self._limits.max_field_size:
            raise FormError(413, f"a field is larger than {self._limits.max_field_size} bytes")

    def finish(self) -> Form:
        try:
            fields = parse_pairs(bytes(self._body), max_fields=self._limits.max_fields)
            return Form(fields, [], [*fields])
        except TooManyFields as error:
            raise FormError(413, str(error)) from None

    def close(self) -> None:
        self._body.clear()


def _positions(data: bytes, byte: bytes) -> Iterator[int]:
    position = data.find(byte)
    while position >= 0:
        yield position
        position = data.find(byte, position + 1)


class _StrictParser(PushMultipartParser):  # type: ignore[misc]  # untyped
    """Judges a header of a part when it is whole, so that the cuts do not decide.

    multipart 2.0.1 refuses a bare LF, and the last byte that `max_header_size` allows, only where a cut shows them.
    """

    def _on_segment_headerline(self, line: bytes) -> None:
        if _CONTROL.search(line) is not None:
            raise ParserError("Invalid character in segment header")
        if len(line) >= self.max_header_size:
            raise ParserLimitReached("Maximum segment header length exceeded")
        super()._on_segment_headerline(line)


class _Multipart:
    """Turns the events of multipart's push parser into fields and files."""

    def __init__(self, boundary: bytes, limits: FormLimits) -> None:
        self._limits = limits
        self._opening = b"--" + boundary
        self._start: bytearray | None = bytearray()  # None: the first boundary was seen
        self._parser: Any = _StrictParser(
            boundary,
            max_header_size=limits.max_header_size + 1,  # of which one may be the CR before a cut
            max_header_count=limits.max_headers,
            max_segment_count=limits.max_fields,
            strict=True,
        )
        self._form = Form()
        self._in_memory = 0
        self._part: _Part | None = None

    def feed(self, data: bytes) -> None:
        if self._start is not None:
            opened = self._after_start(data)
            if opened is None:
                return
            data = opened
        if self._parser.closed:
            return  # only on the second piece after the last boundary; an error has ended the form
        try:
            for event in self._parser.parse(data):
                if event is None:
                    self._end_part()
                elif isinstance(event, MultipartSegment):
                    self._begin_part(event)
                else:
                    self._write(event)
        except MultipartError as error:
            try:
                self._parser.close()  # raises unless the last boundary was seen
            except MultipartError:
                raise _as_form_error(error) from None

    def _after_start(self, data: bytes) -> bytes | None:
        """Return the body from its first boundary on, None while it is not there yet."""
        start = self._start
        assert start is not None
        start += data
        text = bytes(start[2:] if start.startswith(b"\r\n") else start)
        if not text.startswith(self._opening):
            if not self._opening.startswith(text) and text != b"\r":
                raise FormError(400, "multipart body does not begin with its boundary")
            return None
        self._start = None
        return text

    def _begin_part(self, segment: Any) -> None:
        part = _Part(segment)
        self._part = part
        if part.filename is not None:
            if len(self._form.files) >= self._limits.max_files:
                raise FormError(413, f"more than {self._limits.max_files} files")
            part.file = SpooledTemporaryFile(dir=self._limits.directory)  # noqa: SIM115 - closed with the form

    def _write(self, data: bytes) -> None:
        part = self._part
        assert part is not None
        part.size += len(data)
        limits = self._limits
        if part.file is not None:
            part.write(data, limits.spool_size, limits.max_memory - self._in_memory)
            return
        if part.size > limits.max_field_size:
            raise FormError(413, f"a field is larger than {limits.max_field_size} bytes")
        if self._in_memory + part.size > limits.max_memory:
            raise FormError(413, f"fields are larger than {limits.max_memory} bytes together")
        part.text += data

    def _end_part(self) -> None:
        part = self._part
        assert part is not None
        self._part = None
        if part.file is not None:
            part.file.seek(0)
            if not part.on_disk:
                self._in_memory += part.size
            file = part.as_file()
            self._form.files.append((part.name, file))
            self._form.parts.append((part.name, file))
        else:
            self._in_memory += part.size
            text = part.as_text()
            self._form.fields.append((part.name, text))
            self._form.parts.append((part.name, text))

    def finish(self) -> Form:
        try:
            self._parser.close()
        except MultipartError as error:
            raise _as_form_error(error) from None
        return self._form

    def close(self) -> None:
        self._parser.close(check_complete=False)
        if self._part is not None and self._part.file is not None:
            self._part.file.close()
        self._form.close()


class _Part:
    """A part while it arrives: a field in pieces, or a file."""

    __slots__ = ("charset", "content_type", "file", "filename", "headers", "name", "on_disk", "size", "text")

    def __init__(self, segment: Any) -> None:
        self.headers = tuple((name.lower(), value) for name, value in segment.headerlist)
        fields = dict(self.headers)
        if len(fields) != len(self.headers):
            raise FormError(400, "a part repeats a header")
        self.name: str = segment.name
        self.filename: str | None = segment.filename
        disposition = fields["content-disposition"]
        if "filename*" in disposition.lower() and self.filename is None:
            # RFC 7578 §4.2 forbids it, widely used clients send it for names that are not ASCII.
            self.filename = parse_dict_params(disposition)[1].get("filename")
            if self.filename is None:
                raise FormError(400, "a part has a malformed filename*")
        self.content_type = fields.get("content-type", "")
        essence, params = parse_dict_params(self.content_type)
        if essence.startswith("multipart/") and self.filename is None:
            raise FormError(400, "multipart in multipart is not supported")
        if fields.get("content-transfer-encoding", "binary").lower() not in _PLAIN_ENCODINGS:
            raise FormError(400, "a part has a content-transfer-encoding")
        charset = _CHARSETS.get(params.get("charset", "utf-8").lower())
        if charset is None and self.filename is None:
            raise FormError(400, "a field has an unknown charset")
        self.charset = charset
        self.text = bytearray()
        self.file: SpooledTemporaryFile[bytes] | None = None
        self.on_disk = False
        self.size = 0

    def write(self, data: bytes, spool_size: int, memory: int) -> None:
        """Write to the file, which leaves memory when it is larger than `spool_size` or than the `memory` left."""
        assert self.file is not None
        if not self.on_disk and self.size > min(spool_size, memory):
            self.file.rollover()
            self.on_disk = True
        self.file.write(data)

    def as_file(self) -> FormFile:
        assert self.file is not None and self.filename is not None
        file: Any = self.file  # typeshed does not derive it from IO before 3.12
        return FormFile(self.name, self.filename, self.content_type, self.headers, file, self.size)

    def as_text(self) -> str:
        assert self.charset is not None
        return self.text.decode(self.charset, "replace")


def _as_form_error(error: MultipartError) -> FormError:
    detail = str(error.args[0]) if error.args else "malformed multipart body"
    return FormError(413 if isinstance(error, ParserLimitReached) else 400, detail)
