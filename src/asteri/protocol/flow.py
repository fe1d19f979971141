"""Flow control between a connection and its transport, in both directions.

Out: what is written during one read is collected and handed over in one call (`batching`); what an application writes
later goes out at once. Bodies are not copied: large pieces go to `writelines`. While the transport is full, `paused` is
true and writers wait for `writable`; if the peer takes nothing at all for the write timeout, the connection is cut.

In: `pause_reading` and `resume_reading`. On asyncio's own loop resuming registers the reader again, in the context
of whoever resumes (cpython#140947). A request's context would leak into the next request, so it is done in a copy of
the worker's base context.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import struct
import sys

from asteri.protocol.timeouts import Deadline, TimerWheel

__all__ = ["FlowProtocol"]

JOINED = 65536  # PERF: up to this many bytes one copy is cheaper than writev with many pieces
BATCH = 256 * 1024  # bytes collected before they are handed over in the middle of a batch
# CVE-2024-12254: in these versions asyncio's writelines never pauses the protocol, and the buffer grows without bound.
UNBOUNDED_WRITELINES = (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class FlowProtocol(asyncio.Protocol):
    """A connection's two directions, without any knowledge of what flows."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wheel: TimerWheel,
        base_context: contextvars.Context,
        write_timeout: float,
    ) -> None:
        self.loop = loop
        self.wheel = wheel
        self.base_context = base_context
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self.paused = False
        self.batching = False
        self.reading = True
        self._write_timeout = write_timeout
        self._write_deadline: Deadline | None = None
        self._write_size = 0
        self._out: list[bytes] = []
        self._out_size = 0
        self._flush_scheduled = False
        self._writers: list[asyncio.Future[None]] = []
        self._watchers: list[asyncio.Future[None]] = []

    # -- out

    def emit(self, data: bytes) -> None:
        """Send bytes: at the end of the batch, or now."""
        if self.lost:
            return
        if self.batching:
            self._out.append(data)
            self._out_size += len(data)
            if self._out_size > BATCH:
                self.flush()
        elif self._out:
            self._out.append(data)
            self._out_size += len(data)
            self.flush()
        else:
            assert self.transport is not None
            self.transport.write(data)

    def hold(self, data: bytes) -> None:
        """Send bytes together with those that follow, at the latest in the next turn of the loop."""
        if self.lost:
            return
        self._out.append(data)
        self._out_size += len(data)
        if not self.batching and not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush_held, context=self.base_context.copy())

    def _flush_held(self) -> None:
        self._flush_scheduled = False
        self.flush()

    def flush(self) -> None:
        """Hand over what was collected, in one call."""
        out = self._out
        if not out:
            return
        self._out = []
        size, self._out_size = self._out_size, 0
        if self.lost or self.transport is None:
            return
        if len(out) == 1:
            self.transport.write(out[0])
        elif size <= JOINED:
            self.transport.write(b"".join(out))
        elif UNBOUNDED_WRITELINES:
            for piece in out:
                self.transport.write(piece)
        else:
            self.transport.writelines(out)

    def pause_writing(self) -> None:
        """Called by the transport when its buffer is full."""
        self.paused = True
        self._watch_writes()

    def resume_writing(self) -> None:
        """Called by the transport when its buffer has room again."""
        self.paused = False
        if self._write_deadline is not None:
            self._write_deadline.disarm()
        self._wake(self._writers)

    def writable(self) -> asyncio.Future[None]:
        """Return a future that ends when the transport has room or the peer is gone."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        if self.lost or not self.paused:
            waiter.set_result(None)
        else:
            self._writers.append(waiter)
        return waiter

    def peer_gone(self) -> asyncio.Future[None]:
        """Return a future that ends when the peer is gone."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        if self.lost:
            waiter.set_result(None)
        else:
            self._watchers.append(waiter)
        return waiter

    def _watch_writes(self) -> None:
        """Cut the connection if the transport's buffer does not shrink within the write timeout."""
        if self.transport is None:
            return
        if self._write_deadline is None:
            self._write_deadline = Deadline(self.wheel, self._check_writes)
        self._write_size = self.transport.get_write_buffer_size()
        self._write_deadline.arm(self._write_timeout)

    def _check_writes(self) -> None:
        if self.transport is None:
            return
        size = self.transport.get_write_buffer_size()
        if size and size >= self._write_size:
            self.abort()
        elif size:
            self._watch_writes()

    @staticmethod
    def _wake(waiters: list[asyncio.Future[None]]) -> None:
        if waiters:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            waiters.clear()

    # -- in

    def stop_reading(self) -> None:
        """Take no more bytes from the transport."""
        if self.reading and self.transport is not None:
            self.reading = False
            self.transport.pause_reading()

    def start_reading(self) -> None:
        """Take bytes from the transport again."""
        if not self.reading and self.transport is not None and not self.transport.is_closing():
            self.reading = True
            self.base_context.copy().run(self.transport.resume_reading)

    # -- end

    def finish_writing(self) -> None:
        """Close the connection after all that was written has been sent, or the write timeout has passed."""
        self.flush()
        transport = self.transport
        if transport is not None and not transport.is_closing():
            transport.close()
            if transport.get_write_buffer_size():
                self._watch_writes()

    def abort(self) -> None:
        """Cut the connection with a reset, so that nothing that was sent can be taken for complete."""
        transport = self.transport
        self._out = []
        self._out_size = 0
        if transport is not None:
            sock = transport.get_extra_info("socket")
            if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(OSError):  # the peer may have closed it already
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            transport.abort()

    def release(self) -> None:
        """Wake everybody who waits for this connection, because it is gone."""
        self.lost = True
        self.transport = None
        self._out = []
        if self._write_deadline is not None:
            self._write_deadline.close()
        self._wake(self._writers)
        self._wake(self._watchers)
