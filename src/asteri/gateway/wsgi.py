"""A WSGI application (PEP 3333) as a function of an exchange: `asteri --interface wsgi`.

The application runs in a thread, in a copy of the caller's context. Nothing is buffered: `wsgi.input` asks the loop
for the next piece of the body when the application reads it, and each piece that the application gives is handed to
the loop, which makes the thread wait until the peer has room. Only an answer that is complete with its first piece
takes the short way: one hop to the thread, and one back.

Rules
    1. The status and headers leave with the first piece of the body that is not empty, or at the end.
    2. `close()` of the iterable is called exactly once, whatever happened before: an error, a disconnect, a
       cancellation.
    3. After its content-length the body ends: what the application gives beyond it is not sent, and is logged.
    4. Hop-by-hop response headers belong to the server; those of the application are dropped.
    5. The reason phrase of the status line is not transported: HTTP/2 has none, and HTTP/1.1 says to ignore it.
    6. An error of the headers is raised by `start_response`, while the application can still do something about it.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import os
import stat
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from functools import lru_cache
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from asteri.exchange import Channel, Disconnected, Doors, Exchange, HeaderPairs, Sink
from asteri.gateway.environ import Environ, FileWrapper, build_environ
from asteri.gateway.files import send_part
from asteri.gateway.threads import Threads
from asteri.wire.grammar import TOKEN_BYTES, VALUE_BYTES

__all__ = ["WSGIApplication", "wsgi_app", "wsgi_doors"]

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
WSGIApplication: TypeAlias = Callable[[Environ, Callable[..., Callable[[bytes], object]]], Iterable[bytes]]

T = TypeVar("T")

_LOGGER = logging.getLogger("asteri.wsgi")
_THREADS = 40  # as many as the peers have
_SMALL = 65536  # a list of pieces up to this size is joined and sent in one write
_FILE = 262144  # bytes of a file in one piece
_KEPT = 1024  # bytes of response headers that are worth to be kept encoded
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)


def wsgi_doors(application: WSGIApplication, threads: Threads) -> Doors:
    """Return the doors of a WSGI application, which runs in `threads`."""
    return Doors(_Bridge(application, threads), _no_websocket)


def wsgi_app(
    application: WSGIApplication, *, threads: int = _THREADS, name: str = "asteri-wsgi"
) -> Callable[..., Awaitable[None]]:
    """Return a callable `(exchange, script_name="")` that answers with a WSGI application, and is to be awaited.

    Args:
        threads: how many threads it may take, which are its own.
        name: what they are called.

    Awaiting it raises what the application raises, after the stream was aborted if it had begun. `script_name` is the
    percent-decoded prefix under which the application is mounted; the exchange's path begins with it.
    """
    return _Bridge(application, Threads(threads, name))


async def _no_websocket(channel: Channel) -> None:
    """Refuse a handshake: WSGI knows no WebSocket."""
    await channel.reject(501, (), b"")


class _Bridge:
    """A WSGI application and its threads."""

    def __init__(self, application: WSGIApplication, threads: Threads) -> None:
        self._application = application
        self._threads = threads

    def __call__(self, exchange: Exchange, script_name: str = "") -> Awaitable[None]:
        call = _Call(self._application, exchange, script_name, self._threads)
        self._threads.submit(call.run)
        return call.done


class _Done(asyncio.Future[None]):
    """The end of a call, on the loop. Cancelling it makes the thread's next exchange with the loop fail."""

    __slots__ = ("call",)
    call: _Call

    def cancel(self, msg: Any | None = None) -> bool:
        if not self.done():
            self.call.give_up()
        return super().cancel(msg)


class _Body(io.RawIOBase):
    """The request's body, read piece by piece from the loop; `io.BufferedReader` makes `wsgi.input` of it."""

    def __init__(self, call: _Call, exchange: Exchange) -> None:
        self._call = call
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._call.wait(self._exchange.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)


