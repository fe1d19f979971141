"""Bottle's JSON plugin: a dictionary that a callback returns becomes JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fenrir.bottle._dialect import response_of
from fenrir.bottle.response import HTTPResponse
from fenrir.core.context import current
from fenrir.http.json import dumps

__all__ = ["JSONPlugin", "PluginError", "json_dumps"]


class PluginError(Exception):
    """A plugin can not be used."""


def json_dumps(value: Any) -> str:
    """Return a value as JSON text."""
    return dumps(value).decode()


class JSONPlugin:
    """Plugin API 2. `json_dumps` None switches it off."""

    name = "json"
    api = 2

    def __init__(self, json_dumps: Callable[[Any], str] | None = json_dumps) -> None:
        self.json_dumps = json_dumps

    def apply(self, callback: Callable[..., Any], route: Any) -> Callable[..., Any]:
        """Return the callback with its dictionaries made JSON."""
        dump = self.json_dumps
        if not dump:
            return callback

        @functools.wraps(callback)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                value = callback(*args, **kwargs)
            except HTTPResponse as raised:
                value = raised
            if isinstance(value, dict):
                text = dump(value)
                response_of(current.get()).content_type = "application/json"
                return text
            if isinstance(value, HTTPResponse) and isinstance(value.body, dict):
                value.body = dump(value.body)
                value.content_type = "application/json"
            return value

        return wrapper
