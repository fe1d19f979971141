"""Server-Sent Events (WHATWG HTML §9.2): events as bytes, and the body of a response that sends them.

A field can not hold a line break: `event` and `id` with one are refused, `data` is split over several lines. While
nothing happens a comment is sent, so that proxies keep the connection; no event is lost for it, because the events are
made in a task of their own.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asteri.exchange import Disconnected
from fenrir.core.context import current
from fenrir.core.producer import END, GONE, SILENCE, produce
from fenrir.core.threads import to_thread
from fenrir.http.json import dumps

__all__ = [
    "KEEP_ALIVE",
    "KEEP_ALIVE_SECONDS",
    "SSE_HEADERS",
    "ServerSentEvent",
    "encode_event",
    "event_bytes",
    "event_stream",
]

KEEP_ALIVE = b": ping\n\n"
KEEP_ALIVE_SECONDS = 15.0

SSE_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # nginx collects a response otherwise
)

Dump = Callable[[Any], bytes]
_LAST: Any = object()


@dataclass(frozen=True, kw_only=True)
class ServerSentEvent(ABC):  # noqa: B024 - others are registered, nothing is left open
    """One event; a dialect's own class of events is registered as one.

    Attributes:
        data: any JSON value; a string is sent with its quotes.
        raw_data: text that is sent as it is; only one of the two.
        event: its type, "message" for the browser when there is none.
        id: what a browser that comes back sends as Last-Event-ID.
        retry: milliseconds that a browser waits before it comes back.
        comment: text that browsers ignore.
    """

    data: Any = None
    raw_data: str | None = None
    event: str | None = None
    id: str | None = None
    retry: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        if self.data is not None and self.raw_data is not None:
            raise ValueError("an event has either data (sent as JSON) or raw_data (sent as it is), not both")
        for name in ("event", "id"):
            value = getattr(self, name)
            if value is not None and ("\n" in value or "\r" in value):
                raise ValueError(f"the {name} of an event must be a single line")
        if self.id is not None and "\0" in self.id:
            raise ValueError("the id of an event must not contain a null character")
        if self.retry is not None and self.retry < 0:
            raise ValueError("the retry of an event is a number of milliseconds, not less than 0")


def encode_event(
    *,
    data: str | None = None,
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
    comment: str | None = None,
) -> bytes:
    """Return one event as it goes over the wire; the fields have been checked."""
    lines = [f": {line}" for line in _lines(comment)]
    if event is not None:
        lines.append(f"event: {event}")
    lines += [f"data: {line}" for line in _lines(data)]
    if id is not None:
        lines.append(f"id: {id}")
    if retry is not None:
        lines.append(f"retry: {retry}")
    return ("\n".join(lines) + "\n\n").encode("utf-8")


def _lines(text: str | None) -> list[str]:
    # Only these three end a line here, not what str.splitlines knows.
    return [] if text is None else text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def event_bytes(item: Any, dump: Dump = dumps) -> bytes:
    """Return the event for what an iterable yielded: a `ServerSentEvent`, the data of one, or bytes as they are."""
    if isinstance(item, (bytes, bytearray)):
        return bytes(item)
    if not isinstance(item, ServerSentEvent):
        return encode_event(data=dump(item).decode("utf-8"))
    data = item.raw_data
    if item.data is not None:
        data = dump(item.data).decode("utf-8")
    return encode_event(data=data, event=item.event, id=item.id, retry=item.retry, comment=item.comment)


async def event_stream(
    items: AsyncIterable[Any] | Iterable[Any],
    *,
    encode: Callable[[Any], bytes] = event_bytes,
    keep_alive: float | None = None,
) -> AsyncIterator[bytes]:
    """Iterate over the bytes of events, with comments while there is none for `keep_alive` seconds (default 15).

    A plain iterable is read in a worker thread. The iterable is closed at the end, whatever the end is. Within a
    request the end comes as soon as the client leaves, not only when there is something to tell it.
    """
    seconds = KEEP_ALIVE_SECONDS if keep_alive is None else keep_alive
    c = current.get(None)
    producer = produce(
        aiter(items) if isinstance(items, AsyncIterable) else _threaded(iter(items)),
        c.http.disconnected if c is not None else None,
    )
    try:
        while (item := await producer.following(seconds)) is not END:
            if item is GONE:
                raise Disconnected("the client left")
            yield KEEP_ALIVE if item is SILENCE else encode(item)
    finally:
        await producer.close()


async def _threaded(items: Iterator[Any]) -> AsyncIterator[Any]:
    try:
        while (item := await to_thread(next, items, _LAST)) is not _LAST:
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            await to_thread(close)
