"""Flow control between a connection and its transport, in both directions.

Out: what is written during one read is collected and handed over in one call (`batching`); what an application writes
later goes out at once. A small piece is written to the socket itself as long as nothing waits in the transport before
it: `_behind` is set by the first byte that is left to the transport and cleared only when its buffer is seen empty, so
no byte overtakes another. Large pieces go to `writelines`, not copied. While the transport is full, `paused` is true
and writers wait for `writable`; if the peer takes nothing at all for the write timeout, the connection is cut.

In: `pause_reading` and `resume_reading`. On asyncio's own loop resuming registers the reader again, in the context
of whoever resumes (cpython#140947). A request's context would leak into the next request, so it is done in a copy of
the worker's base context.
"""

# mypy: ignore-errors

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

if cython.compiled:
    from cython.cimports.asteri.protocol.wheel_cy import Deadline
    from cython.cimports.asteri.wire.exchange_cy import Port
    from cython.cimports.posix.unistd import write
else:
    from asteri.protocol.wheel_cy import Deadline
    from asteri.wire.exchange_cy import Port
from asteri.wire.limits import UNSENT_LARGE

__all__ = ["FlowProtocol"]

JOINED = cython.declare(cython.Py_ssize_t, 65536)  # PERF: up to this many bytes one copy is cheaper than writev
DIRECT = cython.declare(cython.Py_ssize_t, 65536)  # no more is written to the socket at once; the GIL is held meanwhile
BATCH = cython.declare(cython.Py_ssize_t, 65536)  # collected bytes that are handed over in the middle of a batch
LARGE = cython.declare(cython.Py_ssize_t, 256 * 1024)  # from here on a body is worth a system call to widen the way
UNSENT_OPTION = getattr(socket, "TCP_NOTSENT_LOWAT", 0)
# CVE-2024-12254: in these versions asyncio's writelines never pauses the protocol, and the buffer grows without bound.
UNBOUNDED_WRITELINES = (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class FlowProtocol(Port):
    """A connection's two directions, without any knowledge of what flows.

    Attributes:
        transport: None before the connection is made and after it is lost.
        batching: what is emitted is collected for one `flush`.
        reading: bytes are taken from the transport.
    """

    def __init__(self, loop, wheel, base_context, write_timeout: float) -> None:
        self.loop = loop
        self.wheel = wheel
        self.base_context = base_context
        self.transport = None
        self.lost = False
        self.paused = False
        self.draining = False
        self.batching = False
        self.reading = True
        self._socket = -1
        self._behind = False
        self._wide = False
        self._write_timeout = write_timeout
        self._write_deadline = None
        self._write_size = 0
        self._write_until = 0.0
        self._out = []
        self._out_size = 0
        self._flush_scheduled = False
        self._writers = None
        self._watchers = None

    def take_transport(self, transport) -> None:
        """Begin with a transport whose buffer is empty."""
        self.transport = transport
        sock = transport.get_extra_info("socket")
        plain = sock is not None and transport.get_extra_info("ssl_object") is None
        self._socket = sock.fileno() if plain else -1

    # -- out

    def emit(self, data: bytes) -> None:
        """Send bytes: at the end of the batch, or now."""
        if self.lost:
            return
        if self.batching or self._out:
            self._out.append(data)
            self._out_size += len(data)
            if not self.batching or self._out_size > BATCH:
                self.flush()
        else:
            self._write(data)

    def hold(self, data: bytes) -> None:
        """Send bytes together with those that follow, at the latest in the next turn of the loop."""
        self.join(data)
        if not self.batching and not self._flush_scheduled:
            self._flush_scheduled = True
            self.loop.call_soon(self._flush_held, context=self.base_context.copy())

    def join(self, data: bytes) -> None:
        """Send bytes together with those of the `emit` that follows at once."""
        if not self.lost:
            self._out.append(data)
            self._out_size += len(data)

    def _flush_held(self) -> None:
        self._flush_scheduled = False
        self.flush()

    def flush(self) -> None:
        """Hand over what was collected, in one call."""
        out = self._out
        if not out:
            return
        size: cython.Py_ssize_t = self._out_size
        self._out_size = 0
        if self.lost or self.transport is None:
            out.clear()
            return
        if len(out) == 1:
            data = out.pop()
            self._write(data)
        elif size <= JOINED:
            data = b"".join(out)
            out.clear()
            self._write(data)
        else:
            self._out = []
            self._behind = True
            if size > LARGE and not self._wide:
                self._widen()
            if UNBOUNDED_WRITELINES:
                for piece in out:
                    self.transport.write(piece)
            else:
                self.transport.writelines(out)

    def _widen(self) -> None:
        """Let the kernel take more at once from here on."""
        self._wide = True
        sock = self.transport.get_extra_info("socket")
        if UNSENT_OPTION and sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):  # the peer may have closed it already
                sock.setsockopt(socket.IPPROTO_TCP, UNSENT_OPTION, UNSENT_LARGE)

    def _write(self, data: bytes) -> None:
        """Write to the socket if no byte is before these, and leave the rest to the transport."""
        size: cython.Py_ssize_t = len(data)
        if self._socket >= 0 and size <= DIRECT and (not self._behind or self._caught_up()):
            sent: cython.Py_ssize_t = self._send(data)
            if sent == size:
                return
            # The socket is full, or broken: then the transport meets the same error and tells us.
            if sent > 0:
                data = data[sent:]
        self._behind = True
        self.transport.write(data)

    def _send(self, data: bytes) -> cython.Py_ssize_t:
        """Return how many bytes the socket took, -1 on any error."""
        if cython.compiled:
            start: cython.p_char = data
            return write(self._socket, start, len(data))
        else:
            try:
                return os.write(self._socket, data)
            except OSError:
                return -1

    def send_file(self, file: int, offset: int, size: int) -> int:
        """Send a part of a file to the socket if no byte is before it; return how many bytes that took."""
        self.flush()
        if self._socket < 0 or (self._behind and not self._caught_up()):
            return 0
        if size > LARGE and not self._wide:
            self._widen()
        try:
            return os.sendfile(self._socket, file, offset, size)
        except OSError:  # full, or broken, or no file to be sent like this: then the transport meets the same error
            return 0

    def _caught_up(self) -> bool:
        """Tell whether the transport has sent everything."""
        if self.transport.get_write_buffer_size():
            return False
        self._behind = False
        return True

    def pause_writing(self) -> None:
        """Called by the transport when its buffer is full."""
        self.paused = True
        self._watch_writes()

    def resume_writing(self) -> None:
        """Called by the transport when its buffer has room again."""
        self.paused = False
        if self._write_deadline is not None:
            self._write_deadline.disarm()
        self._wake_writers()

    def writable(self):
        """Return a future that ends when the transport has room or the peer is gone."""
        waiter = self.loop.create_future()
        if self.lost or not self.paused:
            waiter.set_result(None)
        else:
            if self._writers is None:
                self._writers = []
            self._writers.append(waiter)
        return waiter

    def peer_gone(self):
        """Return a future that ends when the peer is gone."""
        waiter = self.loop.create_future()
        if self.lost:
            waiter.set_result(None)
        else:
            if self._watchers is None:
                self._watchers = []
            self._watchers.append(waiter)
        return waiter

    def _watch_writes(self) -> None:
        """Cut the connection if the transport's buffer does not shrink within the write timeout."""
        if self.transport is None:
            return
        if self._write_deadline is None:
            self._write_deadline = Deadline(self.wheel, self._check_writes)
        self._write_size = self.transport.get_write_buffer_size()
        self._write_until = self.wheel.now() + self._write_timeout
        # Looked at every tick: from one look per timeout to the next a peer could stay away for nearly two of them.
        self._write_deadline.arm(0.0)

    def _check_writes(self) -> None:
        if self.transport is None:
            return
        size: cython.Py_ssize_t = self.transport.get_write_buffer_size()
        if not size:
            return
        if size < self._write_size:
            self._watch_writes()
        elif self.wheel.now() >= self._write_until:
            self.abort()
        else:
            self._write_deadline.arm(0.0)

    def _wake_writers(self) -> None:
        if self._writers is not None:
            waiters, self._writers = self._writers, None
            wake(waiters)

    def _wake_watchers(self) -> None:
        if self._watchers is not None:
            waiters, self._watchers = self._watchers, None
            wake(waiters)

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
        self._socket = -1
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
        self._socket = -1
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
        self._socket = -1
        self._out = []
        self._out_size = 0
        if self._write_deadline is not None:
            self._write_deadline.close()
        self._wake_writers()
        self._wake_watchers()


@cython.cfunc
def wake(waiters: list) -> None:
    """Let those go on who wait."""
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
