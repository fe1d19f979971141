"""The work, spoken to BlackSheep."""

from __future__ import annotations

from typing import Any

from blacksheep import (
    Application,
    Content,
    FromJSON,
    Request,
    Response,
    WebSocket,
    WebSocketDisconnectError,
    json,
    text,
)
from work import BIG, MESSAGE, ROUTES, User

app: Any = Application()


@app.router.get("/")
async def plaintext() -> Response:
    return text("Hello, World!")


@app.router.get("/json")
async def as_json() -> Response:
    return json(MESSAGE)


@app.router.get("/sync")
def sync() -> Response:
    return json(MESSAGE)


@app.router.get("/items/{item_id}")
async def params(item_id: int, q: str, limit: int = 5) -> Response:
    return json({"item_id": item_id, "q": q, "limit": limit})


@app.router.post("/users")
async def body(data: FromJSON[User]) -> Response:
    return Response(200, content=Content(b"application/json", data.value.model_dump_json().encode()))


class First:
    value = "x"


class Second:
    def __init__(self, first: First) -> None:
        self.value = first.value + "b"


class Third:
    def __init__(self, second: Second) -> None:
        self.value = second.value + "c"


for service in (First, Second, Third):
    app.services.add_transient(service)


@app.router.get("/di")
async def di(third: Third) -> Response:
    return json({"v": third.value})


@app.router.get("/download")
async def download() -> Response:
    return Response(200, content=Content(b"application/octet-stream", BIG))


@app.router.post("/upload")
async def upload(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return json({"size": size})


@app.router.ws("/ws")
async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnectError:
        pass


def make_numbered() -> Any:
    # It keeps something per function, so that every route needs its own.
    async def numbered(id: int) -> Response:
        return json({"id": id})

    return numbered


for number in range(ROUTES):
    app.router.add_get(f"/r/{number}/{{id}}", make_numbered())
