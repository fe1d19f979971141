"""The work as a bare RSGI application, granian's own interface."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from work import BIG, MESSAGE, User

PLAIN = [("content-type", "text/plain; charset=utf-8")]
JSON = [("content-type", "application/json")]
BINARY = [("content-type", "application/octet-stream")]


async def app(scope: Any, protocol: Any) -> None:
    if scope.proto != "http":
        await echo(protocol)
        return
    path: str = scope.path
    if path == "/":
        protocol.response_str(200, PLAIN, "Hello, World!")
    elif path == "/json":
        protocol.response_bytes(200, JSON, json.dumps(MESSAGE).encode())
    elif path.startswith("/items/"):
        query = parse_qs(scope.query_string)
        values = {"item_id": int(path[7:]), "q": query["q"][0], "limit": int(query["limit"][0])}
        protocol.response_bytes(200, JSON, json.dumps(values).encode())
    elif path == "/users":
        protocol.response_str(200, JSON, User.model_validate_json(await protocol()).model_dump_json())
    elif path == "/download":
        protocol.response_bytes(200, BINARY, BIG)
    elif path == "/upload":
        size = 0
        async for chunk in protocol:
            size += len(chunk)
        protocol.response_bytes(200, JSON, json.dumps({"size": size}).encode())
    else:
        protocol.response_empty(404, [])


async def echo(protocol: Any) -> None:
    transport = await protocol.accept()
    while True:
        message = await transport.receive()
        if message.kind == 0:
            return
        if message.kind == 1:
            await transport.send_bytes(message.data)
        else:
            await transport.send_str(message.data)
