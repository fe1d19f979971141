"""What happens in the shop, as it happens: a van that brings books, and Server-Sent Events that tell of it.

Everything that happens is a row of the table `news`, so that all processes of the shop tell the same; each process
looks for new rows in one task and wakes whoever is listening. A browser that comes back names the last event that it
has seen and misses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import shop
from database import Database

from fenrir import current_app
from fenrir.fastapi import APIRouter, Header, Query
from fenrir.fastapi.sse import EventSourceResponse, ServerSentEvent

__all__ = ["News", "drive_van", "router"]

VAN_SECONDS = float(os.environ.get("DEMO_VAN_SECONDS", "4"))
LOOK_SECONDS = 0.2

router = APIRouter(tags=["live"])


class News:
    """The listeners of this process.

    Attributes:
        last: number of the newest piece of news.
        closed: the shop closes: nobody waits any longer.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.last = 0
        self.closed = False
        self._changed = asyncio.Event()
        self._closing = asyncio.Event()

    async def after(self, last: int) -> list[dict[str, Any]]:
        """Return what happened after a piece of news; wait until something has. An empty list: the shop closes."""
        while self.last <= last and not self.closed:
            await self._changed.wait()
        return [] if self.closed else await asyncio.to_thread(self._read, last)

    def _read(self, last: int) -> list[dict[str, Any]]:
        with self.database.read() as c:
            return shop.news_after(c, last)

    async def watch(self) -> None:
        """Look for news, as long as the shop is open (a background task)."""
        while not self.closed:
            if found := await asyncio.to_thread(self._read, self.last):
                self.last = found[-1]["id"]
                self._wake()
            await self.pause(LOOK_SECONDS)

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than the shop is open."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def close(self) -> None:
        """Send the listeners home, and let the background tasks end."""
        self.closed = True
        self._closing.set()
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def drive_van(app: Any) -> None:
    """Bring a copy of every book that is missing one, every few seconds (a background task of Sanic's kind)."""

    def drive() -> None:
        with app.ctx.database.write() as c:
            shop.restock(c, time.time(), VAN_SECONDS)

    while not app.ctx.news.closed:
        await asyncio.to_thread(drive)
        await app.ctx.news.pause(VAN_SECONDS / 4)


@router.get("/live", response_class=EventSourceResponse)
async def live(
    after: Annotated[int, Query(ge=0, le=shop.LARGEST, description="the last piece of news that the page shows")] = 0,
    last_event_id: Annotated[int, Header(ge=0, le=shop.LARGEST)] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Tell what happens in the shop, as Server-Sent Events."""
    news: News = current_app.ctx.news
    last = last_event_id or after  # a browser that connects again says how far it came
    yield ServerSentEvent(comment="the shop is open", retry=1000)
    while happened := await news.after(last):
        for item in happened:
            last = item["id"]
            yield ServerSentEvent(event="stock", id=str(last), data=item)
