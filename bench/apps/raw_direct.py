"""The work as an application that has nothing but the direct door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs

from work import BIG, HELLO, MESSAGE, User

from asteri.exchange import Channel, ChannelClosed, Doors, Exchange

PLAIN = ((b"content-type", b"text/plain; charset=utf-8"),)
JSON = ((b"content-type", b"application/json"),)
BINARY = ((b"content-type", b"application/octet-stream"),)
THREADS = ThreadPoolExecutor(40)


def http(exchange: Exchange) -> Awaitable[None] | None:
    """Answer at once what can be; return what has to wait."""
    path = exchange.path
    if path == "/":
        exchange.respond(200, PLAIN, HELLO)
    elif path == "/json":
        exchange.respond(200, JSON, json.dumps(MESSAGE).encode())
    elif path.startswith("/items/"):
        query = parse_qs(exchange.query.decode())
        values = {"item_id": int(path[7:]), "q": query["q"][0], "limit": int(query["limit"][0])}
        exchange.respond(200, JSON, json.dumps(values).encode())
    elif path == "/users":
        return body(exchange)
    elif path == "/sync":
        return sync(exchange)
    elif path == "/download":
        exchange.respond(200, BINARY, BIG)
    elif path == "/upload":
        return upload(exchange)
    else:
        exchange.respond(404, (), b"")
    return None


async def body(exchange: Exchange) -> None:
    received = exchange.buffered
    if received is None:
        received = b"".join([chunk async for chunk in exchange])
    exchange.respond(200, JSON, User.model_validate_json(received).model_dump_json().encode())


async def sync(exchange: Exchange) -> None:
    content = await asyncio.get_running_loop().run_in_executor(THREADS, json.dumps, MESSAGE)
    exchange.respond(200, JSON, content.encode())


async def upload(exchange: Exchange) -> None:
    size = 0
    async for chunk in exchange:
        size += len(chunk)
    exchange.respond(200, JSON, json.dumps({"size": size}).encode())


async def websocket(channel: Channel) -> None:
    """Echo until the end."""
    await channel.accept()
    try:
        while True:
            await channel.send(await channel.receive())
    except ChannelClosed:
        pass


class Direct:
    """An application of Asteri's own interface and of no other."""

    def __asteri__(self, version: int) -> Doors:
        return Doors(http, websocket)


app = Direct()
