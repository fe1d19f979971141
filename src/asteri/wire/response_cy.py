"""Response heads as bytes: validated, and serialised once where the application says that they are constant.

A head that an application gives as a tuple can not change, so its serialised form is kept (bounded, `CACHE_SIZE`).
What depends on the moment (date, framing, connection) is added per response.

The application does not frame: `transfer-encoding` is refused, hop-by-hop fields are dropped except that
`connection: close` is obeyed. 204 has no content-length (RFC 9110 §8.6).
"""

# mypy: ignore-errors

import time as _time
from email.utils import formatdate
from http import HTTPStatus

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.wire.grammar import FORBIDDEN_TRAILERS, TOKEN_BYTES, VALUE_BYTES

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.libc.string import memcpy
    from cython.cimports.libc.time import time as c_time

__all__ = [
    "BODYLESS",
    "CHUNKED",
    "COUNTED",
    "UNTIL_CLOSE",
    "encode_interim",
    "encode_response",
    "encode_start",
    "encode_trailers",
]

# How a body is framed.
BODYLESS = 0
COUNTED = 1
CHUNKED = 2
UNTIL_CLOSE = 3

CACHE_SIZE = 1024
JOINED = 16384  # PERF: up to this many bytes a copy is cheaper than a second buffer for writev
LARGEST_LENGTH = 2**63 - 1
REASONS = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te", b"trailer"))


@cython.cclass
class _Plan:
    """What one list of response headers says, without what depends on the moment."""

    prefix: bytes  # status line and fields, each with CRLF
    length: cython.longlong  # declared content-length, -1 if none
    close: cython.bint
    dated: cython.bint
    named: cython.bint
    stamp: bytes  # the `_stamp` in `current`
    current: bytes  # the whole head for a kept connection up to the number of its content-length, this second


_cache: dict = {}
_second = cython.declare(cython.longlong, 0)
_stamp = cython.declare(bytes, b"")
_date = cython.declare(bytes, b"")


@cython.cfunc
def _refresh() -> cython.void:
    """Keep the date current: formatdate costs 5 microseconds, so it is called once a second."""
    global _second, _stamp, _date
    now: cython.longlong
    if cython.compiled:
        now = c_time(cython.NULL)
    else:
        now = int(_time.time())
    if now != _second:
        _second = now
        _date = b"date: " + formatdate(now, usegmt=True).encode("ascii") + b"\r\n"
        _stamp = b"server: asteri\r\n" + _date


@cython.cfunc
def _line(name, value) -> bytes:
    """Return one validated header line.

    SECURITY: this is the only thing between an application's careless value and a split response.
    """
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise TypeError(f"response headers are pairs of bytes, not ({type(name).__name__}, {type(value).__name__})")
    if not name or name.translate(None, TOKEN_BYTES):
        raise ValueError(f"not a header name: {name!r}")
    if value.translate(None, VALUE_BYTES):
        raise ValueError(f"control character in the value of response header {name!r}")
    return name + b": " + value.strip(b" \t") + b"\r\n"


@cython.cfunc
def _make_plan(status, headers) -> _Plan:
    plan: _Plan = _Plan()
    plan.length = -1
    plan.stamp = plan.current = b""
    plan.close = plan.dated = plan.named = False
    lines: list = [b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b""))]
    lower: bytes
    for name, value in headers:
        line: bytes = _line(name, value)
        lower = name.lower()
        if lower == b"content-length":
            value = value.strip(b" \t")
            if plan.length >= 0 or not value.isdigit() or len(value) > 19 or int(value) > LARGEST_LENGTH:
                raise ValueError(f"content-length {value!r} is malformed or repeated")
            plan.length = int(value)
            continue
        if lower == b"transfer-encoding":
            raise ValueError("transfer-encoding is the server's to set")
        if lower in HOP_BY_HOP:
            if lower == b"connection" and b"close" in [part.strip() for part in value.lower().split(b",")]:
                plan.close = True
            continue
        if lower == b"date":
            plan.dated = True
        elif lower == b"server":
            plan.named = True
        lines.append(line)
    plan.prefix = b"".join(lines)
    return plan


@cython.cfunc
def _plan(status, headers) -> _Plan:
    if type(headers) is not tuple:
        return _make_plan(_final(status), headers)
    key = (status, headers)
    try:
        plan = _cache.get(key)
    except TypeError:  # a tuple of lists: nothing that may be kept
        return _make_plan(_final(status), headers)
    if plan is None:
        plan = _make_plan(_final(status), headers)
        if len(_cache) >= CACHE_SIZE:
            _cache.clear()
        _cache[key] = plan
    return plan


@cython.cfunc
def _final(status):
    """Return the number of a final status."""
    if type(status) is not int:
        status = int(status)
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of a final response")
    return status


