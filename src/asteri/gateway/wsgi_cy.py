"""One call of a WSGI application (PEP 3333), between a thread and the loop.

The application runs in a thread, in a copy of the caller's context. `wsgi.input` asks the loop for the next piece of
the body when the application reads it. What the application gives is handed to the loop, where a *pump* sends it while
the next piece is being made, as PEP 3333 allows; the thread is at most `AHEAD` bytes ahead of what the peer has taken,
and then waits. An answer that is complete with its first piece takes the short way: one hop to the thread, one back.

Rules
    1. The status and headers leave with the first piece of the body that is not empty, or at the end.
    2. `close()` of the iterable is called exactly once, whatever happened before: an error, a disconnect, a
       cancellation.
    3. After its content-length the body ends: what the application gives beyond it is not sent, and is logged.
    4. Hop-by-hop response headers belong to the server; those of the application are dropped.
    5. The reason phrase of the status line is not transported: HTTP/2 has none, and HTTP/1.1 says to ignore it.
    6. An error of the headers is raised by `start_response`, while the application can still do something about it.
"""

# mypy: ignore-errors

import asyncio
import contextvars
import io
import logging
import os
import stat
import threading
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from asteri.exchange import Disconnected
from asteri.gateway.environ_cy import FileWrapper, build_environ
from asteri.gateway.files import send_part
from asteri.threads import completions
from asteri.wire.grammar import TOKEN_BYTES, VALUE_BYTES

__all__ = ["Call"]

_LOGGER = logging.getLogger("asteri.wsgi")
SMALL = cython.declare(cython.Py_ssize_t, 65536)  # a list of pieces up to this size is joined and sent in one write
FILE = cython.declare(cython.Py_ssize_t, 262144)  # bytes of a file in one piece
AHEAD = cython.declare(cython.Py_ssize_t, 65536)  # bytes of a stream that were made and not sent
KEPT = cython.declare(cython.Py_ssize_t, 1024)  # bytes of response headers that are worth to be kept encoded
HEADS = cython.declare(cython.Py_ssize_t, 256)  # so many of them
_heads: dict = {}
_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)


class _Body(io.RawIOBase):
    """The request's body, read piece by piece from the loop; `io.BufferedReader` makes `wsgi.input` of it."""

    def __init__(self, call, exchange) -> None:
        self._call = call
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._call.wait(self._exchange.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)


