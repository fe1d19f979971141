"""Werkzeug's exceptions, `abort`, and the ways between them and the engine's errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, default_exceptions
from werkzeug.exceptions import abort as werkzeug_abort

from fenrir.core.errors import MethodNotAllowed as EngineMethodNotAllowed
from fenrir.core.errors import StatusError, recognise
from fenrir.flask.globals import current_app

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

__all__ = ["Carried", "abort", "adopt"]


class Carried(StatusError):
    """One of Werkzeug's exceptions in the engine, so that every dialect can read it.

    Attributes:
        original: the exception.
    """

    def __init__(self, original: HTTPException) -> None:
        super().__init__(str(original))
        self.original = original
        self.http_status = (original.code if original.response is None else original.response.status_code) or 500
        self.http_detail = original.description
        self.http_headers = tuple(
            (name, value) for name, value in original.get_headers() if name.lower() != "content-type"
        )


recognise(HTTPException, Carried)


def adopt(exc: Exception) -> Exception:
    """Return an exception as Flask's users know it: any error with a status as Werkzeug's class of that status."""
    if isinstance(exc, Carried):
        return exc.original
    if isinstance(exc, HTTPException) or not isinstance(exc, StatusError):
        return exc
    original = getattr(exc, "original", None)
    made: HTTPException
    if isinstance(exc, EngineMethodNotAllowed):
        made = MethodNotAllowed(valid_methods=exc.allowed)
    elif exc.http_status == 500 and isinstance(original, BaseException):
        made = InternalServerError(original_exception=original)
    else:
        kind = default_exceptions.get(exc.http_status)
        detail = exc.http_detail if isinstance(exc.http_detail, str) else None
        if kind is None:
            made = HTTPException(detail)
            made.code = exc.http_status
        elif detail is None or detail == _phrase(exc.http_status):
            made = kind()
        else:
            made = kind(detail)
    own = {name.lower() for name, _ in made.get_headers()}
    headers = [(name, value) for name, value in exc.http_headers if name.lower() not in own]
    if headers:
        kind_of_made: Any = type(made)
        made.__class__ = _with_headers(kind_of_made)
        made.more_headers = headers  # type: ignore[attr-defined]
    return made.with_traceback(exc.__traceback__)


class _Headed:
    """What an exception of another dialect says besides its status."""

    more_headers: Sequence[tuple[str, str]] = ()

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Return all headers of the answer."""
        return [*super().get_headers(*args, **kwargs), *self.more_headers]  # type: ignore[misc]


@cache
def _with_headers(kind: Any) -> Any:
    return type(kind.__name__, (_Headed, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def abort(code: int | Response, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise the exception of a status, or one that answers with a response."""
    if current_app:
        current_app.aborter(code, *args, **kwargs)
    werkzeug_abort(code, *args, **kwargs)
