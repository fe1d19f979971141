"""A client without sockets, for tests: upstream's `TestClient`.

It is an `httpx` client whose transport calls an ASGI application. The application runs in the loop of a portal
(another thread): one portal for all requests inside `with TestClient(app)`, which also runs the lifespan, else a fresh
one for each request. An answer is available when its head is there; each piece of the body waits until it is read, so
back pressure is seen by the application. Closing an answer early cancels the application; closing a complete one waits
for what it still does (background tasks). An exception of the application is raised in the test, after the body.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, cast
from urllib.parse import unquote, urljoin

import anyio
import anyio.from_thread
from anyio.streams.stapled import StapledObjectStream

from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._httpx import httpx
from fenrir.starlette._test_session import PortalFactory, Upgrade, WebSocketDenialResponse, WebSocketTestSession
from fenrir.starlette.exceptions import StarletteDeprecationWarning
from fenrir.starlette.types import ASGIApp, Message, Receive, Scope, Send
from fenrir.starlette.websockets import WebSocketDisconnect as WebSocketDisconnect

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

__all__ = ["ASGI2App", "ASGI3App", "ASGIInstance", "TestClient", "WebSocketDenialResponse", "WebSocketTestSession"]

ASGIInstance = Callable[[Receive, Send], Awaitable[None]]
ASGI2App = Callable[[Scope], ASGIInstance]
ASGI3App = ASGIApp

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


class _Backend(TypedDict):
    backend: str
    backend_options: dict[str, Any]


class _Answer:
    """One HTTP request while the application answers it. The coroutines run in the portal's loop."""

    _head: anyio.Event
    _complete: anyio.Event
    _scope: anyio.CancelScope
    _pieces: MemoryObjectSendStream[tuple[bytes, bool]]
    _read: MemoryObjectReceiveStream[tuple[bytes, bool]]

    def __init__(self, request: httpx.Request) -> None:
        self.request = request
        self.status: int | None = None
        self.headers: list[tuple[str, str]] = []
        self.has_trailers = False
        self.trailers: list[tuple[bytes, bytes]] = []
        self.debug: dict[str, Any] | None = None
        self._body_given = False
        self._body_sent = False

    async def open(self) -> None:
        """Make what belongs to the loop."""
        self._head, self._complete, self._scope = anyio.Event(), anyio.Event(), anyio.CancelScope()
        self._pieces, self._read = anyio.create_memory_object_stream["tuple[bytes, bool]"](0)

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Call the application."""
        try:
            with self._scope:
                async with self._pieces:
                    await app(scope, self.receive, self.send)
        finally:
            self._head.set()

    async def receive(self) -> Message:
        """ASGI's receive: the body in one message, then a disconnect once the answer is complete."""
        if not self._body_given:
            self._body_given = True
            return {"type": "http.request", "body": self.request.read(), "more_body": False}
        if not self._complete.is_set():  # what is known is told without a checkpoint: who asks may be cancelled there
            await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI's send; an application that breaks the protocol gets an AssertionError."""
        kind = message["type"]
        if kind == "http.response.start":
            assert self.status is None, 'Received multiple "http.response.start" messages.'
            self.status = message["status"]
            self.headers = [(name.decode(), value.decode()) for name, value in message.get("headers", ())]
            self.has_trailers = message.get("trailers", False)
            self._head.set()
        elif kind == "http.response.body":
            assert self.status is not None, f'Received "{kind}" without "http.response.start".'
            assert not self._complete.is_set(), f'Received "{kind}" after response completed.'
            assert not self._body_sent, f'Received "{kind}" after body completed.'
            last = not message.get("more_body", False)
            # A copy: the application may reuse its buffer.
            await self._pieces.send((bytes(message.get("body", b"")), last and not self.has_trailers))
            self._body_sent = last
        elif kind == "http.response.trailers":
            assert self.has_trailers, f'Received "{kind}" without declaring trailers.'
            assert self._body_sent, f'Received "{kind}" before body completed.'
            assert not self._complete.is_set(), f'Received "{kind}" after response completed.'
            self.trailers.extend(message.get("headers", ()))
            if not message.get("more_trailers", False):
                self._complete.set()
        elif kind == "http.response.debug":
            self.debug = message["info"]

    async def wait_head(self) -> None:
        """Wait until there is a head, or the application has returned."""
        await self._head.wait()

    async def read(self) -> bytes:
        """Return the next piece of the body. Raises `anyio.EndOfStream`."""
        piece, last = await self._read.receive()
        if last:
            self._complete.set()
        return piece

    async def leave(self) -> None:
        """Cancel the application unless its answer is complete: then it may go on with background work."""
        if not self._complete.is_set():
            self._scope.cancel()

    async def cancel(self) -> None:
        """Cancel the application."""
        self._scope.cancel()

    async def close(self) -> None:
        """Close what `open` made."""
        self._pieces.close()
        self._read.close()


