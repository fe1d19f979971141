"""The body of a request as the value that is validated: JSON or a form."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticUndefined

from fenrir.core.errors import BadRequest
from fenrir.http.forms import FormFile
from fenrir.http.json import JSONError, loads
from fenrir.kit.validation.errors import RequestValidationError, endpoint_of
from fenrir.kit.validation.fields import Field, model_fields
from fenrir.kit.validation.form_unions import model_values
from fenrir.kit.validation.parameters import File
from fenrir.kit.validation.shapes import is_bytes, is_bytes_list, is_upload, is_upload_list
from fenrir.kit.validation.sources import PairSource, find
from fenrir.kit.validation.uploads import UploadFile

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = [
    "form_input",
    "form_of",
    "form_value",
    "is_file",
    "is_json",
    "read_again",
    "reads_content",
    "received_json",
]

UNPARSABLE = "There was an error parsing the body"
_BROKEN = frozenset(["invalid UTF-8", "nested too deeply", "integer has too many digits"])


@functools.lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Say whether a content-type header names JSON."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def received_json(
    c: RequestContext, strict: bool, invalid: Any = RequestValidationError, *, standard: bool = False
) -> Any:
    """Return the body: parsed if it is JSON, else its bytes; `PydanticUndefined` when it is empty.

    SECURITY: without a content type, or with another one, nothing is parsed: a page elsewhere can make a browser send
    text/plain without asking (cross-site request forgery).

    Raises:
        RequestValidationError: it is no JSON.
        BadRequest: it can not even be read as a text.
    """
    body = c.body
    if not body:
        return PydanticUndefined
    kind = c.http.headers.get("content-type")
    if not (is_json(kind) if kind else not strict):
        return body
    try:
        return loads(body, standard=standard)
    except JSONError as exc:
        if exc.msg in _BROKEN:
            raise BadRequest(UNPARSABLE) from exc
        error = {
            "type": "json_invalid",
            "loc": ("body", max(exc.pos, 0)),
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": exc.msg},
        }
        raise invalid([error], body=body.decode("utf-8", "replace"), endpoint_ctx=endpoint_of(c)) from exc
    except Exception as exc:
        raise BadRequest(UNPARSABLE) from exc


def form_of(c: RequestContext) -> PairSource:
    """Return the fields and files of the request's form."""
    source: PairSource = c.note("validation.form", _form_pairs)
    return source


def _form_pairs(c: RequestContext) -> PairSource:
    return PairSource(
        [(name, UploadFile.of(part) if isinstance(part, FormFile) else part) for name, part in c.form.parts], form=True
    )


def form_value(field: Field, source: PairSource) -> tuple[str, Any]:
    """Return the name under which a field was found and its raw value, or its first name and `PydanticUndefined`."""
    for alias, _ in field.aliases:
        value = find(field, source, alias)
        if value is not PydanticUndefined:
            return alias, _as_bytes(field, value)
    return field.aliases[0][0], PydanticUndefined


def _as_bytes(field: Field, value: Any) -> Any:
    """Read what is declared as bytes; the file stays where it was for other parameters."""
    if not isinstance(field.info, File):
        return value
    if isinstance(value, UploadFile):
        return _content(value) if is_bytes(field.annotation) else value
    if isinstance(value, list) and is_bytes_list(field.annotation):
        return [_content(item) if isinstance(item, UploadFile) else item for item in value]
    return value


def is_file(field: Field) -> bool:
    """Say whether a field is given files as objects."""
    return is_upload(field.annotation) or is_upload_list(field.annotation)


def reads_content(field: Field) -> bool:
    """Say whether a field is given what is in files."""
    return isinstance(field.info, File) and (is_bytes(field.annotation) or is_bytes_list(field.annotation))


def read_again(field: Field, c: RequestContext) -> Any:
    """Return the value of a valid field that reads files, from where they are now."""
    name, value = form_value(field, form_of(c))
    return field.check(value, ("body", name))[0]


def _content(upload: UploadFile) -> bytes:
    position = upload.file.tell()
    try:
        return upload.file.read()
    finally:
        upload.file.seek(position)


def form_input(field: Field, source: PairSource) -> Any:
    """Return what a model (or a union of them) of form fields is validated from."""
    models = field.form_models
    optional = type(None) in getattr(field.annotation, "__args__", ())
    if optional and not any(_supplied(model, source) for model in models):
        return PydanticUndefined
    # The members of a union prepare the values themselves (`form_unions`).
    fields = model_fields(models[0]) if len(models) == 1 else ()
    return model_values(fields, source, _as_bytes)


def _supplied(model: Any, source: PairSource) -> bool:
    if any(alias in source for item in model_fields(model) for alias, _ in item.aliases):
        return True
    return model.model_config.get("extra") in ("allow", "forbid") and bool(source.pairs)
