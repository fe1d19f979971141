"""What generators of handlers become: JSON lines, events, or the pieces of a response class."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

from fenrir.core.loop import checkpoint
from fenrir.fastapi.sse import ServerSentEvent, format_sse_event
from fenrir.kit.sse import ServerSentEvent as Event
from fenrir.kit.sse import event_stream
from fenrir.kit.validation import Serializer, jsonable_encoder
from fenrir.kit.validation.encoder import finite

__all__ = ["event_pieces", "line_pieces", "raw_pieces"]

Values = AsyncGenerator[Any, None] | Generator[Any, None, None]
Pieces = AsyncIterator[Any] | Iterator[Any]


def line_pieces(values: Values, item: Serializer | None) -> Pieces:
    """Return JSON lines, one for each value."""

    def line(value: Any) -> bytes:
        return _json(value, item) + b"\n"

    return _from_loop(values, line) if isinstance(values, AsyncGenerator) else _here(values, line)


def event_pieces(values: Values, item: Serializer | None) -> AsyncIterator[bytes]:
    """Return events: what is an event already, and the others as the data of one."""
    from fenrir.fastapi import routing  # its interval is what tests replace, under upstream's name

    def event(value: Any) -> bytes:
        if not isinstance(value, Event):
            return format_sse_event(data_str=_json(value, item).decode("utf-8"))
        return format_sse_event(
            data_str=_data(value), event=value.event, id=value.id, retry=value.retry, comment=value.comment
        )

    return event_stream(values, encode=event, keep_alive=routing._PING_INTERVAL)


def raw_pieces(values: Values) -> Pieces:
    """Return the values as they are."""
    return _from_loop(values, lambda value: value) if isinstance(values, AsyncGenerator) else values


def _json(value: Any, item: Serializer | None) -> bytes:
    if item is not None:
        return item.dump(value)
    return json.dumps(finite(jsonable_encoder(value))).encode("utf-8")


def _data(event: Event | ServerSentEvent) -> str | None:
    if event.raw_data is not None or event.data is None:
        return event.raw_data
    if hasattr(event.data, "model_dump_json"):
        text: str = event.data.model_dump_json()
        return text
    return json.dumps(finite(jsonable_encoder(event.data)))


async def _from_loop(values: AsyncGenerator[Any, None], write: Callable[[Any], Any]) -> AsyncIterator[Any]:
    try:
        async for value in values:
            yield write(value)
            # A generator that never waits would keep the loop, and could not be cancelled.
            await checkpoint()
    finally:
        await values.aclose()


def _here(values: Generator[Any, None, None], write: Callable[[Any], bytes]) -> Iterator[bytes]:
    try:
        for value in values:
            yield write(value)
    finally:
        values.close()
