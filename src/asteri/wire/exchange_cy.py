"""The HTTP/1 exchange and its sink: the laws of `asteri.exchange` between an application and a connection.

This file decides what may happen (one answer, no body on HEAD, lengths that are true) and never touches a socket. It
speaks to its connection through a `Port`.

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

if cython.compiled:
    from cython.cimports.asteri.wire.request_cy import RequestHead
    from cython.cimports.asteri.wire.response_cy import encode_response, encode_start
else:
    from asteri.wire.request_cy import RequestHead
    from asteri.wire.response_cy import encode_response, encode_start
from asteri.wire.response_cy import encode_interim, encode_trailers

__all__ = ["Exchange", "Port", "Sink", "begin_exchange"]

OPEN = cython.declare(cython.int, 0)
STREAMING = cython.declare(cython.int, 1)
ANSWERED = cython.declare(cython.int, 2)
ABORTED = cython.declare(cython.int, 3)

BODYLESS = cython.declare(cython.int, 0)
COUNTED = cython.declare(cython.int, 1)
CHUNKED = cython.declare(cython.int, 2)

WHOLE = cython.declare(cython.Py_ssize_t, 1 << 20)  # a piece of the body as it arrived, which is never that large
JOINED = cython.declare(cython.Py_ssize_t, 16384)  # the same bound as in response_cy: larger bodies are not copied


class Port:
    """A connection, as its exchanges see it.

    Attributes:
        lost: the peer is gone.
        paused: the peer does not read; wait for `writable()` before more is written.
        draining: the server shuts down: no further requests.
    """

    def emit(self, data: bytes) -> None:
        """Send bytes, in order, joined with others where that saves a call."""
        raise NotImplementedError

    def hold(self, data: bytes) -> None:
        """Send bytes of which more are expected soon."""
        raise NotImplementedError

    def send_file(self, file: int, offset: int, size: int) -> int:
        """Send a part of a file from the kernel; return how many bytes the socket took at once, 0 if it may not be."""
        return 0

    def join(self, data: bytes) -> None:
        """Send bytes together with those of the `emit` that follows at once."""
        raise NotImplementedError

    def writable(self):
        """Return a future that ends when there is room, or the peer is gone."""
        raise NotImplementedError

    def peer_gone(self):
        """Return a future that ends when the peer is gone."""
        raise NotImplementedError

    def abort(self) -> None:
        """Cut the connection, so that nothing that was sent can be taken for complete."""
        raise NotImplementedError

    def more_body(self, exchange: Exchange):
        """Return a future that ends when body bytes, the end of the body or a disconnect have arrived."""
        raise NotImplementedError

    def body_taken(self, exchange: Exchange) -> None:
        """Note that the application has consumed body bytes."""
        raise NotImplementedError

    def may_keep(self, exchange: Exchange) -> bool:
        """Tell whether the rest of the unread body is small enough to keep the connection."""
        raise NotImplementedError

    def answered(self, exchange: Exchange, keep: cython.bint) -> None:
        """Note that the answer is complete; keep: the connection may serve another request."""
        raise NotImplementedError


class Exchange:
    """One request and its one response over an HTTP/1 connection.

    For the connection, not for applications:
        status: of the answer, 0 before it.
        sent: body bytes of the answer.
        complete: the request's body has arrived wholly.
        expecting: the client waits for 100 Continue.
        broken: the body will never be complete.
        queued: body bytes that wait for the application.
    """

    @property
    def gone(self) -> bool:
        """For a gateway: whether the peer is gone, so that an answer would reach nobody."""
        return self._state == ABORTED or self._port.lost

    # -- for the connection

    def is_open(self) -> bool:
        """Tell whether no answer has begun."""
        return self._state == OPEN

    def is_streaming(self) -> bool:
        """Tell whether an answer has begun and is not complete."""
        return self._state == STREAMING

    def is_answered(self) -> bool:
        """Tell whether the answer is complete."""
        return self._state == ANSWERED

    def is_aborted(self) -> bool:
        """Tell whether the answer was given up."""
        return self._state == ABORTED

    def abandon(self) -> None:
        """Give up: the connection has answered in the application's place, or the peer is gone."""
        self._state = ABORTED

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

    def _take(self, limit: cython.Py_ssize_t) -> bytes:
        """Return up to `limit` bytes of the first piece; each byte is copied once, or not at all."""
        single: cython.bint = type(self._unread) is bytes
        first: bytes = self._unread if single else self._unread[0]
        begin: cython.Py_ssize_t = self._taken
        size: cython.Py_ssize_t = len(first) - begin
        if size > limit:
            self._taken = begin + limit
            self.queued -= limit
            return first[begin : begin + limit]
        if single:
            self._unread = b""
        else:
            self._unread.popleft()
        self._taken = 0
        self.queued -= size
        return first[begin:] if begin else first

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
            data = await self.read(WHOLE)
            if not data:
                return
            yield data

    # -- the answer

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
        port: Port = self._port
        data, keep = encode_response(status, headers, body, self._head_only, self._minor, keep and not port.draining)
        self.status = status
        self._state = ANSWERED
        if self._head_only or status == 204 or status == 304:
            body = b""
        size: cython.Py_ssize_t = len(body)
        self.sent = size
        if size > JOINED:
            port.join(data)
            port.emit(body)
        else:
            port.emit(data)
        port.answered(self, keep)

    def begin(self, status, headers) -> Sink:
        """Start a streamed answer."""
        if self._state == ABORTED:
            return Sink(self, BODYLESS, -1)  # whose `write` raises Disconnected
        keep: cython.bint = self._begin()
        port: Port = self._port
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

    async def drain(self) -> None:
        """Return at once: the answer is already with the transport."""

    async def disconnected(self) -> None:
        """Return when the peer is gone, or the answer is complete and nothing can be told to it any more."""
        if self._state < ANSWERED and not self._port.lost:
            await self._port.peer_gone()