@cython.final
@cython.cclass
class Call:
    """One call of the application."""

    _application: object
    _exchange: object
    _script_name: str
    _threads: object
    _completions: object
    _done: object
    _context: object  # the thread's copy of the caller's
    _home: object  # the loop's copy: what the exchange does on an answer belongs to the request
    _status: cython.int  # 0: start_response was not called
    _headers: object  # without the content-length
    _length: cython.longlong  # the application's content-length, -1 if it gave none
    _sent: cython.longlong  # counted by the thread
    _begun: cython.bint
    _complete: bytes  # an answer that needs no stream, for the loop to give
    _sink: object
    _error: object
    _gone: cython.bint
    _waiting: object  # what the thread waits for: a future of `wait`
    # A stream:
    _pieces: object  # deque of what the pump will send, None: the answer is no stream
    _taken: cython.longlong  # bytes that were sent, counted by the loop
    _ended: cython.bint  # the application has given everything
    _called: cython.bint  # the loop will look for pieces
    _pump_task: object
    _room: object  # an event: the thread may go on

    def __init__(self, application: Any, exchange: Any, script_name: str, threads: Any, done: Any) -> None:
        """Prepare a call.

        Args:
            application: the WSGI application.
            exchange: an `asteri.exchange.Exchange`.
            script_name: the prefix under which the application is mounted.
            threads: the `Threads` that `run` is submitted to.
            done: the `Pending` that ends when the exchange is answered. Its attribute `call` is deleted then.
        """
        self._application = application
        self._exchange = exchange
        self._script_name = script_name
        self._threads = threads
        self._done = done
        self._context = contextvars.copy_context()
        self._home = contextvars.copy_context()
        self._status = 0
        self._headers = ()
        self._length = -1
        self._sent = 0
        self._begun = False
        self._complete = None
        self._sink = None
        self._error = None
        self._gone = False
        self._waiting = None
        self._pieces = None
        self._taken = 0
        self._ended = False
        self._called = False
        self._pump_task = None
        self._room = None
        self._completions = completions()

    # On the loop

    def give_up(self) -> None:
        """Make the thread's next exchange with the loop, and the one that it waits for, fail."""
        self._gone = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._pump_task is not None:
            self._pump_task.cancel()
        if self._sink is not None:
            self._sink.abort()
        self._make_room()
        if self._ended:
            del self._done.call  # `end` was here already

    def end(self) -> None:
        """Give what was not given yet, and then tell the caller how it went."""
        self._home.run(self._end)

    def _end(self) -> None:
        if self._error is None and not self._done.ended:
            if self._pieces is not None:
                self._ended = True
                self.pump()
                return
            self._respond()
        self._settle()

    def pump(self) -> None:
        """Send the pieces of a stream that are there, unless that is being done."""
        self._called = False
        if self._pump_task is None and not self._done.ended:
            self._pump_task = self._completions.loop.create_task(self._pump(), context=self._home)

    async def _pump(self) -> None:
        try:
            if self._sink is None:
                self._sink = self._exchange.begin(self._status, self._framed())
            pieces = self._pieces
            while pieces:
                batch: list = [pieces.popleft()]
                while pieces:
                    batch.append(pieces.popleft())
                data: bytes = batch[0] if len(batch) == 1 else b"".join(batch)
                await self._sink.write(data)
                self._taken += len(data)
                self._make_room()
            if self._ended:
                await self._sink.finish()
        except Exception as error:
            self._error = error
            self._gone = True
            self._make_room()
        self._pump_task = None
        if self._ended:
            self._settle()
        elif self._pieces and not self._gone:  # given since we looked
            self.pump()

    @cython.cfunc
    def _make_room(self):
        if self._room is not None:
            self._room.set()

    @cython.cfunc
    def _settle(self):
        done = self._done
        del done.call  # breaks a reference cycle
        if done.ended:
            return  # it was cancelled
        error = self._error
        self._error = None
        if error is None:
            done.end(None)
            return
        if self._pump_task is not None:
            self._pump_task.cancel()
        if self._sink is not None:
            self._sink.abort()
        if isinstance(error, Disconnected):
            done.end(None)
        else:
            done.end(error)

    def respond(self) -> None:
        """Give the answer that needs no stream, if there is one and it was not given yet."""
        self._home.run(self._respond)

    def _respond(self) -> None:
        data: bytes = self._complete
        self._complete = None
        if data is None or self._done.ended:
            return
        # The exchange gives the length of what it sends, and headers that do not change from answer to answer can be
        # kept by it.
        headers = self._headers if self._length == len(data) else self._framed()
        try:
            self._exchange.respond(self._status, headers, data)
        except Exception as error:
            self._error = error

    @cython.cfunc
    def _framed(self) -> object:
        """Return the headers with the content-length."""
        if self._length < 0:
            return self._headers
        return [*self._headers, (b"content-length", b"%d" % self._length)]

    async def _send_file(self, file: cython.int, start: cython.longlong, end: cython.longlong) -> None:
        self._sink = self._exchange.begin(self._status, self._framed())
        await send_part(self._sink, file, lambda size, offset: os.pread(file, size, offset), start, end)

    # In the thread

    def run(self) -> None:
        """Make the call, and let the loop know its end."""
        try:
            if not self._gone:
                self._context.run(self._run)
        except Exception as error:
            self._error = error
        except BaseException as error:  # sys.exit() would end the worker
            self._error = RuntimeError(f"the WSGI application raised {type(error).__name__}")
            self._error.__cause__ = error
        if isinstance(self._error, StopIteration):  # a future can not carry it
            self._error = RuntimeError("the WSGI application raised StopIteration")
        self._threads.hand_over(self._completions, self.end)

    def _run(self) -> None:
        exchange = self._exchange
        buffered = exchange.buffered
        body = io.BytesIO(buffered) if buffered is not None else io.BufferedReader(_Body(self, exchange), SMALL)
        pieces = self._application(build_environ(exchange, body, self._script_name), self.start_response)
        try:
            if type(pieces) is list and not self._begun and self._fits(pieces):
                return
            if type(pieces) is not FileWrapper or not self._sends_file(pieces.file):
                for piece in _blocks(pieces.file) if type(pieces) is FileWrapper else pieces:
                    if piece and not self._send(piece):
                        break
            self._finish()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def start_response(self, status, headers, exc_info=None):
        """Take the status and the headers; they are sent with the first piece of the body."""
        if exc_info is not None:
            try:
                if self._begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # breaks a reference cycle, says PEP 3333
        elif self._status:
            raise RuntimeError("start_response was called twice without exc_info")
        code = status[:3]
        if not (code.isascii() and code.isdigit() and code >= "200" and status[3:4] in ("", " ")):
            raise ValueError(f"WSGI status {status!r}: must be like '200 OK'")
        length: cython.longlong = -1
        private: cython.bint = False
        size: cython.Py_ssize_t = 0
        pairs: list = []
        for name, value in headers:
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"a WSGI header is a pair of str, not ({name!r}, {value!r})")
            size += len(name) + len(value)
            if len(name) == 14 and name.lower() == "content-length":
                if length >= 0 or not (value.isascii() and value.isdigit() and len(value) < 19):
                    raise ValueError(f"content-length {value!r} is malformed or repeated")
                length = int(value)
            else:
                private = private or (len(name) == 10 and name.lower() == "set-cookie")
                pairs.append((name, value))
        self._headers = _encode(pairs) if private or size > KEPT else _encode_once(tuple(pairs))
        self._status = int(code)
        self._length = length
        return self._write

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Let the loop run a coroutine, and wait for its result.

        Raises:
            Disconnected: the peer is gone, or the request was cancelled.
        """
        if self._gone:
            coroutine.close()
            raise Disconnected("the request was cancelled")
        future: Future = asyncio.run_coroutine_threadsafe(coroutine, self._completions.loop)
        self._waiting = future
        if self._gone:  # `give_up` may have come between the lines above
            future.cancel()
        try:
            return future.result()
        except CancelledError:
            raise Disconnected("the request was cancelled") from None
        finally:
            self._waiting = None

    @cython.cfunc
    def _fits(self, pieces: list) -> cython.bint:
        """Keep a small answer that is complete for one write; return whether it is one."""
        body: bytes
        if len(pieces) == 1:
            body = pieces[0]
        elif sum([len(piece) for piece in pieces]) <= SMALL:
            body = b"".join(pieces)
        else:
            return False
        if self._length >= 0 and self._length != len(body):
            return False
        if self._length < 0 and self._exchange.method == "HEAD":
            return False
        self._check_started()
        self._begun = True
        self._complete = body
        return True

    @cython.cfunc
    def _sends_file(self, file) -> cython.bint:
        """Send a wrapped file of the declared length as what it is; return whether it is one."""
        descriptor, start, end = _extent(file)
        if self._begun or end - start != self._length or start == end or self._exchange.method == "HEAD":
            return False
        self._check_started()
        self._begun = True
        self.wait(self._send_file(descriptor, start, end))
        self._pieces = deque()
        return True

    @cython.cfunc
    def _check_started(self):
        if not self._status:
            raise RuntimeError("the WSGI application gave a body before it called start_response")

    def _write(self, data) -> None:
        if data:
            self._send(data)

    @cython.cfunc
    def _send(self, data) -> cython.bint:
        """Send a piece and wait until there is room for more; return whether more is wanted."""
        self._check_started()
        excess: cython.bint = False
        if type(data) is not bytes:
            raise TypeError(f"a WSGI application gives bytes, not {type(data).__name__}")
        if self._length >= 0 and self._sent + len(data) > self._length and self._exchange.method != "HEAD":
            _LOGGER.error(
                "%s %s: the WSGI application gave more than its Content-Length of %d bytes; the rest is not sent",
                self._exchange.method,
                self._exchange.path,
                self._length,
            )
            data = data[: self._length - self._sent]
            excess = True
        self._sent += len(data)
        if not self._begun:
            self._begun = True
            if self._sent == self._length:
                self._complete = data
                # What the application does after it is not waited for.
                self._threads.hand_over(self._completions, self.respond)
                return not excess
            self._pieces = deque()
        if data and self._pieces is not None:
            self._give(data)
        return not excess

    @cython.cfunc
    def _give(self, data: bytes):
        """Hand a piece to the pump, and wait while it is too far behind."""
        self._pieces.append(data)
        if not self._called:
            self._called = True
            self._threads.hand_over(self._completions, self.pump)
        while self._sent - self._taken > AHEAD and not self._gone:
            if self._room is None:
                self._room = threading.Event()
            self._room.clear()
            if self._sent - self._taken > AHEAD and not self._gone:
                self._room.wait()
        if self._gone:
            raise self._error or Disconnected("the request was cancelled")

    @cython.cfunc
    def _finish(self):
        if self._begun:
            return
        self._check_started()
        self._begun = True
        head: cython.bint = self._exchange.method == "HEAD"
        bodiless: cython.bint = self._status == 204 or self._status == 304 or (head and self._length >= 0)
        if not bodiless and (self._length > 0 or head):
            # HEAD without a content-length: `respond` would claim that it is 0. A body that is owed: `finish` of the
            # stream complains.
            self._pieces = deque()
        else:
            self._complete = b""


def _blocks(file):
    """Read a wrapped file in larger blocks than the application may have asked for: each costs a hop to the loop."""
    while block := file.read(FILE):
        yield block


@cython.cfunc
def _extent(file) -> tuple:
    """Return descriptor, position and size of a regular file, or nonsense for anything else."""
    try:
        descriptor, start = file.fileno(), file.tell()
        found = os.fstat(descriptor)
    except (AttributeError, OSError):
        return -1, 0, 0
    return descriptor, start, found.st_size if stat.S_ISREG(found.st_mode) else 0


@cython.cfunc
def _encode(pairs) -> list:
    """Check response headers and encode them, without those that are the server's.

    SECURITY: the exchange checks again what it writes; here the application is still there to answer for it.
    """
    encoded: list = []
    name: str
    value: str
    for name, value in pairs:
        if name.lower() in _HOP_BY_HOP:
            continue
        raw_name: bytes = name.encode("latin-1")
        raw_value: bytes = value.encode("latin-1")
        if not raw_name or raw_name.translate(None, TOKEN_BYTES):
            raise ValueError(f"not a header name: {name!r}")
        if raw_value.translate(None, VALUE_BYTES):
            raise ValueError(f"control character in the value of response header {name!r}")
        encoded.append((raw_name, raw_value))
    return encoded


@cython.cfunc
def _encode_once(pairs: tuple) -> tuple:
    encoded = _heads.get(pairs)
    if encoded is None:
        encoded = tuple(_encode(pairs))
        if len(_heads) >= HEADS:
            _heads.clear()
        _heads[pairs] = encoded
    return encoded
