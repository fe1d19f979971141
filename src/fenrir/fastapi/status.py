"""Status codes by name, under upstream's module name."""

from __future__ import annotations

from fenrir.starlette import status as _status
from fenrir.starlette.status import *  # noqa: F403


def __getattr__(name: str) -> int:
    code: int = getattr(_status, name)
    return code
