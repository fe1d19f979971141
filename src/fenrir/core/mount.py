"""Mounted applications: any ASGI or WSGI application below a prefix, with the hooks of the app around it.

The mounted application answers an exchange of its own view: the prefix is taken off the path, and the head of its
answer passes the AFTER_HANDLER hooks before it is sent. Nothing is buffered: a streamed answer goes on streaming.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from asteri.exchange import Connection, Disconnected, HeaderPairs, Sink
from fenrir.core.declare import Hook, Mount, Scope, Source, Stage
from fenrir.core.hooks import call_hook, fail, report_teardown
from fenrir.core.reply import Reply, settle
from fenrir.http.headers import MutableHeaders

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Dialect

__all__ = ["MountPlan", "MountedExchange"]


class MountedExchange:
    """The exchange that a mounted application sees."""

    def __init__(self, plan: MountPlan, c: RequestContext, rest: str) -> None:
        outer = c.http
        self._outer = outer
        self._plan = plan
        self._c = c
        self.answered = False
        self.method = outer.method
        self.path = rest or "/"
        prefix = outer.connection.root_path + plan.mount.prefix
        self.raw_path = _raw_rest(outer.raw_path, plan.mount.prefix) or b"/"
        self.query = outer.query
        self.headers = outer.headers
        shared = outer.connection
        self.connection = Connection(
            shared.scheme, shared.client, shared.server, shared.http_version, prefix, shared.tls
        )
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
        return _MountedSink(self, Reply(status, MutableHeaders(headers)))

    def inform(self, status: int, headers: HeaderPairs) -> None:
        self._outer.inform(status, headers)

    async def drain(self) -> None:
        if self._pending is not None:
            reply, self._pending = self._pending, None
            await settle(self._c, await self._plan.after(self._c, reply))

    def taken(self) -> Reply | None:
        """Give away the whole answer instead of sending it, if there is one."""
        reply, self._pending = self._pending, None
        return reply

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

    async def run(self, c: RequestContext, x: Any, values: tuple[Any, ...]) -> Reply | None:
        """Serve one request."""
        error: BaseException | None = None
        try:
            reply = None
            try:
                for hook in self.before:
                    reply = await call_hook(hook.call, hook.mode, c)
                    if reply is not None:
                        break
                else:
                    mounted = MountedExchange(self, c, str(values[-1]) if values else "/")
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
            for hook in self.teardowns:
                try:
                    await call_hook(hook.call, hook.mode, c, c.error or error)
                except Exception as exc:
                    report_teardown(c, exc, None)
        return None


def _raw_rest(raw_path: bytes, prefix: str) -> bytes:
    """Return the raw path below a prefix: as many segments are taken off as the prefix has."""
    return b"/" + b"/".join(raw_path.split(b"/")[prefix.count("/") + 1 :])
