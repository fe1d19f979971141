"""The request context: what one request has, whichever dialect asks for it.

There is one ContextVar. It holds the `RequestContext` of the request that is being served, in every handler, hook,
dependency, background task, worker thread and mounted application, because each of those runs in (a copy of) the
context in which the request began. The five dialects' request objects are views of this one object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING, Any

from fenrir.core.errors import BadRequest, PayloadTooLarge, UnreadBody
from fenrir.http.forms import Form, FormError, FormLimits, FormParser

if TYPE_CHECKING:
    from asteri.exchange import Channel, Exchange
    from fenrir.core.application import Application
    from fenrir.core.cancellation import CancelScope
    from fenrir.core.dialect import Dialect
    from fenrir.core.plan import Plan
    from fenrir.core.reply import Reply

__all__ = ["Raises", "RequestContext", "State", "current", "unhandled"]

current: ContextVar[RequestContext] = ContextVar("fenrir.request")

_REFUSED = "core: the body is too large"
_NOTHING: dict[str, Any] = {}
_PIECE = 1 << 20  # as much as has come, up to a mebibyte

unhandled: ContextVar[list[BaseException] | None] = ContextVar("fenrir.unhandled", default=None)
"""Where a test client collects exceptions that no error handler took; the server's answer is a 500 all the same."""


class Raises(Enum):
    """Which exceptions of a request are raised to whoever called its plan, in the place of an answer."""

    UNHANDLED = "those that no error handler took"
    ALL = "all"


