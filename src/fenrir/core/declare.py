"""Declarations: what registration leaves behind.

Everything that a user registers, in whatever dialect, becomes one of the frozen records below, with the file and the
line of the user's own code. Nothing here runs a request; `plan` and `emit` read these records once, at startup.

A `Scope` says where hooks and error handlers apply: the application is the outermost scope, and each registration of a
router (blueprint, API router, group) opens one inside. A route sees the hooks of its own scope and of all around it.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from fenrir.core.binding import Binding
    from fenrir.core.context import RequestContext
    from fenrir.core.dialect import Dialect
    from fenrir.core.pattern import Pattern
    from fenrir.core.reply import Reply
    from fenrir.core.tree import Slashes

__all__ = [
    "DeclarationError",
    "ErrorHandler",
    "Hook",
    "Listener",
    "ListenerStage",
    "Mode",
    "Mount",
    "Route",
    "Scope",
    "Source",
    "Stage",
    "caller",
    "checked_timeout",
    "mode_of",
    "needs_thread",
    "source_of",
]

C = TypeVar("C", bound=Callable[..., Any])
_PACKAGE = str(Path(__file__).resolve().parent.parent) + "/"
_order = itertools.count()


@dataclass(frozen=True, slots=True)
class Source:
    """A place in the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"


class DeclarationError(Exception):
    """A mistake in a declaration, found at import time or at startup.

    Attributes:
        source: the user's line that made the declaration.
        other: the declaration in conflict with it, if there is one.
    """

    def __init__(self, message: str, source: Source | None = None, other: Source | None = None) -> None:
        place = f"{source}: " if source else ""
        conflict = f" (the other is at {other})" if other else ""
        super().__init__(f"{place}{message}{conflict}")
        self.source = source
        self.other = other


