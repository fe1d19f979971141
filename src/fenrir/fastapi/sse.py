"""Server-Sent Events (WHATWG HTML §9.2), under upstream's names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from fenrir.fastapi.responses import EventSourceResponse
from fenrir.kit import sse
from fenrir.kit.sse import encode_event

__all__ = ["KEEPALIVE_COMMENT", "EventSourceResponse", "ServerSentEvent", "format_sse_event"]

KEEPALIVE_COMMENT = sse.KEEP_ALIVE
_PING_INTERVAL = sse.KEEP_ALIVE_SECONDS


def _single_line(name: str) -> AfterValidator:
    def check(value: str | None) -> str | None:
        if value is not None and ("\n" in value or "\r" in value):
            raise ValueError(f"SSE '{name}' must be a single line")
        return value

    return AfterValidator(check)


def _without_null(value: str | None) -> str | None:
    if value is not None and "\0" in value:
        raise ValueError("SSE 'id' must not contain null characters")
    return value


class ServerSentEvent(BaseModel):
    """One event.

    Attributes:
        data: any value, sent as JSON; a string is sent with its quotes.
        raw_data: text that is sent as it is; only one of the two.
        event: its type, "message" for the browser when there is none.
        id: what a browser that comes back sends as Last-Event-ID.
        retry: milliseconds that a browser waits before it comes back.
        comment: text that browsers ignore.
    """

    model_config = ConfigDict(defer_build=True)  # most applications send none

    data: Any = None
    raw_data: str | None = None
    event: Annotated[str | None, _single_line("event")] = None
    id: Annotated[str | None, AfterValidator(_without_null), _single_line("id")] = None
    retry: Annotated[int | None, Field(ge=0)] = None
    comment: str | None = None

    @model_validator(mode="after")
    def _has_one_kind_of_data(self) -> ServerSentEvent:
        if self.data is not None and self.raw_data is not None:
            raise ValueError(
                "Cannot set both 'data' and 'raw_data' on one ServerSentEvent: "
                "'data' is written as JSON, 'raw_data' is sent as it is"
            )
        return self


# The kit's functions, and the responses of other dialects, take it for an event.
sse.ServerSentEvent.register(ServerSentEvent)


def format_sse_event(
    *,
    data_str: str | None = None,
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    comment: str | None = None,
) -> bytes:
    """Return one event as it goes over the wire."""
    return encode_event(data=data_str, event=event, id=id, retry=retry, comment=comment)
