"""Runs first in Python processes whose parent adopted frameworks for its children, then lets the next one run.

Python imports one module of this name at its start. This one stands before those that a machine or an environment may
have, so it looks for the next on the path and executes it.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def _next() -> None:
    here = Path(__file__).parent
    spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if Path(entry or ".") != here])
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


try:
    from fenrir.adopt import inherit
except ModuleNotFoundError as error:
    # An interpreter of another environment: Fenrir is not there, so nothing can be adopted.
    if error.name not in ("fenrir", "fenrir.adopt"):
        raise
else:
    inherit()
_next()
