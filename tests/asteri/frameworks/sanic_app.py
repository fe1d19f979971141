"""The common story, told by Sanic in its ASGI mode."""

import asyncio
import zlib
from typing import Any

from sanic import HTTPResponse, Request, Sanic, Websocket, json, raw

app: Any = Sanic("story")
left: list[int] = []


@app.before_server_start
async def start(app: Any) -> None:
    app.ctx.started = True


@app.route("/json", methods=["GET", "HEAD", "POST"])
async def json_(request: Request) -> HTTPResponse:
    return json({"hello": request.json if request.method == "POST" else "world"})


@app.post("/form")
async def form(request: Request) -> HTTPResponse:
    assert request.form is not None
    return json({"name": request.form.get("name")})


@app.post("/upload", stream=True)
async def upload(request: Any) -> HTTPResponse:
    size = digest = 0
    while (piece := await request.stream.read()) is not None:
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return json({"size": size, "digest": digest})


@app.get("/large")
async def large(request: Request) -> HTTPResponse:
    return raw(b"large" * 500_000)


@app.get("/stream")
async def stream(request: Request) -> None:
    response = await request.respond(content_type="text/plain")
    for number in range(3):
        await response.send(b"piece %d\n" % number)
        await asyncio.sleep(0.1)
    await response.eof()


@app.get("/endless")
async def endless(request: Request) -> None:
    response = await request.respond(content_type="text/plain")
    try:
        while True:
            await response.send(b"more\n")
            await asyncio.sleep(0.01)
    finally:
        left.append(1)


@app.get("/left")
async def how_many_left(request: Request) -> HTTPResponse:
    return json({"left": len(left)})


@app.get("/error")
async def error(request: Request) -> HTTPResponse:
    raise KeyError("mine")


@app.get("/started")
async def started(request: Request) -> HTTPResponse:
    return json({"started": request.app.ctx.started})


@app.get("/cookie")
async def cookie(request: Request) -> HTTPResponse:
    response = json({"seen": request.cookies.get("seen")})
    response.add_cookie("seen", "yes", httponly=True, secure=False)
    return response


@app.websocket("/ws")
async def echo(request: Request, ws: Websocket) -> None:
    while True:
        message = await ws.recv()
        assert message is not None
        await ws.send(message)
