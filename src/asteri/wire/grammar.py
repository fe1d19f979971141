"""The character classes and patterns of RFC 9110 and RFC 9112 that requests and responses share."""

from __future__ import annotations

import re

__all__ = [
    "CHUNK_EXTENSIONS",
    "DIGITS",
    "FORBIDDEN_TRAILERS",
    "HOST",
    "KNOWN_FIELDS",
    "METHODS",
    "METHOD_BYTES",
    "TARGET_BYTES",
    "TOKEN_BYTES",
    "VALUE_BYTES",
    "VERSION",
    "members",
]

TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
VALUE_BYTES = b"\t" + bytes(range(32, 127)) + bytes(range(128, 256))
# RFC 9112 §3.2: a target is visible ASCII; a fragment is never sent, and "\" is "/" to too many programs.
TARGET_BYTES = bytes(byte for byte in range(33, 127) if byte not in b"#\\")
METHOD_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
DIGITS = b"0123456789"

VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")
_NAME = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*+"'
CHUNK_EXTENSIONS = re.compile(rb"(?:[ \t]*+;[ \t]*+%b(?:[ \t]*+=[ \t]*+(?:%b|%b))?)*+" % (_NAME, _NAME, _QUOTED))
# RFC 9110 §6.5.1: fields that frame, route, authenticate or describe the content do not belong into trailers.
FORBIDDEN_TRAILERS = frozenset(
    b"transfer-encoding content-length host trailer te connection keep-alive upgrade expect max-forwards authorization "
    b"proxy-authorization www-authenticate cookie set-cookie cache-control range content-encoding content-type "
    b"content-range if-match if-none-match if-modified-since if-unmodified-since if-range".split()
)
# Fields that the request parser itself understands, and its words for them. It looks names up by length first.
KNOWN_FIELDS = {
    b"host": "host",
    b"connection": "connection",
    b"content-length": "length",
    b"content-type": "type",
    b"transfer-encoding": "encoding",
    b"expect": "expect",
    b"upgrade": "upgrade",
}
METHODS = {name.encode(): name for name in ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")}


def members(allowed: bytes) -> bytes:
    """Return 256 bytes that are 1 at the allowed ones."""
    member = bytearray(256)
    for byte in allowed:
        member[byte] = 1
    return bytes(member)
