"""One case on one connection: the client that a case tells what to send, and who judges what comes back.

It has the methods and attributes of autobahn's protocol that cases use, under autobahn's names, and its rules for the
end of a connection: who closes, how long each side is waited for, and what counts as clean.
"""

# The names of the suite's interface are as they are.

from __future__ import annotations

import asyncio
import base64
import os
import zlib
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from conformance.autobahn.suite import WebSocketProtocol, case_id

__all__ = ["Outcome", "Peer", "run_case"]

CLOSE_TIMEOUT = 1.0  # for the server's close frame, and for it to end the connection then
PATIENCE = 1100.0  # more than any case takes by its own timeout


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes:
        number: "1.2.3".
        verdict: OK, NON-STRICT, INFORMATIONAL or FAILED; a case whose end was wrong has failed.
        reason: why, where it is not OK.
        seconds: how long it took.
    """

    number: str
    verdict: str
    reason: str
    seconds: float


class ServerError(Exception):
    """The server broke the protocol."""


async def run_case(case: type, host: str, port: int) -> Outcome:
    """Run one case against a server."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    peer = Peer(case)
    try:
        async with asyncio.timeout(PATIENCE):
            await loop.create_connection(lambda: peer, host, port)
            await peer.over
    except (OSError, TimeoutError) as error:
        return Outcome(case_id(case), "FAILED", repr(error), loop.time() - began)
    run: Any = peer.runCase
    verdict, reason = run.behavior, run.result
    if peer.error is not None:
        verdict, reason = "FAILED", peer.error
    elif verdict in ("OK", "NON-STRICT") and run.behaviorClose not in ("OK", "INFORMATIONAL"):
        verdict, reason = "FAILED", f"{run.behaviorClose}: {run.resultClose}"
    elif verdict not in ("OK", "NON-STRICT", "INFORMATIONAL"):
        verdict, reason = "FAILED", f"{verdict}: {reason}"
    return Outcome(case_id(case), verdict, reason, loop.time() - began)


