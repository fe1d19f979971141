"""JSON as the current application writes and reads it; without one, as the standard library does."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from fenrir.flask.globals import current_app
from fenrir.flask.incidental import incidental
from fenrir.flask.json.provider import DefaultJSONProvider, JSONProvider, _default

if TYPE_CHECKING:
    from fenrir.flask.response import Response

__all__ = ["DefaultJSONProvider", "JSONProvider", "dump", "dumps", "jsonify", "load", "loads"]


def dumps(obj: Any, **kwargs: Any) -> str:
    """Return a value as JSON."""
    if current_app:
        return current_app.json.dumps(obj, **kwargs)
    kwargs.setdefault("default", _default)
    return json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write a value as JSON into a file."""
    if current_app:
        current_app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return the value of a JSON text."""
    return current_app.json.loads(s, **kwargs) if current_app else json.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """Return the value of a file of JSON."""
    return current_app.json.load(fp, **kwargs) if current_app else json.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """Return a JSON response of one value, of several as a list, or of the keywords as an object."""
    return current_app.json.response(*args, **kwargs)


__getattr__ = incidental(__name__)
