"""`fenrir run`: the application on Asteri."""

from __future__ import annotations

import sys
from typing import Any

import click

import asteri
from fenrir.cli.target import find_target

__all__ = ["run"]


@click.command()
@click.argument("target", required=False)
@click.option("-H", "--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "-p", "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 = any free one."
)
@click.option("-w", "--workers", default=1, show_default=True, type=click.IntRange(1), help="Worker processes.")
@click.option("--reload", "--dev", "-d", "reload", is_flag=True, help="Restart when a source file changes.")
@click.option("--access-log/--no-access-log", default=True, show_default=True, help="One line per request.")
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error", "critical"]),
    help="Least severity that is logged.",
)
def run(target: str | None, host: str, port: int, workers: int, **options: Any) -> None:
    """Serve TARGET (module:app, or a file; app.py:app if nothing is named)."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sys.exit(asteri.run(find_target(target), bind=bind, workers=workers, **options))