class Peer(asyncio.Protocol, WebSocketProtocol):
    """The suite's client."""

    def __init__(self, case: type) -> None:
        self.factory = SimpleNamespace(isServer=False)
        self.state = self.STATE_CONNECTING
        self.connectionWasOpen = False
        self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.localCloseCode: int | None = None
        self.localCloseReason: Any = None
        self.remoteCloseCode: int | None = None
        self.remoteCloseReason: str | None = None
        self.autoFragmentSize = 0
        self.createWirelog = True
        self.trafficStats = None
        self.txFrameStats: Counter[int] = Counter()
        self.perMessageCompressionOffers: list[Any] = []
        self.perMessageCompressionAccept: Any = None
        self._perMessageCompress: Any = None
        # Beside the suite's interface:
        self.error: str | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._bytes = case_id(case).startswith(("12.", "13."))  # these take messages as bytes, all others as latin-1
        self._buffer = bytearray()
        self._chops: deque[bytes] = deque()
        self._message: list[bytes] = []
        self._opcode = 0
        self._compressed = False
        self._frame_left = 0
        self._frame_mask = b""
        self._frame_sent = 0
        self._key = base64.b64encode(os.urandom(16))
        self._timers: list[asyncio.TimerHandle] = []
        self.runCase: Any = case(self)

    # The connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(1 << 26)
        offers = "".join(f"Sec-WebSocket-Extensions: {offer}\r\n" for offer in self.perMessageCompressionOffers)
        self._transport.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + self._key + b"\r\n" + offers.encode() + b"\r\n"
        )

    def data_received(self, data: bytes) -> None:
        """Read the response, then frames."""
        self._buffer += data
        try:
            if self.state == self.STATE_CONNECTING:
                self._read_response()
            while self.state != self.STATE_CONNECTING and self._read_frame():
                pass
        except ServerError as error:
            self.error = f"the server broke the protocol: {error}"
            self._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the case judge."""
        self.state = self.STATE_CLOSED
        for timer in self._timers:
            timer.cancel()
        try:
            self.runCase.onConnectionLost(self.failedByMe)
        finally:
            if not self.over.done():
                self.over.set_result(None)

    def _later(self, delay: float, call: Callable[..., None], *args: Any) -> None:
        def unless_closed() -> None:
            if self.state != self.STATE_CLOSED:
                call(*args)

        self._timers.append(self._loop.call_later(delay, unless_closed))

    def _drop(self) -> None:
        if self.state != self.STATE_CLOSED:
            self.droppedByMe = True
            self.state = self.STATE_CLOSED
            self._transport.abort()

    def _read_response(self) -> None:
        head, end, _ = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 101 "):
            raise ServerError(bytes(head.split(b"\r\n")[0]).decode("latin-1"))
        del self._buffer[: len(head) + 4]
        fields = dict(line.split(": ", 1) for line in head.decode("latin-1").lower().split("\r\n")[1:])
        if agreed := fields.get("sec-websocket-extensions"):
            self._perMessageCompress = _Deflate(agreed)
        self.state = self.STATE_OPEN
        self.connectionWasOpen = True
        self.runCase.onOpen()

    def _read_frame(self) -> bool:
        """Take a frame from the buffer; False if it is not complete."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        first, length = buffer[0], buffer[1]
        start = {126: 4, 127: 10}.get(length, 2)
        if length > 127:
            raise ServerError("its frame is masked")
        if len(buffer) < start:
            return False
        if length > 125:
            shortest = 126 if length == 126 else 65536
            length = int.from_bytes(buffer[2:start], "big")
            if length < shortest:
                raise ServerError("a length is not minimal")
        if len(buffer) < start + length:
            return False
        payload = bytes(buffer[start : start + length])
        del buffer[: start + length]
        fin, rsv, opcode = first & 0x80, first >> 4 & 7, first & 15
        if opcode >= 8:
            if not fin or rsv or length > 125:
                raise ServerError("a control frame is malformed")
            self._control(opcode, payload)
            return True
        if (opcode == 0) != bool(self._opcode):
            raise ServerError("a message begins inside another, or never began")
        if opcode:
            self._opcode, self._compressed = opcode, bool(rsv & 4)
            if opcode > 2 or rsv & 3 or (rsv and self._perMessageCompress is None):
                raise ServerError("a reserved bit or opcode is used")
        elif rsv:
            raise ServerError("a reserved bit is set")
        self._message.append(payload)
        if fin:
            self._complete()
        return True

    def _complete(self) -> None:
        data, opcode = b"".join(self._message), self._opcode
        self._message, self._opcode = [], 0
        if self._compressed:
            data = self._perMessageCompress.inflate(data)
        if opcode == 1:
            try:
                data.decode()
            except UnicodeDecodeError as error:
                raise ServerError("its text is not UTF-8") from error
        if self.state == self.STATE_OPEN:
            self.runCase.onMessage(data if self._bytes else data.decode("latin-1"), opcode == 2)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self._closed(payload)
        elif opcode == 9:
            # The suite's client tells no case of a ping, it answers.
            if self.state == self.STATE_OPEN:
                self.sendFrame(opcode=10, payload=payload)
        elif opcode == 10:
            self.runCase.onPong(payload.decode("latin-1"))
        else:
            raise ServerError("a reserved opcode is used")

    def _closed(self, payload: bytes) -> None:
        """Take the server's close frame."""
        if len(payload) == 1:
            raise ServerError("a close frame of one byte")
        self.remoteCloseCode = int.from_bytes(payload[:2], "big") if payload else None
        self.remoteCloseReason = payload[2:].decode()
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(self.remoteCloseCode, reasonUtf8=payload[2:], isReply=True)
        self.wasClean = True
        self._later(CLOSE_TIMEOUT, self._drop)  # the server ends the connection, or "failed by client"

    # What cases call.

    def sendFrame(
        self,
        opcode: int,
        payload: Any = b"",
        fin: bool = True,
        rsv: int = 0,
        mask: Any = None,
        payload_len: int | None = None,
        chopsize: int | None = None,
        sync: bool = False,
    ) -> None:
        """Send any frame, whatever the state."""
        data = _bytes(payload)
        if payload_len is not None:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        self.txFrameStats[opcode] += 1
        head = _head(opcode, len(data), fin, rsv)
        key = os.urandom(4)
        self._write(head + key + _masked(data, key), chopsize)

    def sendMessage(self, payload: Any, isBinary: bool = False, fragmentSize: int | None = None) -> None:
        """Send a message in fragments of `fragmentSize`, or of `autoFragmentSize`, or in one frame."""
        if self.state != self.STATE_OPEN:
            return
        data = _bytes(payload)
        rsv = 0
        if self._perMessageCompress is not None:
            data = self._perMessageCompress.deflate(data)
            rsv = 4
        opcode = 2 if isBinary else 1
        size = fragmentSize or self.autoFragmentSize
        if not size or len(data) <= size:
            self.sendFrame(opcode, data, rsv=rsv)
            return
        frames = []
        key = os.urandom(4)
        for start in range(0, len(data), size):
            part = data[start : start + size]
            self.txFrameStats[opcode] += 1
            frames += (_head(opcode, len(part), start + size >= len(data), rsv), key, _masked(part, key))
            opcode = rsv = 0
        self._write(b"".join(frames))

    def beginMessage(self, opcode: int = 1) -> None:
        """Begin a message whose frames are sent in parts."""
        self._frame_opcode = opcode

    def beginMessageFrame(self, length: int) -> None:
        """Send the head of a frame."""
        self._frame_mask, self._frame_sent = os.urandom(4), 0
        self._write(_head(self._frame_opcode, length, False, 0) + self._frame_mask)
        self._frame_opcode = 0

    def sendMessageFrameData(self, payload: Any) -> None:
        """Send a part of a frame's payload."""
        data = _bytes(payload)
        phase = self._frame_sent % 4
        self._frame_sent += len(data)
        self._write(_masked(data, self._frame_mask[phase:] + self._frame_mask[:phase]))

    def endMessage(self) -> None:
        """End the message with an empty frame."""
        self.sendFrame(0)

    def sendClose(self, code: int | None = None, reason: Any = None) -> None:
        """Start the closing handshake."""
        self.sendCloseFrame(code, reasonUtf8=None if reason is None else reason.encode())

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: Any = None, isReply: bool = False) -> None:
        """Send a close frame, valid or not, unless one was sent."""
        if self.state != self.STATE_OPEN:
            return
        payload = b"" if code is None else code.to_bytes(2, "big") + _bytes(reasonUtf8 or b"")
        self.sendFrame(8, payload)
        self.state = self.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode = code
        self.localCloseReason = None if reasonUtf8 is None else _bytes(reasonUtf8).decode("latin-1")
        if self.closedByMe:
            self._later(CLOSE_TIMEOUT, self._unanswered)

    def _unanswered(self) -> None:
        if self.remoteCloseCode is None and not self.wasClean:
            self._drop()

    def killAfter(self, delay: float) -> None:
        """Fail the connection after so many seconds."""
        self._later(delay, self._fail)

    def _fail(self) -> None:
        self.failedByMe = True
        if self.state == self.STATE_OPEN:
            self.sendClose(self.CLOSE_STATUS_CODE_GOING_AWAY, "Going Away")
        else:
            self._drop()

    def closeAfter(self, delay: float) -> None:
        """Close the connection after so many seconds."""
        self._later(delay, self.sendClose)

    def continueLater(self, delay: float, function: Callable[[], None], tag: str | None = None) -> None:
        """Go on with the case after so many seconds."""
        self._later(delay, function)

    def enableWirelog(self, enable: bool) -> None:
        """Do nothing: there is no log of octets."""

    # Out.

    def _write(self, data: bytes, chop: int | None = None) -> None:
        """Write now, or behind what waits to be sent in chops."""
        if chop:
            idle = not self._chops
            self._chops.extend(data[at : at + chop] for at in range(0, len(data), chop))
            if idle:
                self._loop.call_soon(self._write_chop)
        elif self._chops:
            self._chops.append(data)
        else:
            self._transport.write(data)

    def _write_chop(self) -> None:
        if self._chops and not self._transport.is_closing():
            self._transport.write(self._chops.popleft())
            self._loop.call_soon(self._write_chop)


