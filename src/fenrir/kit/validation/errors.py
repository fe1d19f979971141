"""Validation that failed: of a request (422), or of what a handler returned (500).

`ResponseValidationError` is deliberately no `StatusError`: it is a bug of the application, so it takes the way of every
unexpected exception. It is logged, and the client learns nothing of the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fenrir.core.errors import StatusError

__all__ = ["RequestValidationError", "ResponseValidationError", "ValidationException", "missing"]


class ValidationException(Exception):
    """A validation failed; `errors()` has one dict for each place: type, loc, msg, input and sometimes ctx."""

    def __init__(self, errors: Sequence[Any], **_: Any) -> None:
        super().__init__(errors)
        self._errors = errors

    def errors(self) -> Sequence[Any]:
        """Return the errors."""
        return self._errors

    def __str__(self) -> str:
        # SECURITY: inputs are not shown, this text goes to the log. Nor could a deeply nested one be shown.
        places = [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in self._errors[:20]]
        many = "" if len(self._errors) == 1 else "s"
        return f"{len(self._errors)} validation error{many}: {'; '.join(places)}"


class RequestValidationError(ValidationException, StatusError):
    """422: parameters or the body of the request are not what the handler declared.

    Attributes:
        body: the body, as far as it could be read.
    """

    http_status = 422

    def __init__(self, errors: Sequence[Any], *, body: Any = None, **_: Any) -> None:
        super().__init__(errors)
        self.body = body

    @property
    def http_detail(self) -> Any:
        """The errors as JSON values."""
        from fenrir.kit.validation.encoder import jsonable_encoder

        return jsonable_encoder(self._errors)


class ResponseValidationError(ValidationException):
    """The handler returned what its response model does not allow.

    Attributes:
        body: what it returned.
    """

    def __init__(self, errors: Sequence[Any], *, body: Any = None, **_: Any) -> None:
        super().__init__(errors)
        self.body = body


def missing(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """Return the error of a required value that is not there."""
    return {"type": "missing", "loc": loc, "msg": "Field required", "input": None}
