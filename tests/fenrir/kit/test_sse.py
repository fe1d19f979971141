"""Server-Sent Events: the wire format, and the stream."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from fenrir import EventSourceResponse, Fenrir
from fenrir.kit.sse import KEEP_ALIVE, ServerSentEvent, event_bytes, event_stream


@pytest.mark.parametrize(
    "item, expected",
    [
        ({"a": 1}, b'data: {"a":1}\n\n'),
        ("text", b'data: "text"\n\n'),
        (b": raw\n\n", b": raw\n\n"),
        (ServerSentEvent(raw_data="a\r\nb\rc\nd"), b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        (ServerSentEvent(raw_data="a\u2028b"), "data: a\u2028b\n\n".encode()),
        (
            ServerSentEvent(data=1, event="e", id="7", retry=3, comment="hi"),
            b": hi\nevent: e\ndata: 1\nid: 7\nretry: 3\n\n",
        ),
    ],
)
def test_wire_format(item: Any, expected: bytes) -> None:
    assert event_bytes(item) == expected


@pytest.mark.parametrize(
    "fields", [{"event": "a\nb"}, {"id": "a\rb"}, {"id": "\0"}, {"retry": -1}, {"data": 1, "raw_data": "1"}]
)
def test_fields_that_would_break_out_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ServerSentEvent(**fields)


async def collected(stream: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in stream]


def test_comments_fill_silence_and_no_event_is_lost() -> None:
    async def events() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(0.05)
        yield 2

    pieces = asyncio.run(collected(event_stream(events(), keep_alive=0.01)))
    assert pieces[0] == b"data: 1\n\n" and pieces[-1] == b"data: 2\n\n"
    assert set(pieces[1:-1]) == {KEEP_ALIVE}  # how many depends on the machine


def test_a_plain_iterable_is_read_in_a_thread_and_closed() -> None:
    log: list[str] = []

    def events() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            log.append("closed")

    async def first() -> bytes:
        stream = event_stream(events())
        async for piece in stream:
            await stream.aclose()  # type: ignore[attr-defined]
            return piece
        return b""

    assert asyncio.run(first()) == b"data: 1\n\n" and log == ["closed"]


def test_a_stream_that_is_left_while_waiting_cancels_its_source() -> None:
    log: list[str] = []

    async def events() -> AsyncIterator[int]:
        try:
            await asyncio.sleep(60)
            yield 1
        finally:
            log.append("cancelled")

    async def leave() -> None:
        stream = event_stream(events(), keep_alive=0.01)
        assert await anext(stream) == KEEP_ALIVE
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(leave())
    assert log == ["cancelled"]


def test_a_client_that_leaves_ends_a_stream_that_waits() -> None:
    log: list[str] = []
    app = Fenrir("events")

    @app.fastapi.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            log.append("closed")

    async def visit() -> None:
        told, left = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message.get("body"):
                told.set()

        scope = {"type": "http", "method": "GET", "path": "/events", "http_version": "1.1", "headers": []}
        serving = asyncio.create_task(app(scope, receive, send))
        await asyncio.wait_for(told.wait(), 5)
        left.set()
        await asyncio.wait_for(serving, 5)

    asyncio.run(visit())
    assert log == ["closed"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_events_on_both_kinds_of_loop(backend: str) -> None:
    async def events() -> AsyncIterator[int]:
        yield 1
        await anyio.sleep(0.05)
        yield 2

    def blocking() -> Iterator[int]:
        yield 1
        yield 2

    async def main() -> None:
        pieces = await collected(event_stream(events(), keep_alive=0.01))
        assert (pieces[0], pieces[-1]) == (b"data: 1\n\n", b"data: 2\n\n")
        assert set(pieces[1:-1]) == {KEEP_ALIVE}
        assert await collected(event_stream(blocking())) == [b"data: 1\n\n", b"data: 2\n\n"]

    anyio.run(main, backend=backend)