class _Call:
    """One call of the application.

    Attributes:
        done: ends when the exchange is answered.
    """

    __slots__ = (
        "_application",
        "_begun",
        "_complete",
        "_context",
        "_error",
        "_exchange",
        "_gone",
        "_headers",
        "_length",
        "_script_name",
        "_sent",
        "_sink",
        "_status",
        "_threads",
        "_waiting",
        "done",
    )

    def __init__(self, application: WSGIApplication, exchange: Exchange, script_name: str, threads: Threads) -> None:
        self.done = _Done()
        self.done.call = self
        self._application = application
        self._exchange = exchange
        self._script_name = script_name
        self._threads = threads
        self._context = contextvars.copy_context()
        self._status = 0  # 0: start_response was not called
        self._headers: HeaderPairs = ()  # without the content-length
        self._length: int | None = None  # the application's content-length
        self._sent = 0
        self._begun = False
        self._complete: bytes | None = None  # an answer that needs no stream, for the loop to give
        self._sink: Sink | None = None
        self._error: BaseException | None = None
        self._gone = False
        self._waiting: Future[Any] | None = None

    # On the loop

    def give_up(self) -> None:
        """Make the thread's next exchange with the loop, and the one that it waits for, fail."""
        self._gone = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._sink is not None:
            self._sink.abort()

    def _end(self) -> None:
        """Give the answer if it was not given yet, and tell the caller how it went."""
        done = self.done
        del done.call  # breaks a reference cycle
        if done.done():
            return  # it was cancelled
        if self._error is None:
            self._respond()
        error, self._error = self._error, None
        if error is None:
            done.set_result(None)
            return
        if self._sink is not None:
            self._sink.abort()
        if isinstance(error, Disconnected):
            done.set_result(None)
        else:
            done.set_exception(error)

    # In the thread

    def run(self) -> None:
        """Make the call, and let the loop know its end."""
        try:
            self._context.run(self._run)
        except Exception as error:
            self._error = error
        except BaseException as error:  # sys.exit() would end the worker
            self._error = RuntimeError(f"the WSGI application raised {type(error).__name__}")
            self._error.__cause__ = error
        if isinstance(self._error, StopIteration):  # a future can not carry it
            self._error = RuntimeError("the WSGI application raised StopIteration")
        self._threads.hand_over(self._end)

    def _run(self) -> None:
        exchange = self._exchange
        buffered = exchange.buffered
        body: io.BufferedIOBase = (
            io.BytesIO(buffered) if buffered is not None else io.BufferedReader(_Body(self, exchange), _SMALL)
        )
        pieces = self._application(build_environ(exchange, body, self._script_name), self.start_response)
        try:
            if type(pieces) is list and not self._begun and self._fits(pieces):
                return
            for piece in self._blocks(pieces) if type(pieces) is FileWrapper else pieces:
                if piece and not self._send(piece):
                    break
            self._finish()
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
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
        length = None
        private = False
        size = 0
        pairs = []
        for name, value in headers:
            size += len(name) + len(value)
            if len(name) == 14 and name.lower() == "content-length":
                if length is not None or not (value.isascii() and value.isdigit()):
                    raise ValueError(f"content-length {value!r} is malformed or repeated")
                length = int(value)
            else:
                private = private or (len(name) == 10 and name.lower() == "set-cookie")
                pairs.append((name, value))
        if private or size > _KEPT:
            self._headers = [*_encode(pairs)]
        else:
            self._headers = _encode_once(tuple(pairs))
        self._status, self._length = int(code), length
        return self._write

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the loop run a coroutine, and wait for its result.

        Raises:
            Disconnected: the peer is gone, or the request was cancelled.
        """
        if self._gone:
            coroutine.close()
            raise Disconnected("the request was cancelled")
        self._waiting = future = asyncio.run_coroutine_threadsafe(coroutine, self.done.get_loop())
        self._cancel_if_gone(future)  # `give_up` may have come between the lines above
        try:
            return future.result()
        except CancelledError:
            raise Disconnected("the request was cancelled") from None
        finally:
            self._waiting = None

    def _cancel_if_gone(self, future: Future[Any]) -> None:
        if self._gone:
            future.cancel()

    def _fits(self, pieces: list[bytes]) -> bool:
        """Keep a small answer that is complete for one write; return whether it is one."""
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces) if sum(map(len, pieces)) <= _SMALL else None
        if body is None or (self._length is not None and self._length != len(body)):
            return False
        if self._exchange.method == "HEAD" and self._length is None:
            return False
        self._check_started()
        self._begun = True
        self._complete = body
        return True

    def _check_started(self) -> None:
        if not self._status:
            raise RuntimeError("the WSGI application gave a body before it called start_response")

    def _write(self, data: bytes) -> None:
        if data:
            self._send(data)

    def _send(self, data: bytes) -> bool:
        """Send a piece and wait until there is room for more; return whether more is wanted."""
        self._check_started()
        excess = False
        if self._length is not None and self._sent + len(data) > self._length and self._exchange.method != "HEAD":
            _LOGGER.error(
                "%s %s: the WSGI application gave more than its Content-Length of %d bytes; the rest is not sent",
                self._exchange.method,
                self._exchange.path,
                self._length,
            )
            data = data[: self._length - self._sent]
            excess = True
        self._sent += len(data)
        if self._begun:
            if data and self._sink is not None:  # None: the answer is complete
                self.wait(self._sink.write(data))
        elif self._sent == self._length:
            self._begun = True
            self._complete = data
            self._threads.hand_over(self._respond)  # what the application does after it is not waited for
        else:
            self.wait(self._begin(data))
        return not excess

    def _blocks(self, wrapper: FileWrapper) -> Iterator[bytes]:
        """Send a wrapped file of the declared length as a file, or give it in blocks.

        They are larger than the application may have asked for: each costs a hop to the loop.
        """
        file = wrapper.file
        descriptor, start, end = _extent(file)
        if end - start == self._length and self._length and not self._begun and self._exchange.method != "HEAD":
            self.wait(self._send_file(descriptor, start, end))
            return
        while block := file.read(_FILE):
            yield block

    def _finish(self) -> None:
        if self._sink is not None:
            self.wait(self._sink.finish())
        elif not self._begun:
            self._check_started()
            head = self._exchange.method == "HEAD"
            bodiless = self._status in (204, 304) or (head and self._length is not None)
            if not bodiless and (self._length or head):
                # HEAD without a content-length: `respond` would claim that it is 0. A body that is owed: `finish`
                # complains.
                self.wait(self._begin(b"", finish=True))
            else:
                self._begun = True
                self._complete = b""

    # On the loop

    def _framed(self) -> HeaderPairs:
        """Return the headers with the content-length."""
        if self._length is None:
            return self._headers
        return [*self._headers, (b"content-length", b"%d" % self._length)]

    def _respond(self) -> None:
        """Give the answer that needs no stream, if there is one and it was not given yet."""
        data, self._complete = self._complete, None
        if data is None or self.done.done():
            return
        # The exchange gives the length of what it sends, and headers that do not change from answer to answer can be
        # kept by it.
        headers = self._headers if self._length == len(data) else self._framed()
        try:
            self._exchange.respond(self._status, headers, data)
        except Exception as error:
            self._error = error

    async def _send_file(self, file: int, start: int, end: int) -> None:
        self._sink = self._exchange.begin(self._status, self._framed())
        self._begun = True
        await send_part(self._sink, file, lambda size, offset: os.pread(file, size, offset), start, end)

    async def _begin(self, data: bytes, finish: bool = False) -> None:
        self._sink = self._exchange.begin(self._status, self._framed())
        self._begun = True
        if data:
            await self._sink.write(data)
        if finish:
            await self._sink.finish()


def _extent(file: Any) -> tuple[int, int, int]:
    """Return descriptor, position and size of a regular file, or nonsense for anything else."""
    try:
        descriptor, start = file.fileno(), file.tell()
        found = os.fstat(descriptor)
    except (AttributeError, OSError):
        return -1, 0, 0
    return descriptor, start, found.st_size if stat.S_ISREG(found.st_mode) else 0


def _encode(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[bytes, bytes]]:
    """Check response headers and encode them, without those that are the server's.

    SECURITY: the exchange checks again what it writes; here the application is still there to answer for it.
    """
    for name, value in pairs:
        if name.lower() in _HOP_BY_HOP:
            continue
        raw_name, raw_value = name.encode("latin-1"), value.encode("latin-1")
        if not raw_name or raw_name.translate(None, TOKEN_BYTES):
            raise ValueError(f"not a header name: {name!r}")
        if raw_value.translate(None, VALUE_BYTES):
            raise ValueError(f"control character in the value of response header {name!r}")
        yield raw_name, raw_value


@lru_cache(maxsize=256)
def _encode_once(pairs: tuple[tuple[str, str], ...]) -> HeaderPairs:
    return (*_encode(pairs),)
