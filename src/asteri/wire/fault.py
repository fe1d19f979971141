"""What is wrong with a request, as a value: the status that answers it and the reason for the log."""

from __future__ import annotations

__all__ = ["ProtocolError"]


class ProtocolError(Exception):
    """The peer broke the protocol; the connection can not be used further.

    Attributes:
        status: the response that tells the peer (400, 413, 414, 417, 421, 431, 501, 505).
        reason: a short constant text without any byte of the request.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
