"""Where something comes from: the folder of a module, the blueprints around a blueprint."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from functools import cache
from pathlib import Path

__all__ = ["_split_blueprint_path", "get_root_path"]


def get_root_path(import_name: str) -> str:
    """Return the directory of a module or package; the current one if it has no file.

    Raises:
        RuntimeError: a namespace package, or one that came from elsewhere than a file.
    """
    file: str | None = getattr(sys.modules.get(import_name), "__file__", None)
    if file is None:
        try:
            spec = importlib.util.find_spec(import_name)
        except (ImportError, ValueError):
            spec = None
        loader = spec.loader if spec is not None else None
        if loader is None:
            return str(Path.cwd())
        if hasattr(loader, "get_filename"):
            file = loader.get_filename(import_name)
        else:
            file = getattr(importlib.import_module(import_name), "__file__", None)
        if file is None:
            raise RuntimeError(
                f"No root path can be found for the provided module {import_name!r}. This can happen because the"
                " module came from an import hook that does not provide file name information or because it's a"
                " namespace package. In this case the root path needs to be explicitly provided."
            )
    return os.path.dirname(os.path.abspath(str(file)))  # noqa: PTH100, PTH120 - a link keeps its own place


@cache
def _split_blueprint_path(name: str) -> list[str]:
    """Return the name of a blueprint and of those around it, the nearest first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
