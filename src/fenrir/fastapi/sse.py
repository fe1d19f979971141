"""Server-Sent Events, under upstream's module name."""

from __future__ import annotations

from fenrir.fastapi.responses import EventSourceResponse
from fenrir.kit.sse import ServerSentEvent, encode_event

__all__ = ["EventSourceResponse", "ServerSentEvent", "format_sse_event"]


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
