"""Mixed traffic on many connections: batches of pipelined requests, WebSockets, and clients that vanish.

Fast enough for a million requests in minutes: the first answer to each batch is parsed and checked; after that its
length is known, because nothing in it varies, and only length and status lines are compared.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from bench.client import http_request, mask
from bench.reliability.peer import HANDSHAKE

__all__ = ["REQUESTS", "Account", "Batch", "drive", "make_batches", "statuses"]

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
BINARY = {"content-type": "application/octet-stream"}

REQUESTS: dict[str, tuple[bytes, int]] = {
    "json": (http_request("POST", "/json", JSON, b'{"name": "a thing", "price": 1.5, "tags": ["b", "c"]}'), 200),
    "form": (http_request("POST", "/form", FORM, b"name=a+thing&size=42"), 200),
    "thread": (http_request("GET", "/thread?number=7", {}), 200),
    "resource": (http_request("GET", "/resource", {}), 200),
    "stream": (http_request("GET", "/stream?count=8", {}), 200),
    "upload": (http_request("POST", "/upload", BINARY, b"x" * 32768), 200),
    "invalid": (http_request("POST", "/json", JSON, b'{"name": 1}'), 422),
    "error": (http_request("GET", "/error", {}), 418),
    "nowhere": (http_request("GET", "/nowhere", {}), 404),
    "exception": (http_request("GET", "/exception", {}), 500),
}
WEIGHTS = {"json": 4, "form": 3, "thread": 2, "resource": 2, "stream": 1, "upload": 1, "invalid": 1, "error": 1}
SIZE = 16  # requests in a batch
VARIETY = 32  # different batches
BATCHES = 8  # of one connection
MESSAGES = 64  # of one WebSocket
TEXT = b"a message"
ECHO = bytes((0x81, len(TEXT))) + TEXT
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Batch:
    """Requests that are sent in one write.

    Attributes:
        size: bytes of all answers, once they are known.
    """

    data: bytes
    statuses: list[int]
    size: int = 0
    lines: dict[bytes, int] = field(default_factory=dict)

    def is_answered(self, buffer: bytearray) -> bool:
        """Tell whether all answers are there.

        Raises:
            ValueError: they are not what they should be.
        """
        if not self.size:
            found, end = statuses(buffer, len(self.statuses))
            if len(found) < len(self.statuses):
                return False
            if found != self.statuses or end != len(buffer):
                raise ValueError(f"answered {found}, expected {self.statuses}; {len(buffer) - end} bytes behind")
            self.size = end
            self.lines = {b"HTTP/1.1 %d " % status: found.count(status) for status in set(found)}
            return True
        if len(buffer) < self.size:
            return False
        if len(buffer) > self.size or any(buffer.count(line) != count for line, count in self.lines.items()):
            raise ValueError(f"other answers than before: {bytes(buffer[:200])!r}")
        return True


def statuses(buffer: bytes | bytearray, count: int) -> tuple[list[int], int]:
    """Return the statuses of up to `count` complete answers in a buffer, and where the last of them ends."""
    found: list[int] = []
    end = 0
    while len(found) < count:
        head = buffer.find(b"\r\n\r\n", end)
        if head < 0:
            break
        length = LENGTH.search(buffer, end, head)
        body = head + 4
        if length is not None:
            after = body + int(length[1])
        elif b"chunked" in buffer[end:head].lower():
            after = end_of_chunks(buffer, body)
        else:
            after = body
        if not after or after > len(buffer):
            break
        found.append(int(buffer[end + 9 : end + 12]))
        end = after
    return found, end


def end_of_chunks(buffer: bytes | bytearray, position: int) -> int:
    """Return where a chunked body ends, 0 if that has not arrived."""
    while (line := buffer.find(b"\r\n", position)) >= 0:
        size = int(buffer[position:line], 16)
        position = line + 2 + size + 2
        if not size:
            return position
    return 0


def make_batches(seed: int) -> list[Batch]:
    """Return different mixes; one in four has an exception, one in four a path that does not exist."""
    chance = random.Random(seed)
    names = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
    batches = []
    for number in range(VARIETY):
        mix = [*names, {0: "exception", 1: "nowhere"}.get(number % 4, "json")]
        chance.shuffle(mix)
        batches.append(Batch(b"".join(REQUESTS[name][0] for name in mix), [REQUESTS[name][1] for name in mix]))
        assert len(mix) == SIZE
    return batches


@dataclass(slots=True)
class Account:
    """What all connections have done so far."""

    requests: int = 0
    messages: int = 0
    connections: int = 0
    vanished: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Requests and messages that were answered."""
        return self.requests + self.messages

    def __add__(self, other: Account) -> Account:
        """Return both together."""
        return Account(
            self.requests + other.requests,
            self.messages + other.messages,
            self.connections + other.connections,
            self.vanished + other.vanished,
            self.errors + other.errors,
        )


