"""The work, spoken to Starlette."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from work import BIG, MESSAGE, ROUTES, User


async def plaintext(request: Request) -> Response:
    return PlainTextResponse("Hello, World!")


async def json(request: Request) -> Response:
    return JSONResponse(MESSAGE)


def sync(request: Request) -> Response:
    return JSONResponse(MESSAGE)


async def params(request: Request) -> Response:
    query = request.query_params
    item_id = request.path_params["item_id"]
    return JSONResponse({"item_id": item_id, "q": query["q"], "limit": int(query.get("limit", "5"))})


async def body(request: Request) -> Response:
    user = User.model_validate_json(await request.body())
    return Response(user.model_dump_json(), media_type="application/json")


async def download(request: Request) -> Response:
    return Response(BIG, media_type="application/octet-stream")


async def upload(request: Request) -> Response:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
    return JSONResponse({"size": size})


async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


async def numbered(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"]})


routes: list[BaseRoute] = [
    Route("/", plaintext),
    Route("/json", json),
    Route("/sync", sync),
    Route("/items/{item_id:int}", params),
    Route("/users", body, methods=["POST"]),
    Route("/download", download),
    Route("/upload", upload, methods=["POST"]),
    WebSocketRoute("/ws", ws),
    *(Route(f"/r/{number}/{{id:int}}", numbered) for number in range(ROUTES)),
]
app = Starlette(routes=routes)
