"""The common story, told by Litestar."""

import asyncio
import contextlib
import zlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Litestar, Request, Response, WebSocket, get, head, post, websocket
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import WebSocketDisconnect
from litestar.params import Body
from litestar.response import Stream

left: list[int] = []


@contextlib.asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    app.state.started = True
    yield


@get("/json")
async def json() -> dict[str, str]:
    return {"hello": "world"}


@head("/json")
async def json_head() -> None:
    """HEAD is a route of its own here."""


@post("/json", status_code=200)
async def echo_json(data: dict[str, Any]) -> dict[str, Any]:
    return {"hello": data}


@post("/form", status_code=200)
async def form(
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> dict[str, str]:
    return {"name": data["name"]}


@post("/upload", status_code=200)
async def upload(request: Request[Any, Any, Any]) -> dict[str, int]:
    size = digest = 0
    async for piece in request.stream():
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return {"size": size, "digest": digest}


@get("/large", media_type="application/octet-stream")
async def large() -> bytes:
    return b"large" * 500_000


@get("/stream")
async def stream() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number
            await asyncio.sleep(0.1)

    return Stream(pieces())


@get("/endless")
async def endless() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"more\n"
                await asyncio.sleep(0.01)
        finally:
            left.append(1)

    return Stream(pieces())


@get("/left")
async def how_many_left() -> dict[str, int]:
    return {"left": len(left)}


@get("/error")
async def error() -> None:
    raise KeyError("mine")


@get("/started")
async def started(request: Request[Any, Any, Any]) -> dict[str, bool]:
    return {"started": request.app.state.started}


@get("/cookie")
async def cookie(request: Request[Any, Any, Any]) -> Response[dict[str, str | None]]:
    return Response({"seen": request.cookies.get("seen")}, cookies=[Cookie("seen", value="yes", httponly=True)])


@websocket("/ws")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


HANDLERS = [
    json,
    json_head,
    echo_json,
    form,
    upload,
    large,
    stream,
    endless,
    how_many_left,
    error,
    started,
    cookie,
    echo,
]
app = Litestar(HANDLERS, lifespan=[lifespan], openapi_config=None)
