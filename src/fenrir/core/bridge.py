"""From what pushes its answer (a mounted application, a response that writes itself) to hooks that want a value."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

from asteri.exchange import AnswerError, HeaderPairs, Sink
from fenrir.core.reply import Reply
from fenrir.core.report import report
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Bridge", "BridgeSink", "BridgedExchange", "as_value"]


class Bridge:
    """From an application that pushes its answer to WRAP hooks that want it as a value: one piece at a time."""

    def __init__(self) -> None:
        self.head: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self.serving: asyncio.Task[None] | None = None
        self.ended = False  # the application has given its whole answer
        self.who = ""

    async def answer(self, serving: Coroutine[Any, Any, None], who: str) -> Reply:
        """Start the application and return its answer, as soon as its head is there."""
        self.who = who
        task = self.serving = asyncio.create_task(serving)
        first: set[asyncio.Future[Any]] = {task, self.head}
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if not self.head.done():
            task.result()
            raise RuntimeError(f"{who} gave no answer")
        return self.head.result()

    async def stream(self) -> AsyncIterator[bytes]:
        """Iterate over the body."""
        serving = self.serving
        assert serving is not None
        while True:
            taken = asyncio.ensure_future(self.pieces.get())
            try:
                await asyncio.wait({taken, serving}, return_when=asyncio.FIRST_COMPLETED)
                if not taken.done():
                    error = None if serving.cancelled() else serving.exception()
                    raise error or RuntimeError(f"{self.who} ended in the middle of its answer")
                piece = taken.result()
            finally:
                taken.cancel()
            if piece is None:
                return
            yield piece

    async def close(self, c: RequestContext) -> None:
        """Wait for what the application does after its answer; end it when nobody took the whole of that."""
        serving = self.serving
        if serving is None:
            return
        if not self.ended:
            serving.cancel()
        await asyncio.wait({serving})
        error = None if serving.cancelled() else serving.exception()
        if error is not None and self.ended:
            c.error = c.error or error
            report(c, error, f"{self.who} after its answer")


class BridgeSink:
    """A sink whose pieces come out of `Bridge.stream`."""

    def __init__(self, bridge: Bridge, reply: Reply) -> None:
        self._bridge = bridge
        reply.stream = bridge.stream()
        bridge.head.set_result(reply)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        await self._bridge.pieces.put(bytes(data))

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        await self._bridge.pieces.put(None)
        self._bridge.ended = True

    def abort(self) -> None:
        if self._bridge.serving is not None:
            self._bridge.serving.cancel()


class BridgedExchange:
    """The exchange of a request, whose answer goes over a bridge."""

    def __init__(self, outer: Any, bridge: Bridge) -> None:
        self._outer = outer
        self._bridge = bridge

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)

    def _answer(self) -> None:
        if self._bridge.head.done():
            raise AnswerError("this exchange has been answered already")

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self._answer()
        self._bridge.ended = True
        self._bridge.head.set_result(Reply(status, MutableHeaders(headers), body))

    def begin(self, status: int, headers: HeaderPairs) -> Sink:
        self._answer()
        return BridgeSink(self._bridge, Reply(status, MutableHeaders(headers)))

    async def drain(self) -> None:
        """Nothing is sent here."""


async def as_value(c: RequestContext, reply: Reply) -> Reply:
    """Return what a reply that writes itself writes, as a reply that hooks can read and change.

    It goes on writing in a task while the body is streamed; what it does after that ends before the request does.
    """
    run = reply.run
    assert run is not None
    bridge = Bridge()
    inner = c.finish

    async def finish(error: BaseException | None) -> None:
        try:
            await bridge.close(c)
        finally:
            if inner is not None:
                await inner(error)

    c.finish = finish
    return await bridge.answer(run(c, BridgedExchange(c.http, bridge)), "a response that writes itself")
