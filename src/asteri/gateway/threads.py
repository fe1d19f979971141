"""Threads for calls that block, with as few wake-ups as the calls allow.

There is one lock of the interpreter, so a second thread helps only when the first one waits for something else. Hence
calls stand in one line, and what one turn of the loop has brought is announced once, at its end. Whoever takes a call
and leaves others wakes one *standby*, which gets the interpreter as soon as the first thread waits for anything: calls
that only compute are all made by one thread that is never put to sleep between them, and a call that blocks has its
successor at once.

What is done goes back to the loop in batches as well: with the last call of the line, or by the standby.

PERF: `raw-wsgi-asteri` of the comparison, 64 connections: 0.3 context switches a request; 1.6 with a wake-up for every
call and every end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import Empty, SimpleQueue

__all__ = ["Threads"]

_LOGGER = logging.getLogger("asteri.wsgi")
IDLE = 60.0  # seconds after which a thread that nobody needed ends
RETRY = 0.1  # seconds until the system is asked again for a thread that it refused


class Threads:
    """Up to `limit` threads that make the calls which are submitted, in their order.

    They are started when needed, and end when they were idle for a while or after `close`.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit = limit
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = Context()  # of nobody: what runs on the loop belongs to no request
        self._calls: deque[Callable[[], None]] = deque()
        self._done: deque[Callable[[], None]] = deque()
        self._tokens: SimpleQueue[None] = SimpleQueue()  # each lets one idle thread go on
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0
        self._waking = False  # a thread is on its way and has not looked for calls yet
        self._announced = False  # the end of this turn of the loop wakes a thread
        self._signalled = False  # the loop knows that something is done
        self._closed = False

    def submit(self, call: Callable[[], None]) -> None:
        """On the loop: have a thread make a call, which must not raise."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._announced = self._signalled = False
        self._calls.append(call)
        if not self._announced:
            self._announced = True
            loop.call_soon(self._announce, context=self._context)

    def hand_over(self, call: Callable[[], None]) -> None:
        """In a thread: have the loop make a call, which must not raise."""
        self._done.append(call)
        if not (self._calls and self._waking):
            self._signal()

    def close(self) -> None:
        """End the threads when all calls are made; there may be no further ones."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._tokens.put(None)
            self._idle = 0

    # On the loop

    def _announce(self) -> None:
        self._announced = False
        if self._calls and not self._waking:
            try:
                self._wake()
            except RuntimeError as error:
                _LOGGER.error("no thread to call the application in: %s", error)
                asyncio.get_running_loop().call_later(RETRY, self._announce, context=self._context)

    def _take_over(self) -> None:
        self._signalled = False  # before the calls are made: what is added from now on signals again
        done = self._done
        while done:
            done.popleft()()

    # In a thread

    def _signal(self) -> None:
        if self._signalled:
            return
        self._signalled = True
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._take_over, context=self._context)
        except RuntimeError:
            self._done.clear()  # the loop is closed: nobody waits any more

    def _wake(self) -> None:
        """Have one more thread look for calls, unless one is on its way or all are at work.

        Raises:
            RuntimeError: the system gives no thread, and there is no other that would make the calls.
        """
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
        except RuntimeError:  # those that there are have to do
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
            if self._done:
                self._signal()
            while calls:
                try:
                    call = calls.popleft()
                except IndexError:  # another thread was faster
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
            self._tokens.get()  # the last idle one has been given a token in between
        return True
