"""A WSGI application (PEP 3333) as a function of an exchange.

The application runs in a thread, in a copy of the caller's context. Nothing is buffered: `wsgi.input` asks the loop
for the next piece of the body when the application reads it, and each piece that the application gives is handed to
the loop, which makes the thread wait until the peer has room. Only an answer that is complete with its first piece
takes the short way: one write.

Rules
    1. The status and headers leave with the first piece of the body that is not empty, or at the end.
    2. `close()` of the iterable is called exactly once, whatever happened before: an error, a disconnect, a
       cancellation.
    3. After its content-length the body ends: what the application gives beyond it is not sent, and is logged.
    4. Hop-by-hop response headers belong to the server; those of the application are dropped.
    5. The reason phrase of the status line is not transported: HTTP/2 has none, and HTTP/1.1 says to ignore it.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from types import TracebackType
from typing import Any, Protocol, TypeAlias, TypeVar

from asteri.exchange import Disconnected, Exchange, Sink

__all__ = ["FileWrapper", "WSGIApplication", "build_environ", "wsgi_app"]

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
Environ: TypeAlias = dict[str, Any]
WSGIApplication: TypeAlias = Callable[[Environ, Callable[..., Callable[[bytes], object]]], Iterable[bytes]]

T = TypeVar("T")

_LOGGER = logging.getLogger("asteri.wsgi")
_SMALL = 65536  # a list of pieces up to this size is joined and sent in one write
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


def wsgi_app(application: WSGIApplication, *, executor: Executor | None = None) -> Callable[..., Awaitable[None]]:
    """Return an async callable `(exchange, script_name="")` that answers with a WSGI application.

    Args:
        application: the WSGI application.
        executor: threads to run it in; None: the loop's default executor.

    The callable raises what the application raises, after the stream was aborted if it had begun. `script_name` is the
    percent-decoded prefix under which the application is mounted; the exchange's path begins with it.
    """

    async def serve(exchange: Exchange, script_name: str = "") -> None:
        loop = asyncio.get_running_loop()
        call = _Call(application, exchange, loop)
        environ = build_environ(exchange, call.open_input(), script_name)
        context = contextvars.copy_context()
        try:
            await loop.run_in_executor(executor, context.run, call.run, environ)
        except asyncio.CancelledError:
            call.give_up()
            raise
        except Disconnected:
            if call.sink is not None:
                call.sink.abort()
            return
        except BaseException:
            if call.sink is not None:
                call.sink.abort()
            raise
        if call.complete is not None:
            exchange.respond(*call.complete)

    return serve


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an iterable of blocks."""

    def __init__(self, file: _File, block_size: int = 65536) -> None:
        self._file = file
        self._block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self._file.read(self._block_size)
        if not block:
            raise StopIteration
        return block


