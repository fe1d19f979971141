"""Sanic's way of speaking: `from fenrir.sanic import Sanic, text`."""

from fenrir.sanic.app import Sanic
from fenrir.sanic.blueprints import Blueprint
from fenrir.sanic.config import Config
from fenrir.sanic.request import Request
from fenrir.sanic.response import (
    HTTPResponse,
    empty,
    file,
    html,
    json,
    raw,
    redirect,
    text,
)
from fenrir.sanic.websocket import Websocket

__all__ = [
    "Blueprint",
    "Config",
    "HTTPResponse",
    "Request",
    "Sanic",
    "Websocket",
    "__version__",
    "empty",
    "file",
    "html",
    "json",
    "raw",
    "redirect",
    "text",
]

__version__ = "25.12.1"
"""Of the original whose behaviour this is: packages choose their code by it."""