class State(MutableMapping[str, Any]):
    """A notebook with attributes and keys, per request (`g`, `request.state`, `request.ctx`, ...) and per app.

    It writes into the dictionary that it is given, which others may hold as well (the `state` of an ASGI scope).
    """

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        if state is not None:
            self.__dict__ = state

    @property
    def _state(self) -> dict[str, Any]:
        """The dictionary itself."""
        return self.__dict__

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __getitem__(self, name: str) -> Any:
        return self.__dict__[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        # SECURITY: values are not shown, a notebook often holds credentials.
        return f"<State {', '.join(self.__dict__) or 'empty'}>"


class RequestContext:
    """Everything that belongs to one request (or one WebSocket connection).

    Attributes:
        exchange: the server's exchange, or the channel of a WebSocket.
        plan: the plan that serves it; None until a route matched.
        values: converted path values, in the order of the pattern.
        miss: what the router said when it found no route.
        reply: the response under construction, for dialects that hand one out.
        late: callables (context, reply) that run last before sending (a session that must be saved).
        background: callables to run after sending.
        error: the exception that no error handler took, for teardown and for test clients.
        raises: None when every exception gets its answer here.
        plain: nothing has to happen beside sending the value that the handler returned.
        held: there is something that refers back to this, which `close` takes apart.
        finish: what has to run after sending, left by the plan when hooks wrap it.
        scope: what may cancel the request, of routes that have that.
    """

    # PERF: defaults of the class, not assignments in __init__ (163 -> 89 ns, timeit of `RequestContext(None, None)`).
    plan: Plan | None = None
    values: tuple[Any, ...] = ()
    miss: Any = None
    late: list[Callable[[RequestContext, Reply], None]] | None = None
    background: list[Callable[[], Awaitable[None]]] | None = None
    error: BaseException | None = None
    raises: Raises | None = None
    plain = True
    held = False
    finish: Callable[[BaseException | None], Awaitable[Any]] | None = None
    notes: dict[str, Any] | None = None
    scope: CancelScope | None = None
    _state: State | None = None
    _views: dict[str, Any] | None = None
    _reply: Reply | None = None
    _body: bytes | None = None
    _form: Form | None = None

    def __init__(self, exchange: Any, app: Application) -> None:
        self.exchange: Any = exchange
        self.app = app

    # ---------------------------------------------------------------- views
    @property
    def http(self) -> Exchange:
        """The exchange, typed."""
        exchange: Exchange = self.exchange
        return exchange

    @property
    def channel(self) -> Channel:
        """The WebSocket channel, typed."""
        channel: Channel = self.exchange
        return channel

    @property
    def state(self) -> State:
        """The notebook of this request; one object under all its names (paradigms rule 28)."""
        if self._state is None:
            scope = getattr(self.exchange, "scope", None)
            # Over ASGI the server and the middleware have written into the scope's before.
            state = State(scope.setdefault("state", {}) if scope is not None else self._state_around())
            for name, value in self.app.lifespan_state.items():
                state.setdefault(name, value)
            self._state = state
        return self._state

    def _state_around(self) -> dict[str, Any] | None:
        around: RequestContext | None = getattr(self.exchange, "around", None)
        return around.state._state if around is not None else None

    @property
    def reply(self) -> Reply:
        """The response under construction: what a handler writes on when its dialect gives it a response."""
        if self._reply is None:
            from fenrir.core.reply import Reply

            self._reply = Reply()
        return self._reply

    @property
    def touched_reply(self) -> Reply | None:
        """The response under construction if anybody asked for it."""
        return self._reply

    @property
    def path_values(self) -> dict[str, Any]:
        """Converted path values by name."""
        if self.plan is None:
            return {}
        return dict(zip(self.plan.names, self.values, strict=True))

    def view(self, dialect: Dialect) -> Any:
        """Return the request object of a dialect, always the same one for one request."""
        views = self._views
        if views is None:
            views = self._views = {}
            self.held = True
        try:
            return views[dialect.name]
        except KeyError:
            made = views[dialect.name] = dialect.request(self)
            return made

    def note(self, key: str, make: Callable[[RequestContext], Any]) -> Any:
        """Return what a part of the framework keeps for this request, made on first use (a session, messages)."""
        notes = self.notes
        if notes is None:
            notes = self.notes = {}
            self.held = True
        try:
            return notes[key]
        except KeyError:
            made = notes[key] = make(self)
            return made

    def before_sending(self, call: Callable[[RequestContext, Reply], None]) -> None:
        """Run `call` on the final reply, after all hooks and before it is sent."""
        self.plain = False
        if self.late is None:
            self.late = []
        self.late.append(call)

    def after_sending(self, call: Callable[[], Awaitable[None]]) -> None:
        """Await `call()` when the response has been sent."""
        self.plain = False
        if self.background is None:
            self.background = []
        self.background.append(call)

    # ----------------------------------------------------------------- body
    @property
    def body(self) -> bytes:
        """The whole body.

        Raises:
            UnreadBody: it has not been read (the route streams it, or its dialect awaits it).
        """
        if self._body is not None:
            return self._body
        buffered: bytes | None = self.exchange.buffered
        if buffered is not None:
            return buffered
        if self._form is not None:
            return b""
        raise UnreadBody

    @property
    def kept_body(self) -> bytes | None:
        """The body if it was read from an exchange that did not hold it, None otherwise."""
        return self._body

    def keep_body(self, body: bytes) -> None:
        """Let this be the body from now on: it was read, or changed, by a view."""
        self._body = body

    async def read_body(self) -> bytes:
        """Read the whole body once and keep it.

        Raises:
            PayloadTooLarge: it is longer than the route or the application allows.
            Disconnected: the client left before its end.
        """
        limit = self.body_limit
        if self._body is not None:
            if limit is not None and len(self._body) > limit:
                raise PayloadTooLarge  # what was read before the route was known
        else:
            buffered: bytes | None = self.exchange.buffered
            if buffered is None:
                pieces: list[bytes] = []
                await self._consume(pieces.append, limit)
                buffered = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            elif limit is not None and len(buffered) > limit:
                raise PayloadTooLarge
            self._body = buffered
        return self._body

    async def _consume(self, take: Callable[[bytes], object], limit: int | None) -> None:
        """Pass on a body that is not in memory; once refused it stays refused, however much of it was read."""
        if self.notes is not None and _REFUSED in self.notes:
            raise PayloadTooLarge
        size = 0
        if limit is not None:
            self._allow(limit)
            declared = self.exchange.headers.get("content-length") or ""
            size = int(declared) if declared.isdecimal() and declared.isascii() else 0
        if limit is None or size <= limit:
            size = 0
            # PERF: an async generator here costs a small body over ASGI 2.3 us more (bench, body, fenrir-uvicorn).
            read = self.exchange.read
            while piece := await read(_PIECE):
                size += len(piece)
                if limit is not None and size > limit:
                    break
                take(piece)
            else:
                return
        self.note(_REFUSED, lambda _: True)
        raise PayloadTooLarge

    def _allow(self, limit: int) -> None:
        """Tell who counts the body before it comes here that this request has a limit of its own."""
        allow = getattr(self.exchange, "scope", _NOTHING).get("fenrir.body_limit")
        if allow is not None:
            allow(limit)

    async def stream_body(self) -> AsyncIterator[bytes]:
        """Iterate over a body that is not in memory, as it arrives.

        Raises:
            PayloadTooLarge, Disconnected: as of `read_body`.
        """
        limit = self.body_limit
        if limit is None:
            async for piece in self.http:
                yield piece
            return
        self._allow(limit)
        left = limit
        async for piece in self.http:
            left -= len(piece)
            if left < 0:
                self.note(_REFUSED, lambda _: True)
                raise PayloadTooLarge
            yield piece

    @property
    def body_limit(self) -> int | None:
        """Bytes that a body may have: the route's limit, or else the application's."""
        if self.plan is not None and self.plan.body_limit is not None:
            return self.plan.body_limit
        return self.app.body_limit

    @property
    def content_type(self) -> str:
        """The content-type header, or an empty string."""
        return self.exchange.headers.get("content-type") or ""

    async def read_form(self) -> Form:
        """Read the body as a form, files spooled to disk; an empty form when it is none.

        Raises:
            BadRequest, PayloadTooLarge: it is malformed or too large.
        """
        if self._form is None:
            parser = self._form_parser()
            if parser is None:
                return self._keep(Form([], []))
            try:
                if self._body is not None or self.exchange.buffered is not None:
                    parser.feed(await self.read_body())
                else:
                    await self._consume(parser.feed, self.body_limit)
                return self._keep(parser.finish())
            except FormError as exc:
                parser.close()
                raise _refused(exc) from exc
            except BaseException:
                parser.close()
                raise
        return self._form

    @property
    def form(self) -> Form:
        """The form, for handlers whose body has been read before they run. Errors as of `read_form`."""
        if self._form is None:
            parser = self._form_parser()
            if parser is None:
                return self._keep(Form([], []))
            try:
                parser.feed(self.body)
                return self._keep(parser.finish())
            except FormError as exc:
                parser.close()
                raise _refused(exc) from exc
        return self._form

    async def load(self) -> None:
        """Have the body read before a handler that expects it as a value: a multipart form as a form, else as bytes."""
        if self.content_type.lower().startswith("multipart/form-data"):
            await self.read_form()
        else:
            await self.read_body()

    def _form_parser(self) -> FormParser | None:
        kind = self.content_type
        if self.exchange.buffered == b"":
            return None  # no body is no form, not a broken one
        if not kind.lower().startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
            return None
        try:
            return FormParser(kind, limits=self.app.form_limits or FormLimits())
        except FormError as exc:
            raise _refused(exc) from exc

    @property
    def kept_form(self) -> Form | None:
        """The form if it was read before."""
        return self._form

    def adopt_form(self, form: Form) -> None:
        """Keep a form that somebody else has read from the exchange; its files are closed with the request."""
        self._keep(form)

    def _keep(self, form: Form) -> Form:
        self.plain = False  # its files must be closed
        self._form = form
        return form

    def close(self) -> None:
        """Release what the request held: uploaded files, and what refers back to this, which is a cycle."""
        if self._form is not None:
            self._form.close()
        # PERF: without a cycle the collector has nothing to do for most applications.
        self.notes = self._views = None
        if self.error is not None and not getattr(self.exchange, "raises", False):
            self.error = None  # its traceback knows the frames that know this


def _refused(error: FormError) -> Exception:
    return PayloadTooLarge(error.detail) if error.status == 413 else BadRequest(error.detail)
