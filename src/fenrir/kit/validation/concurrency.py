"""`Depends(max_concurrency=...)`: places in front of a dependency, counted for each declaration and each loop."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

__all__ = ["Concurrency"]

_semaphores: Any = None


class Concurrency:
    """The places of one declaration; every loop has its own.

    Attributes:
        max_concurrency: how many there are.
    """

    def __init__(self, max_concurrency: int) -> None:
        self.max_concurrency = max_concurrency

    def get_semaphore(self) -> Any:
        """Return the `anyio.Semaphore` of the running loop."""
        global _semaphores
        import anyio
        from anyio.lowlevel import RunVar

        if _semaphores is None:
            _semaphores = RunVar("fenrir_dependency_semaphores")
        known: WeakKeyDictionary[Concurrency, Any] | None = _semaphores.get(None)
        if known is None:
            known = WeakKeyDictionary()
            _semaphores.set(known)
        semaphore = known.get(self)
        if semaphore is None:
            semaphore = known[self] = anyio.Semaphore(self.max_concurrency)
        return semaphore
