"""What the return value of a view means, and the way from it to a reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fenrir.core.reply import Reply
from fenrir.flask.ctx import door_of, run_after_this_request
from fenrir.flask.datastructures import Headers
from fenrir.http.multidict import MultiDict

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.flask.door import FlaskDoor
    from fenrir.flask.response import Response

__all__ = ["make_reply", "to_response"]


def to_response(app: FlaskDoor, value: Any, endpoint: str | None = None) -> Response:
    """Return the response that a value is.

    Raises:
        TypeError: it is none, in the words of upstream.
    """
    status: int | str | HTTPStatus | None = None
    headers: Any = None
    if isinstance(value, tuple):
        if len(value) == 3:
            value, status, headers = value
        elif len(value) == 2:
            if isinstance(value[1], Headers | dict | tuple | list):
                value, headers = value
            else:
                value, status = value
        else:
            raise TypeError(
                "The view function did not return a valid response tuple. The tuple must have the form"
                " (body, status, headers), (body, status), or (body, headers)."
            )
    if value is None:
        raise TypeError(
            f"The view function for {endpoint!r} did not return a valid response. The function either returned None"
            " or ended without a return statement."
        )
    cls = app.response_class
    response: Response
    if isinstance(value, cls):
        response = value
    elif isinstance(value, str | bytes | bytearray | Iterator | AsyncIterator):
        response = cls(value, status=status, headers=headers)
        status = headers = None
    elif isinstance(value, dict | list | MultiDict):
        response = app.json.response(value)
    elif hasattr(value, "__reply__"):
        response = cls.force_type(value)
    elif hasattr(value, "get_response"):
        response = cls.force_type(value.get_response())
    else:
        raise TypeError(
            "The view function did not return a valid response. The return type must be a string, dict, list, tuple"
            f" with headers or status, Response instance, or WSGI callable, but it was a {type(value).__name__}."
        )
    if status is not None:
        if isinstance(status, str | bytes | bytearray):
            response.status = status
        else:
            response.status_code = status
    if headers:
        response.headers.update(headers)
    return response


def make_reply(c: RequestContext, value: Any) -> Reply:
    """Return the reply that a value is, with what `after_this_request` makes of it."""
    endpoint = c.plan.route.name if c.plan is not None and hasattr(c.plan, "route") else None
    reply = to_response(door_of(c.app), value, endpoint).__reply__()
    return run_after_this_request(c, reply) if c.notes else reply
