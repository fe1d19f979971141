"""Which event loop a worker runs on."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable

from asteri.errors import UsageError

__all__ = ["loop_factory"]


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what creates the event loop: "uvloop", "asyncio", or "auto" for uvloop where it is installed.

    Raises:
        UsageError: uvloop is asked for and not installed.
    """
    if name == "asyncio" or (name == "auto" and importlib.util.find_spec("uvloop") is None):
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError as error:
        raise UsageError(f"loop uvloop: {error}") from error
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
