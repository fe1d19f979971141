"""A client that calls an application in its own process.

`AsyncClient` works in the caller's loop, `Client` runs a loop in a thread and is used from plain code. Both drive any
ASGI application through one of two doors: "direct" (as Asteri does) or "asgi" (as any other server does). Entering the
client runs the application's lifespan. An exception that the application did not handle is raised by the call that
caused it, unless `raise_server_exceptions=False`.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import uuid
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar

from asteri.exchange import ChannelClosed, Disconnected, Doors
from fenrir.core.context import unhandled
from fenrir.http.dates import parse_date
from fenrir.http.json import dumps
from fenrir.http.query import encode_pairs
from fenrir.http.url import URL, join, unquote_path
from fenrir.testing.exchange import MemoryChannel, MemoryExchange
from fenrir.testing.response import ClientResponse

__all__ = ["AsyncClient", "Client", "WebSocketSession"]

T = TypeVar("T")
Door = Literal["direct", "asgi"]
Pairs = list[tuple[bytes, bytes]]


class AsyncClient:
    """A client in the caller's loop.

    Args:
        app: an ASGI application (every Fenrir application is one).
        door: "direct" as Asteri calls it, "asgi" as other servers do.
        base_url: where the application pretends to be.
        headers: sent with every request.
    """

    def __init__(
        self,
        app: Any,
        *,
        door: Door = "direct",
        base_url: str = "http://testserver",
        headers: Mapping[str, str] | None = None,
        raise_server_exceptions: bool = True,
        follow_redirects: bool = False,
    ) -> None:
        self.app = app
        self.door = door
        self.base_url = base_url
        self.headers = dict(headers or {})
        self.cookies: dict[str, str] = {}
        self.raise_server_exceptions = raise_server_exceptions
        self.follow_redirects = follow_redirects
        self.state: dict[str, Any] = {}
        self._doors: Doors | None = None
        self._lifespan: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[str] = asyncio.Queue()

    # -------------------------------------------------------------- lifespan
    async def __aenter__(self) -> Self:
        self._events = asyncio.Queue()
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def receive() -> dict[str, Any]:
            return {"type": await self._events.get()}

        async def send(message: Mapping[str, Any]) -> None:
            kind = message["type"]
            if kind == "lifespan.startup.complete":
                started.set_result(None)
            elif kind == "lifespan.shutdown.complete":
                self._stopped.set_result(None)
            elif kind == "lifespan.startup.failed":
                started.set_exception(RuntimeError(message.get("message", "startup failed")))

        async def run() -> None:
            scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
            await self.app(scope, receive, send)

        self._lifespan = asyncio.create_task(run())
        self._events.put_nowait("lifespan.startup")
        await asyncio.wait({self._lifespan, started}, return_when=asyncio.FIRST_COMPLETED)
        if self._lifespan.done() and self._lifespan.exception() is not None:
            if started.done():
                started.exception()  # the task's own exception says more
            await self._lifespan
        await started
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._lifespan is not None
        self._events.put_nowait("lifespan.shutdown")
        await self._lifespan

    # -------------------------------------------------------------- requests
    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | Iterable[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        cookies: Mapping[str, str] | None = None,
        json: Any = ...,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        content: bytes | str | Iterable[bytes] | None = None,
        follow_redirects: bool | None = None,
    ) -> ClientResponse:
        """Send a request and receive the whole answer.

        Args:
            json, data, files, content: the body: as JSON, as a form, as a multipart form
                ({name: (filename, bytes[, content type])}), or as it is; an iterable arrives piece by piece.
        """
        pairs = self._headers(headers, cookies)
        body = _body(pairs, json, data, files, content)
        target = URL.parse(join(self.base_url + "/", url))
        query = target.query
        if params is not None:
            items = params.items() if isinstance(params, Mapping) else params
            flat = [(k, str(one)) for k, v in items for one in (v if isinstance(v, list | tuple) else [v])]
            query = "&".join(filter(None, [query, encode_pairs(flat)]))
        response = await self._send(method.upper(), target.path or "/", query, pairs, body)
        follow = self.follow_redirects if follow_redirects is None else follow_redirects
        history: list[ClientResponse] = []
        while follow and response.is_redirect and len(history) < 20:
            history.append(response)
            if response.status_code in (301, 302, 303) and method.upper() != "HEAD":
                method, body = "GET", b""
                pairs = [(n, v) for n, v in pairs if n not in (b"content-type", b"content-length")]
            target = URL.parse(join(str(target), response.headers["location"]))
            pairs = [(n, v) for n, v in pairs if n != b"cookie"] + self._cookie_header(None)
            response = await self._send(method.upper(), target.path or "/", target.query, pairs, body)
        response.history = history
        return response

    async def get(self, url: str, **options: Any) -> ClientResponse:
        """GET; options as of `request`."""
        return await self.request("GET", url, **options)

    async def post(self, url: str, **options: Any) -> ClientResponse:
        """POST; options as of `request`."""
        return await self.request("POST", url, **options)

    async def put(self, url: str, **options: Any) -> ClientResponse:
        """PUT; options as of `request`."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: str, **options: Any) -> ClientResponse:
        """PATCH; options as of `request`."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: str, **options: Any) -> ClientResponse:
        """DELETE; options as of `request`."""
        return await self.request("DELETE", url, **options)

    async def head(self, url: str, **options: Any) -> ClientResponse:
        """HEAD; options as of `request`."""
        return await self.request("HEAD", url, **options)

    async def options(self, url: str, **options: Any) -> ClientResponse:
        """OPTIONS; options as of `request`."""
        return await self.request("OPTIONS", url, **options)

    def _headers(
        self,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | None,
        cookies: Mapping[str, str] | None,
    ) -> Pairs:
        given = headers.items() if isinstance(headers, Mapping) else headers or ()
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in [*self.headers.items(), *given]]
        if all(name != b"host" for name, _ in pairs):
            pairs.insert(0, (b"host", URL.parse(self.base_url).netloc.encode()))
        return pairs + self._cookie_header(cookies)

    def _cookie_header(self, cookies: Mapping[str, str] | None) -> Pairs:
        jar = {**self.cookies, **(cookies or {})}
        return [(b"cookie", "; ".join(f"{k}={v}" for k, v in jar.items()).encode("latin-1"))] if jar else []

    async def _send(
        self, method: str, path: str, query: str, headers: Pairs, body: bytes | Iterable[bytes]
    ) -> ClientResponse:
        exchange = MemoryExchange(
            method, unquote_path(path.encode()), query.encode(), headers, body, raw_path=path.encode()
        )
        failures: list[BaseException] = []
        try:
            await asyncio.create_task(self._serve(exchange, failures))
        except Exception:
            # A server would have logged this; what was answered before it stands.
            if self.raise_server_exceptions or not exchange.complete:
                raise
        if failures and self.raise_server_exceptions:
            raise failures[0]
        if exchange.status is not None and not exchange.complete:
            raise Disconnected("the answer was cut off in the middle")
        if exchange.status is None or exchange.answer_headers is None:
            raise RuntimeError(f"the application gave no answer to {method} {path}")
        self._keep_cookies(exchange.answer_headers)
        shown = path + (f"?{query}" if query else "")
        return ClientResponse(exchange.status, exchange.answer_headers, exchange.pieces, shown)

    async def _serve(self, exchange: MemoryExchange, failures: list[BaseException]) -> None:
        unhandled.set(failures)
        if self.door == "asgi":
            await _serve_asgi(self.app, exchange, self.state)
            return
        serving = self._direct().http(exchange)
        if serving is not None:
            await serving

    def _direct(self) -> Doors:
        doors = self.app.__asteri__(1)
        if doors is None:
            raise RuntimeError(
                "this application has no direct door (ASGI middleware is in front of it): use door='asgi'"
            )
        return doors  # type: ignore[no-any-return]

    def _keep_cookies(self, headers: Pairs) -> None:
        for name, value in headers:
            if name != b"set-cookie":
                continue
            cookie, *attributes = value.decode("latin-1").split(";")
            key, _, content = cookie.partition("=")
            fields = {k.strip().lower(): v.strip() for k, _, v in (item.partition("=") for item in attributes)}
            expires = parse_date(fields["expires"]) if "expires" in fields else None
            if fields.get("max-age") == "0" or (expires is not None and expires.year < 2000):
                self.cookies.pop(key.strip(), None)
            elif key.strip():
                self.cookies[key.strip()] = content

    async def websocket(
        self, url: str, *, subprotocols: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> AsyncWebSocketSession:
        """Open a WebSocket; the session's `rejected` is set if the application refused."""
        target = URL.parse(join(self.base_url + "/", url))
        channel = MemoryChannel(
            unquote_path((target.path or "/").encode()),
            target.query.encode(),
            self._headers(headers, None),
            subprotocols,
            raw_path=(target.path or "/").encode(),
        )
        session = AsyncWebSocketSession(channel)
        session.task = asyncio.create_task(self._serve_channel(channel, session))
        answered = asyncio.create_task(channel.answered.wait())
        await asyncio.wait({session.task, answered}, return_when=asyncio.FIRST_COMPLETED)
        answered.cancel()
        if session.task.done():
            session.task.result()
        return session

    async def _serve_channel(self, channel: MemoryChannel, session: AsyncWebSocketSession) -> None:
        failures: list[BaseException] = []
        unhandled.set(failures)
        try:
            if self.door == "asgi":
                await _serve_asgi_channel(self.app, channel, self.state)
            else:
                await self._direct().websocket(channel)
        finally:
            if not channel.answered.is_set():
                await channel.reject(403)
            await channel.outgoing.put(channel.closed or ChannelClosed(1000))


