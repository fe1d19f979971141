"""`fenrir info`: versions, what is compiled, and which optional libraries are there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys

import click

import asteri

__all__ = ["info", "version"]

OPTIONAL = ("uvloop", "orjson", "watchfiles", "rich", "setproctitle", "h2", "redis", "taskiq")
CORE = ("pydantic", "pydantic-core", "jinja2", "itsdangerous", "multipart", "click")


def version() -> str:
    """Return the version of this distribution."""
    return importlib.metadata.version("fenrir")


@click.command()
def info() -> None:
    """Show versions and what is compiled."""
    click.echo(f"fenrir {version()}")
    click.echo(
        f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    click.echo(f"executable: {sys.executable}")
    for name in CORE:
        click.echo(f"{name}: {importlib.metadata.version(name)}")
    for name in OPTIONAL:
        there = importlib.util.find_spec(name) is not None
        click.echo(f"{name}: {importlib.metadata.version(name) if there else 'not installed'}")
    for module, compiled in sorted(asteri.compiled_modules().items()):
        click.echo(f"{module}: {'compiled' if compiled else 'interpreted'}")
