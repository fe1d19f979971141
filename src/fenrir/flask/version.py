"""The version of Flask whose interface this is."""

from __future__ import annotations

from importlib import metadata

__all__ = ["SPOKEN", "flask_version"]

SPOKEN = "3.1.3"


def flask_version() -> str:
    """Return the version of Flask, as far as a program that asks is concerned."""
    try:
        return metadata.version("flask")
    except metadata.PackageNotFoundError:
        return SPOKEN