class AsyncWebSocketSession:
    """A client's end of a WebSocket."""

    def __init__(self, channel: MemoryChannel) -> None:
        self.channel = channel
        self.task: asyncio.Task[None] | None = None

    @property
    def accepted_subprotocol(self) -> str | None:
        """The subprotocol that the application chose."""
        return self.channel.accepted[0] if self.channel.accepted else None

    @property
    def rejected(self) -> tuple[int, Pairs, bytes] | None:
        """Status, headers and body of a refusal."""
        return self.channel.rejected

    async def send(self, message: str | bytes) -> None:
        """Send a message."""
        await self.channel.incoming.put(message)

    async def receive(self) -> str | bytes:
        """Return the next message. Raises `ChannelClosed` when the application closed."""
        message = await self.channel.outgoing.get()
        if isinstance(message, ChannelClosed):
            raise message
        return message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Leave, and wait until the application has ended."""
        await self.channel.incoming.put(ChannelClosed(code, reason))
        if self.task is not None:
            await self.task


class Client:
    """A client for plain code; the arguments are those of `AsyncClient`."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._client = AsyncClient(app, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._entered = False

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the client keeps, by name."""
        return self._client.cookies

    @property
    def app(self) -> Any:
        """The application under test."""
        return self._client.app

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name=f"client-{uuid.uuid4().hex[:6]}", daemon=True
            )
            self._thread.start()
        context = contextvars.copy_context()
        return context.run(asyncio.run_coroutine_threadsafe, coroutine, self._loop).result()

    def close(self) -> None:
        """End the client's loop; leaving the `with` block does it."""
        if self._loop is not None and self._thread is not None:
            try:
                self._call(_end_tasks())
            finally:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
                self._loop = self._thread = None

    def __enter__(self) -> Self:
        try:
            self._call(self._client.__aenter__())
        except BaseException:
            self.close()
            raise
        self._entered = True
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._call(self._client.__aexit__())
        finally:
            self.close()

    def request(self, method: str, url: str, **options: Any) -> ClientResponse:
        """Send a request; see `AsyncClient.request`."""
        return self._call(self._client.request(method, url, **options))

    def get(self, url: str, **options: Any) -> ClientResponse:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> ClientResponse:
        """POST."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> ClientResponse:
        """PUT."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> ClientResponse:
        """PATCH."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> ClientResponse:
        """DELETE."""
        return self.request("DELETE", url, **options)

    def head(self, url: str, **options: Any) -> ClientResponse:
        """HEAD."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Any) -> ClientResponse:
        """OPTIONS."""
        return self.request("OPTIONS", url, **options)

    def websocket(self, url: str, **options: Any) -> WebSocketSession:
        """Open a WebSocket."""
        return WebSocketSession(self, self._call(self._client.websocket(url, **options)))


