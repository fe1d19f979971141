"""One WebSocket connection (RFC 6455) on a transport that HTTP/1.1 hands over, as a `Channel`.

```
    CONNECTING ──accept──► OPEN ──close, shutdown──► CLOSING ──peer's close──► CLOSED
        │ reject             └──peer's close, failure, vanished──────────────────►┘
        └────────────────────────────────────────────────────────────────────────►┘
```

Rules
    1. One task per connection (the application's), in its own copy of the base context; none per message. Messages wait
       in a deque bounded by `QUEUE_HIGH`: above it the socket is not read, and compressed messages stay compressed.
    2. Whatever the application does ends in an answer: 403 when it returns without `accept`, 500 when it raises before
       and 1011 when it raises after, 1000 when it returns.
    3. Whatever the peer does ends in `ChannelClosed`: its close code, our code if it broke the protocol, 1006 if it
       vanished. Messages that came before its close frame can still be received.
    4. Every wait has a deadline: the peer's pong, its close frame, its reading of what we send.
    5. After a failure the input is still read and dropped for a moment, because closing a socket with unread input
       resets the connection and takes our close frame with it.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from asteri.exchange import Channel, ChannelClosed, Connection, Disconnected, HeaderPairs, Headers
from asteri.protocol.ws_limits import WebSocketLimits
from asteri.wire import frames_cy, handshake
from asteri.wire.deflate import Agreement, Deflater, DeflateSettings, Inflater, negotiate

if TYPE_CHECKING:
    from asteri.protocol.h1_cy import H1Protocol, WebSocketFactory

__all__ = ["Head", "WebSocketLimits", "WebSocketProtocol", "upgrader"]

LOGGER = logging.getLogger("asteri")

QUEUE_HIGH = 65536
QUEUE_LOW = 16384
MESSAGE_COST = 64
EARLY_MAX = 65536
PONGS_MAX = 16
CONTROL_WINDOW = 10.0
LINGER = 2.0


class Head(Protocol):
    """The head of the request that asks for the upgrade."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query(self) -> bytes: ...
    @property
    def headers(self) -> Headers: ...


def upgrader(door: Callable[[Channel], Awaitable[None]], limits: WebSocketLimits | None = None) -> WebSocketFactory:
    """Return what HTTP/1 calls to hand a connection over to WebSocket."""
    limits = limits or WebSocketLimits()

    def take_over(h1: H1Protocol, head: Any, leftover: bytes) -> WebSocketProtocol:
        service = h1.service
        transport = cast(asyncio.Transport, h1.transport)
        protocol = WebSocketProtocol(
            loop=h1.loop,
            transport=transport,
            head=head,
            leftover=leftover,
            door=door,
            limits=limits,
            base_context=h1.base_context,
            connections=service.connections,
            connection=h1.connection if head.minor else replace(h1.connection, http_version="1.0"),
        )
        if protocol.task is not None:
            service.tasks.add(protocol.task)
            protocol.task.add_done_callback(service.tasks.discard)
        if not transport.is_reading() and not transport.is_closing():
            transport.resume_reading()
        return protocol

    return take_over


class State(enum.Enum):
    """Where a connection is in its life."""

    CONNECTING = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()
    CLOSED = enum.auto()


CONNECTING, OPEN, CLOSING, CLOSED = State


