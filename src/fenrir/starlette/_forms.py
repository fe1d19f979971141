"""Forms of the engine and of this toolkit, made of each other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fenrir.core.errors import PayloadTooLarge
from fenrir.http.forms import Form, FormFile
from fenrir.starlette.datastructures import FormData, UploadFile

__all__ = ["as_form", "form_data", "limited"]


def form_data(form: Form) -> FormData:
    """Return the engine's form as this toolkit's."""
    return FormData([(name, UploadFile.of(part) if isinstance(part, FormFile) else part) for name, part in form.parts])


def as_form(data: FormData) -> Form:
    """Return this toolkit's form as the engine's; the files are the same."""
    form = Form()
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            headers = tuple(value.headers.items())
            file = FormFile(name, value.filename or "", value.content_type or "", headers, value.file, value.size or 0)
            form.files.append((name, file))
            form.parts.append((name, file))
        else:
            form.fields.append((name, value))
            form.parts.append((name, value))
    return form


async def limited(stream: AsyncGenerator[bytes, None], limit: int) -> AsyncGenerator[bytes, None]:
    """Iterate over a stream. Raises `PayloadTooLarge` when it is longer than the limit."""
    size = 0
    async with aclosing(stream):
        async for piece in stream:
            size += len(piece)
            if size > limit:
                raise PayloadTooLarge
            yield piece
