"""The toolkit's exceptions and warnings."""

from __future__ import annotations

__all__ = ["StarletteDeprecationWarning"]


class StarletteDeprecationWarning(UserWarning):
    """Something of the toolkit will go away."""


# Filters name the category by upstream's path.
StarletteDeprecationWarning.__module__ = "starlette.exceptions"
