"""One HTTP request of an ASGI 3 application: its scope, and the two callables `receive` and `send`.

Both callables do at once what needs no waiting and return an awaitable that is already done; a coroutine is made only
where something is waited for. So the usual request (its body has arrived, its answer is one `http.response.body`)
costs no coroutine of ours.

Rules, in the words of the ASGI specification (HTTP, version 2.5)
    1. The head is not sent before the first part of the body. An answer that is complete with it goes out in one write.
    2. After a complete answer further messages are ignored, and `receive` gives `http.disconnect`.
    3. `send` to a peer that is gone raises `Disconnected`, an OSError.
    4. A message that is malformed or out of order raises out of `send`; nothing of it reaches the peer.
    5. `transfer-encoding` of the application is ignored.
    6. Nothing in the scope is shared with another request, except what the lifespan state holds: an application may
       change every dictionary in it.
"""

# mypy: ignore-errors

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

from urllib.parse import quote

from asteri.exchange import AnswerError, Disconnected
from asteri.gateway.files import send_path

__all__ = ["HTTPDoor", "base_scope"]

SPEC_VERSION = "2.5"
READ = cython.declare(cython.Py_ssize_t, 1048576)  # one message has what has arrived; the connection bounds that
KEPT = cython.declare(cython.Py_ssize_t, 1024)  # bytes of a response's headers that are worth to be kept serialised

# How far the answer is.
UNSTARTED = cython.declare(cython.int, 0)
STARTED = cython.declare(cython.int, 1)
STREAMING = cython.declare(cython.int, 2)
TRAILING = cython.declare(cython.int, 3)
DONE = cython.declare(cython.int, 4)


@cython.final
@cython.cclass
class HTTPDoor:
    """An ASGI application as the `http` of `Doors`."""

    _app: object
    _state: dict

    def __init__(self, app, state) -> None:
        """Serve `app`; each scope gets a shallow copy of `state`, None: the application has no lifespan state."""
        self._app = app
        self._state = state

    def __call__(self, exchange):
        """Call the application for one exchange, and return what it returned: an awaitable."""
        request: HTTPRequest = HTTPRequest(exchange)
        return self._app(_scope(exchange, self._state), request.receive, request.send)


@cython.cfunc
def _scope(exchange, state) -> dict:
    scope: dict = base_scope("http", exchange, state)
    scope["method"] = exchange.method
    scope["scheme"] = exchange.connection.scheme
    scope["extensions"] = {
        "http.response.trailers": {},
        "http.response.early_hint": {},
        "http.response.pathsend": {},
    }
    return scope


def base_scope(kind: str, source, state) -> dict:
    """Return what the scopes of HTTP and of WebSocket have in common.

    Args:
        kind: "http" or "websocket".
        source: the exchange or the channel.
        state: what lifespan left, of which the application gets a shallow copy; None: it has no lifespan.
    """
    connection = source.connection
    path: str = source.path
    raw_path: bytes = source.raw_path
    root_path: str = connection.root_path
    if not path.isascii():
        # Bytes that are not UTF-8 stay readable in raw_path; a lone surrogate would fail wherever it is encoded.
        path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if root_path:
        path = root_path + path
        raw_path = quote(root_path).encode() + raw_path
    raw = source.headers.raw
    scope: dict = {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": SPEC_VERSION},
        "http_version": connection.http_version,
        "path": path,
        "raw_path": raw_path,
        "query_string": source.query,
        "root_path": root_path,
        "headers": raw if type(raw) is list else list(raw),
        "client": connection.client,
        "server": connection.server,
    }
    if state is not None:
        scope["state"] = state.copy()
    return scope


