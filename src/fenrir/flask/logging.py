"""The logger of an application: to the error stream of the request, unless somebody has set up logging."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

from fenrir.core.proxy import Proxy
from fenrir.flask.globals import request
from fenrir.flask.incidental import incidental

if TYPE_CHECKING:
    from fenrir.flask.application import App

__all__ = ["create_logger", "default_handler", "has_level_handler", "wsgi_errors_stream"]


def _stream() -> TextIO:
    return cast(TextIO, request.environ["wsgi.errors"]) if request else sys.stderr


wsgi_errors_stream: Any = Proxy(_stream)
"""`wsgi.errors` of the request, or `sys.stderr`; for handlers of one's own, `ext://flask.logging.wsgi_errors_stream`."""


def has_level_handler(logger: logging.Logger) -> bool:
    """Say whether a handler of the logger, or of those above it, takes what the logger lets through."""
    level = logger.getEffectiveLevel()
    place: logging.Logger | None = logger
    while place is not None:
        if any(handler.level <= level for handler in place.handlers):
            return True
        place = place.parent if place.propagate else None
    return False


default_handler = logging.StreamHandler(wsgi_errors_stream)
default_handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s in %(module)s: %(message)s"))


def create_logger(app: App) -> logging.Logger:
    """Return the logger of an application: in debug mode it lets all through; without any handler it gets our own."""
    logger = logging.getLogger(app.name)
    if app.debug and not logger.level:
        logger.setLevel(logging.DEBUG)
    if not has_level_handler(logger):
        logger.addHandler(default_handler)
    return logger


__getattr__ = incidental(__name__)