def begin_exchange(port: Port, head: RequestHead, connection, body: bytes, complete: cython.bint) -> Exchange:
    """Return the exchange of a request, with what has arrived of its body."""
    exchange: Exchange = Exchange.__new__(Exchange)
    exchange.method = head.method
    exchange.path = head.path
    exchange.raw_path = head.raw_path
    exchange.query = head.query
    exchange.headers = head.headers
    exchange.connection = connection
    exchange.app = None
    exchange.status = 0
    exchange.sent = 0
    exchange._port = port
    exchange._head_only = head.method == "HEAD"
    exchange._minor = head.minor
    exchange._keep = head.keep_alive
    exchange._state = OPEN
    exchange.broken = False
    exchange.complete = complete
    exchange.queued = len(body)
    exchange._unread = body
    exchange._taken = 0
    if complete:
        exchange.buffered = body
        exchange.expecting = False
    else:
        exchange.buffered = None
        exchange.expecting = head.expect_continue and not body
    return exchange


class Sink:
    """The body of a streamed response."""

    def __init__(self, exchange: Exchange, framing: cython.int, length: cython.longlong) -> None:
        self._exchange = exchange
        self._framing = framing
        self._left = length

    def _check(self) -> Port:
        """Return the port while the stream is open and the peer is there."""
        exchange: Exchange = self._exchange
        if exchange._state == ANSWERED:
            raise AnswerError("this stream is finished")
        port: Port = exchange._port
        if exchange._state == ABORTED or port.lost:
            raise Disconnected("the peer is gone")
        return port

    async def write(self, data) -> None:
        """Send a piece and wait until the peer has room for more."""
        port: Port = self._check()
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
                    port.join(b"%x\r\n" % size)
                    port.join(data)
                    port.emit(b"\r\n")
            else:
                self._left -= size
                port.emit(data)
        if port.paused:
            await port.writable()
            if port.lost:
                raise Disconnected("the peer is gone")

    def send_file(self, file: int, offset: int, size: int) -> int:
        """For a gateway: send a part of a file without reading it; return how much of it was sent, maybe nothing.

        What is left over is to be read and written.
        """
        port: Port = self._check()
        if self._framing != COUNTED or size > self._left:
            return 0
        sent: cython.longlong = port.send_file(file, offset, size)
        self._left -= sent
        self._exchange.sent += sent
        return sent

    async def finish(self, trailers=()) -> None:
        """End the body."""
        port: Port = self._check()
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
