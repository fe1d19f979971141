"""Which of the two forms of a `*_cy` module is in use, and the switch between them.

A compiled extension lies beside its source, and Python's import prefers it. With `ASTERI_PURE=1` the source has to win;
so every `*_cy` name is registered as a lazily executed source module before anything imports it. No import hook is
needed, and a module that nobody uses is never executed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SourceFileLoader
from pathlib import Path

__all__ = ["compiled_modules", "prefer_source"]

PACKAGE = Path(__file__).resolve().parent.parent


def _sources() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
        for path in sorted(PACKAGE.glob("**/*_cy.py"))
    }


def compiled_modules() -> dict[str, bool]:
    """Tell for every `*_cy` module whether its compiled form is (or would be) loaded."""
    forms: dict[str, bool] = {}
    for name, path in _sources().items():
        module = sys.modules.get(name)
        if module is not None:
            spec = object.__getattribute__(module, "__spec__")
            forms[name] = str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
        else:
            forms[name] = any(path.with_name(path.stem + suffix).exists() for suffix in EXTENSION_SUFFIXES)
    return forms


def prefer_source() -> None:
    """Make every `*_cy` module that is not yet imported its interpreted form if `ASTERI_PURE=1` is set."""
    if os.environ.get("ASTERI_PURE") != "1":
        return
    for name, path in _sources().items():
        if name in sys.modules:
            continue
        loader = importlib.util.LazyLoader(SourceFileLoader(name, str(path)))
        spec = importlib.util.spec_from_file_location(name, path, loader=loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        loader.exec_module(module)
