"""Writing the steps that programs of all shapes have: arguments, dependencies, the handler."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword

from fenrir.core.binding import (
    Argument,
    Binding,
    Fixed,
    FromNode,
    Gathered,
    Given,
    Node,
    NodeKind,
    PathValue,
    TheContext,
)
from fenrir.core.declare import Mode, Route
from fenrir.core.threads import carried
from fenrir.core.writer import Writer

__all__ = ["Steps"]


class Steps:
    """What HTTP and WebSocket programs share: arguments, dependencies, the handler."""

    def __init__(self, route: Route, binding: Binding) -> None:
        self.route = route
        self.binding = binding
        self.w = Writer()
        self.has_exits = any(node.kind is not NodeKind.CALL for node in binding.nodes)

    def arguments(self, arguments: Sequence[Argument], prefix: str) -> str:
        """Write an argument list."""
        written: list[str] = []
        for place, (name, source) in enumerate(arguments):
            expression = self.expression(source, f"{prefix}_{place}")
            if name is None:
                written.append(expression)
            elif name.isascii() and name.isidentifier() and not iskeyword(name):
                written.append(f"{name}={expression}")
            else:
                key = self.w.value(f"{prefix}_key{place}", name)
                written.append(f"**{{{key}: {expression}}}")
        return ", ".join(written)

    def expression(self, source: object, name: str) -> str:
        """Write where a value comes from."""
        match source:
            case TheContext():
                return "c"
            case PathValue(index):
                return f"p[{index:d}]"
            case Gathered(index):
                return f"v[{index:d}]"
            case FromNode(index):
                return f"d{index:d}"
            case Given(call):
                return f"{self.w.value(f'given_{name}', call)}(c)"
            case Fixed(value):
                return self.w.value(f"fixed_{name}", value)
        raise TypeError(f"no such source of an argument: {source!r}")

    def gather(self, head: bool = False) -> None:
        """Write the one call that collects and validates all values, or those that are not in the body."""
        if head:
            if self.binding.gather_head is None:
                self.w.line("v, bad = (), None")
            else:
                self.w.value("gather_head", self.binding.gather_head)
                self.w.line("v, bad = gather_head(c)")
        elif self.binding.gather is not None:
            self.w.value("gather", self.binding.gather)
            self.w.line("v, bad = gather(c)")

    def node(self, index: int, node: Node) -> None:
        """Write one dependency."""
        if self.binding.gather is not None and node.needs:
            needs = self.w.value(f"needs{index}", node.needs)
            with self.w.block(f"if bad is None or {needs}.isdisjoint(bad):"):
                self._node(index, node)
        else:
            self._node(index, node)

    def _node(self, index: int, node: Node) -> None:
        w = self.w
        call = w.value(f"dep{index}", node.call)
        made = f"{call}({self.arguments(node.arguments, f'dep{index}')})"
        limit = w.value(f"limit{index}", node.limit) if node.limit is not None else None
        if node.kind is NodeKind.CALL:
            made = w.called(node.mode, call, self.arguments(node.arguments, f"dep{index}"))
            if limit is None:
                w.line(f"d{index} = {made}")
                return
            w.awaits = True
            w.line(f"places = {limit}()")
            w.line("await places.acquire()")
            with w.block("try:"):
                w.line(f"d{index} = {made}")
            with w.block("finally:"):
                w.line("places.release()")
            return
        exits = "early" if node.early else "exits"
        if limit is not None:
            w.line(f"await {exits}.hold({limit}())")
        if node.kind is NodeKind.ASYNC_CONTEXT:
            w.line(f"d{index} = {w.awaited(f'{exits}.aenter({made})')}")
        elif w.in_thread:
            w.line(f"d{index} = {exits}.enter({made})")
        elif node.mode is not Mode.THREAD:
            w.line(f"d{index} = {exits}.enter_inline({made})")
        else:
            w.awaits = True
            w.line(f"d{index} = await {w.value('carried', carried)}(lambda: {exits}.enter({made}))")

    def refuse(self) -> None:
        """Write the check that ends a request with invalid values."""
        if self.binding.gather is not None:
            self.w.value("invalid", self.binding.invalid)
            with self.w.block("if bad is not None:"):
                self.w.line("raise invalid(c, bad)")

    def handler(self) -> str:
        """Write the call of the handler."""
        self.w.value("handler", self.binding.handler or self.route.handler)
        return self.w.called(self.route.mode, "handler", self.arguments(self.binding.arguments, "handler"))