class _Deflate:
    """The client's side of permessage-deflate, as agreed."""

    def __init__(self, agreed: str) -> None:
        name, *parts = (part.strip() for part in agreed.split(";"))
        if name != "permessage-deflate":
            raise ServerError(f"it agreed to {name!r}")
        parameters = dict((part.split("=") if "=" in part else (part, "")) for part in parts)
        self._bits = max(9, int(parameters.get("client_max_window_bits") or 15))
        self._their_bits = int(parameters.get("server_max_window_bits") or 15)
        self._keep = "client_no_context_takeover" not in parameters
        self._they_keep = "server_no_context_takeover" not in parameters
        self._out = self._in = None

    def deflate(self, data: bytes) -> bytes:
        """Return the payload of a message."""
        if self._out is None or not self._keep:
            # Level 1 instead of autobahn's 6: what is tested is the other end.
            self._out: Any = zlib.compressobj(1, zlib.DEFLATED, -self._bits)
        return bytes(self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def inflate(self, data: bytes) -> bytes:
        """Return the message of a payload."""
        if self._in is None or not self._they_keep:
            self._in: Any = zlib.decompressobj(-self._their_bits)
        try:
            return bytes(self._in.decompress(data + b"\x00\x00\xff\xff"))
        except zlib.error as error:
            raise ServerError(f"it deflates wrongly: {error}") from error


def _bytes(payload: Any) -> bytes:
    return payload.encode("latin-1") if isinstance(payload, str) else bytes(payload)


def _head(opcode: int, length: int, fin: bool, rsv: int) -> bytes:
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if length < 126:
        return bytes((first, 0x80 | length))
    if length < 65536:
        return bytes((first, 0x80 | 126)) + length.to_bytes(2, "big")
    return bytes((first, 0x80 | 127)) + length.to_bytes(8, "big")


def _masked(data: bytes, key: bytes) -> bytes:
    length = len(data)
    pad = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(length, "little")