@cython.cfunc
def _varying(plan: _Plan, minor: cython.int, keep: cython.bint) -> bytes:
    """Return the lines that depend on the moment and the connection."""
    _refresh()
    lines: bytes
    if not plan.dated and not plan.named:
        lines = _stamp
    elif plan.dated:
        lines = b"" if plan.named else b"server: asteri\r\n"
    else:
        lines = _date
    if not keep:
        return lines + b"connection: close\r\n"
    if not minor:
        return lines + b"connection: keep-alive\r\n"
    return lines


@cython.cfunc
def _whole(head: bytes, length: cython.longlong, body: bytes) -> bytes:
    """Return a head that lacks only the number of its content-length, the number, the empty line and the body."""
    if cython.compiled:
        digits = cython.declare(cython.char[20])
        start: cython.Py_ssize_t = 20
        while True:
            start -= 1
            digits[start] = 48 + length % 10
            length //= 10
            if length == 0:
                break
        before: cython.Py_ssize_t = len(head)
        after: cython.Py_ssize_t = len(body)
        number: cython.Py_ssize_t = 20 - start
        whole: bytes = PyBytes_FromStringAndSize(cython.NULL, before + number + 4 + after)
        place: cython.p_char = whole
        source: cython.p_char = head
        memcpy(place, source, before)
        place += before
        memcpy(place, cython.address(digits[start]), number)
        place += number
        place[0] = place[2] = 13
        place[1] = place[3] = 10
        source = body
        memcpy(place + 4, source, after)
        return whole
    else:
        return b"".join((head, b"%d\r\n\r\n" % length, body))


def encode_response(
    status, headers, body: bytes, head_only: cython.bint, minor: cython.int, keep: cython.bint
) -> tuple[bytes, bool]:
    """Return the bytes of a whole response and whether the connection may be kept.

    A body over `JOINED` bytes is left out, for the caller to send behind.

    Args:
        head_only: the request was HEAD.
        minor: of the request's HTTP/1.x.
        keep: whether the request and the server would keep the connection.

    Raises:
        ValueError: a header is malformed, or the content-length is not the body's.
    """
    plan: _Plan = _plan(status, headers)
    keep = keep and not plan.close
    size: cython.Py_ssize_t = len(body)
    length: cython.longlong = plan.length
    if status == 204 or status == 304:
        if status == 204 or length < 0:
            return b"".join((plan.prefix, _varying(plan, minor, keep), b"\r\n")), keep
        body = b""
    elif length < 0:
        length = size
    elif length != size and not head_only:
        raise ValueError(f"content-length {length} for a body of {size} bytes")
    if head_only or size > JOINED:
        body = b""
    if keep and minor and not plan.dated and not plan.named:
        _refresh()
        if plan.stamp is not _stamp:
            plan.stamp = _stamp
            plan.current = b"".join((plan.prefix, _stamp, b"content-length: "))
        return _whole(plan.current, length, body), True
    return _whole(b"".join((plan.prefix, _varying(plan, minor, keep), b"content-length: ")), length, body), keep


def encode_start(
    status, headers, head_only: cython.bint, minor: cython.int, keep: cython.bint
) -> tuple[bytes, bool, int, int]:
    """Return the head of a streamed response, whether the connection may be kept, its framing and its length (or -1).

    Raises:
        ValueError: a header is malformed.
    """
    plan: _Plan = _plan(status, headers)
    keep = keep and not plan.close
    framing: cython.int
    frame: bytes = b"\r\n"
    if plan.length >= 0 and status != 204:
        frame = b"content-length: %d\r\n\r\n" % plan.length
    if head_only or status == 204 or status == 304:
        framing = BODYLESS
    elif plan.length >= 0:
        framing = COUNTED
    elif minor:
        framing = CHUNKED
        frame = b"transfer-encoding: chunked\r\n\r\n"
    else:
        framing = UNTIL_CLOSE
        keep = False
    return b"".join((plan.prefix, _varying(plan, minor, keep), frame)), keep, framing, plan.length


def encode_interim(status, headers) -> bytes:
    """Return an interim response (RFC 9110 §15.2). 101 changes the protocol and is not one of them.

    Raises:
        ValueError: the status or a header is none of an interim response.
    """
    if type(status) is not int:
        status = int(status)
    if not 100 <= status <= 199 or status == 101:
        raise ValueError(f"{status} is not the status of an interim response")
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, b""))]
    for name, value in headers:
        line: bytes = _line(name, value)
        lower: bytes = name.lower()
        if lower == b"content-length" or lower == b"transfer-encoding":  # RFC 9110 §8.6, RFC 9112 §6.1
            raise ValueError(f"an interim response has no body, so it has no {name!r}")
        if lower not in HOP_BY_HOP:
            lines.append(line)
    lines.append(b"\r\n")
    return b"".join(lines)


def encode_trailers(trailers) -> bytes:
    """Return the last chunk with its trailer fields (RFC 9110 §6.5.1). Raises `ValueError` for a malformed one."""
    lines = [b"0\r\n"]
    for name, value in trailers:
        lines.append(_line(name, value))
        if name.lower() in FORBIDDEN_TRAILERS:
            raise ValueError(f"{name!r} can not be a trailer")
    lines.append(b"\r\n")
    return b"".join(lines)
