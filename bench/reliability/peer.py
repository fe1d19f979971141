"""One connection of a client that sends raw bytes and reads whole answers, on a blocking socket."""

from __future__ import annotations

import socket
import struct
from types import TracebackType

from bench.client import KEY, http_request, mask

__all__ = ["Peer"]

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
HANDSHAKE = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": KEY}


class Peer:
    """A connection to a server on this machine."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close in order."""
        self._file.close()
        self.socket.close()

    def reset(self) -> None:
        """Close with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body of its answer."""
        self.socket.sendall(request)
        return self.answer()

    def answer(self) -> tuple[int, bytes]:
        """Return the next answer.

        Raises:
            ConnectionError: the connection ended before it was complete.
        """
        status = int(self._line().split(b" ")[1])
        length, chunked = 0, False
        while line := self._line():
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            chunked = chunked or (name == b"transfer-encoding" and value.strip() == b"chunked")
        if not chunked:
            return status, self._exactly(length)
        body = b""
        while size := int(self._line(), 16):
            body += self._exactly(size)
            self._line()
        self._line()
        return status, body

    def upgrade(self, path: str = "/") -> None:
        """Become a WebSocket."""
        status, _ = self.ask(http_request("GET", path, HANDSHAKE))
        if status != 101:
            raise ConnectionError(f"no upgrade: {status}")

    def echo(self, text: bytes) -> bytes:
        """Send a short text and return the next one that arrives."""
        self.socket.sendall(mask(text))
        return self._exactly(self._exactly(2)[1])

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        return line[:-2]

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise ConnectionError("the connection ended")
        return data
