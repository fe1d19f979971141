"""Deadlines for every connection of a worker on one coarse timer.

A timer per request would cost more than the request. Here a deadline is a number that its owner overwrites; the wheel
looks at it only when the slot comes by in which it was first entered. Moving a deadline further away, which is what
nearly every request does, touches no container. A deadline fires at most one tick late, never early. Nothing ticks
while no deadline is entered.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Deadline", "Timeouts", "TimerWheel"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines in seconds; `math.inf` switches one off.

    Attributes:
        header: from the first byte of a request (or from the connection, before one) to the end of its head.
        keep_alive: idle between two requests.
        body_grace: period over which the rate of a request body is measured.
        body_rate: bytes a second that a body must bring on average of such a period, while the server is reading.
        write: without any progress while the peer does not read.
        linger: how long an error's connection is still read from, so that the peer sees the answer.
        tick: coarseness of all of them.
    """

    header: float = 10.0  # Kestrel 30, nginx 60, Apache 20-40, hypercorn 5
    keep_alive: float = 75.0  # nginx 75, Apache 5, uvicorn 5, Kestrel 130; above the 60 of most load balancers
    body_grace: float = 10.0  # Kestrel 5, Apache 20
    body_rate: float = 240.0  # Kestrel 240, Apache 500
    write: float = 60.0  # nginx send_timeout 60
    linger: float = 2.0  # nginx lingering_timeout 5, Apache 2
    tick: float = 0.5


class Deadline:
    """One deadline that can be moved cheaply. `fire` is called when it passes."""

    __slots__ = ("_slot", "_wheel", "at", "fire")

    def __init__(self, wheel: TimerWheel, fire: Callable[[], None]) -> None:
        self._wheel = wheel
        self._slot = 0
        self.at = math.inf
        self.fire: Callable[[], None] | None = fire

    def arm(self, seconds: float) -> None:
        """Fire in so many seconds from now, instead of whatever was set before."""
        if seconds == math.inf:
            self.at = math.inf
            return
        wheel = self._wheel
        self.at = wheel.now() + seconds
        slot = int(self.at / wheel.tick) + 1
        if self._slot == 0 or slot < self._slot:
            wheel.enter(self, slot, self._slot)
            self._slot = slot

    def disarm(self) -> None:
        """Do not fire; costs nothing."""
        self.at = math.inf

    def close(self) -> None:
        """Leave the wheel and let go of the owner."""
        self.at = math.inf
        self.fire = None
        if self._slot:
            self._wheel.leave(self, self._slot)
            self._slot = 0


class TimerWheel:
    """The deadlines of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float = 0.5) -> None:
        self.tick = tick
        self._loop = loop
        self._context = contextvars.Context()
        self._slots: dict[int, set[Deadline]] = {}
        self._next = 0  # slot that the timer will look at
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    def enter(self, deadline: Deadline, slot: int, old: int) -> None:
        """Have `deadline` looked at when `slot` comes by, no longer at `old`."""
        if old:
            self.leave(deadline, old)
        entered = self._slots.get(slot)
        if entered is None:
            entered = self._slots[slot] = set()
        entered.add(deadline)
        if self._timer is None:
            self._next = int(self._loop.time() / self.tick)
            self._schedule()

    def leave(self, deadline: Deadline, slot: int) -> None:
        """Forget `deadline`, which was entered at `slot`."""
        entered = self._slots.get(slot)
        if entered is not None:
            entered.discard(deadline)
            if not entered:
                del self._slots[slot]

    def close(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()

    def _schedule(self) -> None:
        # An own context: otherwise the timer would keep the context of the request that happened to start it.
        self._timer = self._loop.call_at((self._next + 1) * self.tick, self._turn, context=self._context)

    def _turn(self) -> None:
        now = self._loop.time()
        current = int(now / self.tick)
        due: list[Deadline] = []
        # After a long stall there are fewer slots than passed ticks.
        passed = range(self._next, current + 1)
        for slot in passed if len(passed) <= len(self._slots) else [s for s in self._slots if s <= current]:
            due.extend(self._slots.pop(slot, ()))
        for deadline in due:
            deadline._slot = 0
        for deadline in due:
            if deadline.at == math.inf:
                continue
            if deadline.at <= now:
                deadline.at = math.inf
                if deadline.fire is not None:
                    deadline.fire()
            elif deadline._slot == 0:
                slot = max(int(deadline.at / self.tick) + 1, current + 1)
                self.enter(deadline, slot, 0)
                deadline._slot = slot
        self._next = current + 1
        if self._slots:
            self._schedule()
        else:
            self._timer = None
