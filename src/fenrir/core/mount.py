"""Mounted applications: any ASGI or WSGI application below a prefix, with the hooks of the app around it.

The mounted application answers an exchange of its own view: the prefix is taken off the path, and the head of its
answer passes the AFTER_HANDLER hooks before it is sent. Nothing is buffered: a streamed answer goes on streaming.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from asteri.exchange import AnswerError, Channel, Disconnected, HeaderPairs, Sink
from fenrir.core.binding import Binding
from fenrir.core.bridge import Bridge, BridgeSink
from fenrir.core.declare import Hook, Mode, Mount, Route, Scope, Source, Stage
from fenrir.core.doors.asgi import ASGIExchange
from fenrir.core.hooks import call_hook, fail, report_teardown
from fenrir.core.reply import Reply, afterwards, finalize, send, settle
from fenrir.core.report import report
from fenrir.core.threads import leave
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Dialect

__all__ = ["MountPlan", "MountedChannel", "MountedExchange"]


class MountedExchange:
    """The exchange that a mounted application sees.

    Attributes:
        around: the request in the outer application, for an application that shares its notebook with it.
    """

    around: RequestContext | None = None

    def __init__(self, plan: MountPlan, c: RequestContext, rest: str, bridge: Bridge | None = None) -> None:
        outer = c.http
        self.bridge = bridge
        self._outer = outer
        self._plan = plan
        self._c = c
        self.answered = False  # it was told an answer
        self.sent = False  # the outer exchange was told one
        self.complete = False
        self.method = outer.method
        self.rest = rest  # "" when the path is the prefix itself, which WSGI tells from "/"
        self.path = rest or "/"
        prefix = outer.connection.root_path + plan.mount.prefix
        self.raw_path = _raw_rest(outer.raw_path, plan.mount.prefix) or b"/"
        self.query = outer.query
        self.headers = outer.headers
        self.connection = replace(outer.connection, root_path=prefix)
        # What a hook has read is given again: the outer exchange has it no more.
        self.buffered = outer.buffered if outer.buffered is not None else c.kept_body
        self.app: Any = None
        self._pending: Reply | None = None

    async def read(self, limit: int = 65536) -> bytes:
        return await self._outer.read(limit)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._outer.__aiter__()

    def _answer(self) -> None:
        if self.answered:
            raise AnswerError("this exchange has been answered already")
        self.answered = True

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self._answer()
        self._pending = Reply(status, MutableHeaders(headers), body)

    def begin(self, status: int, headers: HeaderPairs) -> Sink:
        self._answer()
        reply = Reply(status, MutableHeaders(headers))
        return BridgeSink(self.bridge, reply) if self.bridge is not None else _MountedSink(self, reply)

    def inform(self, status: int, headers: HeaderPairs) -> None:
        self._outer.inform(status, headers)

    @property
    def over_asgi(self) -> ASGIExchange | None:
        """The outer exchange, when it is one of ASGI and nothing here has to see the answer as a value.

        The messages of a mounted ASGI application may then be passed on as they are (see `passed`).
        """
        outer, c = self._outer, self._c
        if type(outer) is ASGIExchange and self.bridge is None and not self._plan.afters and c.late is None:
            return outer
        return None

    async def passed(self, app: Callable[[Any, Any, Any], Awaitable[None]], scope: Any) -> None:
        """Let an ASGI application answer the outer exchange, message by message."""
        outer = self.over_asgi
        assert outer is not None
        try:
            await outer.hand_over(app, scope, self._c.kept_body)
        finally:
            self.answered, self.sent, self.complete = outer.handed_over, outer.handed_over, outer.handed_over

    async def drain(self) -> None:
        if self._pending is not None:
            reply, self._pending = self._pending, None
            if self.bridge is not None:
                self.bridge.ended = True
                self.bridge.head.set_result(reply)
            else:
                reply = await finalize(self._c, await self._plan.after(self._c, reply))
                self.sent = self.complete = True
                await send(self._c, reply)

    @property
    def gone(self) -> bool:
        return self._outer.gone

    def disconnected(self) -> Coroutine[Any, Any, None]:
        return self._outer.disconnected()


class _MountedSink:
    """Begins the outer answer at the first write, when hooks may be awaited."""

    def __init__(self, exchange: MountedExchange, reply: Reply) -> None:
        self._exchange = exchange
        self._reply = reply
        self._sink: Sink | None = None

    async def _begun(self) -> Sink:
        if self._sink is None:
            exchange = self._exchange
            c = exchange._c
            reply = await finalize(c, await exchange._plan.after(c, self._reply))
            exchange.sent = True
            if reply is not self._reply and (reply.body or reply.stream is not None):
                # A hook has put another answer in the place of this one.
                await send(c, reply)
                exchange.complete = True
                self._sink = _Nowhere()
            else:
                self._sink = exchange._outer.begin(reply.status, reply.headers.raw)
        return self._sink

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        await (await self._begun()).write(data)

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        await (await self._begun()).finish(trailers)
        self._exchange.complete = True

    def abort(self) -> None:
        if self._sink is not None:
            self._sink.abort()


class _Nowhere:
    """The sink of an answer that was replaced."""

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        return None

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        return None

    def abort(self) -> None:
        return None


class MountedChannel:
    """The channel that a mounted application sees: all of the outer one, but for the prefix of its path."""

    def __init__(self, channel: Channel, prefix: str, rest: str) -> None:
        self._outer = channel
        shared = channel.connection
        self.path = rest or "/"
        self.raw_path = _raw_rest(channel.raw_path, prefix) or b"/"
        self.connection = replace(shared, root_path=shared.root_path + prefix)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)


class MountPlan:
    """What the router finds for a prefix; looks like a `Plan` to the dispatcher and to the dialects' requests.

    Attributes:
        route: the prefix as a route, whose handler is the mounted application.
    """

    binding = None
    renderer = None
    names: tuple[str, ...] = ()
    whole: bool
    body_limit: int | None = None

    def __init__(self, mount: Mount, wrapped: bool) -> None:
        self.mount = mount
        self.wrapped = wrapped
        self.route = Route(
            pattern=mount.pattern or mount.dialect.parse(mount.prefix or "/", mount.dialect.converters),
            methods=mount.methods,
            handler=mount.app,
            mode=Mode.LOOP,
            name=None,
            dialect=mount.dialect,
            scope=mount.scope,
            source=mount.source,
            bind=lambda _: Binding(),
            options=mount.options,
            stream=True,
            document=False,
        )
        self.whole = mount.pattern is not None
        if self.whole:
            self.names = tuple(parameter.name for parameter in self.route.pattern.parameters)
        hooks = mount.scope.hooks_of
        self.before: Sequence[Hook] = list(hooks(Stage.BEFORE_HANDLER))
        self.afters: Sequence[Hook] = list(hooks(Stage.AFTER_HANDLER))[::-1]
        self.teardowns: Sequence[Hook] = list(hooks(Stage.TEARDOWN))[::-1]
        self.hooks = (*self.before, *self.afters, *self.teardowns)
        self.text = f"# everything below {mount.prefix} is answered by {mount.app!r}\n"

    @property
    def scope(self) -> Scope:
        """Where the mount was declared."""
        return self.mount.scope

    @property
    def dialect(self) -> Dialect:
        """The dialect in which the mount was declared."""
        return self.mount.dialect

    @property
    def source(self) -> Source:
        """The user's line."""
        return self.mount.source

    @property
    def title(self) -> str:
        """What a listing calls it."""
        return self.route.title if self.whole else f"{self.mount.kind} {self.mount.prefix}"

    async def after(self, c: RequestContext, reply: Reply) -> Reply:
        """Run the hooks that see every response."""
        for hook in self.afters:
            try:
                reply = await call_hook(hook.call, hook.mode, c, reply) or reply
            except Exception as exc:
                reply = await fail(c, exc)
        return reply

    async def serve_channel(self, channel: Channel, values: tuple[Any, ...]) -> None:
        """Serve one WebSocket connection."""
        if self.mount.channel is None:
            await channel.reject(404)
            return
        mounted = MountedChannel(channel, self.mount.prefix, channel.path if self.whole else str(values[-1]))
        await self.mount.channel(mounted, self.mount.prefix)

    async def _reply(self, c: RequestContext, rest: str, bridge: Bridge) -> Reply:
        """Return the answer as a value: the application goes on working in a task while it is streamed."""
        mounted = MountedExchange(self, c, rest, bridge)

        async def serve() -> None:
            await self.mount.call(mounted, self.mount.prefix)
            await mounted.drain()

        return await bridge.answer(serve(), f"the application mounted at {self.mount.prefix}")

    async def run(self, c: RequestContext, x: Any, values: tuple[Any, ...]) -> Reply | None:
        """Serve one request; with WRAP hooks around it, return the answer to them."""
        if self.whole:
            rest = x.path
        else:
            rest = str(values[-1]) if values else x.path
            c.values = ()  # no parameters: the rest of the path is the mounted application's
        if self.wrapped:
            return await self._run_wrapped(c, rest)
        error: BaseException | None = None
        mounted: MountedExchange | None = None
        settled = False
        try:
            reply = None
            try:
                for hook in self.before:
                    reply = await call_hook(hook.call, hook.mode, c)
                    if reply is not None:
                        break
                else:
                    mounted = MountedExchange(self, c, rest)
                    await self.mount.call(mounted, self.mount.prefix)
                    await mounted.drain()
                    if not mounted.answered:
                        raise RuntimeError(f"the application mounted at {self.mount.prefix} gave no answer")
            except Disconnected as gone:
                error = gone
            except Exception as exc:
                if mounted is None or not mounted.sent:
                    reply = await fail(c, exc)
                elif mounted.complete:
                    c.error = exc
                    report(c, exc, "the mounted application after its answer")
                else:
                    raise  # there is half an answer: the server cuts it off
            if reply is not None:
                reply = await self.after(c, reply)
                settled = True
                await settle(c, reply, partial(self._teardown, c))
            else:
                await afterwards(c, None)
        except BaseException as exc:
            error = exc
            raise
        finally:
            if not settled:
                try:
                    await self._teardown(c, error)
                finally:
                    c.close()
        return None

    async def _run_wrapped(self, c: RequestContext, rest: str) -> Reply:
        bridge = Bridge()

        async def finish(error: BaseException | None) -> None:
            try:
                await bridge.close(c)
            finally:
                await self._teardown(c, error)

        c.finish = finish
        try:
            for hook in self.before:
                reply = await call_hook(hook.call, hook.mode, c)
                if reply is not None:
                    break
            else:
                reply = await self._reply(c, rest, bridge)
        except Exception as exc:
            reply = await fail(c, exc)
        return await self.after(c, reply)

    async def _teardown(self, c: RequestContext, error: BaseException | None) -> None:
        leave()
        for hook in self.teardowns:
            try:
                await call_hook(hook.call, hook.mode, c, c.error or error)
            except Exception as exc:
                report_teardown(c, exc, None)


def _raw_rest(raw_path: bytes, prefix: str) -> bytes:
    """Return the raw path below a prefix: as many segments are taken off as the prefix has."""
    return b"/" + b"/".join(raw_path.split(b"/")[prefix.count("/") + 1 :])
