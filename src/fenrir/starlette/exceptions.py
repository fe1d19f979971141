"""The exceptions that are answers: an HTTP status, or the close of a WebSocket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fenrir.core.errors import StatusError
from fenrir.core.websocket import ChannelError

_PHRASES = {status.value: status.phrase for status in HTTPStatus}  # in the words of this Python, as upstream's

__all__ = ["HTTPException", "StarletteDeprecationWarning", "WebSocketException"]


class HTTPException(StatusError):
    """An exception that is an HTTP answer.

    Attributes:
        status_code: the status.
        detail: what the client is told; the phrase of the status by default.
        headers: headers of the answer.
    """

    def __init__(self, status_code: int, detail: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status_code
        self.detail = _PHRASES.get(status_code, "") if detail is None else detail
        self.headers = headers

    @property
    def http_status(self) -> int:  # type: ignore[override]
        """The status, for other dialects."""
        return self.status_code

    @property
    def http_detail(self) -> Any:
        """The detail, for other dialects."""
        return self.detail

    @property
    def http_headers(self) -> Sequence[tuple[str, str]]:  # type: ignore[override]
        """The headers, for other dialects."""
        return tuple(self.headers.items()) if self.headers else ()

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status_code={self.status_code!r}, detail={self.detail!r})"


class WebSocketException(ChannelError):
    """An exception that closes a WebSocket.

    Attributes:
        code: of RFC 6455 §7.4.
        reason: for the peer, at most 123 bytes.
    """

    def __init__(self, code: int, reason: str | None = None) -> None:
        super().__init__(code, reason or "")

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={self.code!r}, reason={self.reason!r})"


class StarletteDeprecationWarning(UserWarning):
    """Something that upstream is going to remove; shown by default, as it is no `DeprecationWarning`."""


StarletteDeprecationWarning.__module__ = "starlette.exceptions"  # by which filters of warnings know it
