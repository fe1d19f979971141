"""The HTTP client library under the test client: `httpx2`, or `httpx` when that is all there is."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from fenrir.starlette.exceptions import StarletteDeprecationWarning

__all__ = ["httpx"]

if TYPE_CHECKING:
    import httpx2 as httpx
else:
    try:
        import httpx2 as httpx
    except ModuleNotFoundError:
        try:
            import httpx
        except ModuleNotFoundError:
            raise RuntimeError(
                "The starlette.testclient module requires the httpx2 package to be installed.\n"
                "You can install this with:\n"
                "    $ pip install httpx2\n"
            ) from None
        # Frames: this module, testclient, the module that wants a test client.
        warnings.warn(
            "Using `httpx` with `starlette.testclient` is deprecated; install `httpx2` instead.",
            StarletteDeprecationWarning,
            stacklevel=3,
        )
