"""Deadlines for every connection of a worker on one coarse timer.

A timer per request would cost more than the request. Here a deadline is a number that its owner overwrites; the wheel
looks at it only when the slot comes by in which it was first entered. Moving a deadline further away, which is what
nearly every request does, touches no container. A deadline fires at most one tick late, never early. Nothing ticks
while no deadline is entered.
"""

# mypy: ignore-errors

import contextvars
import math
import time

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

if cython.compiled:
    from cython.cimports.posix.time import CLOCK_MONOTONIC, clock_gettime, timespec

__all__ = ["Deadline", "TimerWheel"]

NEVER = cython.declare(cython.double, math.inf)
SLICE = cython.declare(cython.int, 16)  # deadlines that fire in one turn of the loop
ROUNDING = cython.declare(cython.double, 0.001)  # uvloop's timers count milliseconds


class TimerWheel:
    """The deadlines of one worker.

    Args:
        loop: the worker's event loop; its clock is the system's monotonic one, as asyncio's and uvloop's are.
        tick: seconds from one look to the next.
    """

    def __init__(self, loop, tick: float = 0.5) -> None:
        self.tick = tick
        self._loop = loop
        self._context = contextvars.Context()
        self._slots = {}  # slot -> set of deadlines
        self._next = 0  # slot that the timer will look at
        self._timer = None

    def now(self) -> float:
        """Return the loop's time: compiled, without asking the loop."""
        if cython.compiled:
            moment = cython.declare(timespec)
            clock_gettime(CLOCK_MONOTONIC, cython.address(moment))
            return moment.tv_sec + moment.tv_nsec * 1e-9
        else:
            return time.monotonic()

    def enter(self, deadline, slot) -> None:
        """Have `deadline` looked at when `slot` comes by, and no longer where it was entered before."""
        if deadline._slot:
            self.leave(deadline)
        entered = self._slots.get(slot)
        if entered is None:
            entered = self._slots[slot] = set()
        entered.add(deadline)
        deadline._slot = slot
        if self._timer is None:
            self._next = int(self.now() / self.tick) + 1
            self._schedule()

    def leave(self, deadline) -> None:
        """Forget `deadline`."""
        entered = self._slots.get(deadline._slot)
        if entered is not None:
            entered.discard(deadline)
            if not entered:
                del self._slots[deadline._slot]
        deadline._slot = 0

    @property
    def empty(self) -> bool:
        """Whether no deadline is entered."""
        return not self._slots

    @property
    def ticking(self) -> bool:
        """Whether the timer runs."""
        return self._timer is not None

    def close(self) -> None:
        """Stop ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()

    def _schedule(self) -> None:
        # An own context: otherwise the timer would keep the context of the request that happened to start it.
        when = self._next * self.tick + ROUNDING
        self._timer = self._loop.call_at(when, self._turn, context=self._context)

    def _turn(self) -> None:
        now: cython.double = self.now()
        current: cython.longlong = int(now / self.tick)
        due = []
        late = []
        # After a long stall there are fewer slots than passed ticks.
        passed = range(self._next, current + 1)
        for slot in passed if len(passed) <= len(self._slots) else [s for s in self._slots if s <= current]:
            due.extend(self._slots.pop(slot, ()))
        deadline: Deadline
        for deadline in due:
            deadline._slot = 0
        for deadline in due:
            if deadline.at == NEVER:
                continue
            if deadline.at <= now:
                late.append(deadline)
            elif deadline._slot == 0:
                self.enter(deadline, max(int(deadline.at / self.tick) + 1, current + 1))
        self._next = current + 1
        if self._slots:
            self._schedule()
        else:
            self._timer = None
        self._fire_some(late)

    def _fire_some(self, late: list) -> None:
        """Fire what has passed, a few in each turn of the loop: to cut a thousand connections takes a while."""
        count: cython.int = min(len(late), SLICE)
        now: cython.double = self.now()
        deadline: Deadline
        for deadline in late[:count]:
            if deadline.at <= now:  # it has not been moved meanwhile
                deadline.at = NEVER
                if deadline._fire is not None:
                    deadline._fire()
        if len(late) > count:
            self._loop.call_soon(self._fire_some, late[count:], context=self._context)


class Deadline:
    """One deadline that can be moved cheaply.

    Args:
        wheel: the worker's.
        fire: called when the deadline passes.
    """

    def __init__(self, wheel, fire) -> None:
        self._wheel = wheel
        self._slot = 0
        self.at = NEVER
        self._fire = fire

    def arm(self, seconds: float) -> None:
        """Fire in so many seconds from now, instead of whatever was set before."""
        if seconds == NEVER:
            self.at = NEVER
            return
        wheel = self._wheel
        self.at = wheel.now() + seconds
        slot: cython.longlong = int(self.at / wheel.tick) + 1
        if self._slot == 0 or slot < self._slot:
            wheel.enter(self, slot)

    def disarm(self) -> None:
        """Do not fire; costs nothing."""
        self.at = NEVER

    def close(self) -> None:
        """Leave the wheel and let go of the owner."""
        self.at = NEVER
        self._fire = None
        if self._slot:
            self._wheel.leave(self)
