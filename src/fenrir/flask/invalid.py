"""The exception of a request that is not what its view declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from werkzeug.exceptions import HTTPException, UnprocessableEntity

from fenrir.http.json import dumps
from fenrir.kit import validation

__all__ = ["RequestValidationError"]


class RequestValidationError(validation.RequestValidationError, UnprocessableEntity):
    """422. Handlers of the status, of HTTPException and of the validation error all see it.

    Without one the answer is JSON with `detail`, the errors as FastAPI lists them.
    """

    def __init__(self, errors: Sequence[Any], *, body: Any = None, endpoint_ctx: Any = None) -> None:
        super().__init__(errors, body=body, endpoint_ctx=endpoint_ctx)
        HTTPException.__init__(self)

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        """Return the headers of the answer."""
        return [("Content-Type", "application/json")]

    def get_body(self, environ: Any = None, scope: Any = None) -> str:
        """Return the errors."""
        return dumps({"detail": self.http_detail}).decode()