class WebSocketSession:
    """`AsyncWebSocketSession` for plain code; a context manager that closes."""

    def __init__(self, client: Client, session: AsyncWebSocketSession) -> None:
        self._client = client
        self._session = session

    @property
    def accepted_subprotocol(self) -> str | None:
        """The subprotocol that the application chose."""
        return self._session.accepted_subprotocol

    @property
    def rejected(self) -> tuple[int, Pairs, bytes] | None:
        """Status, headers and body of a refusal."""
        return self._session.rejected

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self._client._call(self._session.send(message))

    def receive(self) -> str | bytes:
        """Return the next message. Raises `ChannelClosed`."""
        return self._client._call(self._session.receive())

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Leave, and wait until the application has ended."""
        self._client._call(self._session.close(code, reason))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _end_tasks() -> None:
    """Cancel what still runs in this loop, and wait for its end: a request's thread may wait for its task."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _body(
    pairs: Pairs, json: Any, data: Mapping[str, Any] | None, files: Mapping[str, Any] | None, content: Any
) -> bytes | Iterable[bytes]:
    body: bytes | Iterable[bytes] = b""
    kind: bytes | None = None
    if json is not ...:
        body, kind = dumps(json), b"application/json"
    elif files is not None:
        boundary = uuid.uuid4().hex
        body, kind = _multipart(boundary, data or {}, files), f"multipart/form-data; boundary={boundary}".encode()
    elif data is not None:
        flat = [(k, str(one)) for k, v in data.items() for one in (v if isinstance(v, list | tuple) else [v])]
        body, kind = encode_pairs(flat).encode(), b"application/x-www-form-urlencoded"
    elif isinstance(content, str):
        body = content.encode()
    elif content is not None:
        body = content
    names = {name for name, _ in pairs}
    if kind is not None and b"content-type" not in names:
        pairs.append((b"content-type", kind))
    if isinstance(body, bytes):
        if body and b"content-length" not in names:
            pairs.append((b"content-length", str(len(body)).encode()))
    elif b"content-length" not in names:
        pairs.append((b"transfer-encoding", b"chunked"))
    return body