def caller() -> Source:
    """Return the nearest place on the stack that is not inside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno)


def source_of(call: Callable[..., Any]) -> Source:
    """Return where a callable is defined, or where it is registered when that can not be known."""
    code = getattr(inspect.unwrap(call), "__code__", None)
    return Source(code.co_filename, code.co_firstlineno) if code is not None else caller()


class Mode(Enum):
    """How a callable is run."""

    LOOP = "await"  # a coroutine function, awaited on the loop
    THREAD = "thread"  # may block: runs in a worker thread, in the request's context
    INLINE = "inline"  # promises never to block: called on the loop


def checked_timeout(seconds: float | None, source: Source) -> float | None:
    """Return the time that a request may take.

    Raises:
        DeclarationError: it is no number of seconds above zero.
    """
    if seconds is not None:
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not (number and seconds > 0):
            raise DeclarationError(f"timeout={seconds!r}: it is a number of seconds above zero, or None", source)
    return seconds


_NEEDS_THREAD = "fenrir_needs_thread"


def needs_thread(call: C) -> C:
    """Mark a `def` function that waits for the loop: it runs in a worker thread even where others run inline.

    A decorator that uses functools.wraps passes the mark on.
    """
    setattr(call, _NEEDS_THREAD, True)
    return call


def mode_of(call: Callable[..., Any], blocking: Mode = Mode.THREAD) -> Mode:
    """Return LOOP for a coroutine function (also behind partial, a decorator or `__call__`), else `blocking`.

    What `needs_thread` marked is THREAD whatever `blocking` is.
    """
    while isinstance(call, functools.partial):
        call = call.func
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        return Mode.LOOP
    if not inspect.isroutine(call) and not inspect.isclass(call):
        method = getattr(call, "__call__", None)  # noqa: B004 - the bound method is what is asked for
        if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
            return Mode.LOOP
    return Mode.THREAD if getattr(call, _NEEDS_THREAD, False) else blocking


class Stage(Enum):
    """The places around a handler where code of the user can stand; paradigms rule 17."""

    WRAP = "wrap"  # (call, next) -> Reply, around everything below
    BEFORE_ROUTING = "before routing"  # (call) -> Reply | None
    BEFORE_HANDLER = "before handler"  # (call) -> Reply | None
    AFTER_HANDLER = "after handler"  # (call, reply) -> Reply | None, on every response
    TEARDOWN = "teardown"  # (call, exception | None) -> None, after sending


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """One callable around requests, already in the engine's shape (the dialect adapted it).

    Attributes:
        call: takes the request context first; see `Stage` for the rest and the result.
        unrouted: run it also when no route matched.
        reads_body: the whole body must be there before it runs.
        order: position among all hooks, in order of registration.
        user: the user's own callable, for listings.
    """

    stage: Stage
    call: Callable[..., Any]
    mode: Mode
    dialect: str
    source: Source
    user: Any = None
    unrouted: bool = True
    reads_body: bool = False
    order: int = field(default_factory=lambda: next(_order))

    @property
    def title(self) -> str:
        """What a listing calls it."""
        return getattr(self.user, "__qualname__", None) or type(self.user).__name__


@dataclass(frozen=True, slots=True, eq=False)
class ErrorHandler:
    """A callable (context, exception) -> Reply for a class of exceptions, or for a status."""

    key: type[BaseException] | int
    call: Callable[..., Any]
    mode: Mode
    dialect: Dialect
    source: Source
    user: Any = None


class ListenerStage(Enum):
    """Start runs down this list, stop runs up; within a stage in order of registration, on stop reversed."""

    LIFESPAN = "lifespan"  # an async context manager factory
    BEFORE_START = "before_server_start"
    STARTUP = "startup"
    AFTER_START = "after_server_start"
    BEFORE_STOP = "before_server_stop"
    SHUTDOWN = "shutdown"
    AFTER_STOP = "after_server_stop"


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """Code that runs when the application starts or stops; `call` takes nothing (the dialect bound its arguments)."""

    stage: ListenerStage
    call: Callable[[], Any]
    source: Source
    user: Any = None


class Scope:
    """Where hooks and error handlers apply: the application, or one registration of a router."""

    __slots__ = ("error_handlers", "hooks", "label", "parent")

    def __init__(self, label: str, parent: Scope | None = None) -> None:
        self.label = label
        self.parent = parent
        self.hooks: list[Hook] = []
        self.error_handlers: list[ErrorHandler] = []

    def chain(self) -> tuple[Scope, ...]:
        """Return this scope and all around it, the nearest first."""
        scopes: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            scopes.append(scope)
            scope = scope.parent
        return tuple(scopes)

    def hooks_of(self, stage: Stage) -> Iterator[Hook]:
        """Iterate over the hooks of one stage that apply here, in order of registration."""
        found = [hook for scope in self.chain() for hook in scope.hooks if hook.stage is stage]
        return iter(sorted(found, key=lambda hook: hook.order))


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A pattern, methods and a handler, in the dialect in which they were spoken.

    Attributes:
        methods: upper-case, or None for every method.
        bind: makes the binding, given the dependency overrides in force; called again when they change.
        options: the dialect's own options (response model, tags, ...), for its renderer and for documentation.
        bind_late: the binding depends on what is registered later, so it is made again whenever plans are.
        websocket: the handler serves a channel; `methods` is then empty.
        stream: the body is left unread for the handler.
        timeout: seconds that a request may take, its answer included; then 504.
        cancel_on_disconnect: its work is cancelled when the client leaves; None as the application says.
        around: WRAP hooks of this route alone, the outermost first; those of the application are around them.
        failed: answers an exception that ends a request from outside of its plan, in the place of the error handlers.
        document: list it in documentation.
        user: the user's own callable where the handler is an adapter around it, for documentation.
    """

    pattern: Pattern
    methods: frozenset[str] | None
    handler: Callable[..., Any]
    mode: Mode
    name: str | None
    dialect: Dialect
    scope: Scope
    source: Source
    bind: Callable[[Mapping[Any, Any]], Binding]
    options: Mapping[str, Any] = field(default_factory=dict)
    websocket: bool = False
    stream: bool = False
    body_limit: int | None = None
    timeout: float | None = None
    cancel_on_disconnect: bool | None = None
    around: tuple[Hook, ...] = ()
    failed: Callable[[RequestContext, Exception], Awaitable[Reply]] | None = None
    document: bool = True
    bind_late: bool = False
    user: Any = None

    @property
    def title(self) -> str:
        """What a listing calls it: the methods and the path."""
        verbs = "WS" if self.websocket else ",".join(sorted(self.methods)) if self.methods else "*"
        return f"{verbs} {self.pattern.text}"


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """A whole application below a prefix; `call` is a coroutine function (exchange, prefix) -> None.

    Attributes:
        pattern: taken as a whole in the place of what begins with the prefix, which is "" then.
        methods: of the pattern.
        slashes: in the place of the dialect's habit.
        options: what the dialect notes about it.
    """

    prefix: str
    call: Callable[[Any, str], Any]
    channel: Callable[[Any, str], Any] | None
    app: Any
    kind: str
    dialect: Dialect
    scope: Scope
    source: Source
    pattern: Pattern | None = None
    methods: frozenset[str] | None = None
    slashes: Slashes | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
