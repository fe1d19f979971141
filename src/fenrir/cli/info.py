"""`fenrir info`: versions, what is compiled, and which optional libraries are there."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

import click

import asteri

__all__ = ["info", "version"]

REQUIRED = ("pydantic", "pydantic-core", "jinja2", "itsdangerous", "multipart", "click")
OPTIONAL = ("uvloop", "orjson", "watchfiles", "rich", "setproctitle", "h2", "redis", "taskiq")


def version(distribution: str = "fenrir") -> str:
    """Return the version of a distribution; it is "not installed" when it runs from its sources."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@click.command()
def info() -> None:
    """Show versions and what is compiled."""
    rows = [
        ("fenrir", version()),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("executable", sys.executable),
        *((name, version(name)) for name in REQUIRED),
        *((f"{name} (optional)", version(name)) for name in OPTIONAL),
        *((name, "compiled" if form else "interpreted") for name, form in sorted(asteri.compiled_modules().items())),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name.ljust(width)}  {value}")
