"""The common story, told by Starlette."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

left: list[int] = []


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    yield {"started": True}


async def json(request: Request) -> Response:
    return JSONResponse({"hello": await request.json() if request.method == "POST" else "world"})


async def form(request: Request) -> Response:
    return JSONResponse({"name": (await request.form())["name"]})


async def upload(request: Request) -> Response:
    size = digest = 0
    async for piece in request.stream():
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return JSONResponse({"size": size, "digest": digest})


async def large(request: Request) -> Response:
    return Response(b"large" * 500_000)


async def stream(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number
            await asyncio.sleep(0.1)

    return StreamingResponse(pieces())


async def endless(request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.01)
        finally:
            left.append(1)

    return StreamingResponse(pieces())


async def how_many_left(request: Request) -> Response:
    return JSONResponse({"left": len(left)})


async def error(request: Request) -> Response:
    raise KeyError("mine")


async def started(request: Request) -> Response:
    return JSONResponse({"started": request.state.started})


async def cookie(request: Request) -> Response:
    response = JSONResponse({"seen": request.cookies.get("seen")})
    response.set_cookie("seen", "yes", httponly=True)
    return response


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/json", json, methods=["GET", "POST"]),
        Route("/form", form, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/large", large),
        Route("/stream", stream),
        Route("/endless", endless),
        Route("/left", how_many_left),
        Route("/error", error),
        Route("/started", started),
        Route("/cookie", cookie),
        WebSocketRoute("/ws", echo),
    ],
)
