"""Asteri, an application server for ASGI and WSGI applications and for those that speak its direct interface.

`run` serves an application until a signal comes; `serve` serves one inside a running event loop. The command line is
`asteri module:app`. The interface for applications is in `asteri.exchange`, the WSGI bridge in `asteri.wsgi`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asteri.wire.compiled import compiled_modules
from asteri.wire.compiled import prefer_source as _prefer_source

if TYPE_CHECKING:
    from asteri.embed import run, serve

__all__ = ["compiled_modules", "run", "serve"]

_prefer_source()


def __getattr__(name: str) -> Any:
    """Import the public functions when they are first used: most importers only want `asteri.exchange`."""
    if name in ("run", "serve"):
        from asteri import embed

        return getattr(embed, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
