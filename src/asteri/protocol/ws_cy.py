"""One WebSocket connection (RFC 6455) on a transport that HTTP/1.1 hands over, as a `Channel`.

```
    CONNECTING ──accept──► OPEN ──close, shutdown──► CLOSING ──peer's close──► CLOSED
        │ reject             └──peer's close, failure, vanished──────────────────►┘
        └────────────────────────────────────────────────────────────────────────►┘
```

Rules
    1. One task per connection (the application's), in its own copy of the base context. A message that the task waits
       for goes to it inside the read that brought it; others wait in a deque bounded by `QUEUE_HIGH`: above it the
       socket is not read, and compressed messages stay compressed.
    2. What the application sends during one read goes out in one write, anything else at once.
    3. Whatever the application does ends in an answer: 403 when it returns without `accept`, 500 when it raises before
       and 1011 when it raises after, 1000 when it returns.
    4. Whatever the peer does ends in `ChannelClosed`: its close code, our code if it broke the protocol, 1006 if it
       vanished. Messages that came before its close frame can still be received.
    5. Every wait has a deadline: the peer's pong, its close frame, its reading of what we send.
    6. No message takes the loop for long: large ones are read and inflated a part in each turn, and sent likewise.
    7. After a failure the input is still read and dropped for a moment, because closing a socket with unread input
       resets the connection and takes our close frame with it.

Ordinary Python in Cython's pure mode: compiled or interpreted, the same bytes get the same answers.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio
import logging
from collections import deque

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.exchange import ChannelClosed, Disconnected
from asteri.wire import handshake
from asteri.wire.deflate import Inflater, negotiate
from asteri.wire.frames_cy import CLOSE, PING, Close, Failure, Ping, close_payload

if cython.compiled:
    from cython.cimports.asteri.protocol.flow_cy import FlowProtocol
    from cython.cimports.asteri.protocol.waiter_cy import Waiter
    from cython.cimports.asteri.protocol.wheel_cy import Deadline
    from cython.cimports.asteri.protocol.ws_sender_cy import Sender
    from cython.cimports.asteri.wire.frames_cy import FrameReader, frame
else:
    from asteri.protocol.flow_cy import FlowProtocol
    from asteri.protocol.waiter_cy import Waiter
    from asteri.protocol.wheel_cy import Deadline
    from asteri.protocol.ws_sender_cy import Sender
    from asteri.wire.frames_cy import FrameReader, frame

__all__ = ["WebSocketProtocol"]

LOGGER = logging.getLogger("asteri")

CONNECTING = cython.declare(cython.int, 0)
OPEN = cython.declare(cython.int, 1)
CLOSING = cython.declare(cython.int, 2)
CLOSED = cython.declare(cython.int, 3)

QUEUE_HIGH = cython.declare(cython.Py_ssize_t, 65536)
QUEUE_LOW = cython.declare(cython.Py_ssize_t, 16384)
MESSAGE_COST = cython.declare(cython.Py_ssize_t, 64)
EARLY_MAX = cython.declare(cython.Py_ssize_t, 65536)
LARGE = cython.declare(cython.Py_ssize_t, 1048576)  # a message that took long to read; its task goes on a turn later
READ = cython.declare(cython.Py_ssize_t, 131072)  # a read of this size is the last in its turn
TURN = cython.declare(cython.int, 4)  # batches of the reader in one turn
CONTROL_WINDOW = 10.0
LINGER = 2.0


class WebSocketProtocol(Sender):
    """Speaks WebSocket on a transport and is the application's `Channel`.

    The handshake is judged at once. Is it refused, the answer is written and the application never called.

    Args:
        loop: the running loop.
        transport: the connection; the caller makes this object its protocol.
        wheel: the worker's timer.
        head: the request's head.
        leftover: bytes that arrived after the head.
        door: the application.
        limits: limits and deadlines.
        base_context: copied for the application's task.
        connections: this object is in it until the connection is lost and the task has ended.
        connection: what the application is told of the connection.
    """

    def __init__(
        self, *, loop, transport, wheel, head, leftover, door, limits, base_context, connections, connection
    ) -> None:
        Sender.__init__(self, loop, wheel, base_context, limits)
        self.take_transport(transport)
        self._behind = True  # HTTP/1's last answers may still wait in the transport
        self.path = head.path
        self.raw_path = head.raw_path
        self.query = head.query
        self.headers = head.headers
        self.connection = connection
        self.subprotocols = ()
        self.app = None
        self.task = None
        self.queued = 0
        self._door = door
        self._connections = connections
        self._upgrade = None
        self._early = leftover
        self._reader = None
        self._queue = None
        self._handed = None
        self._waiter = None
        self._deaf = False
        self._pumping = False
        self._taking = False
        self._heard = False
        self._controls = 0
        self._control_start = 0.0
        self._deadline = Deadline(wheel, self._late)
        self._pinged = False
        connections.add(self)
        try:
            self._upgrade = handshake.check(head.method, connection.http_version, head.headers, limits.origins)
            if limits.deflate is not None:
                self._agreement = negotiate(self._upgrade.extensions, limits.deflate)
                self._threshold = limits.deflate.threshold
        except handshake.Refusal as refusal:
            self._turn_away(refusal.status, refusal.reason, refusal.headers)
        except ValueError as error:
            self._turn_away(400, f"{error}.", ())
        else:
            self.subprotocols = self._upgrade.subprotocols
            self.task = loop.create_task(self._run(), context=base_context.copy())
            self.task.add_done_callback(self._leave)

    # The application's side: Channel.

    async def accept(self, subprotocol=None, headers=()) -> None:
        """Complete the handshake.

        Raises:
            ValueError: a header is invalid, or the subprotocol was not offered.
            ChannelClosed: the peer is gone.
            RuntimeError: the handshake was answered before.
        """
        self._require_connecting()
        agreement, limits = self._agreement, self._limits
        extensions = None if agreement is None else agreement.header
        answer = handshake.switching_protocols(self._upgrade, subprotocol, extensions, headers)
        inflater = None
        if agreement is not None:
            inflater = Inflater(agreement.client_bits, agreement.client_takeover)
        self._reader = FrameReader(limits.max_message, limits.max_fragments, inflater)
        self._upgrade = None
        self.emit(answer)
        self._state = OPEN
        if limits.ping_interval is not None:
            self._deadline.arm(limits.ping_interval)
        early, self._early = bytes(self._early), b""
        if early:
            self._take(self._reader.feed(early))
        self._pump()

    async def reject(self, status: int = 403, headers=(), body: bytes = b"") -> None:
        """Answer the handshake with an HTTP response and end the connection.

        Raises:
            ValueError: the status or a header is invalid.
            ChannelClosed: the peer is gone.
            RuntimeError: the handshake was answered before.
        """
        self._require_connecting()
        self._refuse(status, headers, body)

    async def receive(self):
        """Return the next message; before `accept`, wait.

        Raises:
            ChannelClosed: the connection is closed and nothing is left to receive.
            RuntimeError: another task is waiting.
        """
        while True:
            if self._handed is not None:
                message, self._handed = self._handed, None
                return message
            if self._queue:
                message = self._queue.popleft()
                self.queued -= len(message) + MESSAGE_COST
                if not self.reading and self.queued < QUEUE_LOW:
                    self._pump()
                return message
            if not self.reading:
                self._pump()
                if self._queue:
                    continue
            if self._code and (self._deaf or not self._has_pending()):
                raise ChannelClosed(self._code, self._reason)
            if self._waiter is None or not self._waiter.reuse():
                if self._waiter is not None and not self._waiter.done():
                    raise RuntimeError("another task is waiting for a message of this channel")
                self._waiter = Waiter(self.loop)
            await self._waiter

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake, which goes on by itself; before `accept`, reject with 403.

        Raises:
            ValueError: the code may not be sent.
        """
        if self._state == CONNECTING:
            self._refuse(403, (), b"")
        elif self._state == OPEN:
            self._start_close(code, reason)

    # The worker's side.

    def abort(self) -> None:
        """Cut the connection."""
        self._end(CLOSED, 1006, "")
        FlowProtocol.abort(self)

    def shutdown(self) -> None:
        """Tell the peer that the server goes away: 1012, or 503 before `accept`."""
        if self._state == CONNECTING:
            self._code, self._reason = 1012, "the server is going away"
            self._refuse(503, (), b"")
        elif self._state == OPEN:
            self._start_close(1012, "the server is going away")

    # The transport's side: asyncio.Protocol.

    def connection_made(self, transport) -> None:
        """Do nothing: the transport is known already."""

    def data_received(self, data: bytes) -> None:
        """Take bytes from the transport."""
        self._heard = True
        reader = self._reader
        if reader is None:
            if self._state == CONNECTING:
                self._early += data
                if len(self._early) >= EARLY_MAX:
                    self.stop_reading()
            return
        self.batching = True
        try:
            # A reader that has seen the end ignores what follows.
            self._take(reader.feed(data))
            if not self.reading or self.queued >= QUEUE_HIGH or reader.pending:
                self._pump()
            if self.reading and len(data) >= READ:
                # libuv reads a socket up to 32 times in a turn.
                self.stop_reading()
                self._go_on_soon()
        finally:
            self.batching = False
            self.flush()

    def eof_received(self) -> bool:
        """Let the transport close: a WebSocket does not live on one leg."""
        self._end(CLOSED, 1006, "")
        self._deadline.arm(self._limits.close_timeout)
        return False

    def connection_lost(self, exc) -> None:
        """End everything that waits for the peer."""
        self.release()
        self._end(CLOSED, 1006, "")
        self._deadline.close()
        self._leave()

    # The application's task.

    async def _run(self) -> None:
        """Call the application and give the answer that it owes."""
        failed = False
        try:
            await self._door(self)
        except asyncio.CancelledError:
            self.shutdown()
            raise
        except Exception as error:
            # An application that does not catch the end of its own channel has done nothing wrong.
            if not (isinstance(error, (ChannelClosed, Disconnected)) and self._code):
                failed = True
                LOGGER.exception("websocket application failed: %s", self.path)
        if self._state == CONNECTING:
            self._refuse(500 if failed else 403, (), b"")
        elif self._state == OPEN:
            self._start_close(1011 if failed else 1000, "")

    def _leave(self, _task=None) -> None:
        if self.lost and (self.task is None or self.task.done()):
            self._connections.discard(self)

    def _require_connecting(self):
        if self._state != CONNECTING:
            if self._reader is None and self._code:
                raise ChannelClosed(self._code, self._reason)
            raise RuntimeError("the handshake was already answered")

    # In.

    def _take(self, events: list):
        """Give messages to the application and answer control frames, in their order."""
        pongs: list = []
        self._taking = True
        for event in events:
            kind = type(event)
            if kind is str or kind is bytes:
                if self._deaf:
                    continue
                if pongs:
                    self._pong(pongs)
                    pongs = []
                if self._waiter is not None and not self._queue and len(event) <= LARGE:
                    self._handed = event
                    if self._waiter.resume():
                        continue
                    self._handed = None
                if self._queue is None:
                    self._queue = deque()  # most connections never need it
                self._queue.append(event)
                self.queued += len(event) + MESSAGE_COST
            elif kind is Close:
                self._peer_closed(event.code, event.reason)
            elif kind is Failure:
                self._fail(event.code, event.reason)
            else:
                if kind is Ping:
                    pongs.append(event.payload)
                if self._is_flood():
                    self._fail(1008, "too many control frames")
                    break
        if pongs:
            self._pong(pongs)
        self._taking = False
        if self._queue and self._waiter is not None:
            self._waiter.complete()

    def _is_flood(self) -> cython.bint:
        """Count a control frame."""
        if self._controls == 0:
            self._control_start = self.loop.time()
        self._controls += 1
        if self._controls <= self._limits.max_controls:
            return False
        if self.loop.time() - self._control_start < CONTROL_WINDOW:
            return True
        self._controls = 0
        return False

    def _has_pending(self) -> cython.bint:
        return self._reader is not None and self._reader.pending

    def _pump(self):
        """Take what waits in the reader, a bounded part of it; read on, or stop reading, as the queue has room."""
        if self._taking:
            return  # the application runs inside `_take`; its caller comes here next
        turns: cython.int = 0
        while self._has_pending() and self.queued < QUEUE_LOW and turns < TURN:
            turns += 1
            self._take(self._reader.feed(b""))
        pending: cython.bint = self._has_pending()
        if pending and self.queued < QUEUE_LOW:
            self._go_on_soon()
        if pending or self.queued >= QUEUE_HIGH:
            self.stop_reading()
        elif self.queued < QUEUE_LOW:
            self.start_reading()
        if self._code and not pending and self._waiter is not None:
            self._waiter.complete()  # the end that it has to be told stands behind what was pending

    def _go_on_soon(self):
        if not self._pumping:
            self._pumping = True
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Take more of what waits in the reader, in a turn of its own."""
        self._pumping = False
        self.batching = True
        try:
            self._pump()
        finally:
            self.batching = False
            self.flush()

    # Ends.

    def _peer_closed(self, code: cython.int, reason):
        """Answer the peer's close frame, or take it for the answer to ours; then close the transport."""
        if self._code == 1006 and not self._deaf:
            # It was still waiting in the reader when the connection ended.
            self._code, self._reason = code, reason
        if self._state == OPEN:
            self.emit(frame(CLOSE, close_payload(code, reason)))
        self._end(CLOSED, code, reason)
        if not self.lost:
            self._deadline.arm(self._limits.close_timeout)
            self.finish_writing()

    def _fail(self, code: cython.int, reason):
        """Fail the connection (RFC 6455 §7.1.7)."""
        LOGGER.info("websocket closed with %d: %s", code, reason)
        if self._state == OPEN:
            self.emit(frame(CLOSE, close_payload(code, reason)))
        self._end(CLOSED, code, reason)
        self._linger()

    def _start_close(self, code: cython.int, reason):
        """Send our close frame and wait for the peer's."""
        self.emit(frame(CLOSE, close_payload(code, reason)))
        self._deafen()
        self._end(CLOSING, code, reason)
        self._deadline.arm(self._limits.close_timeout)

    def _turn_away(self, status: cython.int, reason, headers):
        LOGGER.info("websocket handshake refused with %d: %s", status, reason)
        self._refuse(status, [*headers, (b"content-type", b"text/plain; charset=utf-8")], reason.encode())

    def _refuse(self, status: cython.int, headers, body: bytes):
        """Answer the handshake with an HTTP response."""
        self.emit(handshake.response(status, headers, body))
        self._early = b""
        self._end(CLOSED, 1006, "")
        self._linger()

    def _linger(self):
        """Say that nothing more will come, and drop what still arrives until the peer closes."""
        self._deafen()
        if self.lost or self.transport.is_closing():
            return
        self.flush()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline.arm(min(LINGER, self._limits.close_timeout))

    def _deafen(self):
        """Drop all messages from now on, and read on to find the peer's end."""
        self._deaf = True
        self._queue = None
        self.queued = 0
        if not self.reading:
            self._go_on_soon()

    def _end(self, state: cython.int, code: cython.int, reason):
        """Enter CLOSING or CLOSED and wake everybody; the first code is the one that stays."""
        self._state = state
        if not self._code:
            self._code, self._reason = code, reason
        if self._waiter is not None:
            self._waiter.complete()
        self._wake_writers()

    # Deadlines.

    def _late(self) -> None:
        """The deadline has passed: of a pause between pings, of a pong, or of the end."""
        limits = self._limits
        if self._state != OPEN:
            # No reset as in `abort`: our last words may lie unread at the peer.
            self.transport.abort()
        elif not self._pinged:
            self._pinged = True
            self._heard = False
            if not self.paused:
                self.emit(frame(PING, b"asteri"))
            self._deadline.arm(limits.pong_timeout)
        elif not self._heard and self.reading:
            # Anything that the peer sends shows that it lives, not only its pong.
            LOGGER.info("websocket peer does not answer pings")
            self.abort()
        else:
            self._pinged = False
            self._deadline.arm(max(limits.ping_interval - limits.pong_timeout, 0.0))
