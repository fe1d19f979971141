"""The HTTP/1 exchange and its sink: the laws of `asteri.exchange` between an application and a connection.

This file decides what may happen (one answer, no body on HEAD, lengths that are true) and never touches a socket. It
speaks to its connection, the *port*, which must have:

    emit(data)              send bytes, in order, joined with others where that saves a call
    hold(data)              the same, but more is expected soon
    paused, writable()      back-pressure: whether to wait, and the future to wait for
    lost                    the peer is gone
    more_body(exchange)     a future that ends when body bytes, the end of the body or a disconnect have arrived
    body_taken(exchange)    the application has consumed body bytes
    may_keep(exchange)      whether the rest of the unread body is small enough to keep the connection
    answered(exchange, keep)the answer is complete; keep: the connection may serve another request
    peer_gone()             a future that ends when the peer is gone
    abort()                 cut the connection

States: OPEN -> ANSWERED, or OPEN -> STREAMING -> ANSWERED, or any -> ABORTED.
"""

# mypy: ignore-errors

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.exchange import AnswerError, Disconnected
from asteri.wire.response_cy import encode_interim, encode_response, encode_start, encode_trailers

__all__ = ["Exchange", "Sink"]

OPEN = cython.declare(cython.int, 0)
STREAMING = cython.declare(cython.int, 1)
ANSWERED = cython.declare(cython.int, 2)
ABORTED = cython.declare(cython.int, 3)

BODYLESS = cython.declare(cython.int, 0)
COUNTED = cython.declare(cython.int, 1)
CHUNKED = cython.declare(cython.int, 2)

JOINED = cython.declare(cython.Py_ssize_t, 16384)  # the same bound as in response_cy: larger bodies are not copied


@cython.cclass
class Exchange:
    """One request and its one response over an HTTP/1 connection."""

    method = cython.declare(str, visibility="readonly")
    path = cython.declare(str, visibility="public")
    raw_path = cython.declare(bytes, visibility="readonly")
    query = cython.declare(bytes, visibility="readonly")
    headers = cython.declare(object, visibility="readonly")
    connection = cython.declare(object, visibility="readonly")
    buffered = cython.declare(bytes, visibility="readonly")
    app = cython.declare(object, visibility="public")
    # For the connection, not for applications:
    status = cython.declare(cython.int, visibility="readonly")  # of the answer, 0 before it
    sent = cython.declare(cython.longlong, visibility="readonly")  # body bytes of the answer
    complete = cython.declare(cython.bint, visibility="readonly")  # the request's body has arrived wholly
    expecting = cython.declare(cython.bint, visibility="public")  # the client waits for 100 Continue
    broken = cython.declare(cython.bint, visibility="readonly")  # the body will never be complete
    queued = cython.declare(cython.Py_ssize_t, visibility="readonly")  # body bytes that wait for the application
    _port: object
    _head_only: cython.bint
    _minor: cython.int
    _keep: cython.bint
    _state: cython.int
    _unread: object  # bytes, or a deque of them

    def __init__(self, port, head, connection, body: bytes, complete: cython.bint) -> None:
        """Start with what has arrived of the body."""
        self.method = head.method
        self.path = head.path
        self.raw_path = head.raw_path
        self.query = head.query
        self.headers = head.headers
        self.connection = connection
        self.app = None
        self.status = 0
        self.sent = 0
        self._port = port
        self._head_only = self.method == "HEAD"
        self._minor = head.minor
        self._keep = head.keep_alive
        self._state = OPEN
        self.broken = False
        self.complete = complete
        self.queued = len(body)
        self._unread = body
        if complete:
            self.buffered = body
            self.expecting = False
        else:
            self.buffered = None
            self.expecting = head.expect_continue and not body

    @property
    def gone(self) -> bool:
        """For a gateway: whether the peer is gone, so that an answer would reach nobody."""
        return self._state == ABORTED or self._port.lost

    @property
    def state(self) -> str:
        """For the connection: "open", "streaming", "answered" or "aborted"."""
        return ("open", "streaming", "answered", "aborted")[self._state]

    # -- the request's body

    def feed(self, data: bytes, complete: cython.bint) -> None:
        """For the connection: more of the body."""
        if data:
            self.expecting = False
            if type(self._unread) is bytes:
                self._unread = deque((self._unread,)) if self._unread else deque()
            self._unread.append(data)
            self.queued += len(data)
        self.complete = complete

    def fail(self) -> None:
        """For the connection: the body will never be complete."""
        self.broken = True

    @cython.cfunc
    def _take(self, limit: cython.Py_ssize_t) -> bytes:
        first: bytes
        if type(self._unread) is bytes:
            first = self._unread
            self._unread = b""
        else:
            first = self._unread.popleft()
        if len(first) > limit:
            if type(self._unread) is bytes:
                self._unread = deque()
            self._unread.appendleft(first[limit:])
            first = first[:limit]
        self.queued -= len(first)
        return first

    async def read(self, limit: int = 65536) -> bytes:
        """Return up to `limit` bytes of the body, b"" at its end."""
        if limit <= 0:
            raise ValueError("limit must be positive")
        while not self.queued:
            if self.complete:
                return b""
            if self.broken or self._port.lost or self._state >= ANSWERED:
                raise Disconnected("the request body will never be complete")
            await self._port.more_body(self)
        data = self._take(limit)
        if not self.complete:
            self._port.body_taken(self)
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the rest of the body."""
        while True:
            data = await self.read()
            if not data:
                return
            yield data

    # -- the answer

    @cython.cfunc
    def _begin(self) -> cython.bint:
        """Check that no answer was given, and return whether the connection could be kept after one."""
        if self._state != OPEN:
            raise AnswerError("this exchange was already answered")
        return self._keep and (self.complete or self._port.may_keep(self))

    def respond(self, status, headers, body) -> None:
        """Answer with head and body in one write."""
        if self._state == ABORTED:
            return  # nobody is there any more, which is no mistake of the application
        keep: cython.bint = self._begin()
        if type(body) is not bytes:
            if not isinstance(body, (bytes, bytearray, memoryview)):
                raise TypeError(f"a response body is bytes, not {type(body).__name__}")
            body = bytes(body)
        port = self._port
        data, keep = encode_response(status, headers, body, self._head_only, self._minor, keep and not port.draining)
        self.status = status
        self._state = ANSWERED
        if self._head_only or status == 204 or status == 304:
            body = b""
        size: cython.Py_ssize_t = len(body)
        self.sent = size
        port.emit(data)
        if size > JOINED:
            port.emit(body)
        port.answered(self, keep)

    def begin(self, status, headers) -> Sink:
        """Start a streamed answer."""
        if self._state == ABORTED:
            return Sink(self, BODYLESS, -1)  # whose `write` raises Disconnected
        keep: cython.bint = self._begin()
        port = self._port
        data, keep, framing, length = encode_start(
            status, headers, self._head_only, self._minor, keep and not port.draining
        )
        self.status = status
        self._state = STREAMING
        self._keep = keep
        port.hold(data)
        return Sink(self, framing, length)

    def inform(self, status, headers) -> None:
        """Send an interim 1xx response before the answer."""
        if self._state != OPEN:
            raise AnswerError("an interim response comes before the answer")
        data = encode_interim(status, headers)
        if self._minor:  # RFC 9110 §15.2: not to an HTTP/1.0 client
            if status == 100:
                self.expecting = False
            self._port.emit(data)

    def abandon(self) -> None:
        """For the connection: it has answered in the application's place, or the peer is gone."""
        self._state = ABORTED

    async def drain(self) -> None:
        """Return at once: the answer is already with the transport."""

    async def disconnected(self) -> None:
        """Return when the peer is gone, or the answer is complete and nothing can be told to it any more."""
        if self._state < ANSWERED and not self._port.lost:
            await self._port.peer_gone()


