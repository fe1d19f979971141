"""Threads for calls that block, with as few wake-ups as the calls allow.

There is one lock of the interpreter, so a second thread helps only when the first one waits for something else. Hence
calls stand in one line, and what one turn of the loop has brought is announced once, at its end. Whoever takes a call
and leaves others wakes one *standby*, which gets the interpreter as soon as the first thread waits for anything: calls
that only compute are all made by one thread that is never put to sleep between them, and a call that blocks has its
successor at once.

What is done goes back to the loop that asked for it in batches as well: with the last call of the line, or by the
standby. Loops in several threads may share the threads.

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

__all__ = ["Completions", "Threads", "completions"]

_LOGGER = logging.getLogger("asteri.threads")
IDLE = 60.0  # seconds after which a thread that nobody needed ends
RETRY = 0.1  # seconds until the system is asked again for a thread that it refused


class Completions:
    """What threads have done, on its way to one loop."""

    __slots__ = ("_context", "_done", "_signalled", "announced", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.announced: set[Threads] = set()  # the end of this turn of the loop wakes one of them
        self._context = Context()  # of nobody: what runs on the loop belongs to no request
        self._done: deque[Callable[[], None]] = deque()
        self._signalled = False  # the loop knows that something is done

    def add(self, call: Callable[[], None]) -> None:
        """Keep a call, which must not raise, until the loop is told."""
        self._done.append(call)

    def tell(self) -> None:
        """Have the loop make the calls, from any thread."""
        if self._signalled:
            return
        self._signalled = True
        try:
            self.loop.call_soon_threadsafe(self._take_over, context=self._context)
        except RuntimeError:
            self._done.clear()  # the loop is closed: nobody waits any more

    def at_the_end_of_this_turn(self, call: Callable[[Completions], None]) -> None:
        """On the loop: make a call when everything of this turn is done."""
        self.loop.call_soon(call, self, context=self._context)

    def later(self, seconds: float, call: Callable[[Completions], None]) -> None:
        """On the loop: make a call in a while."""
        self.loop.call_later(seconds, call, self, context=self._context)

    def _take_over(self) -> None:
        self._signalled = False  # before the calls are made: what is added from now on signals again
        done = self._done
        while done:
            done.popleft()()


class _Local(threading.local):
    completions: Completions | None = None


_local = _Local()


def completions() -> Completions:
    """Return what brings results to the running loop.

    Raises:
        RuntimeError: no loop runs in this thread.
    """
    found = _local.completions
    # PERF: on 3.11 asking for the running loop is a system call (0.5 us); the one of before is still it while it runs.
    if found is None or not found.loop.is_running():
        loop = asyncio.get_running_loop()
        if found is None or found.loop is not loop:
            found = _local.completions = Completions(loop)
    return found


class Threads:
    """Up to `limit` threads that make the calls which are submitted, in their order.

    They are started when needed, and end when they were idle for a while or after `close`.

    Attributes:
        calls: those that no thread has taken, the oldest first.
        limit: how many threads there may be; it can be raised at any time.
    """

    def __init__(self, limit: int, name: str) -> None:
        self.calls: deque[Callable[[], None]] = deque()
        self.limit = limit
        self._name = name
        self._untold: deque[Completions] = deque()  # those with something done that their loops may not know of
        self._tokens: SimpleQueue[None] = SimpleQueue()  # each lets one idle thread go on
        self._lock = threading.Lock()
        self._at_work: set[int] = set()  # threads that make a call
        self._started = 0
        self._idle = 0
        self._waking = False  # a thread is on its way and has not looked for calls yet
        self._closed = False

    def submit(self, call: Callable[[], None], home: Completions | None = None) -> None:
        """On the loop: have a thread make a call, which must not raise; `home` is that of the running loop."""
        if home is None:
            home = completions()
        self.calls.append(call)
        if self not in home.announced:
            home.announced.add(self)
            home.at_the_end_of_this_turn(self._announce)

    @property
    def free(self) -> int:
        """How many threads make no call now, those included that are not started yet."""
        return self.limit - len(self._at_work)

    def hand_over(self, home: Completions, call: Callable[[], None]) -> None:
        """In a thread: have the loop make a call, which must not raise."""
        home.add(call)
        self._untold.append(home)
        if not (self.calls and self._waking):
            self._tell()

    def close(self) -> None:
        """End the threads when all calls are made; there may be no further ones."""
        with self._lock:
            self._closed = True
            for _ in range(self._idle):
                self._tokens.put(None)
            self._idle = 0

    def _announce(self, home: Completions) -> None:
        home.announced.discard(self)
        if self.calls and not self._waking:
            try:
                self._wake()
            except RuntimeError as error:
                _LOGGER.error("no thread to make a call in: %s", error)
                home.later(RETRY, self._announce)

    # In a thread

    def _tell(self) -> None:
        untold = self._untold
        while untold:
            try:
                untold.popleft().tell()
            except IndexError:  # another thread was faster
                return

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
            if self._started >= self.limit:
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
        calls, at_work, me = self.calls, self._at_work, threading.get_ident()
        while True:
            self._waking = False
            self._tell()
            while calls:
                try:
                    call = calls.popleft()
                except IndexError:  # another thread was faster
                    break
                at_work.add(me)  # after the call was taken: none is counted as waiting that a thread is free for
                if calls and not self._waking:
                    self._wake()
                call()
                at_work.discard(me)
                del call  # what the request held must not live until the next one comes
            if not self._rest():
                return

    def _rest(self) -> bool:
        """Wait for a token; return False when the thread is not needed any more."""
        with self._lock:
            if self.calls:
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
