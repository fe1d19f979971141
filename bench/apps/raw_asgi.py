"""The work as a bare ASGI application: what is left is the server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from work import BIG, HELLO, MESSAGE, User

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PLAIN = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]


async def respond(send: Send, body: bytes, kind: bytes = b"application/json") -> None:
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    kind = scope["type"]
    if kind == "http":
        await http(scope, receive, send)
    elif kind == "websocket":
        await websocket(receive, send)
    else:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return


async def http(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    path: str = scope["path"]
    if path == "/":
        await send({"type": "http.response.start", "status": 200, "headers": PLAIN})
        await send({"type": "http.response.body", "body": HELLO})
    elif path == "/json":
        await respond(send, json.dumps(MESSAGE).encode())
    elif path.startswith("/items/"):
        query = parse_qs(scope["query_string"].decode())
        values = {"item_id": int(path[7:]), "q": query["q"][0], "limit": int(query["limit"][0])}
        await respond(send, json.dumps(values).encode())
    elif path == "/users":
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await respond(send, User.model_validate_json(body).model_dump_json().encode())
    elif path == "/download":
        await respond(send, BIG, b"application/octet-stream")
    elif path == "/upload":
        size = 0
        more = True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        await respond(send, json.dumps({"size": size}).encode())
    else:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def websocket(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes") is not None:
            await send({"type": "websocket.send", "bytes": message["bytes"]})
        else:
            await send({"type": "websocket.send", "text": message["text"]})
