"""A dialect is a record of policies: how one paradigm is spoken.

The engine reads these fields and never asks which dialect it has before it. A new paradigm is one new folder with
one of these records in it; see CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from fenrir.core.declare import Mode
from fenrir.core.router import Slashes

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.converters import Converters
    from fenrir.core.declare import Route
    from fenrir.core.pattern import Pattern
    from fenrir.core.reply import Reply

__all__ = ["Dialect", "Fast", "Ready", "Renderer"]


class Fast(NamedTuple):
    """The short way from a plain value to bytes: same status and headers every time.

    `dump` returns None for a value that is not plain (a response object, say); the long way is taken then.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    dump: Callable[[Any], bytes | None]


Ready = tuple[int, Sequence[tuple[bytes, bytes]], bytes]
"""Status, headers (a tuple when they are often the same) and body of an answer."""


class Renderer(NamedTuple):
    """What the return value of one route means.

    Attributes:
        render: (context, value) -> Reply.
        fast: the short way, or None when every value needs the long one.
        about: what documentation needs to know of the values (a filter with its type); opaque here.
        ready: (context, value) -> what to send when nobody has to see a reply of that value, or None.
    """

    render: Callable[[RequestContext, Any], Reply]
    fast: Fast | None = None
    about: Any = None
    ready: Callable[[RequestContext, Any], Ready | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dialect:
    """How one paradigm is spoken.

    Attributes:
        name: one lower-case word.
        parse: path text -> pattern; raises PatternError.
        converters: the types that the path syntax knows.
        renderer: the meaning of the return values of a route, decided at startup.
        error: the answer to an exception that no error handler took; must not raise.
        adopt_error: the exception as this dialect's users know it (a 404 of the router as their NotFound).
        request: the dialect's request object for a context (cached by the context).
        response: a reply as the dialect's response object, for hooks that are shown one.
        reads_body: the body has been read before the handler runs.
        read_form: reads the form of a request that a binding needs, within the limits of its route.
        blocking: how a plain `def` handler runs.
        slashes, head, options: habits of its routes for trailing slashes, HEAD for GET, automatic OPTIONS.
        ordered: upstream takes the first registered route that matches, so hidden routes are reported.
        unrouted_hooks: before-hooks also run when nothing matched.
        error_of_error: an exception of an error handler is looked up among the error handlers, once.
        closes_unmatched: a WebSocket that no route takes is closed, which refuses the handshake with 403 and not 404.
        location: where a redirect to another spelling of the path leads, from the path.
        wraps_raise: hooks around everything see an exception that no handler took, not the answer to it.
    """

    name: str
    parse: Callable[[str, Converters], Pattern]
    converters: Converters
    renderer: Callable[[Route], Renderer]
    error: Callable[[RequestContext, Exception], Reply]
    adopt_error: Callable[[Exception], Exception] = lambda exc: exc
    request: Callable[[RequestContext], Any]
    response: Callable[[RequestContext, Reply], Any]
    reads_body: bool = False
    read_form: Callable[[RequestContext], Awaitable[object]] = lambda c: c.read_form()
    blocking: Mode = Mode.THREAD
    slashes: Slashes = Slashes.STRICT
    head: bool = True
    options: bool = True
    ordered: bool = False
    unrouted_hooks: bool = True
    error_of_error: bool = False
    location: Callable[[RequestContext, str], str] = lambda c, path: path
    wraps_raise: bool = False
    closes_unmatched: bool = False
