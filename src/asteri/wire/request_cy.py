"""HTTP/1 requests from bytes: incremental, bounded, and the same at every split.

Rules that make the result independent of how the bytes were cut:
    * A line is judged only when its end has arrived, and then first by its length, then by its bytes.
    * A line whose end has not arrived is only measured; it is never scanned twice (`_tail` and `feed`), so the work is
      linear even when the bytes arrive one by one.
    * The one exception is the first byte of a request: what can not start a method (a TLS hello) is refused at once.

The caller asks `head` for the next request, then `body` until `complete`, then `head` again. The first error is raised
as `ProtocolError` and stays. Bytes after an error are never looked at.

The header block is validated here and cut into names and values only when somebody asks (`HeaderBlock`).
References: RFC 9110 for fields, RFC 9112 for the syntax of messages.
"""

from urllib.parse import unquote_to_bytes

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.wire import grammar
from asteri.wire.fault import ProtocolError
from asteri.wire.fields_cy import is_host, read_coding, read_connection, read_length, split_absolute

if cython.compiled:
    from cython.cimports.asteri.wire.headers_cy import header_block
    from cython.cimports.asteri.wire.scan_cy import cut, find, only, trimmed
else:
    from asteri.wire.headers_cy import header_block
    from asteri.wire.scan_cy import cut, find, only, trimmed

__all__ = ["RequestHead", "RequestParser"]

LF = cython.declare(cython.int, 10)
CR = cython.declare(cython.int, 13)
# Character classes as `_only` wants them: a table for a compiled loop, else the bytes themselves.
TOKEN = cython.declare(bytes, grammar.members(grammar.TOKEN_BYTES) if cython.compiled else grammar.TOKEN_BYTES)
VALUE = cython.declare(bytes, grammar.members(grammar.VALUE_BYTES) if cython.compiled else grammar.VALUE_BYTES)
TARGET = cython.declare(bytes, grammar.members(grammar.TARGET_BYTES) if cython.compiled else grammar.TARGET_BYTES)
METHOD = cython.declare(bytes, grammar.members(grammar.METHOD_BYTES) if cython.compiled else grammar.METHOD_BYTES)
METHODS = cython.declare(dict, grammar.METHODS)
KNOWN_FIELDS = cython.declare(dict, grammar.KNOWN_FIELDS)

# Phases of the parser.
START = cython.declare(cython.int, 0)
FIELDS = cython.declare(cython.int, 1)
LENGTH = cython.declare(cython.int, 2)
CHUNK_SIZE = cython.declare(cython.int, 3)
CHUNK_DATA = cython.declare(cython.int, 4)
CHUNK_END = cython.declare(cython.int, 5)
TRAILERS = cython.declare(cython.int, 6)
COMPLETE = cython.declare(cython.int, 7)


class RequestHead:
    """Request line and header fields, and what they say about the message.

    Attributes:
        authority: the one valid host, b"" for HTTP/1.0 without.
        minor: of HTTP/1.x, 0 or 1.
        upgrade: lower-case, only if Connection names it.
        content_length: 0 when there is no body, -1 when chunked.
    """


