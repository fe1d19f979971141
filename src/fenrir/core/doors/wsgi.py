"""The door for WSGI servers: an application served as `app(environ, start_response)` (PEP 3333).

The application runs on a loop of its own in a background thread, started with the first request. The server's thread
waits for the head of the answer, and then gives the body piece by piece: each piece that the application writes waits
until the server has taken the one before, so nothing is collected in memory. The request body is read from
`wsgi.input` when the application asks for it, in a worker thread.

A response body must be closed by the server (PEP 3333 says so); closing it waits for the teardown of the request. A
body that is closed before its end tells the application that the client is gone.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import functools
import inspect
import sys
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote
from weakref import WeakMethod

from asteri.exchange import AnswerError, Connection, Disconnected, HeaderPairs
from fenrir.core.doors.asgi import ASGIHeaders
from fenrir.core.threads import to_thread
from fenrir.http.status import forbids_body, phrase

if TYPE_CHECKING:
    from fenrir.core.application import Application
    from fenrir.core.lifespan import Lifespan

__all__ = ["WSGIDoor", "WSGIExchange", "both_doors"]

F = TypeVar("F", bound=Callable[..., Any])

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"trailers",
        b"transfer-encoding",
        b"upgrade",
    )
)


def both_doors(call: F) -> F:
    """Mark a `__call__(*args)` that serves ASGI and WSGI, so that ASGI servers see the coroutine function in it."""
    if sys.version_info >= (3, 12):
        return inspect.markcoroutinefunction(call)
    marked: Any = _Marked(call)
    return marked  # type: ignore[no-any-return]


class _Marked:
    """A method that `inspect.iscoroutinefunction` takes for a coroutine function, before Python 3.12 had a mark for it.

    It asks an object with the attributes of a function for the flags of its code, which is never run here.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, call)
        self._call = call
        self._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
        self.__code__ = call.__code__.replace(co_flags=call.__code__.co_flags | inspect.CO_COROUTINE)
        self.__defaults__ = call.__defaults__
        self.__kwdefaults__ = call.__kwdefaults__

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)


class _Head:
    """The beginning of an answer, on its way to the server's thread; `body` None when pieces follow."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes | None) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class _End:
    """Nothing more comes; `error` when something broke."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class WSGIExchange:
    """One call of a WSGI server, as an exchange (see `asteri.exchange` for its laws)."""

    def __init__(self, environ: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        self.environ = environ
        self._loop = loop
        self.method: str = environ["REQUEST_METHOD"]
        raw = environ.get("PATH_INFO", "").encode("latin-1")
        self.path = raw.decode("utf-8", "surrogateescape") or "/"
        self.raw_path = quote(raw, safe="/!$&'()*+,;=:@").encode("ascii") or b"/"
        self.query: bytes = environ.get("QUERY_STRING", "").encode("latin-1")
        self.headers = ASGIHeaders(fields_of(environ))
        self.connection = connection_of(environ)
        self._left = _length(environ)
        self.buffered: bytes | None = b"" if self._left == 0 else None
        self.app: Any = None
        self.out: SimpleQueue[_Head | bytes | _End] = SimpleQueue()
        self._answered = False
        self._gone = asyncio.Event()
        self._taken: asyncio.Future[None] | None = None

    @property
    def gone(self) -> bool:
        return self._gone.is_set()

    async def read(self, limit: int = 65536) -> bytes:
        if self._gone.is_set():
            raise Disconnected("the server has closed the response")
        wanted = limit if self._left is None else min(limit, self._left)
        if wanted <= 0:
            return b""
        data: bytes = await to_thread(self.environ["wsgi.input"].read, wanted)
        if self._left is not None:
            if not data:
                raise Disconnected("the body ended before its content-length")
            self._left -= len(data)
        return data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self.read():
            yield piece

    def _head(self, status: int, headers: HeaderPairs, body: bytes | None) -> _Head:
        if self._answered:
            raise AnswerError("this exchange has been answered already")
        for name, value in headers:
            if not name or any(byte in name + value for byte in b"\r\n\0"):
                raise ValueError(f"header {name!r} has characters that could split the response")
        self._answered = True
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in headers
            if name.lower() not in _HOP_BY_HOP
        ]
        return _Head(status, pairs, body)

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        head = self._head(status, headers, body)
        if not forbids_body(status) and all(name.lower() != "content-length" for name, _ in head.headers):
            head.headers.append(("content-length", str(len(body))))
        if self.method == "HEAD" or forbids_body(status):
            head.body = b""
        self.out.put(head)

    def begin(self, status: int, headers: HeaderPairs) -> WSGISink:
        head = self._head(status, headers, None)
        self.out.put(head)
        declared = next((int(value) for name, value in head.headers if name.lower() == "content-length"), None)
        return WSGISink(self, declared)

    def inform(self, status: int, headers: HeaderPairs) -> None:
        """Do nothing: WSGI has no interim responses."""

    async def drain(self) -> None:
        return None

    async def disconnected(self) -> None:
        await self._gone.wait()

    async def give(self, piece: bytes) -> None:
        """Hand a piece to the server's thread and wait until it takes it."""
        if self._gone.is_set():
            raise Disconnected("the server has closed the response")
        taken = self._taken = self._loop.create_future()
        self.out.put(piece)
        await taken
        if self._gone.is_set():
            raise Disconnected("the server has closed the response")

    def took(self) -> None:
        """On the loop: the server asks for the next piece."""
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)

    def leave(self) -> None:
        """On the loop: the server wants no more."""
        self._gone.set()
        self.took()


