"""The work: one request each, with what its answer must be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MIB", "SCENARIOS", "USER", "Scenario"]

MIB = 1 << 20
USER: dict[str, Any] = {
    "id": 123456,
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "tags": ["engineer", "mathematician", "analytical-engine", "poetry", "london"],
    "address": {"street": "12 St James's Square", "city": "London", "zip": "SW1Y 4JH"},
}
# What a desktop browser sends with a navigation.
BROWSER = {
    "cache-control": "max-age=0",
    "sec-ch-ua": '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "sec-fetch-site": "none",
    "sec-fetch-mode": "navigate",
    "sec-fetch-user": "?1",
    "sec-fetch-dest": "document",
    "accept-encoding": "gzip, deflate, br, zstd",
    "accept-language": "en-GB,en;q=0.9,de;q=0.8",
    "cookie": "session=eyJ1c2VyIjoxMjM0NX0.Zm9v.c2lnbmF0dXJl; theme=dark; csrftoken=Qm9ndXNUb2tlblZhbHVlMTIzNDU2Nzg5MA",
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request.

    Attributes:
        expected: the answer's body; bytes are compared as they are, anything else as JSON.
        pipelined: how many requests are sent in one write.
        routes: how many more routes the application has.
        websocket: the work is the echo of one message and not a request.
    """

    name: str
    title: str
    path: str
    expected: Any
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    connections: int = 64
    pipelined: int = 1
    routes: int = 0
    websocket: bool = False

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"

    def is_answered_by(self, body: bytes) -> bool:
        """Tell whether `body` is the right answer."""
        if isinstance(self.expected, bytes):
            return body == self.expected
        try:
            return bool(json.loads(body) == self.expected)
        except ValueError:
            return False


HELLO = b"Hello, World!"
MESSAGE = {"message": "Hello, World!"}
JSON = {"content-type": "application/json"}
BINARY = {"content-type": "application/octet-stream"}

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("plaintext", "plain text", "/", HELLO),
        Scenario("json", "JSON", "/json", MESSAGE),
        Scenario("params", "typed parameters", "/items/42?q=abc&limit=10", {"item_id": 42, "q": "abc", "limit": 10}),
        Scenario("body", "validated body", "/users", USER, json.dumps(USER).encode(), JSON),
        Scenario("browser", "a browser's headers", "/", HELLO, headers=BROWSER),
        Scenario("routes1000", "the last of 1000 routes", "/r/999/7", {"id": 7}, routes=1000),
        Scenario("pipeline", "16 requests pipelined", "/", HELLO, pipelined=16),
        Scenario("sync", "a def handler", "/sync", MESSAGE),
        Scenario("di", "three dependencies", "/di", {"v": "xbc"}),
        Scenario("ws", "WebSocket echo", "/ws", b"m" * 64, connections=20, websocket=True),
        Scenario("download", "1 MiB down", "/download", b"x" * MIB, connections=16),
        Scenario("upload", "1 MiB up", "/upload", {"size": MIB}, b"x" * MIB, BINARY, connections=8),
    )
}