class Visit(asyncio.Protocol):
    """One connection, from its first request to its end."""

    def __init__(self, account: Account, batches: Iterator[Batch], kind: str, over: asyncio.Future[None]) -> None:
        self.account = account
        self.batches = batches
        self.kind = kind
        self.over = over
        self.left = MESSAGES if kind == "websocket" else BATCHES
        self.buffer = bytearray()
        self.batch: Batch | None = None
        self.open = kind != "websocket"
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first bytes."""
        self.transport = cast(asyncio.Transport, transport)
        self.account.connections += 1
        if self.kind == "websocket":
            self.transport.write(http_request("GET", "/ws", HANDSHAKE))
        else:
            self.go_on()

    def go_on(self) -> None:
        """Send what is next, or close."""
        assert self.transport is not None
        self.buffer.clear()
        if not self.left:
            self.finish()
        elif self.kind == "websocket":
            self.left -= 1
            self.transport.write(mask(TEXT))
        else:
            self.left -= 1
            self.batch = next(self.batches)
            self.transport.write(self.batch.data)

    def data_received(self, data: bytes) -> None:
        """Check what arrived."""
        self.buffer += data
        if self.kind == "vanish" and self.left < BATCHES - 1:
            assert self.transport is not None
            self.account.vanished += 1
            self.over.set_result(None)
            self.transport.abort()
            return
        try:
            if self.batch is not None:
                if self.batch.is_answered(self.buffer):
                    self.account.requests += len(self.batch.statuses)
                    self.go_on()
            elif self.open:
                if self.buffer == ECHO:
                    self.account.messages += 1
                    self.go_on()
                elif not ECHO.startswith(self.buffer):
                    raise ValueError(f"not the echo: {bytes(self.buffer[:60])!r}")
            elif self.buffer.endswith(b"\r\n\r\n"):
                if not self.buffer.startswith(b"HTTP/1.1 101 "):
                    raise ValueError(f"no upgrade: {bytes(self.buffer[:60])!r}")
                self.open = True
                self.go_on()
        except ValueError as error:
            self.account.errors.append(str(error))
            self.finish()

    def finish(self) -> None:
        """Close in order; a WebSocket says goodbye."""
        assert self.transport is not None
        if not self.over.done():
            self.over.set_result(None)
        if self.kind == "websocket" and self.open:
            self.transport.write(mask(b"\x03\xe8", 8))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note an end that we did not want."""
        if not self.over.done():
            self.account.errors.append(f"{self.kind}: the connection ended early: {exc or 'closed by the server'}")
            self.over.set_result(None)


async def drive(port: int, wanted: int, connections: int, seed: int = 0) -> Account:
    """Keep `connections` visits going until `wanted` requests were answered, or ten errors were seen."""
    loop = asyncio.get_running_loop()
    account = Account()
    batches = itertools.cycle(make_batches(seed))
    kinds = itertools.cycle(("http", "http", "http", "websocket", "http", "http", "vanish", "http"))

    async def visitor() -> None:
        while account.done < wanted and len(account.errors) < 10:
            over = loop.create_future()

            def visit(over: asyncio.Future[None] = over) -> Visit:
                return Visit(account, batches, next(kinds), over)

            transport, _ = await loop.create_connection(visit, "127.0.0.1", port)
            try:
                await asyncio.wait_for(over, 60)
            except TimeoutError:
                account.errors.append("a connection was not answered for a minute")
                transport.abort()

    await asyncio.gather(*(visitor() for _ in range(connections)))
    return account
