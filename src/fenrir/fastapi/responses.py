"""Responses, under upstream's module name, and those that upstream adds to Starlette's."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from typing_extensions import deprecated

from fenrir.fastapi.exceptions import FastAPIDeprecationWarning
from fenrir.http.json import dumps
from fenrir.kit.sse import event_bytes, event_stream
from fenrir.kit.validation.encoder import jsonable_encoder
from fenrir.starlette._response import Background
from fenrir.starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

__all__ = [
    "EventSourceResponse",
    "FileResponse",
    "HTMLResponse",
    "JSONResponse",
    "ORJSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
    "UJSONResponse",
]


_DEPRECATED = (
    "{} is deprecated, FastAPI now serializes data directly to JSON bytes via Pydantic when a return type or response "
    "model is set, which is faster and doesn't need a custom response class. Read more in the FastAPI docs: "
    "https://fastapi.tiangolo.com/advanced/custom-response/#orjson-or-response-model and "
    "https://fastapi.tiangolo.com/tutorial/response-model/"
)


@deprecated(_DEPRECATED.format("ORJSONResponse"), category=FastAPIDeprecationWarning)
class ORJSONResponse(JSONResponse):
    """As `JSONResponse`, which uses orjson by itself when it is installed."""


@deprecated(_DEPRECATED.format("UJSONResponse"), category=FastAPIDeprecationWarning)
class UJSONResponse(JSONResponse):
    """As `JSONResponse`."""


class EventSourceResponse(StreamingResponse):
    """Server-Sent Events: events, values that become the data of one, or text and bytes as they are."""

    media_type = "text/event-stream"

    def __init__(
        self,
        content: AsyncIterable[Any] | Iterable[Any],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(event_stream(content, encode=self._encode), status_code, headers, media_type, background)
        self.headers.setdefault("cache-control", "no-cache")
        self.headers.setdefault("x-accel-buffering", "no")

    @staticmethod
    def _encode(item: Any) -> bytes:
        if isinstance(item, str):
            return item.encode()
        return event_bytes(item, lambda value: dumps(jsonable_encoder(value)))
