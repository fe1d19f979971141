"""The values that the request parser itself must understand: Host, framing, Connection, and unusual targets.

Every function judges one value and returns what it means; the parser decides which status a bad one gets.
"""

# mypy: ignore-errors

from ipaddress import IPv6Address

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.wire.grammar import DIGITS, HOST

__all__ = [
    "CLOSE",
    "KEEP_ALIVE",
    "UPGRADE",
    "is_host",
    "read_coding",
    "read_connection",
    "read_length",
    "split_absolute",
]

LARGEST_LENGTH = 2**63 - 1
CLOSE = 1
KEEP_ALIVE = 2
UPGRADE = 4


def is_host(host: bytes) -> bool:
    """Tell whether a value is a host with an optional port (RFC 9110 §7.2), without user, path or comma."""
    match = HOST.fullmatch(host)
    if match is None or (match[2] and int(match[2]) > 65535):
        return False
    if match[1]:
        try:
            IPv6Address(match[1].decode("ascii"))
        except ValueError:
            return False
    return True


def read_connection(value: bytes) -> int:
    """Return which of the options that matter here are named."""
    options: cython.int = 0
    option: bytes
    for option in value.lower().split(b","):
        option = option.strip(b" \t")
        if option == b"close":
            options |= 1
        elif option == b"keep-alive":
            options |= 2
        elif option == b"upgrade":
            options |= 4
    return options


def read_length(raw: bytes) -> int:
    """Return a Content-Length, -1 if it is malformed and -2 if no body can be so long (RFC 9110 §8.6).

    Blanks before the number are what everybody sends; one behind it is refused, nobody sends it in good faith.
    """
    value: bytes = raw.lstrip(b" \t")
    if not value or value.translate(None, DIGITS):
        return -1
    if len(value) > 19:
        return -2
    length = int(value)
    return -2 if length > LARGEST_LENGTH else length


def read_coding(value: bytes, has_length: bool, minor: int) -> tuple[int, str]:
    """Return 200 for a body that is `chunked`, or the status and reason that refuse it (RFC 9112 §6.1)."""
    if has_length:
        return 400, "Content-Length with Transfer-Encoding"
    if not minor:
        return 400, "Transfer-Encoding in HTTP/1.0"
    if value == b"chunked":
        return 200, ""
    codings: list = [coding.strip(b" \t") for coding in value.split(b",")]
    last: bytes = codings.pop()
    if last == b"chunked" and codings and b"" not in codings and b"chunked" not in codings:
        return 501, "unknown transfer coding"
    return 400, "malformed Transfer-Encoding"


def split_absolute(target: bytes) -> tuple[int, bytes, bytes]:
    """Cut an absolute-form target (RFC 9112 §3.2.2) into status, authority in lower case, and path with query.

    The status is 200, or the one that refuses the target.
    """
    scheme, colon, rest = target.partition(b"://")
    if not colon or not scheme.isalnum():
        return 400, b"", b""
    if scheme.lower() not in (b"http", b"https"):
        return 421, b"", b""
    cut = len(rest)
    for mark in (b"/", b"?"):
        found = rest.find(mark)
        if 0 <= found < cut:
            cut = found
    if not is_host(rest[:cut]):
        return 400, b"", b""
    return 200, rest[:cut].lower(), rest[cut:]
