"""The logger that upstream's applications share with it."""

import logging

__all__ = ["logger"]

logger = logging.getLogger("fastapi")