class WebSocketProtocol(asyncio.Protocol):
    """Speaks WebSocket on a transport and is the application's `Channel`.

    The handshake is judged at once. Is it refused, the answer is written and the application never called.

    Args:
        loop: the running loop.
        transport: the connection; the caller makes this object its protocol.
        head: the request's head.
        leftover: bytes that arrived after the head.
        door: the application.
        limits: limits and deadlines.
        base_context: copied for the application's task.
        connections: this object is in it until the connection is lost and the task has ended.
        connection: what the application is told of the connection.
    """

    __slots__ = (
        "_agreement",
        "_code",
        "_connections",
        "_control_start",
        "_controls",
        "_deaf",
        "_deflater",
        "_door",
        "_early",
        "_heard",
        "_held",
        "_limits",
        "_loop",
        "_lost",
        "_owed_pong",
        "_queue",
        "_queued",
        "_reader",
        "_reason",
        "_state",
        "_threshold",
        "_timer",
        "_transport",
        "_upgrade",
        "_waiter",
        "_writable",
        "_write_timer",
        "_writing_paused",
        "app",
        "connection",
        "draining",
        "headers",
        "path",
        "query",
        "raw_path",
        "subprotocols",
        "task",
    )

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        head: Head,
        leftover: bytes,
        door: Callable[[Channel], Awaitable[None]],
        limits: WebSocketLimits,
        base_context: contextvars.Context,
        connections: set[Any],
        connection: Connection,
    ) -> None:
        self.path = head.path
        self.raw_path = head.raw_path
        self.query = head.query
        self.headers = head.headers
        self.connection = connection
        self.subprotocols: Sequence[str] = ()
        self.app: Any = None
        self.draining = False  # the worker sets it on every connection; a WebSocket ends at `shutdown`
        self.task: asyncio.Task[None] | None = None
        self._loop = loop
        self._transport = transport
        self._door = door
        self._limits = limits
        self._connections = connections
        self._state = CONNECTING
        self._code = 0
        self._reason = ""
        self._lost = False
        self._early = bytearray(leftover)
        self._queue: deque[str | bytes] = deque()
        self._queued = 0
        self._held = False
        self._deaf = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: list[asyncio.Future[None]] = []
        self._writing_paused = False
        self._write_timer: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = False
        self._controls = 0
        self._control_start = 0.0
        self._owed_pong: bytes | None = None
        self._reader: frames_cy.FrameReader | None = None
        self._deflater: Deflater | None = None
        self._agreement: Agreement | None = None
        self._threshold = 0
        connections.add(self)
        try:
            self._upgrade = handshake.check(head.method, connection.http_version, head.headers, limits.origins)
            if limits.deflate is not None:
                self._agreement = negotiate(self._upgrade.extensions, limits.deflate)
                self._threshold = limits.deflate.threshold
        except handshake.Refusal as refusal:
            self._turn_away(refusal.status, refusal.reason, refusal.headers)
        except ValueError as error:
            self._turn_away(400, f"{error}.")
        else:
            self.subprotocols = self._upgrade.subprotocols
            self.task = loop.create_task(self._run(), context=base_context.copy())
            self.task.add_done_callback(self._leave)

    # The application's side: Channel.

    async def accept(self, subprotocol: str | None = None, headers: HeaderPairs = ()) -> None:
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
        self._reader = frames_cy.FrameReader(limits.max_message, limits.max_fragments, inflater)
        self._transport.write(answer)
        self._state = OPEN
        if limits.ping_interval is not None:
            self._timer = self._loop.call_later(limits.ping_interval, self._ping)
        early, self._early = bytes(self._early), bytearray()
        if early:
            self._take(self._reader.feed(early))
        self._flow()

    async def reject(self, status: int = 403, headers: HeaderPairs = (), body: bytes = b"") -> None:
        """Answer the handshake with an HTTP response and end the connection.

        Raises:
            ValueError: the status or a header is invalid.
            ChannelClosed: the peer is gone.
            RuntimeError: the handshake was answered before.
        """
        self._require_connecting()
        self._refuse(status, headers, body)

    async def receive(self) -> str | bytes:
        """Return the next message; before `accept`, wait.

        Raises:
            ChannelClosed: the connection is closed and nothing is left to receive.
            RuntimeError: another task is waiting.
        """
        while not self._queue:
            if self._reader is not None and self._reader.pending and not self._deaf:
                self._take(self._reader.feed(b""))
                continue
            if self._code:
                raise ChannelClosed(self._code, self._reason)
            if self._waiter is not None:
                raise RuntimeError("another task is waiting for a message of this channel")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._queue.popleft()
        self._queued -= len(message) + MESSAGE_COST
        if self._held and self._queued < QUEUE_LOW:
            self._flow()
        return message

    async def send(self, data: str | bytes | bytearray | memoryview) -> None:
        """Send one message when the peer has room for it.

        Raises:
            ChannelClosed: the connection is closed.
            RuntimeError: the channel was not accepted.
        """
        if isinstance(data, str):
            opcode, payload = frames_cy.TEXT, data.encode()
        elif isinstance(data, (bytes, bytearray, memoryview)):
            opcode, payload = frames_cy.BINARY, bytes(data)
        else:
            raise TypeError(f"a message is str or bytes, not {type(data).__name__}")
        while self._writing_paused and self._state is OPEN:
            room = self._loop.create_future()
            self._writable.append(room)
            await room
        if self._state is not OPEN:
            if self._state is CONNECTING:
                raise RuntimeError("the channel was not accepted")
            raise ChannelClosed(self._code, self._reason)
        if self._agreement is not None and len(payload) >= self._threshold:
            self._transport.write(frames_cy.frame(opcode, self._deflate(payload), True, True))
        else:
            self._transport.write(frames_cy.frame(opcode, payload))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Start the closing handshake, which goes on by itself; before `accept`, reject with 403.

        Raises:
            ValueError: the code may not be sent.
        """
        if self._state is CONNECTING:
            self._refuse(403, (), b"")
        elif self._state is OPEN:
            self._start_close(code, reason)

    # The worker's side.

    def abort(self) -> None:
        """Cut the connection."""
        self._end(CLOSED, 1006, "")
        self._transport.abort()

    def shutdown(self) -> None:
        """Tell the peer that the server goes away: 1012, or 503 before `accept`."""
        if self._state is CONNECTING:
            self._code, self._reason = 1012, "the server is going away"
            self._refuse(503, (), b"")
        elif self._state is OPEN:
            self._start_close(1012, "the server is going away")

    # The transport's side: asyncio.Protocol.

    def data_received(self, data: bytes) -> None:
        """Take bytes from the transport."""
        self._heard = True
        if self._state is CONNECTING:
            self._early += data
            if len(self._early) >= EARLY_MAX:
                self._hold()
        elif self._reader is not None:
            # A reader that has seen the end ignores what follows.
            self._take(self._reader.feed(data))
            self._flow()

    def eof_received(self) -> bool:
        """Let the transport close: a WebSocket does not live on one leg."""
        self._end(CLOSED, 1006, "")
        self._set_deadline(self._limits.close_timeout)
        return False

    def pause_writing(self) -> None:
        """Stop senders until the peer has read."""
        self._writing_paused = True
        self._watch_writes()

    def resume_writing(self) -> None:
        """Let the senders go on."""
        self._writing_paused = False
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._owed_pong is not None and self._state is OPEN:
            self._transport.write(frames_cy.frame(frames_cy.PONG, self._owed_pong))
        self._owed_pong = None
        self._wake_senders()

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything that waits for the peer."""
        self._lost = True
        self._end(CLOSED, 1006, "")
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._leave()

    # Private.

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
        if self._state is CONNECTING:
            self._refuse(500 if failed else 403, (), b"")
        elif self._state is OPEN:
            self._start_close(1011 if failed else 1000, "")

    def _leave(self, _task: object = None) -> None:
        if self._lost and (self.task is None or self.task.done()):
            self._connections.discard(self)

    def _require_connecting(self) -> None:
        if self._state is not CONNECTING:
            if self._reader is None and self._code:
                raise ChannelClosed(self._code, self._reason)
            raise RuntimeError("the handshake was already answered")

    def _deflate(self, payload: bytes) -> bytes:
        """Compress a message; the compressor's memory is taken when first needed."""
        if self._deflater is None:
            agreement = cast(Agreement, self._agreement)
            settings = cast(DeflateSettings, self._limits.deflate)
            self._deflater = Deflater(settings, agreement.server_bits, agreement.server_takeover)
        return self._deflater.deflate(payload)

    def _take(self, events: list[Any]) -> None:
        """Queue messages, answer control frames."""
        pongs: list[bytes] = []
        for event in events:
            kind = type(event)
            if kind is str or kind is bytes:
                if not self._deaf:
                    self._queue.append(event)
                    self._queued += len(event) + MESSAGE_COST
            elif kind is frames_cy.Close:
                self._peer_closed(event.code, event.reason)
            elif kind is frames_cy.Failure:
                self._fail(event.code, event.reason)
            else:
                if kind is frames_cy.Ping:
                    pongs.append(event.payload)
                if self._is_flood():
                    self._fail(1008, "too many control frames")
                    break
        if pongs and self._state is OPEN:
            # RFC 6455 §5.5.3: of several pings only the last has to be answered.
            if self._writing_paused:
                self._owed_pong = pongs[-1]
            else:
                if len(pongs) > PONGS_MAX:
                    del pongs[:-1]
                self._transport.write(b"".join([frames_cy.frame(frames_cy.PONG, payload) for payload in pongs]))
        if self._queue and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _is_flood(self) -> bool:
        """Count a control frame."""
        if self._controls == 0:
            self._control_start = self._loop.time()
        self._controls += 1
        if self._controls <= self._limits.max_controls:
            return False
        if self._loop.time() - self._control_start < CONTROL_WINDOW:
            return True
        self._controls = 0
        return False

    def _flow(self) -> None:
        """Read on, or stop reading, as the queue has room."""
        reader = self._reader
        if self._deaf and reader is not None and reader.pending:
            # Look for the peer's close frame a batch at a time: what nobody will receive may not block the loop.
            self._take(reader.feed(b""))
            self._hold()
            self._loop.call_soon(self._flow)
            return
        while reader is not None and reader.pending and self._queued < QUEUE_LOW:
            self._take(reader.feed(b""))
        if self._queued >= QUEUE_HIGH or (reader is not None and reader.pending):
            self._hold()
        elif self._held and self._queued < QUEUE_LOW:
            self._held = False
            if not self._lost and not self._transport.is_closing():
                self._transport.resume_reading()

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            if not self._lost and not self._transport.is_closing():
                self._transport.pause_reading()

    def _peer_closed(self, code: int, reason: str) -> None:
        """Answer the peer's close frame, or take it for the answer to ours; then close the transport."""
        if self._code == 1006 and not self._deaf:
            # It was still waiting in the reader when the connection ended.
            self._code, self._reason = code, reason
        if self._state is OPEN:
            self._transport.write(frames_cy.frame(frames_cy.CLOSE, frames_cy.close_payload(code, reason)))
        self._end(CLOSED, code, reason)
        if not self._lost:
            self._set_deadline(self._limits.close_timeout)
            self._transport.close()

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection (RFC 6455 §7.1.7)."""
        LOGGER.info("websocket closed with %d: %s", code, reason)
        if self._state is OPEN:
            self._transport.write(frames_cy.frame(frames_cy.CLOSE, frames_cy.close_payload(code, reason)))
        self._end(CLOSED, code, reason)
        self._linger()

    def _start_close(self, code: int, reason: str) -> None:
        """Send our close frame and wait for the peer's."""
        payload = frames_cy.close_payload(code, reason)
        self._transport.write(frames_cy.frame(frames_cy.CLOSE, payload))
        self._deafen()
        self._end(CLOSING, code, reason)
        self._set_deadline(self._limits.close_timeout)

    def _turn_away(self, status: int, reason: str, headers: HeaderPairs = ()) -> None:
        LOGGER.info("websocket handshake refused with %d: %s", status, reason)
        self._refuse(status, [*headers, (b"content-type", b"text/plain; charset=utf-8")], reason.encode())

    def _refuse(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        """Answer the handshake with an HTTP response."""
        answer = handshake.response(status, headers, body)
        self._transport.write(answer)
        self._early.clear()
        self._end(CLOSED, 1006, "")
        self._linger()

    def _linger(self) -> None:
        """Say that nothing more will come, and drop what still arrives until the peer closes."""
        self._deafen()
        if self._lost or self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._set_deadline(min(LINGER, self._limits.close_timeout))

    def _deafen(self) -> None:
        """Drop all messages from now on, and read on to find the peer's end."""
        self._deaf = True
        self._queue.clear()
        self._queued = 0
        if self._held:
            self._loop.call_soon(self._flow)

    def _end(self, state: State, code: int, reason: str) -> None:
        """Enter CLOSING or CLOSED and wake everybody; the first code is the one that stays."""
        self._state = state
        if not self._code:
            self._code, self._reason = code, reason
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._wake_senders()

    def _wake_senders(self) -> None:
        waiting, self._writable = self._writable, []
        for room in waiting:
            if not room.done():
                room.set_result(None)

    def _set_deadline(self, seconds: float) -> None:
        """Abort the connection in so many seconds; pings are over."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self._lost else self._loop.call_later(seconds, self.abort)

    def _watch_writes(self) -> None:
        size = self._transport.get_write_buffer_size()
        self._write_timer = self._loop.call_later(self._limits.write_timeout, self._check_writes, size)

    def _check_writes(self, before: int) -> None:
        """Give the peer up if it took nothing since the last look."""
        if self._transport.get_write_buffer_size() >= before:
            self.abort()
        else:
            self._watch_writes()

    def _ping(self) -> None:
        """Ask for a sign of life."""
        if self._state is not OPEN:
            return
        self._heard = False
        if not self._writing_paused:
            self._transport.write(frames_cy.frame(frames_cy.PING, b"asteri"))
        self._timer = self._loop.call_later(self._limits.pong_timeout, self._check_pong)

    def _check_pong(self) -> None:
        """Give the peer up if nothing came since the ping; anything it sends shows that it lives."""
        if not self._heard and not self._held:
            LOGGER.info("websocket peer does not answer pings")
            self.abort()
            return
        pause = cast(float, self._limits.ping_interval) - self._limits.pong_timeout
        self._timer = self._loop.call_later(max(pause, 0.0), self._ping)
