"""An application that reads every request to its end, remembers it, and answers with its number."""

from __future__ import annotations

from typing import Any

__all__ = ["Recorder"]


class Recorder:
    """What one server's application has seen.

    Attributes:
        started: how often it was called.
        seen: method, path, query, headers and body of the requests that were complete.
        targets: their targets as they came.
        unfinished: clients whose request has begun and was not complete.
    """

    def __init__(self) -> None:
        self.started = 0
        self.seen: list[tuple[Any, ...]] = []
        self.targets: list[bytes] = []
        self.unfinished: set[Any] = set()

    async def __call__(self, x: Any) -> None:
        """Handle an exchange."""
        self.started += 1
        self.unfinished.add(x.connection.client)
        body = b""
        while piece := await x.read():
            body += piece
        self.unfinished.discard(x.connection.client)
        self.seen.append((x.method, x.path, x.query, tuple(x.headers.raw), body))
        self.targets.append(x.raw_path + (b"?" + x.query if x.query else b""))
        x.respond(200, (), b"%d" % len(self.seen))
