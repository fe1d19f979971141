"""Server-Sent Events, under upstream's module name."""

from fenrir.fastapi.responses import EventSourceResponse
from fenrir.kit.sse import ServerSentEvent
from fenrir.kit.sse import encode_event as format_sse_event

__all__ = ["EventSourceResponse", "ServerSentEvent", "format_sse_event"]