class RequestParser:
    """The requests of one connection, one after the other.

    Attributes:
        error: the first one, which stays.
        complete: whether the current message has been read to its end.
    """

    def __init__(self, limits) -> None:
        self.error = None
        self._buf = b""
        self._pos = self._end = self._start = self._fields = 0
        self._tail = None
        self._good_host = None
        self._head = None
        self._phase = START
        self.complete = False
        self._skipped = False
        self._received = self._left = self._extensions = 0
        self._max_line = limits.request_line
        self._max_header = limits.header
        self._max_count = limits.header_count
        self._max_total = limits.header_total
        self._max_extensions = limits.chunk_extensions
        self._max_body = -1 if limits.body is None else limits.body
        self._underscores = limits.underscores

    @property
    def head_only(self) -> bool:
        """Whether the head that is being read asks for no body: what refuses it has none either."""
        return self._head is not None and self._head.method == "HEAD"

    @property
    def pending(self) -> int:
        """Bytes that were fed and not consumed."""
        if self._tail is not None:
            return len(self._tail)
        return self._end - self._start

    @property
    def remaining(self) -> int:
        """Body bytes to come, -1 when nobody knows (chunked)."""
        if self._phase == LENGTH:
            return self._left
        return 0 if self._phase == COMPLETE else -1

    def leftover(self) -> bytes:
        """Return, and forget, all bytes behind the current message (for an upgraded connection)."""
        rest: bytes = self._buf[self._pos :]
        self._buf = b""
        self._pos = self._end = self._start = 0
        return rest

    def feed(self, data: bytes) -> None:
        """Add bytes of the connection."""
        if self.error is not None:
            return
        if self._tail is not None:
            self._tail += data
            if find(data, LF, 0, len(data)) < 0:
                return
            self._buf = bytes(self._tail)
            self._tail = None
        elif self._start < self._end:
            self._buf = self._buf[self._start :] + data
            self._rebase()
        else:
            self._buf = data
            self._pos = self._start = 0
        self._end = len(self._buf)

    def _rebase(self) -> cython.void:
        self._pos -= self._start
        self._fields -= self._start
        self._start = 0

    def _starve(self) -> cython.void:
        """Keep what has arrived until the next line end."""
        if self._start < self._end:
            self._tail = bytearray(self._buf[self._start :])
        self._buf = b""
        self._end = 0
        self._rebase()

    def _fail(self, status: cython.int, reason: str):
        self.error = ProtocolError(status, reason)
        self._buf = b""
        self._tail = None
        self._pos = self._end = self._start = 0
        raise self.error

    # -- head

    def head(self) -> RequestHead | None:
        """Return the next request's head, or None if it has not arrived yet.

        Must not be called before the body of the previous request is `complete`.

        Raises:
            ProtocolError: the request is refused.
        """
        if self.error is not None:
            raise self.error
        if self._phase == COMPLETE:
            self._phase = START
            self.complete = False
            self._skipped = False
            self._start = self._pos
        if self._tail is not None:
            if self._phase == START:
                if len(self._tail) > self._max_line:
                    self._measure_line(len(self._tail), bytes(self._tail[: self._max_line]))
            else:
                self._measure_field(len(self._tail))
            return None
        if self._phase == START and not self._request_line():
            return None
        if self._field_lines():
            return self._finish_head()
        return None

    def _measure_line(self, size: cython.Py_ssize_t, begin: bytes):
        if size > self._max_line:
            if b" " not in begin:
                self._fail(501, "method too long")
            self._fail(414, "request line too long")

    def _measure_field(self, end: cython.Py_ssize_t):
        line: cython.Py_ssize_t = self._pos + self._max_header
        total: cython.Py_ssize_t = self._fields + self._max_total
        if end > line or end > total:  # the limit that the bytes passed first is the reason, at any split
            self._fail(431, "header too long" if line <= total else "headers too large")

    def _request_line(self) -> cython.bint:
        while True:
            pos: cython.Py_ssize_t = self._pos
            if pos >= self._end:
                self._buf = b""
                self._pos = self._start = self._end = 0
                return False
            buf: bytes = self._buf
            first: cython.int = buf[pos]
            if first == CR and not self._skipped:
                # RFC 9112 §2.2: one empty line before a request is forgiven.
                if pos + 1 >= self._end:
                    return False
                if buf[pos + 1] != 10:
                    self._fail(400, "bare CR")
                self._skipped = True
                self._pos = self._start = pos + 2
                continue
            if not only(buf, pos, pos + 1, TOKEN):
                self._fail(400, "not HTTP")
            break
        lf: cython.Py_ssize_t = find(buf, LF, pos, self._end)
        if lf < 0:
            self._measure_line(self._end - pos, buf[pos : pos + self._max_line])
            self._starve()
            return False
        self._measure_line(lf - pos + 1, buf[pos : pos + self._max_line] if lf - pos >= self._max_line else b"")
        if buf[lf - 1] != 13:
            self._fail(400, "bare LF")
        end: cython.Py_ssize_t = lf - 1
        space: cython.Py_ssize_t = find(buf, 32, pos, end)
        if space < 0 or not only(buf, pos, space, TOKEN):
            self._fail(400, "malformed request line")
        name: bytes = cut(buf, pos, space)
        method: str = METHODS.get(name)
        if method is None:
            if name == b"CONNECT" or not only(name, 0, len(name), METHOD) or not 65 <= first <= 90:
                self._fail(501, "unsupported method")
            method = name.decode("ascii")
        target: cython.Py_ssize_t = space + 1
        space = find(buf, 32, target, end)
        if space <= target:
            self._fail(400, "malformed request line")
        if not only(buf, target, space, TARGET):
            self._fail(400, "malformed target")
        version: bytes = cut(buf, space + 1, end)
        head: RequestHead = RequestHead()
        head.method = method
        self._head = head
        self._host = None
        self._target(head, cut(buf, target, space))
        if version == b"HTTP/1.1":
            head.minor = 1
        elif grammar.VERSION.fullmatch(version) is None:
            self._fail(400, "malformed version")
        elif version[5] != 49:
            self._fail(505, "unsupported version")
        else:
            head.minor = 0 if version[7] == 48 else 1  # RFC 9110 §2.5: a higher minor version is read as our highest
        self._pos = self._fields = lf + 1
        self._phase = FIELDS
        self._count = self._hosts = 0
        self._encoding = None
        self._options = 0
        self._has_length = self._typed = False
        self._left = self._received = self._extensions = 0
        head.content_length = 0
        head.expect_continue = False
        head.chunked = False
        head.upgrade = b""
        return True

    def _target(self, head: RequestHead, target: bytes):
        """Cut the target (RFC 9112 §3.2) into path and query, decoding the path once."""
        if target[0] != 47:
            if target == b"*":
                if head.method != "OPTIONS":
                    self._fail(400, "asterisk target")
            else:
                status, authority, rest = split_absolute(target)
                if status != 200:
                    self._fail(status, "malformed target" if status == 400 else "foreign scheme")
                self._host = authority
                if not rest and head.method == "OPTIONS":
                    target = b"*"
                else:
                    target = rest if rest[:1] == b"/" else b"/" + rest
        mark: cython.Py_ssize_t = find(target, 63, 0, len(target))
        if mark < 0:
            head.query = b""
        else:
            head.query = cut(target, mark + 1, len(target))
            target = cut(target, 0, mark)
        head.raw_path = target
        if find(target, 37, 0, len(target)) < 0:
            head.path = target.decode("ascii")
        else:
            head.path = unquote_to_bytes(target).decode("utf-8", "surrogateescape")

    def _valid_host(self, host: bytes) -> cython.bint:
        if host != self._good_host:
            if not is_host(host):
                return False
            self._good_host = host
        return True

    def _field_lines(self) -> cython.bint:
        """Validate header lines; True when the empty line that ends them was found."""
        while True:
            buf: bytes = self._buf
            pos: cython.Py_ssize_t = self._pos
            lf: cython.Py_ssize_t = find(buf, LF, pos, self._end)
            if lf < 0:
                self._measure_field(self._end)
                self._starve()
                return False
            self._measure_field(lf + 1)
            end: cython.Py_ssize_t = lf - 1
            if end < pos or buf[end] != 13:
                self._fail(400, "bare LF")
            if end == pos:
                self._pos = lf + 1
                return True
            self._count += 1
            if self._count > self._max_count:
                self._fail(431, "too many headers")
            colon: cython.Py_ssize_t = find(buf, 58, pos, end)
            if colon <= pos or not only(buf, pos, colon, TOKEN):
                self._fail(400, "malformed header name")
            if not self._underscores and find(buf, 95, pos, colon) >= 0:
                self._fail(400, "underscore in header name")
            if not only(buf, colon + 1, end, VALUE):
                self._fail(400, "malformed header value")
            if self._phase == TRAILERS:
                if cut(buf, pos, colon).lower() in grammar.FORBIDDEN_TRAILERS:
                    self._fail(400, "forbidden trailer")
            else:
                # The seven names that matter are told by length and first letter, so most names are not even cut out.
                size: cython.Py_ssize_t = colon - pos
                letter: cython.int = buf[pos] | 32
                if (
                    (letter == 104 and size == 4)  # Host
                    or (
                        letter == 99 and (size == 10 or size == 12 or size == 14)
                    )  # Connection, Content-Type and -Length
                    or (letter == 116 and size == 17)  # Transfer-Encoding
                    or (letter == 101 and size == 6)  # Expect
                    or (letter == 117 and size == 7)  # Upgrade
                ):
                    known: str = KNOWN_FIELDS.get(cut(buf, pos, colon).lower())
                    if known is not None:
                        self._known_field(known, buf, colon + 1, end)
            self._pos = lf + 1

    def _known_field(self, known: str, buf: bytes, start: cython.Py_ssize_t, end: cython.Py_ssize_t):
        value: bytes = trimmed(buf, start, end)
        if known == "host":
            self._hosts += 1
            if self._hosts > 1:
                self._fail(400, "duplicate Host")
            if not self._valid_host(value):
                self._fail(400, "malformed Host")
            # RFC 9112 §3.2.2: the target's authority counts. We refuse a different Host, so that no one can be misled.
            if self._host is not None and self._host != value.lower():
                self._fail(400, "Host differs from target")
            self._host = value
        elif known == "connection":
            self._options |= read_connection(value)
        elif known == "length":
            if self._has_length:
                self._fail(400, "duplicate Content-Length")
            self._has_length = True
            self._left = read_length(cut(buf, start, end))
            if self._left < 0:
                self._fail(400, "malformed Content-Length" if self._left == -1 else "Content-Length too large")
        elif known == "encoding":
            if self._encoding is not None:
                self._fail(400, "duplicate Transfer-Encoding")
            self._encoding = value.lower()
        elif known == "expect":
            if self._head.minor:
                if value.lower() != b"100-continue":
                    self._fail(417, "unknown expectation")
                self._head.expect_continue = True
        elif known == "upgrade":
            self._head.upgrade = value.lower()
        elif known == "type":
            # RFC 9110 §5.3: two are one too many, and a body that is read as two types passes two filters.
            if self._typed:
                self._fail(400, "duplicate Content-Type")
            self._typed = True

    def _finish_head(self) -> RequestHead:
        head: RequestHead = self._head
        if head.minor:
            if self._hosts != 1:
                self._fail(400, "missing Host")
            head.keep_alive = not self._options & 1
        else:
            head.keep_alive = self._options & 3 == 2
        if self._encoding is not None:
            status, reason = read_coding(self._encoding, self._has_length, head.minor)
            if status != 200:
                self._fail(status, reason)
            head.chunked = True
            head.content_length = -1
            self._phase = CHUNK_SIZE
        else:
            head.content_length = self._left
            if self._max_body >= 0 and self._left > self._max_body:
                self._fail(413, "body too large")
            self._phase = LENGTH if self._left else COMPLETE
            self.complete = not self._left
        if self._phase == COMPLETE:
            head.expect_continue = False
        if not self._options & 4 or not head.minor:
            head.upgrade = b""
        head.authority = b"" if self._host is None else self._host
        block_end: cython.Py_ssize_t = self._pos - 4
        head.headers = header_block(cut(self._buf, self._fields, block_end) if block_end > self._fields else b"")
        self._head = None
        self._host = None
        self._start = self._pos
        return head

    # -- body

    def body(self) -> bytes:
        """Return the body bytes that have arrived since the last call, perhaps none; look at `complete` afterwards.

        Raises:
            ProtocolError: the rest of the body is malformed or too large.
        """
        if self.error is not None:
            raise self.error
        if self._phase == COMPLETE:
            return b""
        if self._phase == LENGTH:
            return self._take()
        pieces: list = []
        while self._chunk_step(pieces):
            pass
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _take(self) -> bytes:
        pos: cython.Py_ssize_t = self._pos
        size: cython.longlong = self._end - pos
        if size > self._left:
            size = self._left
        self._left -= size
        self._pos = self._start = pos + size
        if self._left == 0 and self._phase == LENGTH:
            self._phase = COMPLETE
            self.complete = True
        piece: bytes = self._buf
        if pos != 0 or size != self._end:
            piece = cut(piece, pos, self._pos)
        if self._pos == self._end:  # an idle connection must not hold what it has read
            self._buf = b""
            self._pos = self._start = self._end = 0
        return piece

    def _chunk_step(self, pieces: list) -> cython.bint:
        """Make one step through a chunked body (RFC 9112 §7.1); False when bytes are missing or it is complete."""
        if self._tail is not None:
            if self._phase == TRAILERS:
                self._measure_field(len(self._tail))
            else:
                self._measure_chunk(len(self._tail) - self._pos)
            return False
        if self._phase == CHUNK_DATA:
            if self._pos >= self._end:
                return False
            pieces.append(self._take())
            if self._left == 0:
                self._phase = CHUNK_END
        elif self._phase == CHUNK_END:
            if self._pos < self._end and self._buf[self._pos] != 13:
                self._fail(400, "chunk is longer than its size")
            if self._end - self._pos < 2:
                return False
            if self._buf[self._pos + 1] != 10:
                self._fail(400, "chunk is longer than its size")
            self._pos += 2
            self._start = self._pos
            self._phase = CHUNK_SIZE
        elif self._phase == CHUNK_SIZE:
            return self._chunk_size()
        elif self._phase == TRAILERS:
            if self._field_lines():
                self._start = self._pos
                self._phase = COMPLETE
                self.complete = True
            return False
        return True

    def _measure_chunk(self, size: cython.Py_ssize_t):
        if size > self._max_extensions - self._extensions + 18:
            self._fail(400, "chunk extensions too large")

    def _chunk_size(self) -> cython.bint:
        buf: bytes = self._buf
        pos: cython.Py_ssize_t = self._pos
        lf: cython.Py_ssize_t = find(buf, LF, pos, self._end)
        if lf < 0:
            self._measure_chunk(self._end - pos)
            self._starve()
            return False
        self._measure_chunk(lf - pos + 1)
        end: cython.Py_ssize_t = lf - 1
        if end <= pos or buf[end] != 13:
            self._fail(400, "malformed chunk size")
        i: cython.Py_ssize_t = pos
        size: cython.longlong = 0
        byte: cython.int
        while i < end:
            byte = buf[i]
            if 48 <= byte <= 57:
                byte -= 48
            elif 97 <= byte <= 102:
                byte -= 87
            elif 65 <= byte <= 70:
                byte -= 55
            else:
                break
            if i - pos >= 16 or size > 0x07FFFFFFFFFFFFFF:
                self._fail(400, "chunk size too large")
            size = size * 16 + byte
            i += 1
        if i == pos:
            self._fail(400, "malformed chunk size")
        if i < end:
            if grammar.CHUNK_EXTENSIONS.fullmatch(buf, i, end) is None:
                self._fail(400, "malformed chunk extension")
            self._extensions += end - i
            if self._extensions > self._max_extensions:
                self._fail(400, "chunk extensions too large")
        self._pos = self._start = lf + 1
        if size == 0:
            self._phase = TRAILERS
            self._fields = self._pos
            self._count = 0
            return True
        if self._max_body >= 0:  # without a limit nobody asks for the sum, which could overflow
            if size > self._max_body - self._received:
                self._fail(413, "body too large")
            self._received += size
        self._left = size
        self._phase = CHUNK_DATA
        return True
