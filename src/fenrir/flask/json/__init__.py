"""JSON as the current application writes and reads it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from fenrir.flask.globals import current_app
from fenrir.flask.json.provider import DefaultJSONProvider, JSONProvider

if TYPE_CHECKING:
    from fenrir.flask.response import Response

__all__ = ["DefaultJSONProvider", "JSONProvider", "dump", "dumps", "jsonify", "load", "loads"]

_outside = DefaultJSONProvider(None)


def _provider() -> JSONProvider:
    return current_app.json if current_app else _outside


def dumps(obj: Any, **kwargs: Any) -> str:
    """Return a value as JSON."""
    return _provider().dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write a value as JSON into a file."""
    _provider().dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return the value of a JSON text."""
    return _provider().loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Return the value of a file of JSON."""
    return _provider().load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Return a JSON response of one value, of several as a list, or of the keywords as an object."""
    return current_app.json.response(*args, **kwargs)
