"""The common story, told by Quart."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, Response, jsonify, request, websocket

app = Quart(__name__)
left: list[int] = []
state: dict[str, bool] = {"started": False}


@app.before_serving
async def start() -> None:
    state["started"] = True


@app.route("/json", methods=["GET", "POST"])
async def json() -> dict[str, Any]:
    return {"hello": await request.get_json() if request.method == "POST" else "world"}


@app.post("/form")
async def form() -> dict[str, str]:
    return {"name": (await request.form)["name"]}


@app.post("/upload")
async def upload() -> dict[str, int]:
    size = digest = 0
    async for piece in request.body:
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return {"size": size, "digest": digest}


@app.get("/large")
async def large() -> Response:
    return Response(b"large" * 500_000)


@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number
            await asyncio.sleep(0.1)

    return pieces()


@app.get("/endless")
async def endless() -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.01)
        finally:
            left.append(1)

    response = Response(pieces())
    response.timeout = None
    return response


@app.get("/left")
async def how_many_left() -> dict[str, int]:
    return {"left": len(left)}


@app.get("/error")
async def error() -> None:
    raise KeyError("mine")


@app.get("/started")
async def started() -> dict[str, bool]:
    return state


@app.get("/cookie")
async def cookie() -> Response:
    response = jsonify({"seen": request.cookies.get("seen")})
    response.set_cookie("seen", "yes", httponly=True)
    return response


@app.websocket("/ws")
async def echo() -> None:
    while True:
        await websocket.send(await websocket.receive())
