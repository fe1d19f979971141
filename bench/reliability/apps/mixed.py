"""The application of the soak: something of everything, and an account of what the process holds."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any

from pydantic import BaseModel

from fenrir import Depends, Fenrir, Form, HTTPException, Request, StreamingResponse, WebSocket, WebSocketDisconnect

app = Fenrir(__name__)


class Item(BaseModel):
    """A body that is validated."""

    name: str
    price: float
    tags: list[str] = []


@app.post("/json")
async def as_json(item: Item) -> Item:
    return item


@app.post("/form")
async def form(name: Annotated[str, Form()], size: Annotated[int, Form()]) -> dict[str, Any]:
    return {"name": name, "size": size}


@app.get("/thread")
def thread(number: int) -> dict[str, int]:
    return {"number": number}


@app.get("/hold")
def hold() -> str:
    time.sleep(0.3)
    return "held"


async def resource() -> AsyncIterator[list[int]]:
    opened = [1]
    try:
        yield opened
    finally:
        opened.clear()


@app.get("/resource")
async def with_resource(opened: Annotated[list[int], Depends(resource)]) -> dict[str, int]:
    return {"opened": len(opened)}


async def pieces(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        await asyncio.sleep(0)
        yield b"%06d" % number * 100


@app.get("/stream")
async def stream(count: int = 8) -> StreamingResponse:
    return StreamingResponse(pieces(count), media_type="application/octet-stream")


@app.post("/upload", stream=True)
async def upload(request: Request) -> dict[str, int]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return {"size": size}


@app.get("/error")
async def error() -> None:
    raise HTTPException(status_code=418, detail="no coffee")


@app.get("/exception")
async def exception() -> None:
    raise RuntimeError("an error that nobody expected")


@app.websocket("/ws")
async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


@app.get("/counts")
async def counts() -> dict[str, int]:
    """Return what may not grow, after a collection."""
    gc.collect()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "objects": len(gc.get_objects()),
    }


@app.get("/objects")
async def objects() -> dict[str, int]:
    """Return the most frequent types of what the collector knows; for a person who looks for a leak."""
    gc.collect()
    return dict(Counter(type(one).__qualname__ for one in gc.get_objects()).most_common(60))
