"""The exits of a request: context managers that its dependencies opened, left in reverse order.

Like `contextlib.ExitStack`, for managers of both kinds at once, from the loop or from the request's worker thread. The
exception of the handler is thrown into each of them, and what comes out is what the error handlers see. Async managers
are entered and left on the loop, in the one task of the request: a task group in them can not be left elsewhere.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeVar

from fenrir.core.declare import Mode
from fenrir.core.shields import Cover, shielded
from fenrir.core.threads import leave, to_thread

__all__ = ["Exits", "Places", "SwallowedError", "end"]

T = TypeVar("T")


class Places(Protocol):
    """A number of places, of which each holder takes one (a semaphore)."""

    async def acquire(self) -> None:
        """Wait for a place."""

    def release(self) -> None:
        """Give it back."""


class SwallowedError(RuntimeError):
    """A dependency caught the handler's exception and did not raise it again, so there is no response to send."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"a dependency with yield swallowed {type(error).__name__}: {error}; "
            "there is no response to send, so raise it again (or another one)"
        )
        self.__cause__ = error


class Exits:
    """Entered context managers of one request.

    Args:
        outer: those that are left after these; both share what shields them.
    """

    __slots__ = ("_closed", "_cover", "_entered", "_outer")

    def __init__(self, outer: Exits | None = None) -> None:
        # How each is left is known from how it was entered: a class may be a manager of both kinds.
        self._entered: list[tuple[Mode, Any]] = []
        self._closed = False
        self._outer = outer
        self._cover: Cover | None = None

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """Enter a manager in this worker thread."""
        value = manager.__enter__()
        entered = (Mode.THREAD, manager)
        self._entered.append(entered)
        if self._closed and entered in self._entered:
            # The request was cancelled while this thread was entering, and nobody is left to leave the manager.
            self._entered.remove(entered)
            manager.__exit__(None, None, None)
        return value

    def enter_inline(self, manager: AbstractContextManager[T]) -> T:
        """Enter a manager that never blocks, on the loop."""
        value = manager.__enter__()
        self._entered.append((Mode.INLINE, manager))
        return value

    async def aenter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter an async manager."""
        first = self._outer or self
        if first._cover is None:
            first._cover = Cover()
        first._cover.open()
        value = await manager.__aenter__()
        self._entered.append((Mode.LOOP, manager))
        return value

    async def hold(self, places: Places) -> None:
        """Take a place, to be given back when what is entered next has been left."""
        await places.acquire()
        self._entered.append((Mode.INLINE, _Held(places)))

    def close(self, error: BaseException | None) -> BaseException | None:
        """In the worker thread: leave all; return the exception that came out."""
        pending = error
        self._closed = True
        while self._entered:
            _, manager = self._entered.pop()
            try:
                if _exit(manager, pending):
                    pending = None
            except BaseException as exc:
                pending = exc
        return _outcome(error, pending)

    async def aclose(self, error: BaseException | None) -> BaseException | None:
        """On the loop: leave all, those that may block in a thread; return the exception that came out."""
        pending = error
        self._closed = True
        first = self._outer or self
        while self._entered:
            mode, manager = self._entered.pop()
            try:
                if mode is Mode.LOOP:
                    assert first._cover is not None
                    handled = await first._cover.leave(manager, pending)
                elif mode is Mode.INLINE:
                    handled = _exit(manager, pending)
                else:
                    leave()
                    with shielded():
                        handled = await to_thread(_exit, manager, pending)
                if handled:
                    pending = None
            except BaseException as exc:
                pending = exc
        if first._cover is not None and not first._entered:
            first._cover.close()
        return _outcome(error, pending)


class _Held:
    """A place that was taken; leaving gives it back."""

    __slots__ = ("_places",)

    def __init__(self, places: Places) -> None:
        self._places = places

    def __exit__(self, *_: object) -> None:
        self._places.release()


def end(error: BaseException, left: BaseException | None) -> None:
    """Raise what came out of the exits of a request that ends without an answer, if it is not what went in."""
    if left is not None and left is not error and not isinstance(left, SwallowedError):
        raise left


def _exit(manager: AbstractContextManager[object], error: BaseException | None) -> bool | None:
    if error is None:
        return manager.__exit__(None, None, None)
    return manager.__exit__(type(error), error, error.__traceback__)


def _outcome(error: BaseException | None, pending: BaseException | None) -> BaseException | None:
    if error is not None and pending is None:
        return SwallowedError(error)
    return pending
