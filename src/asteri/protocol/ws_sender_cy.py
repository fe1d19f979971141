"""The outgoing half of a WebSocket: messages become frames, as fast as the peer reads and as the loop allows.

Rules
    1. A message that needs neither compression nor waiting is framed and handed to the flow control in the call itself.
    2. While the peer does not read, senders wait; pongs are owed, of which only the last is paid.
    3. A message over `LARGE` goes out in fragments, one slice in each turn of the loop: encoding, deflating and writing
       it never take the loop for long, and it waits in the application and not in the transport. Others wait for it.
"""

# mypy: ignore-errors

from __future__ import annotations

import asyncio

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.exchange import ChannelClosed
from asteri.protocol.waiter_cy import OVER
from asteri.wire.deflate import Deflater
from asteri.wire.frames_cy import PONG

if cython.compiled:
    from cython.cimports.asteri.protocol.flow_cy import FlowProtocol
    from cython.cimports.asteri.wire.frames_cy import frame, frame_head, text_frame
else:
    from asteri.protocol.flow_cy import FlowProtocol
    from asteri.wire.frames_cy import frame, frame_head, text_frame

__all__ = ["Sender"]

CONNECTING = cython.declare(cython.int, 0)
OPEN = cython.declare(cython.int, 1)

TEXT = cython.declare(cython.int, 1)
BINARY = cython.declare(cython.int, 2)

JOINED = cython.declare(cython.Py_ssize_t, 65536)  # larger payloads are not copied behind their head
LARGE = cython.declare(cython.Py_ssize_t, 1048576)
SLICE = cython.declare(cython.Py_ssize_t, 131072)  # of a large message, sent in one turn: 1 ms, deflated up to 7
PONGS_MAX = 16


class Sender(FlowProtocol):
    """What a connection needs to send messages.

    Args:
        loop: the running loop.
        wheel: the worker's timer.
        base_context: of the worker.
        limits: limits and deadlines.
    """

    def __init__(self, loop, wheel, base_context, limits) -> None:
        FlowProtocol.__init__(self, loop, wheel, base_context, limits.write_timeout)
        self._limits = limits
        self._state = CONNECTING
        self._code = 0
        self._reason = ""
        self._agreement = None
        self._threshold = 0
        self._sending = False
        self._deflater = None
        self._owed_pong = None

    def send(self, data):
        """Send one message when the peer has room for it.

        Raises:
            ChannelClosed: the connection is closed.
            RuntimeError: the channel was not accepted.
        """
        # The common case: nothing to compress and nothing to wait for, so nothing to await either.
        if type(data) is str and len(data) <= JOINED and self._state == OPEN and not (self.paused or self._sending):
            if self._agreement is None or (len(data) < self._threshold and data.isascii()):
                self.emit(text_frame(data))
                return OVER
        return self._send_in_turn(data)

    async def _send_in_turn(self, data) -> None:
        opcode: cython.int = TEXT
        if not isinstance(data, str):
            opcode = BINARY
            if not isinstance(data, (bytes, bytearray, memoryview)):
                raise TypeError(f"a message is str or bytes, not {type(data).__name__}")
            data = bytes(data)
        while self._state == OPEN and (self.paused or self._sending):
            await self._room()
        self._require_open()
        if len(data) > LARGE:
            await self._send_fragments(opcode, data)
            return
        payload = data.encode() if opcode == TEXT else data
        if self._agreement is None or len(payload) < self._threshold:
            self._emit_message(opcode, payload, False)
        else:
            self._emit_message(opcode, self._compressor().deflate(payload), True)

    def resume_writing(self) -> None:
        """Let the senders go on."""
        FlowProtocol.resume_writing(self)
        if self._owed_pong is not None and self._state == OPEN:
            self.emit(frame(PONG, self._owed_pong))
        self._owed_pong = None

    def _start_close(self, code: cython.int, reason):
        """Send our close frame and wait for the peer's."""
        raise NotImplementedError

    def _require_open(self):
        if self._state != OPEN:
            if self._state == CONNECTING:
                raise RuntimeError("the channel was not accepted")
            raise ChannelClosed(self._code, self._reason)

    def _pong(self, payloads: list) -> None:
        """Answer pings that came in a row."""
        if self._state == OPEN:
            # RFC 6455 §5.5.3: of several pings only the last has to be answered.
            if self.paused:
                self._owed_pong = payloads.pop()
            elif len(payloads) > PONGS_MAX:
                self.emit(frame(PONG, payloads.pop()))
            else:
                for payload in payloads:
                    self.emit(frame(PONG, payload))

    def _emit_message(self, opcode: cython.int, payload: bytes, compressed: cython.bint):
        if len(payload) <= JOINED:
            self.emit(frame(opcode, payload, True, compressed))
            return
        batching: cython.bint = self.batching
        self.batching = True
        self.emit(frame_head(opcode, len(payload), True, compressed))
        self.emit(payload)
        self.batching = batching
        if not batching:
            self.flush()

    async def _send_fragments(self, opcode: cython.int, data) -> None:
        """Send a large message a slice in each turn of the loop, as the peer reads; others wait meanwhile."""
        at: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t = len(data)
        compressed: cython.bint = self._agreement is not None
        deflater = self._compressor() if compressed else None
        self._sending = True
        try:
            while at < size:
                part = data[at : at + SLICE]
                at += SLICE
                if type(part) is str:
                    part = part.encode()
                if deflater is not None:
                    part = deflater.add(part) if at < size else deflater.deflate(part)
                if part or at >= size:
                    self.emit(frame(opcode, part, at >= size, compressed))
                    opcode = 0
                    compressed = False
                if at < size:
                    await asyncio.sleep(0)
                    while self.paused and self._state == OPEN:
                        await self._room()
                    self._require_open()
        except BaseException:
            # A message that was given up in the middle can not be taken back.
            if self._state == OPEN:
                self._start_close(1011, "a message was not sent to its end")
            raise
        finally:
            self._sending = False
            self._wake_writers()

    def _room(self):
        """Return a future that ends when something has changed for those who want to send."""
        room = self.loop.create_future()
        if self._writers is None:
            self._writers = []
        self._writers.append(room)
        return room

    def _compressor(self):
        """Return the connection's compressor, whose memory is taken when first needed."""
        if self._deflater is None:
            agreement = self._agreement
            self._deflater = Deflater(self._limits.deflate, agreement.server_bits, agreement.server_takeover)
        return self._deflater
