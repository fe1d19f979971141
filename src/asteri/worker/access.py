"""The access log: one line per request, in the order that the oldest servers have established.

`client - "METHOD /target HTTP/1.1" status bytes seconds`; bytes are those of the body that were sent.
"""

from __future__ import annotations

from typing import Protocol

from asteri.exchange import Connection
from asteri.log import ACCESS

__all__ = ["Answered", "access_line", "log_access"]


class Answered(Protocol):
    """What the line needs of an exchange that was answered."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query(self) -> bytes: ...
    @property
    def connection(self) -> Connection: ...
    @property
    def status(self) -> int: ...
    @property
    def sent(self) -> int: ...


def access_line(exchange: Answered, seconds: float) -> str:
    """Return the line of one request."""
    connection = exchange.connection
    client = f"{connection.client[0]}:{connection.client[1]}" if connection.client is not None else "unix"
    target = exchange.raw_path + (b"?" + exchange.query if exchange.query else b"")
    # SECURITY: the target is the client's; without escaping it could forge lines or drive the reader's terminal.
    shown = target.decode("latin-1").encode("unicode_escape").decode("ascii").replace('"', "%22")
    request = f"{exchange.method} {shown} HTTP/{connection.http_version}"
    return f'{client} - "{request}" {exchange.status} {exchange.sent} {seconds:.6f}'


def log_access(exchange: Answered, seconds: float) -> None:
    """Write the line of one request."""
    ACCESS.info("%s", access_line(exchange, seconds))
