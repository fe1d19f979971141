"""What the Sanic dialect keeps per application: its configuration, the error handler, how URLs are built.

An engine may have another home than Sanic; these settings are then made on first use, so that Sanic's requests and
hooks work in any application.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fenrir.sanic.config import Config
from fenrir.sanic.exceptions import URLBuildError

if TYPE_CHECKING:
    from fenrir.core.application import Application

__all__ = ["Settings", "settings_of"]


class Settings:
    """Per application.

    Attributes:
        name: before the names of routes, or None.
        error_handler: the object whose `default` renders errors that no handler took.
        request_class: what a context's request is made with.
    """

    def __init__(self, engine: Application) -> None:
        self.engine = engine
        self.name: str | None = None
        self.config = Config()
        self.debug = False
        self.error_handler: Any = None
        self.request_class: Any = None
        self.url_for: Callable[..., str] = _no_urls


def _no_urls(view_name: str, **kwargs: Any) -> str:
    raise URLBuildError(f"Endpoint with name `{view_name}` was not found")


def settings_of(engine: Application) -> Settings:
    """Return the settings of an application."""
    settings = engine.extensions.get("sanic")
    if settings is None:
        settings = engine.extensions["sanic"] = Settings(engine)
    made: Settings = settings
    return made
