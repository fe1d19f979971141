"""The work, spoken to Sanic, on its own server: `python sanic_app.py PORT`."""

from __future__ import annotations

import sys
from typing import Any

from sanic import Sanic
from sanic.response import HTTPResponse, json, raw, text
from work import BIG, MESSAGE, ROUTES, User

app: Any = Sanic("bench", configure_logging=False)
app.config.REQUEST_MAX_SIZE = 1 << 24
app.config.MOTD = False


@app.get("/")
async def plaintext(request: Any) -> HTTPResponse:
    return text("Hello, World!")


@app.get("/json")
async def as_json(request: Any) -> HTTPResponse:
    return json(MESSAGE)


@app.get("/sync")
def sync(request: Any) -> HTTPResponse:
    return json(MESSAGE)


@app.get("/items/<item_id:int>")
async def params(request: Any, item_id: int) -> HTTPResponse:
    limit = int(request.args.get("limit", 5))
    return json({"item_id": item_id, "q": request.args.get("q"), "limit": limit})


@app.post("/users")
async def body(request: Any) -> HTTPResponse:
    return raw(User.model_validate_json(request.body).model_dump_json(), content_type="application/json")


@app.get("/download")
async def download(request: Any) -> HTTPResponse:
    return raw(BIG)


@app.post("/upload", stream=True)
async def upload(request: Any) -> HTTPResponse:
    size = 0
    while chunk := await request.stream.read():
        size += len(chunk)
    return json({"size": size})


@app.websocket("/ws")
async def ws(request: Any, websocket: Any) -> None:
    async for message in websocket:
        await websocket.send(message)


async def numbered(request: Any, id: int) -> HTTPResponse:
    return json({"id": id})


for number in range(ROUTES):
    app.add_route(numbered, f"/r/{number}/<id:int>", name=f"r{number}")

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), single_process=True, access_log=False, debug=False)
