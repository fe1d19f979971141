"""Errors that have an HTTP status, and the table that finds the user's handler for an exception.

Each dialect has its own exception classes with its own attributes; all of them derive from `StatusError`, whose three
neutral attributes let any dialect render any other's exception. Which handler wins (paradigms rule 19): the
nearest scope first, then the nearest class; a status number counts as the class of that status.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fenrir.http.status import phrase

if TYPE_CHECKING:
    from fenrir.core.declare import ErrorHandler, Scope

__all__ = [
    "BadRequest",
    "InternalError",
    "MethodNotAllowed",
    "NotFound",
    "PayloadTooLarge",
    "StatusError",
    "UnreadBody",
    "UnsupportedMediaType",
    "find_error_handler",
    "neutral",
    "recognise",
    "status_of",
]


class StatusError(Exception):
    """An exception that is an HTTP answer.

    Attributes:
        http_status: the status; a class with one fixed status sets it on the class.
        http_detail: what the client may be told; any JSON value.
        http_headers: headers of the answer, as (name, value) strings.
    """

    http_status: int = 500
    http_detail: Any = None
    http_headers: Sequence[tuple[str, str]] = ()


class _Fixed(StatusError):
    def __init__(self, detail: Any = None, headers: Sequence[tuple[str, str]] = ()) -> None:
        self.http_detail = detail if detail is not None else phrase(self.http_status)
        self.http_headers = headers
        super().__init__(self.http_detail)


class BadRequest(_Fixed):
    """400: the request can not be understood."""

    http_status = 400


class NotFound(_Fixed):
    """404: no route matches."""

    http_status = 404


class MethodNotAllowed(_Fixed):
    """405: the path exists, the method does not.

    Attributes:
        allowed: the methods that exist, sorted.
    """

    http_status = 405

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = sorted(allowed)
        super().__init__(headers=[("allow", ", ".join(self.allowed))])


class PayloadTooLarge(_Fixed):
    """413: the body is longer than allowed."""

    http_status = 413


class UnsupportedMediaType(_Fixed):
    """415: the body is not of a type that is understood here."""

    http_status = 415


class InternalError(_Fixed):
    """500: an exception that nobody took; `original` is that exception."""

    http_status = 500

    def __init__(self, original: BaseException) -> None:
        super().__init__()
        self.original = original


class UnreadBody(RuntimeError):
    """The body was asked for as a value before it was read."""

    def __init__(self) -> None:
        super().__init__(
            "the body of this request has not been read: this route streams it or awaits it; "
            "drop stream=True, or read it with 'async for chunk in request.stream()'"
        )


_foreign: list[tuple[type[Exception], Callable[[Exception], StatusError]]] = []


def recognise(kind: type[Exception], convert: Callable[[Any], StatusError]) -> None:
    """Have exceptions of a third party that are HTTP answers known as such, whatever dialect's handler raised them."""
    _foreign.append((kind, convert))


def neutral(exc: Exception) -> Exception:
    """Return an exception as all dialects can read it."""
    if not isinstance(exc, StatusError):
        for kind, convert in _foreign:
            if isinstance(exc, kind):
                return convert(exc)
    return exc


def status_of(exc: BaseException) -> int:
    """Return the status of an exception: its own, or 500."""
    return exc.http_status if isinstance(exc, StatusError) else 500


def find_error_handler(scope: Scope, exc: Exception) -> tuple[ErrorHandler, Exception] | None:
    """Return the handler that wins for an exception, and the exception as that handler's dialect knows it."""
    for level in scope.chain():
        best: tuple[int, ErrorHandler, Exception] | None = None
        for handler in level.error_handlers:
            adopted = handler.dialect.adopt_error(exc)
            distance = _distance(handler.key, adopted)
            # A later registration for the same key replaces the earlier one, as in every dialect.
            if distance is not None and (best is None or distance <= best[0]):
                best = (distance, handler, adopted)
        if best is not None:
            return best[1], best[2]
    return None


def _distance(key: type[BaseException] | int, exc: Exception) -> int | None:
    lineage = type(exc).__mro__
    if isinstance(key, int):
        if status_of(exc) != key:
            return None
        if not isinstance(exc, StatusError):
            return 2 * len(lineage)  # 500 is the most general name of an exception without a status
        # The class of a status is the most general one that fixes it; without one the number is the nearer name.
        fixed = [place for place, cls in enumerate(lineage) if cls.__dict__.get("http_status") == key]
        return 2 * fixed[-1] if fixed and lineage[fixed[-1]] is not StatusError else -1
    if key not in lineage:
        return None
    return 2 * lineage.index(key)
