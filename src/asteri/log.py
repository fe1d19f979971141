"""Logging: two loggers, one line per event.

`asteri` carries what the server has to say and goes to stderr; `asteri.access` carries one line per request and goes
to stdout, only when asked for. Nothing is configured on import: the command line (and `asteri.run`) calls
`configure`, so that a program which embeds the server keeps its own logging. The root logger is never touched; it
belongs to the application.
"""

from __future__ import annotations

import logging
import sys

__all__ = ["ACCESS", "LEVELS", "LOGGER", "configure"]

LOGGER = logging.getLogger("asteri")
ACCESS = logging.getLogger("asteri.access")
LEVELS = ("debug", "info", "warning", "error", "critical")


def configure(level: str, *, access: bool) -> None:
    """Send the server's log to stderr from `level` upwards, and the access log, if wanted, to stdout.

    Calling it again replaces what the first call has set up.
    """
    report = logging.StreamHandler(sys.stderr)
    report.setFormatter(logging.Formatter("%(asctime)s [%(process)d] %(levelname)-7s %(message)s"))
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(logging.Formatter("%(asctime)s [%(process)d] %(message)s"))
    _replace(LOGGER, report, level.upper())
    _replace(ACCESS, lines, "INFO" if access else "CRITICAL")


def _replace(logger: logging.Logger, handler: logging.Handler, level: str) -> None:
    for old in logger.handlers[:]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
