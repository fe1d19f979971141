"""The text of a generated program, and the values that its names stand for."""

from __future__ import annotations

import linecache
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from fenrir.core.declare import Mode
from fenrir.core.threads import on_loop, to_thread

__all__ = ["Writer"]


class Writer:
    """Lines of a program, and the values that its names stand for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = 0
        self.in_thread = False
        self.awaits = False
        self.namespace: dict[str, Any] = {
            # A C function that the program calls (datetime.strptime, say) imports through the builtins of its caller.
            "__builtins__": {
                "BaseException": BaseException,
                "Exception": Exception,
                "__import__": __import__,
                "bytes": bytes,
                "tuple": tuple,
                "type": type,
            },
        }

    def line(self, text: str) -> None:
        """Add a line at the current depth."""
        self.lines.append("    " * self.indent + text)

    def block(self, text: str) -> _Block:
        """Open a block: the lines in the `with` statement stand below it."""
        self.line(text)
        return _Block(self)

    def value(self, name: str, value: Any) -> str:
        """Give a value a name in the program."""
        self.namespace[name] = value
        return name

    def awaited(self, expression: str) -> str:
        """Write a coroutine's evaluation in the current shape."""
        if self.in_thread:
            self.value("on_loop", on_loop)
            return f"on_loop({expression})"
        self.awaits = True
        return f"await {expression}"

    def called(self, mode: Mode, call: str, arguments: str) -> str:
        """Write a call in the way its mode demands."""
        if mode is Mode.LOOP:
            return self.awaited(f"{call}({arguments})")
        if mode is Mode.THREAD and not self.in_thread:
            self.value("to_thread", to_thread)
            self.awaits = True
            return f"await to_thread(lambda: {call}({arguments}))"
        return f"{call}({arguments})"

    def compiled(self, name: str, title: str) -> tuple[Callable[..., Any], str]:
        """Compile the lines, which define one function; return that and the text.

        Args:
            title: what tracebacks and debuggers call the place; they show the text like any other source.
        """
        text = "\n".join(self.lines) + "\n"
        filename = f"<fenrir {name} {title}>"
        code = _renamed(_compiled(text), filename)
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        return types.FunctionType(code, self.namespace, name), text


@lru_cache(maxsize=1024)
def _compiled(text: str) -> types.CodeType:
    """Compile a program once for all routes of the same shape."""
    module = compile(text, "<fenrir plan>", "exec")
    return next(const for const in module.co_consts if isinstance(const, types.CodeType))


def _renamed(code: types.CodeType, filename: str) -> types.CodeType:
    constants = tuple(
        _renamed(const, filename) if isinstance(const, types.CodeType) else const for const in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


class _Block:
    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def __enter__(self) -> None:
        self.writer.indent += 1

    def __exit__(self, *_: object) -> None:
        self.writer.indent -= 1