class _Body(httpx.SyncByteStream):
    """The answer's body: read from the application piece by piece."""

    def __init__(self, answer: _Answer, portal: BlockingPortal, resources: ExitStack) -> None:
        self._pieces = self._iterate(answer, portal)
        self._resources = resources

    def _iterate(self, answer: _Answer, portal: BlockingPortal) -> Generator[bytes, None, None]:
        while True:
            try:
                piece = portal.call(answer.read)
            except anyio.EndOfStream:
                break
            if piece and answer.request.method != "HEAD":
                yield piece
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._resources.close()


class _Transport(httpx.BaseTransport):
    """Sends requests to an ASGI application in memory."""

    def __init__(
        self,
        app: ASGIApp,
        portal_factory: PortalFactory,
        raise_server_exceptions: bool,
        root_path: str,
        client: tuple[str, int],
        app_state: dict[str, Any],
    ) -> None:
        self.app = app
        self.portal_factory = portal_factory
        self.raise_server_exceptions = raise_server_exceptions
        self.root_path = root_path
        self.client = client
        self.app_state = app_state
        self._unfinished: set[Callable[[], None]] = set()

    def close(self) -> None:
        """Cancel what still answers, each one even when another raises."""
        with ExitStack() as stack:
            while self._unfinished:
                stack.callback(self._unfinished.pop())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        scope = self._scope(request)
        if scope["type"] == "websocket":
            raise Upgrade(WebSocketTestSession(self.app, scope, self.portal_factory))
        answer = _Answer(request)
        with ExitStack() as stack:
            body = self._start(answer, scope, stack)
            if answer.status is None:
                stack.close()  # raises what the application raised
                if self.raise_server_exceptions:
                    raise AssertionError("TestClient did not receive any response.")
                return httpx.Response(500, request=request, stream=httpx.ByteStream(b""))
            body._resources = stack.pop_all()
        return _response(answer, body)

    def _start(self, answer: _Answer, scope: Scope, stack: ExitStack) -> _Body:
        """Start the application and wait for the head; `stack` gets what ends it."""
        portal = stack.enter_context(self.portal_factory())
        portal.call(answer.open)
        stack.callback(portal.call, answer.close)
        body = _Body(answer, portal, stack)
        task: Future[None] | None = None

        def abort() -> None:
            portal.call(answer.cancel)
            body.close()

        def finish(kind: type[BaseException] | None, *_: Any) -> None:
            if task is None:  # interrupted before the task was known
                portal.call(answer.cancel)
                return
            if not task.done():
                portal.call(answer.leave)
            wait_for([task])
            self._unfinished.discard(abort)
            if kind is None and self.raise_server_exceptions and (error := task.exception()) is not None:
                raise error

        stack.push(finish)
        task = portal.start_task_soon(answer.run, self.app, scope)
        portal.call(answer.wait_head)
        if answer.status is not None:
            self._unfinished.add(abort)
        return body

    def _scope(self, request: httpx.Request) -> Scope:
        url = request.url
        headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.multi_items()]
        if "host" not in request.headers:
            headers.insert(0, (b"host", url.netloc))
        scope: dict[str, Any] = {
            "type": "http",
            "path": unquote(url.path),
            "raw_path": url.raw_path.split(b"?", 1)[0],
            "root_path": self.root_path,
            "scheme": url.scheme,
            "query_string": url.query,
            "headers": headers,
            "client": self.client,
            "server": [url.raw_host.decode("ascii"), _PORTS[url.scheme] if url.port is None else url.port],
            "state": self.app_state.copy(),
        }
        if url.scheme in ("ws", "wss"):
            offered = request.headers.get("sec-websocket-protocol")
            return scope | {
                "type": "websocket",
                "subprotocols": [] if offered is None else [name.strip() for name in offered.split(",")],
                "extensions": {"websocket.http.response": {}},
            }
        return scope | {
            "http_version": "1.1",
            "method": request.method,
            "extensions": {"http.response.debug": {}, "http.response.trailers": {}},
        }


def _response(answer: _Answer, body: httpx.SyncByteStream) -> httpx.Response:
    assert answer.status is not None
    response = httpx.Response(answer.status, headers=answer.headers, stream=body, request=answer.request)
    if answer.has_trailers:
        response.extensions["http.response.trailers"] = answer.trailers
    if answer.debug is not None:
        response.extensions["http.response.debug"] = answer.debug
        for name in ("template", "context"):
            if name in answer.debug:
                setattr(response, name, answer.debug[name])
    return response


