"""Validation that failed: of a request (422), or of what a handler returned (500).

`ResponseValidationError` is deliberately no `StatusError`: it is a bug of the application, so it takes the way of every
unexpected exception. It is logged, and the client learns nothing of the value.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fenrir.core.declare import DeclarationError
from fenrir.core.errors import StatusError

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = [
    "V1_MODEL",
    "DependencyScopeError",
    "EndpointContext",
    "FastAPIError",
    "FieldTypeError",
    "PydanticV1NotSupportedError",
    "RequestValidationError",
    "ResponseValidationError",
    "SignatureError",
    "ValidationException",
    "endpoint_of",
    "missing",
]


V1_MODEL = "pydantic.v1 models are not supported; move {!r} to pydantic's own BaseModel"


class FastAPIError(RuntimeError):
    """A mistake in the use of this dialect (its exceptions have upstream's names)."""


class SignatureError(DeclarationError, AssertionError):
    """A parameter of a handler or of a dependency makes no sense; upstream asserts."""


class FieldTypeError(DeclarationError, FastAPIError):
    """An annotation is nothing that values can be checked against."""


class DependencyScopeError(DeclarationError, FastAPIError):
    """A dependency depends on one that ends before it."""


class PydanticV1NotSupportedError(DeclarationError, FastAPIError):
    """A model of `pydantic.v1` is used."""


class EndpointContext(TypedDict, total=False):
    """Where a validation failed.

    Attributes:
        function: name of the handler.
        path: method and path as declared.
        file, line: of the handler.
    """

    function: str
    path: str
    file: str
    line: int


def endpoint_of(c: RequestContext | None) -> EndpointContext:
    """Return the place in the user's code that serves a request; empty outside of one."""
    if c is None or c.plan is None:
        return {}
    route = c.plan.route
    call = route.user or route.handler
    found: EndpointContext = {}
    code = getattr(inspect.unwrap(call), "__code__", None)
    if code is not None:
        found["file"] = code.co_filename
        found["line"] = code.co_firstlineno
    if (name := getattr(call, "__name__", None)) is not None:
        found["function"] = name
    method = "WS" if route.websocket else c.exchange.method
    found["path"] = f"{method} {c.exchange.connection.root_path}{route.pattern.text}"
    return found


class ValidationException(Exception):
    """A validation failed; `errors()` has one dict for each place: type, loc, msg, input and sometimes ctx.

    Attributes:
        endpoint_ctx: the handler concerned, or None; its parts are `endpoint_function`, `endpoint_path`,
            `endpoint_file` and `endpoint_line`.
    """

    def __init__(self, errors: Sequence[Any], *, endpoint_ctx: EndpointContext | None = None) -> None:
        super().__init__(errors)
        self._errors = errors
        self.endpoint_ctx = endpoint_ctx
        place = endpoint_ctx or {}
        self.endpoint_function = place.get("function")
        self.endpoint_path = place.get("path")
        self.endpoint_file = place.get("file")
        self.endpoint_line = place.get("line")

    def errors(self) -> Sequence[Any]:
        """Return the errors."""
        return self._errors

    def __str__(self) -> str:
        many = "" if len(self._errors) == 1 else "s"
        lines = [f"{len(self._errors)} validation error{many}:", *(f"  {error}" for error in self._errors)]
        if self.endpoint_file and self.endpoint_line and self.endpoint_function:
            lines += ["", f'  File "{self.endpoint_file}", line {self.endpoint_line}, in {self.endpoint_function}']
            if self.endpoint_path:
                lines.append(f"    {self.endpoint_path}")
        elif self.endpoint_path:
            lines += ["", f"  Endpoint: {self.endpoint_path}"]
        return "\n".join(lines)


class RequestValidationError(ValidationException, StatusError):
    """422: parameters or the body of the request are not what the handler declared.

    Attributes:
        body: the body, as far as it could be read.
    """

    http_status = 422

    def __init__(self, errors: Sequence[Any], *, body: Any = None, endpoint_ctx: EndpointContext | None = None) -> None:
        super().__init__(errors, endpoint_ctx=endpoint_ctx)
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

    def __init__(self, errors: Sequence[Any], *, body: Any = None, endpoint_ctx: EndpointContext | None = None) -> None:
        super().__init__(errors, endpoint_ctx=endpoint_ctx)
        self.body = body


def missing(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """Return the error of a required value that is not there."""
    return {"type": "missing", "loc": loc, "msg": "Field required", "input": None}
