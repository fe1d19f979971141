"""Writing what an endpoint returns, for packages that handle something else than requests with endpoints."""

from __future__ import annotations

from typing import Any

from fenrir.fastapi.concurrency import run_in_threadpool
from fenrir.fastapi.encoders import jsonable_encoder
from fenrir.fastapi.exceptions import ResponseValidationError
from fenrir.fastapi.model_field import ModelField
from fenrir.kit.validation.errors import EndpointContext

__all__ = ["serialize_response"]


async def serialize_response(
    *,
    field: ModelField | None = None,
    response_content: Any,
    include: Any = None,
    exclude: Any = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    is_coroutine: bool = True,
    endpoint_ctx: EndpointContext | None = None,
    dump_json: bool = False,
) -> Any:
    """Return a value as a field filters it: as plain data, or as JSON with `dump_json`.

    Raises:
        ResponseValidationError: it is not what the field says.
    """
    if field is None:
        return jsonable_encoder(response_content)
    if is_coroutine:
        value, errors = field.validate(response_content, loc=("response",))
    else:
        value, errors = await run_in_threadpool(field.validate, response_content, loc=("response",))
    if errors:
        raise ResponseValidationError(errors=errors, body=response_content, endpoint_ctx=endpoint_ctx)
    write = field.serialize_json if dump_json else field.serialize
    return write(
        value,
        include=include,
        exclude=exclude,
        by_alias=by_alias,
        exclude_unset=exclude_unset,
        exclude_defaults=exclude_defaults,
        exclude_none=exclude_none,
    )
