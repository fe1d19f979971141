"""WebSocket frames (RFC 6455 §5): bytes to messages, and messages to bytes.

Ordinary Python in Cython's pure mode: compiled or interpreted, the same input gives the same events, however it is cut.

The reader is fed whatever the socket gives and returns *events* in order:

* `str` or `bytes`: a whole text or binary message, unmasked, unfragmented and inflated;
* `Ping`, `Pong`, `Close`: control frames;
* `Failure`: the peer broke the protocol or a limit. It holds the code for our close frame.

After a `Close` or a `Failure` the reader ignores all input.

Rules
    1. A frame is judged as soon as the bytes that condemn it are there: a length that is too large before its payload
       (1009), invalid UTF-8 at the first wrong byte (1007), not at the end of the message.
    2. Memory is bounded by `max_message` and one read. A message is limited in bytes *and* in fragments; what inflates
       counts with its inflated size.
    3. Work is linear in the input: payload is unmasked once and never kept masked.
    4. One call does the work for about `BATCH` bytes of events. The rest waits inside (`pending`) until the next call:
       one read of compressed messages can not become gigabytes of events, nor one huge message a long stall of the
       loop. The caller comes back when it has room, or in its next turn.
"""

from __future__ import annotations

import codecs
import zlib
from typing import Any, NamedTuple

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.cpython.unicode import PyUnicode_AsUTF8AndSize
    from cython.cimports.libc.string import memcpy

__all__ = [
    "BATCH",
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "Close",
    "Failure",
    "FrameReader",
    "Ping",
    "Pong",
    "close_payload",
    "frame",
    "frame_head",
    "text_frame",
    "valid_close_code",
]

TEXT = 1
BINARY = 2
CLOSE = 8
PING = 9
PONG = 10

BATCH = 65536
"""Bytes of events or inflated payload (64 are added for each event) after which one call of `feed` returns."""

EVENT_COST = 64
PIECE = 65536
FLUSH_TAIL = b"\x00\x00\xff\xff"
UTF8 = codecs.getincrementaldecoder("utf-8")


class Ping(NamedTuple):
    """A ping, to be answered with its payload."""

    payload: bytes


class Pong(NamedTuple):
    """A pong, asked for or not."""

    payload: bytes


class Close(NamedTuple):
    """The peer's close frame. `code` is 1005 if it sent none."""

    code: int
    reason: str


class Failure(NamedTuple):
    """The peer's error: close with this code."""

    code: int
    reason: str


def valid_close_code(code: int) -> bool:
    """Say whether a close code may be sent in a frame (RFC 6455 §7.4 and IANA's registry)."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and not 1004 <= code <= 1006)


def close_payload(code: int, reason: str = "") -> bytes:
    """Return the payload of a close frame; empty for 1005.

    The reason is cut at a character so that it fits into a control frame (123 bytes).

    Raises:
        ValueError: the code may not be sent.
    """
    if code == 1005:
        return b""
    if not valid_close_code(code):
        raise ValueError(f"close code {code} may not be sent in a frame")
    text = reason.encode("utf-8", "replace")
    if len(text) > 123:
        text = text[:123].decode("utf-8", "ignore").encode("utf-8")
    return code.to_bytes(2, "big") + text


def frame_head(
    opcode: cython.int, length: cython.Py_ssize_t, fin: cython.bint = True, compressed: cython.bint = False
) -> bytes:
    """Return the head of an unmasked frame."""
    first: cython.int = opcode | (0x80 if fin else 0) | (0x40 if compressed else 0)
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return bytes((first, 126, length >> 8, length & 255))
    return bytes((first, 127)) + int(length).to_bytes(8, "big")


def frame(opcode: cython.int, payload: bytes, fin: cython.bint = True, compressed: cython.bint = False) -> bytes:
    """Return an unmasked frame."""
    if cython.compiled:
        return _frame(opcode | (0x80 if fin else 0) | (0x40 if compressed else 0), payload)
    return frame_head(opcode, len(payload), fin, compressed) + payload


def text_frame(text: str) -> bytes:
    """Return the frame of an uncompressed text message.

    Raises:
        UnicodeEncodeError: it holds a lone surrogate.
    """
    if cython.compiled:
        n: cython.Py_ssize_t = 0
        # The encoded form of ASCII is the string itself, so nothing is made but the frame.
        src: cython.p_const_char = PyUnicode_AsUTF8AndSize(text, cython.address(n))
        return _copied(0x80 | TEXT, cython.cast(cython.p_const_uchar, src), n)
    return frame(TEXT, text.encode())


@cython.cfunc
def _frame(first: cython.int, payload: bytes) -> bytes:
    """Write head and payload into one new object (compiled form only)."""
    if cython.compiled:
        src: cython.p_const_uchar = payload
        return _copied(first, src, len(payload))
    raise NotImplementedError


@cython.cfunc
def _copied(first: cython.int, src: cython.p_const_uchar, n: cython.Py_ssize_t) -> bytes:
    if cython.compiled:
        size: cython.Py_ssize_t = 2 if n < 126 else 4 if n < 65536 else 10
        out: bytes = PyBytes_FromStringAndSize(cython.NULL, size + n)
        dst: cython.p_uchar = out
        i: cython.Py_ssize_t
        dst[0] = first
        if size == 2:
            dst[1] = n
        elif size == 4:
            dst[1] = 126
            dst[2] = n >> 8
            dst[3] = n & 255
        else:
            dst[1] = 127
            for i in range(8):
                dst[2 + i] = (n >> (56 - 8 * i)) & 255
        memcpy(dst + size, src, n)
        return out
    raise NotImplementedError


@cython.cfunc
def _unsigned(number: cython.Py_ssize_t) -> cython.ulonglong:
    """Return a number that is not negative, for comparison with a frame's length."""
    return number


