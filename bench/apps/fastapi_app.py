"""The work, spoken to FastAPI."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse
from work import BIG, MESSAGE, ROUTES, User

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/json")
async def json() -> dict[str, str]:
    return MESSAGE


@app.get("/sync")
def sync() -> dict[str, str]:
    return MESSAGE


@app.get("/items/{item_id}")
async def params(item_id: int, q: str, limit: int = 5) -> dict[str, Any]:
    return {"item_id": item_id, "q": q, "limit": limit}


@app.post("/users")
async def body(user: User) -> User:
    return user


async def first(q: str = "x") -> str:
    return q


async def second(value: Annotated[str, Depends(first)]) -> str:
    return value + "b"


async def third(value: Annotated[str, Depends(second)]) -> str:
    return value + "c"


@app.get("/di")
async def di(value: Annotated[str, Depends(third)]) -> dict[str, str]:
    return {"v": value}


@app.get("/download")
async def download() -> Response:
    return Response(BIG, media_type="application/octet-stream")


@app.post("/upload")
async def upload(request: Request) -> dict[str, int]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return {"size": size}


@app.websocket("/ws")
async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


async def numbered(id: int) -> dict[str, int]:
    return {"id": id}


for number in range(ROUTES):
    app.get(f"/r/{number}/{{id}}")(numbered)
