"""Mounted applications: any ASGI or WSGI application below a prefix, with the hooks of the app around it.

The mounted application answers an exchange of its own view: the prefix is taken off the path, and the head of its
answer passes the AFTER_HANDLER hooks before it is sent. Nothing is buffered: a streamed answer goes on streaming.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asteri.exchange import Channel, Disconnected, HeaderPairs, Sink
from fenrir.core.declare import Hook, Mount, Scope, Source, Stage
from fenrir.core.hooks import call_hook, fail, report_teardown
from fenrir.core.reply import Reply, settle
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Dialect

__all__ = ["MountPlan", "MountedChannel", "MountedExchange"]


class MountedExchange:
    """The exchange that a mounted application sees."""

    def __init__(self, plan: MountPlan, c: RequestContext, rest: str, bridge: _Bridge | None = None) -> None:
        outer = c.http
        self.bridge = bridge
        self._outer = outer
        self._plan = plan
        self._c = c
        self.answered = False
        self.method = outer.method
        self.rest = rest  # "" when the path is the prefix itself, which WSGI tells from "/"
        self.path = rest or "/"
        prefix = outer.connection.root_path + plan.mount.prefix
        self.raw_path = _raw_rest(outer.raw_path, plan.mount.prefix) or b"/"
        self.query = outer.query
        self.headers = outer.headers
        self.connection = replace(outer.connection, root_path=prefix)
        self.buffered = outer.buffered
        self.app: Any = None
        self._pending: Reply | None = None

    async def read(self, limit: int = 65536) -> bytes:
        return await self._outer.read(limit)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._outer.__aiter__()

    def respond(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self.answered = True
        self._pending = Reply(status, MutableHeaders(headers), body)

    def begin(self, status: int, headers: HeaderPairs) -> Sink:
        self.answered = True
        reply = Reply(status, MutableHeaders(headers))
        return _BridgeSink(self.bridge, reply) if self.bridge is not None else _MountedSink(self, reply)

    def inform(self, status: int, headers: HeaderPairs) -> None:
        self._outer.inform(status, headers)

    async def drain(self) -> None:
        if self._pending is not None:
            reply, self._pending = self._pending, None
            if self.bridge is not None:
                self.bridge.head.set_result(reply)
            else:
                await settle(self._c, await self._plan.after(self._c, reply))

    @property
    def gone(self) -> bool:
        return self._outer.gone

    async def disconnected(self) -> None:
        await self._outer.disconnected()


class _MountedSink:
    """Begins the outer answer at the first write, when hooks may be awaited."""

    def __init__(self, exchange: MountedExchange, reply: Reply) -> None:
        self._exchange = exchange
        self._reply = reply
        self._sink: Sink | None = None

    async def _begun(self) -> Sink:
        if self._sink is None:
            c = self._exchange._c
            reply = await self._exchange._plan.after(c, self._reply)
            for change in c.late or ():
                change(c, reply)
            self._sink = self._exchange._outer.begin(reply.status, reply.headers.raw)
        return self._sink

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        await (await self._begun()).write(data)

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        await (await self._begun()).finish(trailers)

    def abort(self) -> None:
        if self._sink is not None:
            self._sink.abort()


class _Bridge:
    """From an application that pushes its answer to WRAP hooks that want it as a value: one piece at a time."""

    def __init__(self) -> None:
        self.head: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self.serving: asyncio.Task[None] | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        """Iterate over the body; leaving early ends the application's work."""
        serving = self.serving
        assert serving is not None
        try:
            while True:
                taken = asyncio.ensure_future(self.pieces.get())
                await asyncio.wait({taken, serving}, return_when=asyncio.FIRST_COMPLETED)
                if not taken.done():
                    taken.cancel()
                    serving.result()
                    raise RuntimeError("the mounted application ended in the middle of its answer")
                piece = taken.result()
                if piece is None:
                    return
                yield piece
        finally:
            if not serving.done():
                serving.cancel()
            await asyncio.wait({serving})


class _BridgeSink:
    """A sink whose pieces come out of `_Bridge.stream`."""

    def __init__(self, bridge: _Bridge, reply: Reply) -> None:
        self._bridge = bridge
        reply.stream = bridge.stream()
        bridge.head.set_result(reply)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        await self._bridge.pieces.put(bytes(data))

    async def finish(self, trailers: HeaderPairs = ()) -> None:
        await self._bridge.pieces.put(None)

    def abort(self) -> None:
        if self._bridge.serving is not None:
            self._bridge.serving.cancel()


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
    """What the router finds for a prefix; looks like a `Plan` to the dispatcher."""

    binding = None
    renderer = None
    names: tuple[str, ...] = ()
    body_limit: int | None = None

    def __init__(self, mount: Mount, wrapped: bool) -> None:
        self.mount = mount
        self.wrapped = wrapped
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
        return f"{self.mount.kind} {self.mount.prefix}"

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
        mounted = MountedChannel(channel, self.mount.prefix, str(values[-1]))
        await self.mount.channel(mounted, self.mount.prefix)

    async def _reply(self, c: RequestContext, rest: str) -> Reply:
        """Return the answer as a value: the application goes on working in a task while it is streamed."""
        bridge = _Bridge()
        mounted = MountedExchange(self, c, rest, bridge)

        async def serve() -> None:
            await self.mount.call(mounted, self.mount.prefix)
            await mounted.drain()

        serving = bridge.serving = asyncio.create_task(serve())
        waiting: set[asyncio.Future[Any]] = {serving, bridge.head}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not bridge.head.done():
            serving.result()
            raise RuntimeError(f"the application mounted at {self.mount.prefix} gave no answer")
        return bridge.head.result()

    async def run(self, c: RequestContext, x: Any, values: tuple[Any, ...]) -> Reply | None:
        """Serve one request; with WRAP hooks around it, return the answer to them."""
        rest = str(values[-1])
        if self.wrapped:
            return await self._run_wrapped(c, rest)
        error: BaseException | None = None
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
                return None
            except Exception as exc:
                reply = await fail(c, exc)
            if reply is not None:
                await settle(c, await self.after(c, reply))
        except BaseException as exc:
            error = exc
            raise
        finally:
            await self._teardown(c, error)
        return None

    async def _run_wrapped(self, c: RequestContext, rest: str) -> Reply:
        async def finish(error: BaseException | None) -> None:
            await self._teardown(c, error)

        c.finish = finish
        try:
            for hook in self.before:
                reply = await call_hook(hook.call, hook.mode, c)
                if reply is not None:
                    break
            else:
                reply = await self._reply(c, rest)
        except Exception as exc:
            reply = await fail(c, exc)
        return await self.after(c, reply)

    async def _teardown(self, c: RequestContext, error: BaseException | None) -> None:
        for hook in self.teardowns:
            try:
                await call_hook(hook.call, hook.mode, c, c.error or error)
            except Exception as exc:
                report_teardown(c, exc, None)


def _raw_rest(raw_path: bytes, prefix: str) -> bytes:
    """Return the raw path below a prefix: as many segments are taken off as the prefix has."""
    return b"/" + b"/".join(raw_path.split(b"/")[prefix.count("/") + 1 :])
