"""Writing the program of a plan.

The text holds only identifiers made here: every value of the user (handler, hooks, dependencies, constants,
argument names that are not plain identifiers) enters through the namespace of the function. Two shapes exist:

* **loop**: an `async def` handler. The plan is one coroutine function; hooks and dependencies written with `def` hop
  into a thread each. Without any `await` in it, the plan is a plain function, and the server needs no task for it.
* **thread**: a `def` handler. What comes first and awaits runs on the loop; from the first blocking step on, everything
  is in `work`, run by one worker thread: dependencies, handler, hooks, and after sending also teardown. When nothing
  is before or after it, `work` is the whole program, and no coroutine waits for it (`answers`).

Where a body that is there changes the shape, there are two programs: `patient` is for a body that is still to come.

Both shapes are written by the same code: `Writer` knows how a step of each mode is called in each shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fenrir.core.answers import answered
from fenrir.core.binding import Binding, BodyNeed, NodeKind, both
from fenrir.core.declare import Hook, Mode, Route
from fenrir.core.exits import Exits, end
from fenrir.core.hooks import fail, fail_here, report_teardown
from fenrir.core.reply import settle, settle_failure
from fenrir.core.steps import Steps
from fenrir.core.threads import Overloaded, hop, leave, to_thread
from fenrir.core.websocket import fail_channel
from fenrir.core.writer import Writer

if TYPE_CHECKING:
    from fenrir.core.dialect import Renderer

__all__ = ["Emission", "emit"]


class Emission(NamedTuple):
    """A generated function and its text."""

    function: Callable[..., Any]
    text: str


def emit(
    route: Route,
    binding: Binding,
    renderer: Renderer | None,
    before: Sequence[Hook],
    after: Sequence[Hook],
    teardown: Sequence[Hook],
    *,
    wrapped: bool,
    limited: bool,
    scoped: bool,
) -> Emission:
    """Write and compile the program of one route; the parameters are what `plan.link` collected."""
    if renderer is None:
        return _finish(route, _ChannelProgram(route, binding).write())
    parts = (route, binding, renderer, before, after, teardown, wrapped, limited, scoped)
    program = _Program(*parts)
    ahead = program.ahead()
    there = _Program(*parts, waits=False)
    if not ahead and (program.whole or not there.whole):
        return _finished(route, program, None)
    patient = _finish(route, _Program(*parts, ahead=ahead).write("patient"), "patient")
    made = _finished(route, there, patient.function)
    return Emission(made.function, made.text + "\n" + patient.text)


def _finished(route: Route, program: _Program, patient: Callable[..., Any] | None) -> Emission:
    """Compile a program that has the body when it begins, or hands over to one that waits for it."""
    if not program.whole:
        if patient is not None:
            program.w.value("patient", patient)
        return _finish(route, program.write())
    made = _finish(route, program.write("work"), "work")
    return Emission(answered(made.function, program.fast, patient), made.text)


class _Program(Steps):
    def __init__(
        self,
        route: Route,
        binding: Binding,
        renderer: Renderer,
        before: Sequence[Hook],
        after: Sequence[Hook],
        teardown: Sequence[Hook],
        wrapped: bool,
        limited: bool,
        scoped: bool,
        ahead: int = 0,
        waits: bool = True,
    ) -> None:
        super().__init__(route, binding)
        self.renderer = renderer
        self.before = before
        self.after = after
        self.teardown = teardown
        self.wrapped = wrapped
        self.limited = limited
        self.sending = ", c.scope.send" if scoped else ""  # what is in the middle of an answer may be cancelled
        self.has_early = any(node.early for node in binding.nodes)
        self.has_finish = bool(teardown) or any(
            node.kind is not NodeKind.CALL and not node.early for node in binding.nodes
        )
        plain_end = not (after or self.has_finish or self.has_exits or wrapped or binding.shares_reply)
        self.fast = renderer.fast if plain_end else None
        self.ready = renderer.ready if plain_end else None
        # A thread can neither leave what the loop's task has entered nor wait for a place without blocking others.
        self.threaded = route.mode is Mode.THREAD and not any(
            node.kind is NodeKind.ASYNC_CONTEXT or node.limit is not None for node in binding.nodes
        )
        self.until = len(before) + ahead if ahead else 0  # SECURITY: these steps run before the body is read
        self.waits = waits
        self.split = max(self._split(), self.until) if self.threaded else -1
        # One thread runs it from the first step to the last, and nobody is to be kept from waiting for it.
        self.whole = self.threaded and plain_end and not scoped and not self._awaited_first()

    def ahead(self) -> int:
        """Return how many dependencies can run before the body is read: those that refuse need not wait for it."""
        if not self._needs_load() or any(hook.reads_body for hook in self.before):
            return 0
        count = 0
        for node in self.binding.nodes:
            # What a thread has entered is left by the same thread, so it must not begin before the others.
            if node.reads_body or (self.threaded and node.kind is NodeKind.CONTEXT):
                break
            count += 1
        return count

    def _split(self) -> int:
        """Return the first step (hooks, then dependencies) that must run in the worker thread."""
        for place, hook in enumerate(self.before):
            if hook.mode is Mode.THREAD:
                return place
        for place, node in enumerate(self.binding.nodes):
            if node.mode is Mode.THREAD:
                return len(self.before) + place
        return len(self.before) + len(self.binding.nodes)

    def _awaited_first(self) -> bool:
        """Say whether something awaits before the first step in the thread."""
        modes = [hook.mode for hook in self.before]
        modes += [Mode.INLINE if node.loads and not self.waits else node.mode for node in self.binding.nodes]
        return Mode.LOOP in modes[: self.split] or self._needs_load()

    def write(self, name: str = "plan") -> Writer:
        """Write the whole program."""
        w = self.w
        w.value("fail", fail)
        w.value("settle", settle)
        w.value("render", self.renderer.render)
        if self.fast is not None:
            w.value("STATUS", self.fast.status)
            w.value("HEADERS", self.fast.headers)
            w.value("dump", self.fast.dump)
        w.indent = 1
        if self.has_exits:
            w.value("Exits", Exits)
            w.line("exits = Exits()")
            if self.has_early:
                w.line("early = Exits(exits)")
        if self.whole:
            self._whole_shape()
        elif self.threaded:
            self._thread_shape()
        else:
            self._loop_shape()
        w.indent = 0
        if not (self.waits or self.whole):
            w.lines[:0] = [
                "    if x.buffered is None:",
                f"        return {'await ' if w.awaits else ''}patient(c, x, p)",
            ]
        w.lines.insert(0, ("async def" if w.awaits else "def") + f" {name}(c, x, p):")
        return w

    # ------------------------------------------------------------ loop shape
    def _loop_shape(self) -> None:
        w = self.w
        if not (self.has_finish or self.has_early):
            self._respond_on_loop()
            self._end("None")
            return
        if self.has_finish:
            self._write_finish()
        with w.block("try:"):
            self._respond_on_loop()
        with w.block("except BaseException as exc:"):
            w.line("ending = exc")
            if self.has_early:
                w.line("ending = await early.aclose(ending)")
            if self.has_finish:
                w.line("ending = await finish(ending) or ending")
            w.line(f"{w.value('end', end)}(exc, ending)")
            w.line("raise")
        self._end("finish" if self.has_finish else "None")

    def _awaits_nothing(self) -> bool:
        """Say whether the good way through this plan is without an await."""
        return not (
            self.route.mode is Mode.LOOP
            or self._needs_load()
            or self.after
            or self.has_exits
            or self.has_finish
            or self.wrapped
            or any(hook.mode is not Mode.INLINE for hook in self.before)
            or any(node.mode is not Mode.INLINE for node in self.binding.nodes)
        )

    def _respond_on_loop(self) -> None:
        w = self.w
        w.awaits = not self._awaits_nothing()
        with w.block("try:"):
            self._load()
            self._steps(0, len(self.before) + len(self.binding.nodes), self._handle)
        self._catch()
        self._after()

    def _end(self, finish: str) -> None:
        """Write what becomes of the reply."""
        w = self.w
        if self.wrapped:
            if finish != "None":
                w.line(f"c.finish = {finish}")
            w.line("return reply")
        elif finish == "None":
            none = ", None" if self.sending else ""
            w.line(f"{'await' if w.awaits else 'return'} settle(c, reply{none}{self.sending})")
        else:
            w.line(f"await settle(c, reply, {finish}{self.sending})")

    def _write_finish(self) -> None:
        """Write the function that runs after sending."""
        with self.w.block("async def finish(error):"):
            if any(hook.mode is Mode.THREAD for hook in self.teardown):
                self.w.line(f"{self.w.value('leave', leave)}()")
            self.w.line("left = None")
            self._teardown("error")
            self.w.line("return left")

    # ---------------------------------------------------------- thread shape
    def _whole_shape(self) -> None:
        w = self.w
        w.value("fail_here", fail_here)
        w.in_thread = True
        with w.block("try:"):
            self._steps(0, len(self.before) + len(self.binding.nodes), self._handle)
        self._catch()
        w.line("return reply")

    def _thread_shape(self) -> None:
        w = self.w
        w.awaits = True
        w.value("fail_here", fail_here)
        total = len(self.before) + len(self.binding.nodes)
        w.line("failed = answer = v = bad = None")
        if self.split > 0 or self._needs_load():
            with w.block("try:"):
                self._load()
                self._steps(0, self.split, None, reply="answer")
            # What was begun must be ended even when the request is cancelled here; `work` does so and raises again.
            caught = "BaseException" if self.has_finish or self.has_early else "Exception"
            with w.block(f"except {caught} as exc:"):
                w.line("failed = exc")
        w.in_thread = True
        if self.has_finish:
            w.line(f"hop = {w.value('new_hop', hop)}()")
        with w.block("def work():"):
            if self._nodes_from(self.split):
                w.line("nonlocal v, bad")
            if self.has_finish:
                w.line("error = None")
                with w.block("try:"):
                    self._work(total)
                    w.line("error = hop.deliver(reply)")
                with w.block("except BaseException as exc:"):
                    w.line("error = exc")
                    w.line("raise")
                with w.block("finally:"):
                    self._teardown("error")
            elif self.has_early:
                with w.block("try:"):
                    self._work(total)
                    w.line("return reply")
                with w.block("except BaseException as exc:"):
                    w.line("early.close(exc)")
                    w.line("raise")
            else:
                self._work(total)
                w.line("return reply")
        w.in_thread = False
        self._run_work()
        if self.fast is not None:
            with w.block("if type(reply) is bytes:"):
                w.line("x.respond(STATUS, HEADERS, reply)")
                self._return()
        if self.ready is not None:
            with w.block("if type(reply) is tuple:"):
                w.line("x.respond(*reply)")
                self._return()
        self._end("hop.finish" if self.has_finish else "None")

    def _run_work(self) -> None:
        """Write the hop into the thread, and what happens when no thread is to be had."""
        w = self.w
        start = "hop.run(work)" if self.has_finish else f"{w.value('to_thread', to_thread)}(work)"
        with w.block("try:"):
            w.line(f"reply = await {start}")
        with w.block(f"except {w.value('Overloaded', Overloaded)} as exc:"):
            if self.has_finish or self.has_exits or self.after:
                # What has begun is ended as after any other failure, among the threads that never refuse.
                w.line("failed = failed or exc")
                w.line(f"{w.value('leave', leave)}()")
                w.line(f"reply = await {start}")
            else:
                w.line("reply = await fail(c, exc)")

    def _nodes_from(self, split: int) -> bool:
        """Say whether values are gathered inside the thread."""
        return self.binding.gather is not None and split <= len(self.before)

    def _work(self, total: int) -> None:
        w = self.w
        with w.block("try:"):
            with w.block("if failed is not None:"):
                w.line("raise failed")
            w.line("reply = answer")
            with w.block("if reply is None:"):
                self._steps(self.split, total, self._handle)
        self._catch()
        self._after()

    # ----------------------------------------------------------------- steps
    def _needs_load(self) -> bool:
        if self.route.stream or not (self.waits or self.limited or self.binding.body is BodyNeed.FORM):
            return False
        return (
            self.route.dialect.reads_body
            or self.binding.body is not BodyNeed.NONE
            or any(hook.reads_body for hook in self.before)
        )

    def _late(self) -> None:
        """Write how the body is read after the first dependencies, and its values."""
        w = self.w
        self._read()
        if self.binding.gather_body is not None:
            w.value("gather_body", self.binding.gather_body)
            w.line(f"v, bad = {w.value('both', both)}((v, bad), gather_body(c))")

    def _load(self) -> None:
        """Write how the body is read, when anything needs it as a value."""
        if self._needs_load() and not self.until:
            self._read()

    def _read(self) -> None:
        w = self.w
        if self.binding.body is BodyNeed.FORM:
            w.line(f"await {w.value('read_form', self.route.dialect.read_form)}(c)")
        else:
            if self.limited:
                w.line("await c.load()")
            else:
                with w.block("if x.buffered is None:"):
                    w.line("await c.load()")

    def _steps(self, start: int, stop: int, then: Callable[[], None] | None, reply: str = "reply") -> None:
        """Write hooks and dependencies from `start` to `stop`, each hook able to answer, then the rest."""
        w = self.w
        hooks = len(self.before)
        depth = 0
        for place in range(start, min(stop, hooks)):
            hook = self.before[place]
            call = w.value(f"before{place}", hook.call)
            w.line(f"{reply} = {w.called(hook.mode, call, 'c')}")
            w.line(f"if {reply} is None:")
            w.indent += 1
            depth += 1
        wrote = depth == 0
        if stop > hooks or then is not None:
            first = max(start, hooks)
            if start <= hooks and self.binding.gather is not None:
                self.gather(head=self.until > 0)
                wrote = True
            for place in range(first, stop):
                if not self.waits and self.binding.nodes[place - hooks].loads:
                    continue
                self.node(place - hooks, self.binding.nodes[place - hooks])
                wrote = True
                if place + 1 == self.until:
                    self._late()
            if then is not None:
                then()
                wrote = True
        if not wrote:
            w.line("pass")
        w.indent -= depth

    def _handle(self) -> None:
        """Write the handler and what its value becomes."""
        w = self.w
        self.refuse()
        w.line(f"value = {self.handler()}")
        if self.fast is not None:
            w.line("body = dump(value)")
            with w.block("if body is not None and c.plain:"):
                if w.in_thread:
                    w.line("return body")
                else:
                    w.line("x.respond(STATUS, HEADERS, body)")
                    self._return()
        if self.ready is not None:
            w.value("ready", self.ready)
            with w.block("if c.plain:"):
                w.line("made = ready(c, value)")
                with w.block("if made is not None:"):
                    if w.in_thread:
                        w.line("return made")
                    else:
                        w.line("x.respond(*made)")
                        self._return()
        w.line("reply = render(c, value)")
        if self.has_early:
            self._close("early", "None", "swallowed")
            with w.block("if swallowed is not None:"):
                w.line("raise swallowed")

    def _return(self) -> None:
        """Write the end of a request whose answer is written already."""
        with self.w.block("if c.held:"):
            self.w.line("c.close()")
        self.w.line("return")

    def _close(self, exits: str, error: str, into: str) -> None:
        w = self.w
        if w.in_thread:
            w.line(f"{into} = {exits}.close({error})")
        else:
            w.awaits = True
            w.line(f"{into} = await {exits}.aclose({error})")

    def _catch(self) -> None:
        """Write what an exception becomes: through the open dependencies, then to the error handlers."""
        w = self.w
        with w.block("except Exception as exc:"):
            name = "exc"
            if self.has_exits:
                name = "failure"
                w.line("failure = exc")
                if self.has_early:
                    self._close("early", name, name)
                self._close("exits", name, name)
            if w.in_thread:
                w.line(f"reply = fail_here(c, {name})")
            elif w.awaits:
                if any(hook.mode is Mode.THREAD for hook in self.after):
                    w.line(f"{w.value('leave', leave)}()")
                w.line(f"reply = await fail(c, {name})")
            else:
                # Nothing awaits on the good way, so nothing may here: the failed request alone gets a task.
                w.value("settle_failure", settle_failure)
                w.line(f"return settle_failure(c, {name}{self.sending})")
            if name == "failure":
                w.line("failure = None")  # an exception knows this frame, and a cycle would wait for the collector

    def _after(self) -> None:
        """Write the hooks that see every response."""
        w = self.w
        for place, hook in enumerate(self.after):
            call = w.value(f"after{place}", hook.call)
            with w.block("try:"):
                w.line(f"changed = {w.called(hook.mode, call, 'c, reply')}")
                with w.block("if changed is not None:"):
                    w.line("reply = changed")
            with w.block("except Exception as exc:"):
                w.line("reply = fail_here(c, exc)" if w.in_thread else "reply = await fail(c, exc)")

    def _teardown(self, error: str) -> None:
        """Write what runs after sending: open dependencies, then hooks; every one of them, whatever the others do."""
        w = self.w
        if any(node.kind is not NodeKind.CALL and not node.early for node in self.binding.nodes):
            self._close("exits", error, "left")
            w.value("report", report_teardown)
            w.line(f"report(c, left, {error})")
        for place, hook in enumerate(self.teardown):
            call = w.value(f"teardown{place}", hook.call)
            with w.block("try:"):
                w.line(w.called(hook.mode, call, f"c, c.error or {error}"))
            with w.block("except Exception as exc:"):
                w.value("report", report_teardown)
                w.line("report(c, exc, None)")


class _ChannelProgram(Steps):
    """The program of a WebSocket route: bind, call, and leave the dependencies."""

    def write(self) -> Writer:
        """Write the whole program."""
        w = self.w
        w.awaits = True
        w.value("fail_channel", fail_channel)
        w.indent = 1
        if self.has_exits:
            w.value("Exits", Exits)
            w.line("exits = early = Exits()")
        with w.block("try:"):
            self.gather()
            for index, node in enumerate(self.binding.nodes):
                self.node(index, node)
            self.refuse()
            w.line(self.handler())
        with w.block("except Exception as exc:"):
            w.line("failure = exc")
            if self.has_exits:
                w.line("failure = await exits.aclose(failure)")
            w.line("await fail_channel(c, failure)")
        if self.has_exits:
            with w.block("except BaseException as exc:"):
                w.line(f"{w.value('end', end)}(exc, await exits.aclose(exc))")
                w.line("raise")
            with w.block("else:"):
                w.value("report", report_teardown)
                w.line("report(c, await exits.aclose(None), None)")
        w.indent = 0
        w.lines.insert(0, "async def plan(c, x, p):")
        return w


def _finish(route: Route, writer: Writer, name: str = "plan") -> Emission:
    return Emission(*writer.compiled(name, f"{route.title} · {route.dialect.name} · {route.source}"))
