"""The engine's exchanges as ASGI: the scope and the two callables of a request that came over no ASGI server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from asteri.asgi import asgi_doors
from asteri.exchange import ChannelClosed, Disconnected
from fenrir.core.doors.asgi import ASGIExchange
from fenrir.starlette.types import Message, Receive, Scope, Send

if TYPE_CHECKING:
    from asteri.exchange import Channel
    from fenrir.core.context import RequestContext

__all__ = [
    "SCOPE",
    "ChannelEnds",
    "complete_scope",
    "outermost",
    "put_in_scope",
    "receive_of",
    "run_over_exchange",
    "scope_entry",
    "scope_of",
    "send_of",
]

SCOPE = "asgi.scope"  # the name under which a request keeps it
_ENTRIES = "asgi.entries"

Ends = tuple[Scope, Receive, Send]


def scope_of(c: RequestContext, kind: str = "http") -> Scope:
    """Return the scope of a request: the server's own over ASGI, always the same one, with what the engine knows."""
    made: Scope = c.note(SCOPE, lambda c: _scope(c, kind))
    return made


def _scope(c: RequestContext, kind: str) -> Scope:
    scope: Scope | None = getattr(c.exchange, "scope", None)
    around: RequestContext | None = getattr(c.exchange, "around", None)
    if scope is None and around is not None:
        scope = dict(scope_of(around))
        scope.setdefault("app_root_path", scope["root_path"])
        scope["root_path"] = c.exchange.connection.root_path
    elif scope is None:
        scope = _ends_of(c)[0] if kind == "http" else _channel_scope(c.channel)
    complete_scope(c, scope)
    scope.update((c.notes or {}).get(_ENTRIES, ()))
    return scope


def outermost(c: RequestContext) -> tuple[Any, str]:
    """Return what knows all names, and the root path of its URLs: both of the outermost application."""
    while (around := getattr(c.exchange, "around", None)) is not None:
        c = around
    root: str = c.exchange.connection.root_path
    scope: Scope | None = getattr(c.exchange, "scope", None)
    if scope is None:
        return c.app.facade, root
    return scope.get("router") or c.app.facade, scope.get("app_root_path", root)


def put_in_scope(c: RequestContext, key: str, value: Any) -> None:
    """Set an entry of the scope, which need not be made for that."""
    entries: Scope | None = (c.notes or {}).get(SCOPE)
    if entries is None:
        entries = c.note(_ENTRIES, lambda _: {})
    entries[key] = value


def scope_entry(c: RequestContext, key: str) -> Any:
    """Return what `put_in_scope` or a change of the scope has set, None when there is nothing."""
    notes = c.notes or {}
    entries: Scope = notes[SCOPE] if SCOPE in notes else notes.get(_ENTRIES, {})
    return entries.get(key)


def complete_scope(c: RequestContext, scope: Scope) -> None:
    """Write into a scope what routing has found out."""
    scope["app"] = c.app.facade
    scope["path_params"] = {**scope.get("path_params", {}), **c.path_values}
    scope["state"] = c.state._state
    router = getattr(c.app.facade, "router", None)
    if router is not None:
        scope.setdefault("router", router)
    if c.plan is not None and c.miss is None:
        route = c.plan.route
        scope["endpoint"] = route.user or route.handler
        for key in ("route", "fastapi"):
            if key in route.options:
                scope[key] = route.options[key]


def _channel_scope(channel: Channel) -> Scope:
    kept: list[Scope] = []

    async def keep(scope: Scope, receive: Receive, send: Send) -> None:
        kept.append(scope)

    _step(asgi_doors(keep).websocket(channel))
    return kept[0]


def _ends_of(c: RequestContext) -> Ends:
    def make(c: RequestContext) -> Ends:
        if type(c.exchange) is ASGIExchange:  # the server's own messages, whatever extensions they are of
            return c.exchange.scope, *c.exchange.ends()
        return _gateway(c.http)

    ends: Ends = c.note("asgi.ends", make)
    return ends


def _gateway(exchange: Any) -> Ends:
    kept: list[Ends] = []

    async def keep(scope: Scope, receive: Receive, send: Send) -> None:
        kept.append((scope, receive, send))

    _step(asgi_doors(keep).http(exchange))
    return kept[0]


def _step(call: Any) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise RuntimeError("a gateway waited before it called the application")


def receive_of(c: RequestContext) -> Receive:
    """Return the callable that gives the body, also when the engine has read it before."""
    receive = _ends_of(c)[1]
    kept = c.kept_body
    if kept is None:
        return receive
    told = False

    async def replay() -> Message:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": kept, "more_body": False}
        await c.http.disconnected()
        return {"type": "http.disconnect"}

    return replay


def send_of(c: RequestContext) -> Send:
    """Return the callable that takes the answer."""
    return _ends_of(c)[2]


async def run_over_exchange(
    c: RequestContext, app: Callable[[Scope, Receive, Send], Awaitable[None]], exchange: Any
) -> None:
    """Let an ASGI application (a response is one) answer a request that the engine serves.

    Args:
        exchange: that of the request, or one in its place that takes the answer.
    """
    scope, send = scope_of(c), send_of(c)
    if exchange is not c.http:
        offered, _, send = _gateway(exchange)
        scope = {**scope, "extensions": offered["extensions"]}
    await app(scope, receive_of(c), send)


class ChannelEnds:
    """The two callables of a WebSocket; the channel itself says what is allowed when."""

    __slots__ = ("_body", "_channel", "_connected", "_denial")

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._connected = False
        self._denial: Message | None = None
        self._body: list[bytes] = []

    async def receive(self) -> Message:
        """Return the next event."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        try:
            data = await self._channel.receive()
        except ChannelClosed as closed:
            return {"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason}
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    async def send(self, message: Message) -> None:
        """Take an event. Raises `Disconnected`, an OSError, when the peer is gone."""
        kind = message["type"]
        try:
            if kind == "websocket.send":
                text = message.get("text")
                await self._channel.send(message["bytes"] if text is None else text)
            elif kind == "websocket.accept":
                await self._channel.accept(message.get("subprotocol"), list(message.get("headers") or ()))
            elif kind == "websocket.close":
                code = message.get("code")
                await self._channel.close(1000 if code is None else code, message.get("reason") or "")
            elif kind == "websocket.http.response.start":
                self._denial = message
            else:
                await self._deny(message)
        except ChannelClosed as closed:
            raise Disconnected(f"the WebSocket is closed ({closed.code})") from closed

    async def _deny(self, message: Message) -> None:
        self._body.append(bytes(message.get("body", b"")))
        if self._denial is not None and not message.get("more_body", False):
            headers = list(self._denial.get("headers") or ())
            await self._channel.reject(self._denial["status"], headers, b"".join(self._body))