@cython.cclass
class Sink:
    """The body of a streamed response."""

    _exchange: Exchange
    _framing: cython.int
    _left: cython.longlong

    def __init__(self, exchange: Exchange, framing: cython.int, length: cython.longlong) -> None:
        self._exchange = exchange
        self._framing = framing
        self._left = length

    @cython.cfunc
    def _check(self) -> object:
        """Return the port while the stream is open and the peer is there."""
        exchange: Exchange = self._exchange
        if exchange._state == ANSWERED:
            raise AnswerError("this stream is finished")
        port = exchange._port
        if exchange._state == ABORTED or port.lost:
            raise Disconnected("the peer is gone")
        return port

    async def write(self, data) -> None:
        """Send a piece and wait until the peer has room for more."""
        port = self._check()
        exchange: Exchange = self._exchange
        if type(data) is not bytes:
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"a piece of a body is bytes, not {type(data).__name__}")
            data = bytes(data)
        size: cython.Py_ssize_t = len(data)
        if size and self._framing != BODYLESS:
            if self._framing == COUNTED and size > self._left:
                # The client gets exactly what was promised, and the connection is not used again.
                port.emit(data[: self._left])
                exchange.sent += self._left
                self._left = 0
                exchange._state = ANSWERED
                port.answered(exchange, False)
                raise AnswerError("the body is longer than its content-length")
            exchange.sent += size
            if self._framing == CHUNKED:
                if size <= JOINED:
                    port.emit(b"%x\r\n%b\r\n" % (size, data))
                else:
                    port.hold(b"%x\r\n" % size)
                    port.hold(data)
                    port.emit(b"\r\n")
            else:
                self._left -= size
                port.emit(data)
        if port.paused:
            await port.writable()
            if port.lost:
                raise Disconnected("the peer is gone")

    async def finish(self, trailers=()) -> None:
        """End the body."""
        port = self._check()
        exchange: Exchange = self._exchange
        if self._framing == COUNTED and self._left:
            self.abort()
            raise AnswerError(f"the body is {self._left} bytes shorter than its content-length")
        last = encode_trailers(trailers) if self._framing == CHUNKED else None
        exchange._state = ANSWERED
        if last is not None:
            port.emit(last)
        port.answered(exchange, exchange._keep)

    def abort(self) -> None:
        """Cut the connection, so that the peer knows that the body is incomplete."""
        exchange: Exchange = self._exchange
        if exchange._state == STREAMING:
            exchange._state = ABORTED
            exchange._port.abort()
