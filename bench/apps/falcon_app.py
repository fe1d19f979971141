"""The work, spoken to Falcon over ASGI."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi
from work import BIG, MESSAGE, ROUTES, User


class Plaintext:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Hello, World!"


class Json:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.media = MESSAGE


class Params:
    async def on_get(self, req: Any, resp: Any, item_id: int) -> None:
        limit = req.get_param_as_int("limit", default=5)
        resp.media = {"item_id": item_id, "q": req.get_param("q", required=True), "limit": limit}


class Body:
    async def on_post(self, req: Any, resp: Any) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.text = User.model_validate_json(await req.stream.read()).model_dump_json()


class Download:
    async def on_get(self, req: Any, resp: Any) -> None:
        resp.content_type = "application/octet-stream"
        resp.data = BIG


class Upload:
    async def on_post(self, req: Any, resp: Any) -> None:
        size = 0
        async for chunk in req.stream:
            size += len(chunk)
        resp.media = {"size": size}


class Echo:
    async def on_websocket(self, req: Any, ws: Any) -> None:
        await ws.accept()
        try:
            while True:
                await ws.send_text(await ws.receive_text())
        except falcon.WebSocketDisconnected:
            pass


class Numbered:
    async def on_get(self, req: Any, resp: Any, id: int) -> None:
        resp.media = {"id": id}


app = falcon.asgi.App()
app.add_route("/", Plaintext())
app.add_route("/json", Json())
app.add_route("/items/{item_id:int}", Params())
app.add_route("/users", Body())
app.add_route("/download", Download())
app.add_route("/upload", Upload())
app.add_route("/ws", Echo())
for number in range(ROUTES):
    app.add_route(f"/r/{number}/{{id:int}}", Numbered())
