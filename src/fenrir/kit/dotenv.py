"""Environment variables from files, where python-dotenv is installed."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import click

__all__ = ["load_dotenv"]


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Set environment variables that are not set yet, and say whether there were any in the files.

    A file that is named wins over `.env`, and that over `.flaskenv`; those two may also be in a folder above.
    """
    try:
        dotenv: Any = importlib.import_module("dotenv")
    except ImportError:
        if path or Path(".env").is_file() or Path(".flaskenv").is_file():
            click.secho(
                " * Tip: There are .env files present. Install python-dotenv to use them.", fg="yellow", err=True
            )
        return False
    files = [dotenv.find_dotenv(name, usecwd=True) for name in (".flaskenv", ".env")] if load_defaults else []
    if path is not None and Path(path).is_file():
        files.append(path)
    values: dict[str, str | None] = {}
    for file in filter(None, files):
        values |= dotenv.dotenv_values(file, encoding="utf-8")
    for name, value in values.items():
        if value is not None:
            os.environ.setdefault(name, value)
    return bool(values)