@cython.final
@cython.cclass
class Ready:
    """An awaitable that is done. It is a `collections.abc.Coroutine` too, so that a task can be made of it."""

    _value: object

    def __init__(self, value) -> None:
        self._value = value

    def __await__(self):
        """Return the iterator of the await expression."""
        return self

    def __iter__(self):
        """Return itself."""
        return self

    def __next__(self):
        """End with the value."""
        if self._value is None:
            raise StopIteration  # compiled, this makes no exception object
        raise StopIteration(self._value)

    def send(self, value):
        """End with the value."""
        raise StopIteration(self._value)

    def throw(self, kind, value=None, traceback=None):
        """Raise what is thrown in."""
        if value is None:
            value = kind() if isinstance(kind, type) else kind
        raise value if traceback is None else value.with_traceback(traceback)

    def close(self) -> None:
        """Do nothing: it is done."""


_SENT = cython.declare(Ready, Ready(None))


@cython.final
@cython.cclass
class HTTPRequest:
    """What one request remembers between the messages."""

    _exchange: object
    _state: cython.int
    _taken: cython.bint  # the request's body, or the news that it will never be complete
    _trailers_follow: cython.bint
    _private: cython.bint  # the headers are this answer's alone, or large: they are not to be kept
    _status: object
    _headers: list  # without the content-length
    _length: bytes  # the content-length that the application declared, or None
    _sink: object
    _trailers: list

    def __init__(self, exchange) -> None:
        self._exchange = exchange
        self._state = UNSTARTED
        self._taken = False
        self._trailers_follow = False
        self._private = False
        self._status = None
        self._headers = None
        self._length = None
        self._sink = None
        self._trailers = None

    # -- receive

    def receive(self):
        """Return an awaitable of the next message."""
        if self._state == DONE:
            return Ready({"type": "http.disconnect"})
        if self._taken:
            return self._disconnect()
        body = self._exchange.buffered
        if body is None:
            return self._read()
        self._taken = True
        return Ready({"type": "http.request", "body": body, "more_body": False})

    async def _read(self):
        try:
            body = await self._exchange.read(READ)
        except Disconnected:
            self._taken = True
            return {"type": "http.disconnect"}
        if not body:
            self._taken = True
        return {"type": "http.request", "body": body, "more_body": bool(body)}

    async def _disconnect(self):
        await self._exchange.disconnected()
        return {"type": "http.disconnect"}

    # -- send

    def send(self, message):
        """Take a message, and return an awaitable that ends when there is room for the next."""
        if self._exchange.gone:
            raise Disconnected("the peer is gone")
        if type(message) is not dict:
            message = dict(message)
        fields: dict = message
        kind = fields["type"]
        if self._state == DONE:
            return _SENT
        if kind == "http.response.body":
            return self._body(fields)
        if kind == "http.response.start":
            self._start(fields)
        elif kind == "http.response.pathsend":
            return self._pathsend(fields)
        elif kind == "http.response.trailers":
            return self._trail(fields)
        elif kind == "http.response.early_hint":
            self._hint(fields)
        else:
            raise ValueError(f"an ASGI application can not send {kind!r} on an HTTP request")
        return _SENT

    @cython.cfunc
    def _start(self, message: dict):
        if self._state != UNSTARTED:
            raise AnswerError("http.response.start was sent twice")
        status = message["status"]
        if not isinstance(status, int):
            raise TypeError(f"the status of http.response.start is an int, not {type(status).__name__}")
        pairs: list = []
        length: bytes = None
        private: cython.bint = False
        total: cython.Py_ssize_t = 0
        size: cython.Py_ssize_t
        for pair in message.get("headers") or ():
            name, value = pair
            if type(name) is not bytes or type(value) is not bytes or type(pair) is not tuple:
                name = _octets(name, "a header name")
                value = _octets(value, "a header value")
                pair = (name, value)
            size = len(name)
            total += size + len(value)
            if size == 14:
                if name.lower() == b"content-length":
                    if length is not None:
                        raise ValueError("content-length is repeated")
                    length = value
                    continue
            elif size == 17:
                if name.lower() == b"transfer-encoding":
                    continue
            elif size == 10 and name.lower() == b"set-cookie":
                private = True
            pairs.append(pair)
        self._status = status
        self._headers = pairs
        self._length = length
        self._private = private or total > KEPT
        self._trailers_follow = bool(message.get("trailers", False))
        self._state = STARTED

    @cython.cfunc
    def _pairs(self, counted: cython.bint):
        """Return the headers for the exchange; a tuple says that they are worth to be kept serialised."""
        pairs: list = self._headers
        if counted and self._length is not None:
            return [*pairs, (b"content-length", self._length)]
        return pairs if self._private else tuple(pairs)

    @cython.cfunc
    def _body(self, message: dict):
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = _octets(body, "the body of http.response.body")
        data: bytes = body
        more: cython.bint = message.get("more_body", False)
        if self._state == STARTED:
            exchange = self._exchange
            if not more and not self._trailers_follow:
                length: bytes = self._length
                if length is None or _number(length) == len(data):
                    exchange.respond(self._status, self._pairs(False), data)
                    self._state = DONE
                    return _SENT
                if self._status == 204 or self._status == 304 or exchange.method == "HEAD":
                    exchange.respond(self._status, self._pairs(True), data)
                    self._state = DONE
                    return _SENT
            self._sink = exchange.begin(self._status, self._pairs(True))
            self._state = STREAMING
        elif self._state == UNSTARTED:
            raise AnswerError("http.response.body was sent before http.response.start")
        elif self._state == TRAILING:
            raise AnswerError("http.response.body was sent after the last one; http.response.trailers was announced")
        if more:
            return self._sink.write(data) if data else _SENT
        if self._trailers_follow:
            self._state = TRAILING
            return self._sink.write(data) if data else _SENT
        self._state = DONE
        return self._finish(data) if data else self._sink.finish()

    async def _finish(self, data: bytes):
        await self._sink.write(data)
        await self._sink.finish()

    @cython.cfunc
    def _pathsend(self, message: dict):
        if self._state != STARTED:
            raise AnswerError("http.response.pathsend comes after http.response.start, in place of all bodies")
        return self._send_path(message["path"])

    async def _send_path(self, path):
        self._sink = await send_path(self._exchange, self._status, self._pairs(True), path, self._trailers_follow)
        self._state = TRAILING if self._trailers_follow else DONE

    @cython.cfunc
    def _trail(self, message: dict):
        if self._state != TRAILING:
            reason = "before the last body" if self._trailers_follow else "and was not announced in http.response.start"
            raise AnswerError(f"http.response.trailers was sent {reason}")
        if self._trailers is None:
            self._trailers = []
        for name, value in message.get("headers") or ():
            self._trailers.append((_octets(name, "a trailer name"), _octets(value, "a trailer value")))
        if message.get("more_trailers", False):
            return _SENT
        self._state = DONE
        return self._sink.finish(self._trailers if _takes_trailers(self._exchange) else ())

    @cython.cfunc
    def _hint(self, message: dict):
        """Send early hints; once the answer has begun it is too late for them, which is no error."""
        links: list = [(b"link", _octets(link, "a link")) for link in message["links"]]
        if self._state <= STARTED:
            self._exchange.inform(103, links)


@cython.cfunc
def _octets(value, what: str) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"{what} is bytes, not {type(value).__name__}")


@cython.cfunc
def _number(digits: bytes) -> cython.longlong:
    """Return the value of a content-length, -1 if it is none."""
    number: cython.longlong = 0
    digit: cython.uchar
    if not 0 < len(digits) <= 18:
        return -1
    for digit in digits:
        if digit < 48 or digit > 57:
            return -1
        number = number * 10 + (digit - 48)
    return number


@cython.cfunc
def _takes_trailers(exchange) -> cython.bint:
    """Tell whether the client has asked for trailers (RFC 9110 §6.5.1)."""
    for value in exchange.headers.getall("te"):
        for coding in value.split(","):
            if coding.partition(";")[0].strip().lower() == "trailers":
                return True
    return False
