"""Threads for calls that block, with as few wake-ups as the calls allow.

There is one lock of the interpreter, so a second thread helps only when the first one waits for something else. Hence
calls stand in one line, and whoever takes one wakes at most one other thread: calls that only compute are all made by
one thread, which is never put to sleep between them, and a call that blocks has its successor at once.

What is done goes back to the loop in batches: the first of them wakes it, the others are there when it comes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

__all__ = ["Completions", "Threads"]

IDLE = 60.0  # seconds after which a thread that nobody needed ends


class Threads:
    """Up to `limit` threads that make the calls which are submitted, in their order.

    They are started when needed, and end when they were idle for a while or after `close`.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._calls: deque[Callable[[], None]] = deque()
        self._tokens: SimpleQueue[None] = SimpleQueue()  # each lets one idle thread go on
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0
        self._waking = False  # a thread is on its way and has not looked for calls yet
        self._closed = False

    def submit(self, call: Callable[[], None]) -> None:
        """Have a call made, which must not raise."""
        self._calls.append(call)
        if not self._waking:
            self._wake()

    def close(self) -> None:
        """End the threads when all calls are made; there may be no further ones."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._tokens.put(None)
            self._idle = 0

    def _wake(self) -> None:
        with self._lock:
            if self._waking:
                return
            if self._idle:
                self._idle -= 1
                self._waking = True
                self._tokens.put(None)
                return
            if self._started >= self._limit:
                return  # every thread looks for calls before it rests
            self._started += 1
            self._waking = True
            number = self._started
        try:
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True).start()
        except RuntimeError:  # the system gives no more threads
            with self._lock:
                self._started -= 1
                self._waking = False
                alone = not self._started
            if alone:
                raise

    def _run(self) -> None:
        calls = self._calls
        while True:
            self._waking = False
            while calls:
                try:
                    call = calls.popleft()
                except IndexError:
                    break
                if calls and not self._waking:
                    self._wake()
                call()
                del call  # what the request held must not live until the next one comes
            if not self._rest():
                return

    def _rest(self) -> bool:
        """Wait for a token; return False when the thread is not needed any more."""
        with self._lock:
            if self._calls:
                return True
            if self._closed:
                self._started -= 1
                return False
            self._idle += 1
        try:
            self._tokens.get(timeout=IDLE)
        except Empty:
            with self._lock:
                if self._idle:
                    self._idle -= 1
                    self._started -= 1
                    return False
            self._tokens.get()  # every idle thread is counted for a token that is there
        return True


class Completions:
    """Calls that threads want the loop to make, handed over in batches."""

    __slots__ = ("_calls", "_scheduled", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._calls: deque[Callable[[], None]] = deque()
        self._scheduled = False

    def add(self, call: Callable[[], None]) -> None:
        """Have the loop make a call, which must not raise; from any thread."""
        self._calls.append(call)
        if not self._scheduled:
            self._scheduled = True
            try:
                self.loop.call_soon_threadsafe(self._make)
            except RuntimeError:
                self._calls.clear()  # the loop is closed: nobody waits any more

    def _make(self) -> None:
        self._scheduled = False  # before the calls are made: what is added from now on schedules again
        while self._calls:
            self._calls.popleft()()