@cython.cfunc
def _unmask(
    data: bytes, start: cython.Py_ssize_t, length: cython.Py_ssize_t, mask: cython.uint, phase: cython.Py_ssize_t
) -> bytes:
    """Return `length` bytes from `start`, unmasked. `mask` is the key as a little-endian number."""
    if cython.compiled:
        out: bytes = PyBytes_FromStringAndSize(cython.NULL, length)
        whole: cython.p_const_uchar = data
        src: cython.p_const_uchar = whole + start
        dst: cython.p_uchar = out
        word: cython.ulonglong = 0
        pattern: cython.ulonglong = 0
        key: cython.p_uchar = cython.cast(cython.p_uchar, cython.address(pattern))
        i: cython.Py_ssize_t
        for i in range(8):
            key[i] = (mask >> (8 * ((phase + i) & 3))) & 255
        # memcpy, because the bytes are not aligned to words; compilers turn it into single loads and stores.
        i = 0
        while i + 8 <= length:
            memcpy(cython.address(word), src + i, 8)
            word ^= pattern
            memcpy(dst + i, cython.address(word), 8)
            i += 8
        while i < length:
            dst[i] = src[i] ^ key[i & 7]
            i += 1
        return out
    bits = 8 * (phase & 3)
    rotated = ((mask >> bits) | (mask << (32 - bits))) & 0xFFFFFFFF
    pad = (rotated.to_bytes(4, "little") * (length // 4 + 1))[:length]
    number = int.from_bytes(data[start : start + length], "little") ^ int.from_bytes(pad, "little")
    return number.to_bytes(length, "little")


class FrameReader:
    """Reads a client's frames.

    Args:
        max_message: most bytes of one message, inflated.
        max_fragments: most frames of one message.
        inflater: an `asteri.wire.deflate.Inflater` if permessage-deflate was negotiated.

    Attributes:
        pending: `feed(b"")` would give more events, or go on with one.
    """

    def __init__(self, max_message: int = 1 << 24, max_fragments: int = 1 << 17, inflater: Any = None) -> None:
        self._max_message = max_message
        self._max_fragments = max_fragments
        self._inflater = inflater
        self._rest = b""
        self._at = 0
        self._done = False
        self.pending = False
        self._opcode = 0
        self._compressed = False
        self._frames = 0
        self._wire_size = 0
        self._message = bytearray()
        self._decoder = None
        self._swollen = False
        self._ending = False
        self._in_frame = False
        self._fin = False
        self._left = 0
        self._mask = 0
        self._phase = 0

    def feed(self, data: bytes) -> list[Any]:
        """Take bytes and return the events that they complete, about `BATCH` bytes of them at most."""
        events: list[Any] = []
        if self._done:
            return events
        i: cython.Py_ssize_t = 0
        if self._rest:
            if data:
                data = self._rest[self._at :] + data
            else:
                data = self._rest
                i = self._at
            self._rest = b""
        self.pending = False
        p: cython.p_const_uchar = data
        n: cython.Py_ssize_t = len(data)
        start: cython.Py_ssize_t
        take: cython.Py_ssize_t
        size: cython.Py_ssize_t
        length: cython.ulonglong
        first: cython.int
        second: cython.int
        opcode: cython.int
        k: cython.int
        top: cython.uint
        weight: cython.Py_ssize_t = 0
        failure: Any
        payload: bytes
        while True:
            if self._swollen:
                if weight >= BATCH:
                    self.pending = True
                    break
                size = len(self._message)
                failure = self._inflate(b"")
                if failure is not None:
                    return self._fail(events, failure)
                weight += len(self._message) - size
                continue
            if self._ending:
                weight += EVENT_COST if self._compressed else len(self._message) + EVENT_COST
                failure = self._complete(events)
                if failure is not None:
                    return self._fail(events, failure)
                continue
            if not self._in_frame:
                if weight >= BATCH:
                    self.pending = i < n
                    break
                if n - i < 2:
                    break
                first = p[i]
                second = p[i + 1]
                opcode = first & 15
                failure = self._judge(first, second)
                if failure is not None:
                    return self._fail(events, failure)
                length = second & 127
                size = 2
                if length == 126:
                    size = 4
                    if n - i < 4:
                        break
                    length = (p[i + 2] << 8) | p[i + 3]
                    if length < 126:
                        return self._fail(events, Failure(1002, "length is not minimal"))
                elif length == 127:
                    size = 10
                    if n - i < 10:
                        break
                    if p[i + 2] & 0x80:
                        return self._fail(events, Failure(1002, "length is over 63 bits"))
                    length = 0
                    for k in range(2, 10):
                        length = (length << 8) | p[i + k]
                    if length < 65536:
                        return self._fail(events, Failure(1002, "length is not minimal"))
                if opcode < 8:
                    failure = self._limit(first, length)
                    if failure is not None:
                        return self._fail(events, failure)
                start = i + size + 4
                if n < start:
                    break
                top = p[start - 1]
                self._mask = p[start - 4] | (p[start - 3] << 8) | (p[start - 2] << 16) | (top << 24)
                if opcode >= 8:
                    take = length
                    if n - start < take:
                        break
                    payload = _unmask(data, start, take, self._mask, 0)
                    i = start + take
                    weight += take + EVENT_COST
                    if opcode == 8:
                        events.append(_read_close(payload))
                        self._done = True
                        return events
                    events.append(Ping(payload) if opcode == 9 else Pong(payload))
                    continue
                if first & 0xC0 == 0x80 and opcode != 0 and length <= _unsigned(n - start):
                    # The common case: one whole frame that is a message.
                    take = length
                    payload = _unmask(data, start, take, self._mask, 0)
                    i = start + take
                    weight += take + EVENT_COST
                    if opcode == 1:
                        try:
                            events.append(payload.decode())
                        except UnicodeDecodeError:
                            return self._fail(events, Failure(1007, "text is not UTF-8"))
                    else:
                        events.append(payload)
                    continue
                if opcode != 0:
                    self._opcode = opcode
                    self._compressed = first & 0x40 != 0
                    self._frames = 0
                    self._wire_size = 0
                self._frames += 1
                self._wire_size += length
                self._fin = first & 0x80 != 0
                self._left = length
                self._phase = 0
                self._in_frame = True
                i = start
            take = n - i
            if take > self._left:
                take = self._left
            if take > 0:
                payload = _unmask(data, i, take, self._mask, self._phase)
                i += take
                self._left -= take
                self._phase = (self._phase + take) & 3
                if self._compressed:
                    size = len(self._message)
                    failure = self._inflate(payload)
                    weight += len(self._message) - size
                else:
                    failure = self._append(payload)
                if failure is not None:
                    return self._fail(events, failure)
            if self._swollen:
                continue
            if self._left > 0:
                break
            self._in_frame = False
            if self._fin:
                self._ending = True
                if self._compressed:
                    failure = self._inflate(FLUSH_TAIL)
                    if failure is not None:
                        return self._fail(events, failure)
        if i < n:
            # A batch goes on where it ended; the beginning of a frame must not keep the whole read alive.
            if self.pending:
                self._rest = data
                self._at = i
            else:
                self._rest = data[i:]
                self._at = 0
        return events

    def _judge(self, first: cython.int, second: cython.int) -> Any:
        """Return the failure that the first two bytes of a frame are, or None."""
        opcode: cython.int = first & 15
        if first & 0x30:
            return Failure(1002, "reserved bit is set")
        if opcode >= 8:
            if opcode > 10:
                return Failure(1002, "opcode is reserved")
            if first & 0x40:
                return Failure(1002, "reserved bit is set")
            if not first & 0x80:
                return Failure(1002, "control frame is fragmented")
            if second & 127 > 125:
                return Failure(1002, "control frame is too long")
        elif opcode > 2:
            return Failure(1002, "opcode is reserved")
        elif opcode == 0:
            if self._opcode == 0:
                return Failure(1002, "continuation without a start")
            if first & 0x40:
                return Failure(1002, "reserved bit is set")
        else:
            if self._opcode != 0:
                return Failure(1002, "message begins inside another")
            # RFC 7692 §6: RSV1 marks a compressed message, on its first frame only.
            if first & 0x40 and self._inflater is None:
                return Failure(1002, "reserved bit is set")
        if not second & 0x80:
            return Failure(1002, "frame is not masked")
        return None

    def _limit(self, first: cython.int, length: cython.ulonglong) -> Any:
        """Return the failure if a data frame of this length breaks a limit."""
        compressed: cython.bint
        limit: cython.Py_ssize_t = self._max_message
        before: cython.Py_ssize_t = 0
        if first & 15 == 0:
            compressed = self._compressed
            before = self._wire_size
            if self._frames >= self._max_fragments:
                return Failure(1009, "message has too many fragments")
        else:
            compressed = first & 0x40 != 0
        if compressed:
            # What does not compress grows a little: zlib's own bound is an eighth at worst.
            limit += (limit >> 3) + 64
        if length > _unsigned(limit - before):
            return Failure(1009, "message is too long")
        return None

    def _append(self, payload: bytes) -> Any:
        if self._opcode == 1:
            if self._decoder is None:
                self._decoder = UTF8()
            try:
                self._decoder.decode(payload)
            except UnicodeDecodeError:
                return self._bad_text()
            # Python's decoder waits for the third byte of a surrogate; the second one condemns it.
            unfinished: bytes = self._decoder.getstate()[0]
            if len(unfinished) == 2 and unfinished[0] == 0xED and unfinished[1] >= 0xA0:
                return self._bad_text()
        self._message += payload
        return None

    def _bad_text(self) -> Any:
        return Failure(1007, "compressed message is invalid" if self._compressed else "text is not UTF-8")

    def _inflate(self, payload: bytes) -> Any:
        """Inflate one piece, so that a bomb costs no more than the limit and no message much time at once."""
        piece: bytes
        room: cython.Py_ssize_t = self._max_message - len(self._message)
        failure: Any
        try:
            piece = self._inflater.inflate(payload, min(room + 1, PIECE))
        except zlib.error:
            # zlib drops what it made before the error, so bad text there may go unseen: one reason for both.
            return Failure(1007, "compressed message is invalid")
        self._swollen = self._inflater.more
        if len(piece) > room:
            # The bytes within the limit come first: their error does not depend on how the input was cut.
            failure = self._append(piece[:room])
            return Failure(1009, "message is too long") if failure is None else failure
        return self._append(piece) if piece else None

    def _complete(self, events: list) -> Any:  # type: ignore[type-arg]
        """End the message and add it to the events; return the failure, if any."""
        if self._compressed:
            self._inflater.end_message()
        message = self._message
        if self._opcode == 1:
            try:
                if self._decoder is not None:
                    self._decoder.decode(b"", True)
            except UnicodeDecodeError:
                return self._bad_text()
            events.append(message.decode())
        else:
            events.append(bytes(message))
        self._ending = False
        self._opcode = 0
        self._compressed = False
        self._message = bytearray()
        return None

    def _fail(self, events: list, failure: Any) -> list:  # type: ignore[type-arg]
        """End all reading with a failure; drop what was kept."""
        self._done = True
        self._message = bytearray()
        events.append(failure)
        return events


@cython.cfunc
def _read_close(payload: bytes) -> Any:
    """Return the event for a close frame's payload (RFC 6455 §5.5.1)."""
    if not payload:
        return Close(1005, "")
    if len(payload) == 1:
        return Failure(1002, "close frame of one byte")
    code = (payload[0] << 8) | payload[1]
    if not valid_close_code(code):
        return Failure(1002, "close code is invalid")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Failure(1007, "close reason is not UTF-8")
