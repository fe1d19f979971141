"""Our own load: `python -m bench.client` reads what to do from stdin and prints what was answered, both as JSON.

For WebSocket always, and for HTTP where wrk is missing. It is a program of its own so that it has its own core and its
own interpreter. Every answer is compared with the first one's length and status, so that an error is not counted.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any, cast

__all__ = ["HTTPClient", "WebSocketClient", "http_request", "mask", "percentile"]

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
KEY = base64.b64encode(b"sixteen bytes ok").decode()


def http_request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    fields = {"host": "127.0.0.1", **headers}
    if body:
        fields["content-length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def mask(payload: bytes, opcode: int = 1) -> bytes:
    """Return a client's frame of less than 126 bytes; the mask is zero, which is a mask like any other."""
    return bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload


def percentile(values: list[float], part: float) -> float:
    """Return the value below which `part` of all values lie; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else 0.0


@dataclass(slots=True)
class Tally:
    """What all connections have together."""

    until: float
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    error: str = ""


class HTTPClient(asyncio.Protocol):
    """A keep-alive connection that sends `count` requests in one write, and the next when all are answered."""

    def __init__(self, tally: Tally, request: bytes, count: int, done: asyncio.Future[None]) -> None:
        self.tally = tally
        self.bytes = request * count
        self.count = count
        self.done = done
        self.buffer = bytearray()
        self.waiting = 0
        self.sent = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast(asyncio.Transport, transport)
        self.send()

    def send(self) -> None:
        """Send the next requests, unless the time is up."""
        assert self.transport is not None
        self.sent = time.perf_counter()
        if self.sent >= self.tally.until:
            self.finish("")
            return
        self.waiting = self.count
        self.transport.write(self.bytes)

    def data_received(self, data: bytes) -> None:
        """Count complete answers."""
        self.buffer += data
        while self.waiting:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(self.buffer, 0, end)
            if not self.buffer.startswith(b"HTTP/1.1 200") or length is None:
                self.finish(f"unexpected answer {bytes(self.buffer[:60])!r}")
                return
            size = end + 4 + int(length[1])
            if len(self.buffer) < size:
                return
            del self.buffer[:size]
            self.waiting -= 1
            self.tally.answered += 1
        self.tally.latencies.append(time.perf_counter() - self.sent)
        self.send()

    def finish(self, error: str) -> None:
        """End this connection."""
        assert self.transport is not None
        self.tally.error = self.tally.error or error
        if not self.done.done():
            self.done.set_result(None)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a connection that ended before its time."""
        if not self.done.done():
            self.tally.error = self.tally.error or f"connection lost: {exc or 'closed by the server'}"
            self.done.set_result(None)


class WebSocketClient(HTTPClient):
    """A WebSocket that sends a text and waits for its echo."""

    def __init__(self, tally: Tally, path: str, payload: bytes, done: asyncio.Future[None]) -> None:
        handshake = {
            "connection": "upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": KEY,
        }
        super().__init__(tally, http_request("GET", path, handshake), 1, done)
        self.message = mask(payload)
        self.echo = bytes((0x81, len(payload))) + payload
        self.open = False

    def data_received(self, data: bytes) -> None:
        """Compare the echo and send again."""
        if not self.open:
            self.buffer += data
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.buffer.startswith(b"HTTP/1.1 101"):
                self.finish(f"no upgrade: {bytes(self.buffer[:60])!r}")
                return
            self.open = True
            data = bytes(self.buffer[end + 4 :])
            self.bytes = self.message
            self.buffer.clear()
            if not data:
                self.send()
                return
        if self.buffer:
            data = bytes(self.buffer) + data
            self.buffer.clear()
        if data != self.echo:
            if self.echo.startswith(data):
                self.buffer += data
            else:
                self.finish(f"not the echo: {data[:60]!r}")
            return
        self.tally.answered += 1
        self.tally.latencies.append(time.perf_counter() - self.sent)
        self.send()


async def load(options: dict[str, Any]) -> dict[str, Any]:
    """Make load until the time is up."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    tally = Tally(began + options["seconds"])
    ends: list[asyncio.Future[None]] = []
    for _ in range(options["connections"]):
        done = loop.create_future()
        ends.append(done)

        def client(done: asyncio.Future[None] = done) -> HTTPClient:
            body = options["body"].encode("latin-1")
            if options["websocket"]:
                return WebSocketClient(tally, options["path"], body, done)
            request = http_request(options["method"], options["path"], options["headers"], body)
            return HTTPClient(tally, request, options["pipelined"], done)

        await loop.create_connection(client, "127.0.0.1", options["port"])
    await asyncio.wait_for(asyncio.gather(*ends), options["seconds"] + 20)
    return {
        "requests": tally.answered,
        "seconds": time.perf_counter() - began,
        "p50_ms": percentile(tally.latencies, 0.5) * 1000,
        "p99_ms": percentile(tally.latencies, 0.99) * 1000,
        "error": tally.error,
    }


def main() -> None:
    """Read the options, make the load, print the result."""
    factory = importlib.import_module("uvloop").new_event_loop if importlib.util.find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        print(json.dumps(runner.run(load(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
