"""The WebSocket opening handshake of a server (RFC 6455 §4.2): a request's head in, the bytes of an answer out.

Rules
    1. Everything wrong is a `Refusal` with the HTTP status to send: 400, 403 for an Origin that is not allowed, 405,
       and 426 with the version that we speak. The application never sees such a request.
    2. A header of the application that could split the response, or that belongs to the handshake, raises `ValueError`
       before anything is written.
    3. SECURITY: browsers send cookies with cross-site WebSockets. Where a list of allowed origins is set, a request
       with an Origin outside of it is refused; one without Origin comes from no browser and is let through.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import http
from collections.abc import Collection
from dataclasses import dataclass

from asteri.exchange import HeaderPairs, Headers

__all__ = ["Refusal", "Upgrade", "accept_key", "check", "response", "switching_protocols"]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
TOKEN_BYTES = frozenset(map(ord, TOKEN))
OURS = frozenset(
    {
        b"connection",
        b"content-length",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-protocol",
        b"transfer-encoding",
        b"upgrade",
    }
)
FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding", b"upgrade"})
SPLITTING = (b"\r", b"\n", b"\0")


class Refusal(Exception):
    """The request is no acceptable opening handshake.

    Attributes:
        status: HTTP status to answer with.
        headers: further response headers.
        reason: one sentence for the body and the log.
    """

    def __init__(self, status: int, reason: str, headers: HeaderPairs = ()) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A valid opening handshake.

    Attributes:
        accept: value for Sec-WebSocket-Accept.
        subprotocols: offered by the client, in its order.
        extensions: the values of Sec-WebSocket-Extensions.
    """

    accept: bytes
    subprotocols: tuple[str, ...]
    extensions: tuple[str, ...]


def check(method: str, http_version: str, headers: Headers, origins: Collection[str] | None = None) -> Upgrade:
    """Validate an opening handshake.

    Args:
        method: the request's method.
        http_version: "1.1" and so on.
        headers: the request's headers.
        origins: allowed values of Origin, lower-case; None allows all.

    Raises:
        Refusal: with the status to answer.
    """
    if method != "GET":
        raise Refusal(405, "A WebSocket handshake is a GET request.", ((b"allow", b"GET"),))
    if http_version in ("0.9", "1.0"):
        raise Refusal(400, "A WebSocket handshake needs HTTP/1.1.")
    if "websocket" not in _words(headers, "upgrade"):
        raise Refusal(400, "The Upgrade header does not say websocket.")
    if "upgrade" not in _words(headers, "connection"):
        raise Refusal(400, "The Connection header does not say Upgrade.")
    versions = headers.getall("sec-websocket-version")
    if not versions:
        raise Refusal(400, "The Sec-WebSocket-Version header is missing.")
    if [version.strip() for version in versions] != ["13"]:
        raise Refusal(
            426, "The WebSocket version is 13.", ((b"sec-websocket-version", b"13"), (b"upgrade", b"websocket"))
        )
    keys = headers.getall("sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise Refusal(400, "The Sec-WebSocket-Key header is not 16 bytes in base64.")
    subprotocols: list[str] = []
    for value in headers.getall("sec-websocket-protocol"):
        subprotocols.extend(word.strip(" \t") for word in value.split(","))
    if len(set(subprotocols)) != len(subprotocols) or not all(map(_is_token, subprotocols)):
        raise Refusal(400, "The Sec-WebSocket-Protocol header is not a list of different tokens.")
    if origins is not None:
        sent = headers.getall("origin")
        if len(sent) > 1 or (sent and sent[0].strip().lower() not in origins):
            raise Refusal(403, "The Origin is not allowed.")
    return Upgrade(
        accept_key(keys[0].strip(" \t")), tuple(subprotocols), tuple(headers.getall("sec-websocket-extensions"))
    )


def accept_key(key: str) -> bytes:
    """Return Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + GUID, usedforsecurity=False).digest())


def switching_protocols(
    upgrade: Upgrade, subprotocol: str | None = None, extensions: bytes | None = None, headers: HeaderPairs = ()
) -> bytes:
    """Return the 101 response.

    Raises:
        ValueError: the subprotocol was not offered, or a header is invalid or belongs to the handshake.
    """
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ",
        upgrade.accept,
        b"\r\n",
    ]
    if subprotocol is not None:
        if subprotocol not in upgrade.subprotocols:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered by the client")
        lines += (b"sec-websocket-protocol: ", subprotocol.encode("ascii"), b"\r\n")
    if extensions is not None:
        lines += (b"sec-websocket-extensions: ", extensions, b"\r\n")
    for name, value in headers:
        _check_header(name, value)
        if name.lower() in OURS:
            raise ValueError(f"header {name.decode('latin-1')!r} belongs to the handshake")
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def response(status: int, headers: HeaderPairs = (), body: bytes = b"") -> bytes:
    """Return a whole HTTP response that refuses the handshake and ends the connection.

    The application's own framing headers are replaced by those that are true.

    Raises:
        ValueError: the status is no final status, or a header is invalid.
    """
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is no status of a final response")
    try:
        phrase = http.HTTPStatus(status).phrase.encode()
    except ValueError:
        phrase = b""
    bodiless = status in (204, 304)
    lines = [b"HTTP/1.1 %d %s\r\nconnection: close\r\n" % (status, phrase)]
    if not bodiless:
        lines.append(b"content-length: %d\r\n" % len(body))
    for name, value in headers:
        _check_header(name, value)
        # RFC 9110 §15.5.22: 426 names the protocol; its Upgrade header is not about this connection's framing.
        if name.lower() not in FRAMING or (status == 426 and name.lower() == b"upgrade"):
            lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    if not bodiless:
        lines.append(body)
    return b"".join(lines)


def _words(headers: Headers, name: str) -> set[str]:
    return {word.strip(" \t").lower() for value in headers.getall(name) for word in value.split(",")}


def _is_token(text: str) -> bool:
    return bool(text) and TOKEN.issuperset(text)


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.strip(" \t"), validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


def _check_header(name: bytes, value: bytes) -> None:
    if not name or not TOKEN_BYTES.issuperset(name):
        raise ValueError(f"header name {name!r} is not a token")
    if any(byte in value for byte in SPLITTING):
        raise ValueError(f"value of header {name!r} holds CR, LF or NUL")