class _File(Protocol):
    def read(self, size: int, /) -> bytes: ...


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
    """One call of the application. Methods run in the thread, except for `open_input` and `give_up`.

    Attributes:
        sink: the body's stream, once the answer has begun.
        complete: an answer that needs no stream, for the loop to give when the thread is done.
    """

    def __init__(self, application: WSGIApplication, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self.sink: Sink | None = None
        self.complete: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
        self._application = application
        self._exchange = exchange
        self._loop = loop
        self._head: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._length: int | None = None  # the application's content-length
        self._sent = 0
        self._begun = False
        self._gone = threading.Event()
        self._waiting: Future[Any] | None = None

    # On the loop

    def open_input(self) -> io.BufferedIOBase:
        """Return `wsgi.input`."""
        buffered = self._exchange.buffered
        return io.BytesIO(buffered) if buffered is not None else io.BufferedReader(_Body(self, self._exchange), 65536)

    def give_up(self) -> None:
        """Make the thread's next exchange with the loop, and the one that it waits for, fail."""
        self._gone.set()
        if self._waiting is not None:
            self._waiting.cancel()
        if self.sink is not None:
            self.sink.abort()

    # In the thread

    def run(self, environ: Environ) -> None:
        """Call the application and send what it returns."""
        try:
            pieces = self._application(environ, self.start_response)
        except StopIteration as error:  # a future can not carry it, and whoever awaits it would wait for ever
            raise RuntimeError("the WSGI application raised StopIteration") from error
        try:
            if isinstance(pieces, (list, tuple)) and not self._begun and self._fits(pieces):
                return
            for piece in pieces:
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
        elif self._head is not None:
            raise RuntimeError("start_response was called twice without exc_info")
        code = status[:3]
        if not (code.isascii() and code.isdigit() and status[3:4] in ("", " ")):
            raise ValueError(f"WSGI status {status!r}: must be like '200 OK'")
        self._length = None
        encoded = []
        for name, value in headers:
            lowered = name.lower()
            if lowered in _HOP_BY_HOP:
                continue
            if lowered == "content-length":
                self._length = int(value)
            encoded.append((name.encode("latin-1"), value.encode("latin-1")))
        self._head = (int(code), encoded)
        return self._write

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Let the loop run a coroutine, and wait for its result.

        Raises:
            Disconnected: the peer is gone, or the request was cancelled.
        """
        if self._gone.is_set():
            coroutine.close()
            raise Disconnected("the request was cancelled")
        self._waiting = future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        if self._gone.is_set():  # `give_up` may have come between the two lines above
            future.cancel()
        try:
            return future.result()
        except CancelledError:
            raise Disconnected("the request was cancelled") from None
        finally:
            self._waiting = None

    def _started(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        if self._head is None:
            raise RuntimeError("the WSGI application gave a body before it called start_response")
        return self._head

    def _fits(self, pieces: list[bytes] | tuple[bytes, ...]) -> bool:
        """Keep a small answer that is complete for one write; return whether it is one."""
        size = sum(map(len, pieces))
        known = self._length is None or self._length == size
        if size > _SMALL or not known or (self._exchange.method == "HEAD" and self._length is None):
            return False
        self._begun = True
        self.complete = (*self._started(), pieces[0] if len(pieces) == 1 else b"".join(pieces))
        return True

    def _write(self, data: bytes) -> None:
        if data:
            self._send(data)

    def _send(self, data: bytes) -> bool:
        """Send a piece and wait until there is room for more; return whether more is wanted."""
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
            if data:
                self.wait(self._pass_on(data))
        elif self._sent == self._length:
            self.wait(self._respond(data))
        else:
            self.wait(self._begin(data))
        return not excess

    def _finish(self) -> None:
        if self.sink is not None:
            self.wait(self._end())
        elif not self._begun:
            status, _ = self._started()
            bodiless = status in (204, 304) or (self._exchange.method == "HEAD" and self._length is not None)
            if not bodiless and (self._length or self._exchange.method == "HEAD"):
                # HEAD without a content-length: `respond` would claim that it is 0. A body that is owed: `finish`
                # complains.
                self.wait(self._begin(b""))
                self.wait(self._end())
            else:
                self.wait(self._respond(b""))

    # Coroutines that the thread lets the loop run

    async def _respond(self, data: bytes) -> None:
        status, headers = self._started()
        self._begun = True
        self._exchange.respond(status, headers, data)

    async def _begin(self, data: bytes) -> None:
        self.sink = self._exchange.begin(*self._started())
        self._begun = True
        if data:
            await self.sink.write(data)

    async def _pass_on(self, data: bytes) -> None:
        if self.sink is not None:  # None: the answer was complete and has been sent
            await self.sink.write(data)

    async def _end(self) -> None:
        if self.sink is not None:
            await self.sink.finish()


def build_environ(exchange: Exchange, body: io.BufferedIOBase, script_name: str = "") -> Environ:
    """Return the WSGI environ of an exchange.

    SECURITY: a request header `Proxy` is left out, since CGI programs take HTTP_PROXY for their own setting; so are
    names with an underscore, which would be indistinguishable from the ones with a hyphen that a proxy has vouched
    for.
    """
    connection = exchange.connection
    path = exchange.path
    if script_name:
        path = path.removeprefix(script_name)
    server = connection.server
    default_port = "443" if connection.scheme == "https" else "80"
    environ: Environ = {
        "REQUEST_METHOD": exchange.method,
        "SCRIPT_NAME": _recode(connection.root_path + script_name),
        "PATH_INFO": _recode(path),
        "QUERY_STRING": exchange.query.decode("latin-1"),
        "REQUEST_URI": (exchange.raw_path + (b"?" + exchange.query if exchange.query else b"")).decode("latin-1"),
        "SERVER_NAME": server[0] if server is not None and server[1] is not None else "localhost",
        "SERVER_PORT": str(server[1]) if server is not None and server[1] is not None else default_port,
        "SERVER_PROTOCOL": f"HTTP/{connection.http_version}",
        "REMOTE_ADDR": connection.client[0] if connection.client is not None else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": connection.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    if connection.client is not None:
        environ["REMOTE_PORT"] = str(connection.client[1])
    for raw_name, raw_value in exchange.headers.raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name or name == "proxy":
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ


def _recode(path: str) -> str:
    """Return a decoded path the way PEP 3333 wants it: each byte as the character of the same number."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("latin-1")
