"""What a test client returns."""

from __future__ import annotations

from typing import Any

from fenrir.http.headers import MutableHeaders
from fenrir.http.json import loads
from fenrir.http.media import MediaType

__all__ = ["ClientResponse"]


class ClientResponse:
    """A response, received whole.

    Attributes:
        pieces: the body as it was sent, piece by piece.
        history: responses that were redirects on the way here.
        request_path: path and query of the request that it answers.
    """

    def __init__(
        self, status_code: int, headers: list[tuple[bytes, bytes]], pieces: list[bytes], request_path: str
    ) -> None:
        self.status_code = status_code
        self.headers = MutableHeaders(headers)
        self.pieces = pieces
        self.content = b"".join(pieces)
        self.request_path = request_path
        self.history: list[ClientResponse] = []

    @property
    def text(self) -> str:
        """The body in the charset of its content-type, UTF-8 by default."""
        kind = self.headers.get("content-type")
        charset = MediaType.parse(kind).charset if kind else None
        return self.content.decode(charset or "utf-8")

    def json(self) -> Any:
        """The body as JSON."""
        return loads(self.content)

    @property
    def is_redirect(self) -> bool:
        """Say whether a client would go elsewhere."""
        return self.status_code in (301, 302, 303, 307, 308) and "location" in self.headers

    def __repr__(self) -> str:
        return f"<ClientResponse {self.status_code}>"