def _multipart(boundary: str, data: Mapping[str, Any], files: Mapping[str, Any]) -> bytes:
    parts: list[bytes] = []
    for name, value in data.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            parts.append(f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{one}\r\n'.encode())
    for name, value in files.items():
        for one in value if isinstance(value, list) else [value]:
            filename, content, *kind = one if isinstance(one, tuple) else ("upload", one)
            content = content.encode() if isinstance(content, str) else content
            head = f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            head += f"content-type: {kind[0] if kind else 'application/octet-stream'}\r\n\r\n"
            parts += [head.encode(), content, b"\r\n"]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def _scope(kind: str, exchange: Any, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws" if kind == "websocket" else "http",
        "path": exchange.path,
        "raw_path": exchange.raw_path,
        "query_string": exchange.query,
        "root_path": "",
        "headers": list(exchange.headers.raw),
        "client": exchange.connection.client,
        "server": exchange.connection.server,
        "state": dict(state),
        "extensions": {"websocket.http.response": {}} if kind == "websocket" else {},
    }


async def _serve_asgi(app: Any, exchange: MemoryExchange, state: dict[str, Any]) -> None:
    """Serve an exchange through an application's ASGI door."""
    sink: Any = None
    start: Mapping[str, Any] = {}
    ended = False

    async def receive() -> dict[str, Any]:
        nonlocal ended
        if ended:
            await exchange.disconnected()
            return {"type": "http.disconnect"}
        piece = await exchange.read()
        ended = not piece
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal sink, start
        if message["type"] == "http.response.start":
            start = message
        elif message["type"] == "http.response.body":
            body, more = message.get("body", b""), message.get("more_body", False)
            if sink is None and not more:
                exchange.respond(start["status"], list(start["headers"]), body)
                return
            if sink is None:
                sink = exchange.begin(start["status"], list(start["headers"]))
            await sink.write(body)
            if not more:
                await sink.finish()

    await app({**_scope("http", exchange, state), "method": exchange.method}, receive, send)


async def _serve_asgi_channel(app: Any, channel: MemoryChannel, state: dict[str, Any]) -> None:
    """Serve a channel through an application's ASGI door."""
    connected = False
    denial: Mapping[str, Any] = {}

    async def receive() -> dict[str, Any]:
        nonlocal connected
        if not connected:
            connected = True
            return {"type": "websocket.connect"}
        message = await channel.incoming.get()
        if isinstance(message, ChannelClosed):
            channel.closed = message
            return {"type": "websocket.disconnect", "code": message.code, "reason": message.reason}
        key = "text" if isinstance(message, str) else "bytes"
        return {"type": "websocket.receive", key: message}

    async def send(message: Mapping[str, Any]) -> None:
        nonlocal denial
        kind = message["type"]
        if kind == "websocket.accept":
            await channel.accept(message.get("subprotocol"), list(message.get("headers", ())))
        elif kind == "websocket.send":
            await channel.send(message["text"] if message.get("text") is not None else message["bytes"])
        elif kind == "websocket.close":
            await channel.close(message.get("code", 1000), message.get("reason", ""))
        elif kind == "websocket.http.response.start":
            denial = message
        elif kind == "websocket.http.response.body":
            await channel.reject(denial["status"], list(denial["headers"]), message.get("body", b""))

    scope = {**_scope("websocket", channel, state), "subprotocols": list(channel.subprotocols)}
    await app(scope, receive, send)
