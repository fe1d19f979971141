"""Reading ahead of an ASGI application, so that the client's leaving is seen while nobody asks for a message.

ASGI has one `receive` for the body and for the disconnect, and two callers of it at once would take messages from each
other: one of them calls it, and the others wait for that one. A watcher reads no more than `AHEAD` bytes that nobody
has asked for, so of a client in the middle of a longer body the leaving is seen when the application reads on. A body
that the client sends only when it is told to (`Expect: 100-continue`) is not asked for before the application does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from fenrir.core.doors.asgi_values import Message, Receive
from fenrir.core.loop import on_asyncio

__all__ = ["AHEAD", "Inbox"]

AHEAD = 1 << 16  # bytes; what a server gives at once may be more


class Inbox:
    """The messages of one request.

    Args:
        asked: the client has been told to send its body, or needs not be told.

    Attributes:
        left: the client has left.
    """

    def __init__(self, receive: Receive, *, asked: bool) -> None:
        self._receive = receive
        self._asked = asked
        self._messages: deque[Message] = deque()
        self._size = 0
        self._reading = False
        self._complete = False  # the body
        self._deaf = False
        self._error: Exception | None = None
        self._changed: Any = None
        self.left = False

    @property
    def holds(self) -> bool:
        """There are messages that nobody has taken."""
        return bool(self._messages)

    async def receive(self) -> Message:
        """Return the next message, as the server's own `receive` does."""
        if not self._asked:
            self._asked = True
            self._wake()
        while not self._messages:
            if self._error is not None:
                raise self._error  # a watcher got it (a body that is too large, say), and who asks has to know
            if self.left:
                return {"type": "http.disconnect"}
            if self._reading:
                await self._change()
            else:
                await self._read()
        message = self._messages.popleft()
        self._size -= len(message.get("body", b""))
        self._wake()
        return message

    async def watch(self) -> None:
        """Return when the client has left; of several watchers one reads."""
        while not self.left:
            if self._error is not None:
                raise self._error
            if self._reading or not self._asked or self._deaf or self._size > AHEAD:
                await self._change()
            else:
                await self._read()

    async def _read(self) -> None:
        self._reading = True
        try:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.left = True
            else:
                self._deaf = self._complete  # it repeats itself, and at once: nobody will tell of the leaving
                self._complete = not message.get("more_body", False)
                self._messages.append(message)
                self._size += len(message.get("body", b""))
        except Exception as exc:
            self._error = exc
        finally:
            self._reading = False
            self._wake()

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = _event()
        await self._changed.wait()

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set()


def _event() -> Any:
    if on_asyncio():
        return asyncio.Event()
    import anyio

    return anyio.Event()
