"""The application that a factory makes of arguments, for the workers of `fenrir run`.

Asteri calls factories without arguments; this one finds in the environment what is to be called, and with what.
"""

from __future__ import annotations

import importlib
import os
from functools import reduce
from typing import Any

from fenrir.cli.target import called_with

__all__ = ["TARGET", "application"]

TARGET = "FENRIR_TARGET"
"""The variable: module:factory(arguments)."""


def application() -> Any:
    """Return what the factory makes."""
    module, _, call = os.environ[TARGET].partition(":")
    name, _, arguments = call.partition("(")
    factory: Any = reduce(getattr, name.split("."), importlib.import_module(module))
    args, kwargs = called_with(arguments.removesuffix(")"))
    return factory(*args, **kwargs)
