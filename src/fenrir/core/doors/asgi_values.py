"""Values of ASGI: headers, paths and what of them is checked before it is written."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from asteri.exchange import Connection, HeaderPairs

__all__ = [
    "ASGIHeaders",
    "Message",
    "Receive",
    "Send",
    "checked_body",
    "checked_close",
    "checked_head",
    "checked_interim",
    "checked_pairs",
    "connection_of",
    "paths_of",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# RFC 9110 §5.6.2 and §5.5.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def checked_pairs(headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Return response headers with lower-case names.

    SECURITY: not every ASGI server checks what it writes.

    Raises:
        ValueError: a name or a value could split the response.
    """
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"header {name!r} has characters that could split the response")
    return [(name.lower(), value) for name, value in headers]


def checked_head(status: int, headers: HeaderPairs) -> tuple[list[tuple[bytes, bytes]], int | None]:
    """Return the headers of a final response with lower-case names, and the content-length if they declare one.

    Raises:
        ValueError: by law 5 of an exchange, before anything is written.
    """
    if type(headers) is tuple:  # constant, so it is checked once
        pairs, declared = _constant_head(status, headers)
        return [*pairs], declared
    return _read_head(status, headers)


def _read_head(status: int, headers: HeaderPairs) -> tuple[list[tuple[bytes, bytes]], int | None]:
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of a final response")
    pairs = checked_pairs(headers)
    lengths = [value for name, value in pairs if name == b"content-length"]
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
        raise ValueError(f"content-length {lengths!r} is malformed or repeated")
    if any(name == b"transfer-encoding" for name, _ in pairs):
        raise ValueError("transfer-encoding is the server's to set")
    if status == 204:  # RFC 9110 §8.6
        return [pair for pair in pairs if pair[0] != b"content-length"], None
    return pairs, int(lengths[0]) if lengths else None


_constant_head = lru_cache(maxsize=256)(_read_head)


def checked_body(data: bytes | bytearray | memoryview) -> bytes:
    """Return the bytes of a body or of a message as they are now."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"a body is bytes, not {type(data).__name__}")
    return bytes(data)


def checked_interim(status: int, headers: HeaderPairs) -> list[tuple[bytes, bytes]]:
    """Return the headers of an interim response. 101 changes the protocol and is not one of them."""
    if not 100 <= status <= 199 or status == 101:
        raise ValueError(f"{status} is not the status of an interim response")
    return checked_pairs(headers)


def checked_close(code: int) -> int:
    """Return a close code if it may be sent (RFC 6455 §7.4)."""
    if not (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) and not 3000 <= code <= 4999:
        raise ValueError(f"{code} is not a code that may be sent")
    return code


class ASGIHeaders:
    """Request headers over the list in an ASGI scope."""

    __slots__ = ("raw",)

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self.raw = raw

    def get(self, name: str, default: str | None = None) -> str | None:
        wanted = name.encode("latin-1")
        for key, value in self.raw:
            if key == wanted:
                return value.decode("latin-1")
        return default

    def getall(self, name: str) -> list[str]:
        wanted = name.encode("latin-1")
        return [value.decode("latin-1") for key, value in self.raw if key == wanted]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key == name.encode("latin-1") for key, _ in self.raw)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.raw])

    def __len__(self) -> int:
        return len(self.raw)


def connection_of(scope: Any) -> Connection:
    client, server = scope.get("client"), scope.get("server")
    return Connection(
        scheme={"ws": "http", "wss": "https"}.get(scope.get("scheme", "http"), scope.get("scheme", "http")),
        client=tuple(client) if client else None,
        server=tuple(server) if server else None,
        http_version=scope.get("http_version", "1.1"),
        root_path=scope.get("root_path", "").rstrip("/"),
    )


def paths_of(scope: Any) -> tuple[str, bytes]:
    """Return the path below root_path, decoded and raw; servers differ in whether they contain it."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or quote(path, safe=_PLAIN, errors="surrogateescape").encode()
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
        segments = raw.split(b"/")
        raw = b"/".join([b"", *segments[root.count("/") + 1 :]]) if len(segments) > root.count("/") + 1 else b""
    return path or "/", raw or b"/"


_PLAIN = "/:@!$&'()*+,;=~"  # RFC 3986 §3.3: what a path holds without an escape, beside letters, digits and -._
