"""One application behind each of the three doors: `direct`, `asgi` and `wsgi`.

GET /stream?N     N bytes in pieces of 64 KiB
POST /context     what the ContextVar held when the request began, and what it holds at its end, as JSON
anything else     "ok"
WebSocket         an echo
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from asteri.exchange import Channel, ChannelClosed, Doors, Exchange

PIECE = 65536
TEXT = ((b"content-type", b"text/plain"),)
PAUSE = 0.003  # between parts of a body, so that the server has to stop reading

user: ContextVar[str] = ContextVar("user", default="-")


def piece(number: int) -> bytes:
    return bytes((number & 255,)) * PIECE  # a new object each time: the same one in every buffer would cost nothing


def outcome(before: str) -> bytes:
    return json.dumps({"before": before, "after": user.get()}).encode()


# The direct door


def http(exchange: Exchange) -> Awaitable[None] | None:
    if exchange.path == "/context":
        return context(exchange)
    if exchange.path == "/stream":
        return stream(exchange)
    exchange.respond(200, TEXT, b"ok")
    return None


async def stream(exchange: Exchange) -> None:
    sink = exchange.begin(200, TEXT)
    for number in range(int(exchange.query) // PIECE):
        await sink.write(piece(number))
    await sink.finish()


async def context(exchange: Exchange) -> None:
    before = user.get()
    user.set(exchange.headers.get("x-user", ""))
    async for _ in exchange:
        await asyncio.sleep(PAUSE)
    exchange.respond(200, TEXT, outcome(before))


async def websocket(channel: Channel) -> None:
    await channel.accept()
    try:
        while True:
            await channel.send(await channel.receive())
    except ChannelClosed:
        pass


class Direct:
    """The application of the direct door."""

    def __asteri__(self, version: int) -> Doors:
        return Doors(http, websocket)


direct = Direct()


# ASGI


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    kind, path = scope["type"], scope.get("path")
    if kind == "websocket":
        await echo(receive, send)
    elif kind == "http":
        before = user.get()
        if path == "/context":
            user.set(dict(scope["headers"])[b"x-user"].decode())
            more = True
            while more:
                more = (await receive()).get("more_body", False)
                await asyncio.sleep(PAUSE)
        await send({"type": "http.response.start", "status": 200, "headers": list(TEXT)})
        if path == "/stream":
            for number in range(int(scope["query_string"]) // PIECE):
                await send({"type": "http.response.body", "body": piece(number), "more_body": True})
        await send({"type": "http.response.body", "body": outcome(before) if path == "/context" else b"ok"})


async def echo(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


# WSGI


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    before = user.get()
    path = environ["PATH_INFO"]
    if path == "/context":
        user.set(environ["HTTP_X_USER"])
        while environ["wsgi.input"].read(65536):
            time.sleep(PAUSE)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/stream":
        return pieces(int(environ["QUERY_STRING"]))
    return [outcome(before) if path == "/context" else b"ok"]


def pieces(size: int) -> Iterator[bytes]:
    for number in range(size // PIECE):
        yield piece(number)
