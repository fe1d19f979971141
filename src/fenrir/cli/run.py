"""`fenrir run`: the application on Asteri. This process becomes the supervisor and does not import it."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import click

import asteri
from fenrir.cli import made
from fenrir.cli.adoption import adopts
from fenrir.cli.target import find_target
from fenrir.kit.dotenv import load_dotenv

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
@adopts
def run(target: str | None, host: str, port: int, workers: int, log_level: str, **options: Any) -> None:
    """Serve an application on Asteri.

    TARGET is module:app, file.py:app, or a module or a file alone; of a factory module:create_app, or
    "module:create_app('testing')". If nothing is named: FLASK_APP, else app.py or main.py here.
    """
    load_dotenv()
    found = find_target(target)
    _configure_log(log_level)
    bind = f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
    app_dir = str(found.directory)
    called = str(found)
    if found.arguments:
        os.environ[made.TARGET] = f"{found}({found.arguments})"
        called = f"{made.__name__}:{made.application.__name__}"
    factory = found.arguments is not None
    sys.exit(
        asteri.run(called, factory=factory, app_dir=app_dir, bind=bind, workers=workers, log_level=log_level, **options)
    )


def _configure_log(level: str) -> None:
    """Send the framework's log where the server's goes, in its form; workers inherit this."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s [%(process)d] %(levelname)-7s %(message)s"))
    logger = logging.getLogger("fenrir")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
