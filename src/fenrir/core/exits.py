"""The exits of a request: context managers that its dependencies opened, left in reverse order.

Like `contextlib.ExitStack`, for managers of both kinds at once, from the loop or from the request's worker thread. The
exception of the handler is thrown into each of them, and what comes out is what the error handlers see.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeVar

from fenrir.core.declare import Mode
from fenrir.core.threads import leave, on_loop, to_thread

__all__ = ["Exits", "SwallowedError"]

T = TypeVar("T")


class SwallowedError(RuntimeError):
    """A dependency caught the handler's exception and did not raise it again, so there is no response to send."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"a dependency with yield swallowed {type(error).__name__}: {error}; "
            "there is no response to send, so raise it again (or another one)"
        )
        self.__cause__ = error


class Exits:
    """Entered context managers of one request."""

    __slots__ = ("_closed", "_entered")

    def __init__(self) -> None:
        # How each is left is known from how it was entered: a class may be a manager of both kinds.
        self._entered: list[tuple[Mode, Any]] = []
        self._closed = False

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
        value = await manager.__aenter__()
        self._entered.append((Mode.LOOP, manager))
        return value

    def close(self, error: BaseException | None) -> BaseException | None:
        """In the worker thread: leave all; return the exception that came out."""
        pending = error
        self._closed = True
        while self._entered:
            mode, manager = self._entered.pop()
            try:
                handled = on_loop(_leave(manager, pending)) if mode is Mode.LOOP else _exit(manager, pending)
                if handled:
                    pending = None
            except BaseException as exc:
                pending = exc
        return _outcome(error, pending)

    async def aclose(self, error: BaseException | None) -> BaseException | None:
        """On the loop: leave all, those that may block in a thread; return the exception that came out."""
        pending = error
        self._closed = True
        while self._entered:
            mode, manager = self._entered.pop()
            try:
                if mode is Mode.LOOP:
                    handled = await _leave(manager, pending)
                elif mode is Mode.INLINE:
                    handled = _exit(manager, pending)
                else:
                    leave()
                    handled = await to_thread(_exit, manager, pending)
                if handled:
                    pending = None
            except BaseException as exc:
                pending = exc
        return _outcome(error, pending)


def _exit(manager: AbstractContextManager[object], error: BaseException | None) -> bool | None:
    if error is None:
        return manager.__exit__(None, None, None)
    return manager.__exit__(type(error), error, error.__traceback__)


async def _leave(manager: AbstractAsyncContextManager[object], error: BaseException | None) -> bool | None:
    if error is None:
        return await manager.__aexit__(None, None, None)
    return await manager.__aexit__(type(error), error, error.__traceback__)


def _outcome(error: BaseException | None, pending: BaseException | None) -> BaseException | None:
    if error is not None and pending is None:
        return SwallowedError(error)
    return pending
