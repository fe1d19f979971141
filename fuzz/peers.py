"""What httptools (llhttp) and h11 read from the same bytes, in the words of our own parser.

Both stop where we do: after a request that ends its connection, since what follows is nobody's request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import h11
import httptools

from asteri.wire.fault import ProtocolError

__all__ = ["PEERS", "Reading", "Request", "read_h11", "read_httptools", "read_ours"]

ABSOLUTE = re.compile(rb"(?i)https?://[^/?]*")


class Request(NamedTuple):
    """A whole request."""

    method: bytes
    path: bytes
    query: bytes
    minor: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    keep: bool


@dataclass(slots=True)
class Reading:
    """What a parser made of some bytes.

    Attributes:
        requests: the whole ones, up to one that ends the connection.
        refused: why nothing more was read, "" when nothing was wrong so far.
        head: whether a request's body has begun and not ended.
        upgraded: the parser stopped because the client asked for another protocol.
        pending: bytes that wait for the end of their line or chunk.
    """

    requests: list[Request] = field(default_factory=list)
    refused: str = ""
    head: bool = False
    upgraded: bool = False
    pending: int = 0

    @property
    def over(self) -> bool:
        """Whether the last request ended the connection."""
        return bool(self.requests) and not self.requests[-1].keep


def _parts(method: bytes, target: bytes) -> tuple[bytes, bytes]:
    """Cut a target as RFC 9112 §3.2 does: the authority of the absolute form is told elsewhere."""
    if match := ABSOLUTE.match(target):
        target = target[match.end() :]
        if not target and method == b"OPTIONS":
            target = b"*"
        elif target[:1] != b"/":
            target = b"/" + target
    path, _, query = target.partition(b"?")
    return path, query


def _fields(headers: Any) -> tuple[tuple[bytes, bytes], ...]:
    """Return the fields as we give them: names in lower case, those with an underscore dropped."""
    return tuple((name.lower(), value.strip(b" \t")) for name, value in headers if b"_" not in name)


def read_ours(parser: Any, data: bytes) -> Reading:
    """Read with a `RequestParser`."""
    reading = Reading()
    parser.feed(data)
    try:
        while not reading.over:
            head = parser.head()
            if head is None:
                break
            reading.head = True
            body = parser.body()
            if not parser.complete:
                break
            reading.head = False
            reading.requests.append(
                Request(
                    head.method.encode(),
                    head.raw_path,
                    head.query,
                    head.minor,
                    tuple(head.headers.raw),
                    body,
                    head.keep_alive,
                )
            )
    except ProtocolError as error:
        reading.refused = f"{error.status} {error.reason}"
    reading.pending = parser.pending
    return reading


class _Callbacks:
    """Collects what httptools calls back with."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.parser = httptools.HttpRequestParser(self)
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    def on_message_begin(self) -> None:
        self.target = b""
        self.headers = []
        self.body = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.reading.head:  # those of trailers come here as well
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.reading.head = True

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        reading, parser = self.reading, self.parser
        reading.head = False
        if reading.over:
            return
        method = parser.get_method()
        path, query = _parts(method, self.target)
        minor = int(parser.get_http_version()[-1])
        keep = parser.should_keep_alive()
        fields = _fields(self.headers)
        reading.requests.append(Request(method, path, query, min(minor, 1), fields, b"".join(self.body), keep))


def read_httptools(data: bytes) -> Reading:
    """Read with httptools."""
    callbacks = _Callbacks()
    reading = callbacks.reading
    try:
        callbacks.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        reading.upgraded = True
    except httptools.HttpParserError as error:
        reading.refused = str(error) or type(error).__name__
    return reading


def read_h11(data: bytes) -> Reading:
    """Read with h11, answering every request so that it goes on to the next."""
    reading = Reading()
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    head: Any = None
    body: list[bytes] = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                head, body = event, []
                reading.head = True
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                reading.head = False
                # 400 and not 200, which would turn the connection of a CONNECT into a tunnel.
                connection.send(h11.Response(status_code=400, headers=[(b"content-length", b"0")]))
                connection.send(h11.EndOfMessage())
                keep = connection.our_state is h11.DONE
                path, query = _parts(head.method, head.target)
                minor = min(int(head.http_version[-1:]), 1)
                fields = _fields(head.headers)
                reading.requests.append(Request(head.method, path, query, minor, fields, b"".join(body), keep))
                if not keep:
                    return reading
                connection.start_next_cycle()
            else:
                return reading
    except h11.RemoteProtocolError as error:
        reading.refused = str(error)
        return reading


PEERS = {"httptools": read_httptools, "h11": read_h11}
