"""What the return value of a route means: filtered by its model, written as JSON, or streamed.

The short way (`Fast`) is for what most routes do: a value that becomes JSON, or text, with a fixed status. Everything
else takes `render`: responses of any dialect, a response class that does more than name a media type, generators, and
requests whose handler was given a response or background tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fenrir.core.dialect import Fast, Renderer
from fenrir.core.reply import Reply
from fenrir.fastapi._dialect import HANDED, TASKS, HandedResponse
from fenrir.fastapi.responses import (
    EventSourceResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from fenrir.fastapi.streaming import event_pieces, line_pieces, raw_pieces
from fenrir.http.headers import MutableHeaders
from fenrir.http.status import forbids_body
from fenrir.kit.validation import Serializer, StreamAbout, dump_container, dump_plain, jsonable_encoder

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Rendering", "is_events"]

JSON_HEADERS = ((b"content-type", b"application/json"),)


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """How one route renders.

    Attributes:
        model: filters and writes the value; None without a response model.
        response_class: None for the default, which is JSON straight to bytes.
        status: None means the response class's own.
        stream: "", or of a generator "json" (a line for each value), "events", or "raw" for its response class.
        item: filters and writes each value of a stream.
    """

    model: Serializer | None
    response_class: type[Response] | None
    status: int | None
    stream: str = ""
    item: Serializer | None = None

    def renderer(self) -> Renderer:
        """Return what the engine calls."""
        if self.stream:
            return Renderer(self._render_stream, about=self._stream_about())
        return Renderer(self._render, self._fast(), self.model)

    def _stream_about(self) -> StreamAbout | None:
        if self.stream == "raw":
            return None
        element = self.item.type if self.item is not None else None
        return StreamAbout("text/event-stream" if self.stream == "events" else "application/jsonl", element)

    def _fast(self) -> Fast | None:
        status = self.status or 200
        if forbids_body(status):
            return None
        if self.response_class is None:
            return Fast(status, JSON_HEADERS, dump_container if self.model is None else self.model.unless_response())
        base = _only_named(self.response_class)
        if base is None or (base is JSONResponse and self.model is not None):
            return None  # JSON asked for by name writes NaN as an error, the default as null
        made = self.response_class("", status_code=status)
        headers = tuple(field for field in made.raw_headers if field[0] != b"content-length")
        return Fast(status, headers, dump_container if base is JSONResponse else _text(made.charset, self.model))

    def _render(self, c: RequestContext, value: Any) -> Reply:
        if hasattr(value, "__reply__"):
            reply: Reply = value.__reply__()
            tasks = _tasks(c)
            if tasks is not None and reply.background is None:
                reply = reply.copy() if reply.run is None else reply  # whose background a response looks up itself
                reply.background = tasks
            return reply
        status = self._status(c)
        if self.response_class is None:
            write = self.model.dump if self.model is not None else dump_plain
            reply = Reply(status or 200, MutableHeaders(JSON_HEADERS), write(value))
        else:
            content = self.model.jsonable(value) if self.model is not None else jsonable_encoder(value)
            made = self.response_class(content) if status is None else self.response_class(content, status_code=status)
            reply = made.__reply__()
        if forbids_body(reply.status):
            reply.body = b""
        return self._finished(c, reply)

    def respond(self, c: RequestContext, value: Any) -> Response:
        """Return the response as an object, for code that stands around the handler."""
        if isinstance(value, Response):
            if value.background is None:
                value.background = _tasks(c)
            return value
        reply = self._render_stream(c, value) if self.stream else self._render(c, value)
        if reply.stream is not None:
            return StreamingResponse.over(reply)
        if "content-length" not in reply.headers and not forbids_body(reply.status):
            # A response has it from the start.
            reply.headers.raw.insert(0, (b"content-length", b"%d" % len(reply.body)))
        usual = Response if self.model is not None else JSONResponse
        return (self.response_class or usual).over(reply)

    def _status(self, c: RequestContext) -> int | None:
        handed = _handed(c)
        return handed.status_code if handed is not None and handed.status_code else self.status

    def _finished(self, c: RequestContext, reply: Reply) -> Reply:
        if c.touched_reply is not None:
            reply.headers.extend(c.touched_reply.headers)
        if reply.background is None:
            reply.background = _tasks(c)
        return reply

    # -------------------------------------------------------------- streams
    def _render_stream(self, c: RequestContext, value: Any) -> Reply:
        status = self._status(c) or 200
        if self.stream == "events":
            reply = StreamingResponse(event_pieces(value, self.item), status, None, "text/event-stream").__reply__()
            reply.headers.set("cache-control", "no-cache")
            reply.headers.set("x-accel-buffering", "no")
        elif self.stream == "json":
            reply = StreamingResponse(line_pieces(value, self.item), status, None, "application/jsonl").__reply__()
        else:
            response_class: Any = self.response_class
            reply = response_class(content=raw_pieces(value), status_code=status).__reply__()
        return self._finished(c, reply)


_BASES = (Response, HTMLResponse, PlainTextResponse, JSONResponse)
_SAYS_NOTHING = frozenset(
    {"__module__", "__doc__", "__qualname__", "__annotations__", "__annotate_func__", "__annotations_cache__",
     "__firstlineno__", "__static_attributes__", "__parameters__", "__orig_bases__", "__slots__"}
)  # fmt: skip


def _only_named(response_class: type[Response]) -> type[Response] | None:
    """Return the class of ours that a response class is, or that it gives another media type or charset and no more."""
    for cls in response_class.__mro__ if isinstance(response_class, type) else ():
        if cls in _BASES:
            return cls
        said = {name: value for name, value in vars(cls).items() if name not in _SAYS_NOTHING}
        if not said.keys() <= {"media_type", "charset"} or not all(type(value) is str for value in said.values()):
            return None
    return None


def _text(charset: str, model: Serializer | None) -> Callable[[Any], bytes | None]:
    """Return what writes text; it says None to all that is no text, and to text that the model has yet to check."""
    if model is not None and model.annotation not in (str, Any):
        return lambda value: None
    return lambda value: value.encode(charset) if type(value) is str else None


def _handed(c: RequestContext) -> HandedResponse | None:
    return c.notes.get(HANDED) if c.notes is not None else None


def _tasks(c: RequestContext) -> Any:
    return c.notes.get(TASKS) if c.notes is not None else None


def is_events(response_class: object) -> bool:
    """Say whether a route with this response class sends events."""
    return isinstance(response_class, type) and issubclass(response_class, EventSourceResponse)
