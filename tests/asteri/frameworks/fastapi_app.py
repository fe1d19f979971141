"""The common story, told by FastAPI."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Cookie, FastAPI, Form, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

left: list[int] = []


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"started": True}


app = FastAPI(lifespan=lifespan)


@app.api_route("/json", methods=["GET", "HEAD"])
async def json() -> dict[str, str]:
    return {"hello": "world"}


@app.post("/json")
def echo_json(body: dict[str, Any]) -> dict[str, Any]:
    return {"hello": body}


@app.post("/form")
async def form(name: Annotated[str, Form()]) -> dict[str, str]:
    return {"name": name}


@app.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    size = digest = 0
    async for piece in request.stream():
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return {"size": size, "digest": digest}


@app.get("/large")
async def large() -> Response:
    return Response(b"large" * 500_000)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number
            await asyncio.sleep(0.1)

    return StreamingResponse(pieces())


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.01)
        finally:
            left.append(1)

    return StreamingResponse(pieces())


@app.get("/left")
def how_many_left() -> dict[str, int]:
    return {"left": len(left)}


@app.get("/error")
def error() -> None:
    raise KeyError("mine")


@app.get("/started")
async def started(request: Request) -> dict[str, bool]:
    return {"started": request.state.started}


@app.get("/cookie")
async def cookie(response: Response, seen: Annotated[str | None, Cookie()] = None) -> dict[str, str | None]:
    response.set_cookie("seen", "yes", httponly=True)
    return {"seen": seen}


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())