class WSGISink:
    """The body of a streamed answer."""

    def __init__(self, exchange: WSGIExchange, declared: int | None) -> None:
        self._exchange = exchange
        self._left = declared
        self._finished = False

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._finished:
            raise AnswerError("this stream is finished")
        if self._exchange.method == "HEAD" or not len(data):
            return
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise AnswerError("the body is longer than its content-length")
        await self._exchange.give(bytes(data))

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        if self._left and self._exchange.method != "HEAD":
            raise AnswerError("the body is shorter than its content-length")
        self._finished = True
        self._exchange.out.put(_End())

    def abort(self) -> None:
        self._finished = True
        self._exchange.out.put(_End(Disconnected("the response was aborted")))


def fields_of(environ: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    fields: list[tuple[bytes, bytes]] = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:]
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            name = key
        else:
            continue
        fields.append((name.lower().replace("_", "-").encode("latin-1"), str(value).encode("latin-1")))
    return fields


def _length(environ: dict[str, Any]) -> int | None:
    """Return the length of the body, None when only its end tells."""
    text = environ.get("CONTENT_LENGTH")
    if text and str(text).isdecimal():
        return int(text)
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return None if chunked and environ.get("wsgi.input_terminated") else 0


def connection_of(environ: dict[str, Any]) -> Connection:
    client = environ.get("REMOTE_ADDR")
    port = str(environ.get("REMOTE_PORT") or "0")
    server_port = str(environ.get("SERVER_PORT", "80"))
    return Connection(
        scheme=environ.get("wsgi.url_scheme", "http"),
        client=(client, int(port) if port.isdecimal() else 0) if client else None,
        server=(environ.get("SERVER_NAME", "localhost"), int(server_port) if server_port.isdecimal() else 80),
        http_version=environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        root_path=environ.get("SCRIPT_NAME", "").encode("latin-1").decode("utf-8", "surrogateescape").rstrip("/"),
    )


class _Body:
    """What the server iterates over and closes."""

    def __init__(self, exchange: WSGIExchange, work: Future[None], first: bytes | None) -> None:
        self._exchange = exchange
        self._work = work
        self._first = first
        self._ended = first is not None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first is not None:
            piece, self._first = self._first, None
            if piece:
                return piece
        if self._ended:
            raise StopIteration
        self._call(self._exchange.took)
        given = self._exchange.out.get()
        if isinstance(given, bytes):
            return given
        self._ended = True
        if isinstance(given, _End) and given.error is not None:
            raise given.error
        raise StopIteration

    def close(self) -> None:
        """Let the request come to its end, and wait for it."""
        self._call(self._exchange.took if self._ended else self._exchange.leave)
        self._work.exception()

    def _call(self, call: Callable[[], None]) -> None:
        if not self._work.done():
            self._exchange._loop.call_soon_threadsafe(call)


class WSGIDoor:
    """An application as a WSGI callable."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lifespan: Lifespan | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        loop = self._loop or self._start()
        exchange = WSGIExchange(environ, loop)
        work = asyncio.run_coroutine_threadsafe(self._serve(exchange), loop)
        head = exchange.out.get()
        if isinstance(head, _End):
            raise head.error or RuntimeError("the application gave no answer")
        assert isinstance(head, _Head)  # a body never comes before its head
        start_response(f"{head.status} {phrase(head.status) or 'Unknown'}", head.headers)
        return _Body(exchange, work, head.body)

    async def _serve(self, exchange: WSGIExchange) -> None:
        try:
            serving = self._app.http(exchange)
            if serving is not None:
                await serving
        except BaseException as exc:
            exchange.out.put(_End(exc))
            raise
        exchange.out.put(_End())

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is not None:
                return self._loop
            loop = contextvars.Context().run(asyncio.new_event_loop)  # it keeps the context in which it is made
            thread = threading.Thread(target=loop.run_forever, name="fenrir-wsgi-door", daemon=True)
            thread.start()
            lifespan = self._app.lifespan()
            try:
                asyncio.run_coroutine_threadsafe(self._begin(lifespan), loop).result()
            except BaseException:
                _end(loop, thread)
                raise
            self._thread, self._lifespan, self._loop = thread, lifespan, loop
            close = WeakMethod(self.close)
            atexit.register(lambda: (method := close()) and method())
            return loop

    async def _begin(self, lifespan: Lifespan) -> None:
        await lifespan.start()
        self._app.lifespan_state = lifespan.state

    def close(self) -> None:
        """Stop the application and its loop; the next request would start them again."""
        with self._lock:
            loop, thread, lifespan = self._loop, self._thread, self._lifespan
            self._loop = self._thread = self._lifespan = None
        if loop is not None and thread is not None and lifespan is not None:
            try:
                asyncio.run_coroutine_threadsafe(lifespan.stop(), loop).result()
            finally:
                _end(loop, thread)


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
