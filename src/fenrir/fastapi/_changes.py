"""Who has to know that a route was changed from outside: packages wrap `route.app`, `route.dependant.call`, and so on.

A route does not know its applications; they all look again, which happens at start-up and hardly ever later.
"""

from __future__ import annotations

import weakref
from typing import Protocol

__all__ = ["APPLICATIONS", "tell_applications"]


class _Application(Protocol):
    def _changed(self) -> None: ...


APPLICATIONS: weakref.WeakSet[_Application] = weakref.WeakSet()
"""All that freeze routes."""


def tell_applications() -> None:
    """Have every application ask its routes again before the next request."""
    for application in tuple(APPLICATIONS):
        application._changed()