def _of_two_callables(app: ASGI2App) -> ASGIApp:
    """Make an application of ASGI's second version one of the third."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope)(receive, send)

    return call


class TestClient(httpx.Client):
    """Calls an ASGI application as if over HTTP; the arguments are upstream's.

    Args:
        raise_server_exceptions: raise what the application raises, instead of showing its answer of status 500.
        backend: the loop under the application, "asyncio" or "trio".
        client: the address that the application sees.
    """

    __test__ = False

    task: Future[None]
    portal: BlockingPortal | None = None

    def __init__(
        self,
        app: ASGIApp,
        base_url: str = "http://testserver",
        raise_server_exceptions: bool = True,
        root_path: str = "",
        backend: Literal["asyncio", "trio"] = "asyncio",
        backend_options: dict[str, Any] | None = None,
        cookies: httpx._types.CookieTypes | None = None,
        headers: dict[str, str] | None = None,
        follow_redirects: bool = True,
        client: tuple[str, int] = ("testclient", 50000),
    ) -> None:
        self.async_backend = _Backend(backend=backend, backend_options=backend_options or {})
        third = hasattr(app, "__await__") if inspect.isclass(app) else is_async_callable(app)
        self.app: ASGIApp = app if third else _of_two_callables(cast(ASGI2App, app))
        self.app_state: dict[str, Any] = {}
        headers = {} if headers is None else headers
        headers.setdefault("user-agent", "testclient")
        super().__init__(
            base_url=base_url,
            headers=headers,
            cookies=cookies,
            follow_redirects=follow_redirects,
            transport=_Transport(
                self.app, self._portal_factory, raise_server_exceptions, root_path, client, self.app_state
            ),
        )

    @contextmanager
    def _portal_factory(self) -> Iterator[BlockingPortal]:
        if self.portal is not None:
            yield self.portal
        else:
            with anyio.from_thread.start_blocking_portal(**self.async_backend) as portal:
                yield portal

    def request(  # type: ignore[override]
        self,
        method: str,
        url: httpx._types.URLTypes,
        *,
        content: httpx._types.RequestContent | None = None,
        data: Mapping[str, str | Iterable[str] | bytes] | None = None,
        files: httpx._types.RequestFiles | None = None,
        json: Any = None,
        params: httpx._types.QueryParamTypes | None = None,
        headers: httpx._types.HeaderTypes | None = None,
        cookies: httpx._types.CookieTypes | None = None,
        auth: httpx._types.AuthTypes | httpx._client.UseClientDefault = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: bool | httpx._client.UseClientDefault = httpx.USE_CLIENT_DEFAULT,
        timeout: httpx._types.TimeoutTypes | httpx._client.UseClientDefault = httpx.USE_CLIENT_DEFAULT,
        extensions: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """Send a request; the arguments are those of `httpx`."""
        if timeout is not httpx.USE_CLIENT_DEFAULT:
            warnings.warn(
                "You should not use the 'timeout' argument with the TestClient. "
                "See https://github.com/Kludex/starlette/issues/1108 for more information.",
                StarletteDeprecationWarning,
                stacklevel=2,
            )
        return super().request(
            method,
            self._merge_url(url),
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def websocket_connect(
        self, url: str, subprotocols: Sequence[str] | None = None, **kwargs: Any
    ) -> WebSocketTestSession:
        """Return a WebSocket session; `with` opens it. The other arguments are those of `request`."""
        headers = kwargs.setdefault("headers", {})
        headers.setdefault("connection", "upgrade")
        headers.setdefault("sec-websocket-key", "testserver==")
        headers.setdefault("sec-websocket-version", "13")
        if subprotocols is not None:
            headers.setdefault("sec-websocket-protocol", ", ".join(subprotocols))
        try:
            super().request("GET", urljoin("ws://testserver", url), **kwargs)
        except Upgrade as upgrade:
            return upgrade.session
        raise RuntimeError("Expected WebSocket upgrade")

    def __enter__(self) -> Self:
        """Run the application's lifespan until the end of the block; all requests in it share one loop."""
        with ExitStack() as stack:
            portal = stack.enter_context(anyio.from_thread.start_blocking_portal(**self.async_backend))
            self.portal = portal
            stack.callback(setattr, self, "portal", None)
            outbound = anyio.create_memory_object_stream["Message | None"](math.inf)
            inbound = anyio.create_memory_object_stream["Message"](math.inf)
            for stream in (*outbound, *inbound):
                stack.callback(stream.close)
            self.stream_send = StapledObjectStream(*outbound)
            self.stream_receive = StapledObjectStream(*inbound)
            self.task = portal.start_task_soon(self.lifespan)
            portal.call(self.wait_startup)
            stack.callback(portal.call, self.wait_shutdown)
            stack.callback(self._transport.close)
            self.exit_stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.exit_stack.close()

    async def lifespan(self) -> None:
        """Call the application with a lifespan scope."""
        try:
            await self.app(
                {"type": "lifespan", "state": self.app_state}, self.stream_receive.receive, self.stream_send.send
            )
        finally:
            await self.stream_send.send(None)

    async def wait_startup(self) -> None:
        """Ask the application to start. Raises what it raises."""
        await self._lifespan_event("startup")

    async def wait_shutdown(self) -> None:
        """Ask the application to shut down. Raises what it raises."""
        await self._lifespan_event("shutdown")

    async def _lifespan_event(self, name: str) -> None:
        await self.stream_receive.send({"type": f"lifespan.{name}"})
        message = await self._lifespan_message()
        assert message is not None, "The application returned from its lifespan without a word."
        assert message["type"] in (f"lifespan.{name}.complete", f"lifespan.{name}.failed")
        if message["type"] == f"lifespan.{name}.failed":
            await self._lifespan_message()

    async def _lifespan_message(self) -> Message | None:
        message = await self.stream_send.receive()
        if message is None:
            self.task.result()
        return message
