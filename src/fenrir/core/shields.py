"""Cancellation by scopes (anyio, trio): what ends a request must run to its end all the same.

A cancelled scope interrupts every await in it, again and again, where a cancelled task is interrupted once. So cleanup
stands in a shield. Nothing here costs anything unless somebody has loaded anyio: without it, no scope can be cancelled.
"""

from __future__ import annotations

import math
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

__all__ = ["Cover", "in_cancelled_scope", "loaded", "shielded"]


def loaded() -> Any:
    """Return anyio if anything has imported it, else None."""
    return sys.modules.get("anyio")


def shielded() -> AbstractContextManager[Any]:
    """Return a scope in which the cancellation of an outer one is not felt."""
    anyio = loaded()
    made: AbstractContextManager[Any] = nullcontext() if anyio is None else anyio.CancelScope(shield=True)
    return made


def in_cancelled_scope() -> bool:
    """Say whether a scope around the running task is cancelled."""
    anyio = loaded()
    return anyio is not None and bool(anyio.current_effective_deadline() == -math.inf)


class Cover:
    """One scope around all that the dependencies of a request open, shut only while one of them is left.

    It is entered before the first of them: a scope that a dependency opens ends inside it, in the right order.
    """

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope: Any = None

    def open(self) -> None:
        """Enter the scope if it is not entered yet."""
        if self._scope is None and (anyio := loaded()) is not None:
            self._scope = anyio.CancelScope()
            self._scope.__enter__()

    async def leave(self, manager: Any, error: BaseException | None) -> bool | None:
        """Leave an async context manager, shielded; a cancellation that waits outside comes out afterwards."""
        scope = self._scope
        if scope is None:
            return await _aexit(manager, error)
        scope.shield = True
        try:
            handled = await _aexit(manager, error)
        finally:
            scope.shield = False
        if error is None or handled:
            # A task group of the manager may have taken the cancellation, which is not its own.
            await sys.modules["anyio"].lowlevel.checkpoint_if_cancelled()
        return handled

    def close(self) -> None:
        """Leave the scope."""
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.__exit__(None, None, None)


async def _aexit(manager: Any, error: BaseException | None) -> bool | None:
    if error is None:
        handled: bool | None = await manager.__aexit__(None, None, None)
    else:
        handled = await manager.__aexit__(type(error), error, error.__traceback__)
    return handled
