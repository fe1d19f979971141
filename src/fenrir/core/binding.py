"""Bindings: where each argument of a handler comes from, decided when the route is registered.

A dialect's `bind` reads a signature once and returns a `Binding`. `emit` turns it into program text; nobody looks
at the signature again. Values to check are gathered by one call for the whole graph (`Binding.gather`), so that a
route with ten validated scalars costs one validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from fenrir.core.declare import Mode

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext
    from fenrir.core.exits import Places
    from fenrir.core.resources import Resource

__all__ = [
    "HANDLER",
    "THE_CONTEXT",
    "Argument",
    "ArgumentSource",
    "Binding",
    "BodyNeed",
    "Fixed",
    "FromNode",
    "Gather",
    "Gathered",
    "Given",
    "Node",
    "NodeKind",
    "Outcome",
    "PathValue",
    "both",
    "joined",
]

HANDLER = -1
"""The key of the handler's own errors among those of its dependencies."""


@dataclass(frozen=True, slots=True)
class PathValue:
    """The converted value of the n-th parameter in the path."""

    index: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """The n-th of the values that `Binding.gather` returned."""

    index: int


@dataclass(frozen=True, slots=True)
class FromNode:
    """The result of the n-th dependency."""

    index: int


@dataclass(frozen=True, slots=True)
class Given:
    """What a function of the request context returns: a request object, a response object, the state."""

    call: Callable[[RequestContext], Any]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A constant."""

    value: Any


class TheContext(Enum):
    """The request context itself."""

    THE_CONTEXT = "context"


THE_CONTEXT = TheContext.THE_CONTEXT
ArgumentSource = PathValue | Gathered | FromNode | Given | Fixed | TheContext


class Argument(NamedTuple):
    """One argument of a call: `name` None means positional."""

    name: str | None
    source: ArgumentSource


class BodyNeed(Enum):
    """What of the body must be there before values are gathered."""

    NONE = "none"
    BYTES = "bytes"
    FORM = "form"


Outcome = tuple[tuple[Any, ...], "Mapping[int, Any] | None"]
Gather = Callable[["RequestContext"], Outcome]


def both(head: Outcome, body: Outcome) -> Outcome:
    """Return the outcome of gathering in two steps."""
    bad: dict[int, Any] = {owner: list(errors) for owner, errors in (head[1] or {}).items()}
    for owner, errors in (body[1] or {}).items():
        bad.setdefault(owner, []).extend(errors)
    return (*head[0], *body[0]), bad or None


class NodeKind(Enum):
    """What a dependency is."""

    CALL = "call"
    CONTEXT = "context manager"  # `call` returns a context manager, entered here and left after the response
    ASYNC_CONTEXT = "async context manager"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One dependency in the graph of a route.

    Attributes:
        call: the callable, or the factory of its context manager.
        needs: keys of the nodes (this one included) whose invalid parameters forbid calling it.
        early: leave the context manager before the response is sent.
        reads_body: it, or what it depends on, takes a value of the body.
        loads: all it does is to wait for the body; nothing depends on it.
        limit: returns the places of which one is held while it is called, or until its context manager has been left.
        user: the user's own callable, for listings.
    """

    call: Callable[..., Any]
    mode: Mode
    arguments: tuple[Argument, ...] = ()
    kind: NodeKind = NodeKind.CALL
    needs: frozenset[int] = frozenset()
    early: bool = False
    reads_body: bool = False
    loads: bool = False
    limit: Callable[[], Places] | None = None
    user: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """How a handler gets its arguments.

    Attributes:
        nodes: dependencies in order of execution.
        gather: takes the context, returns the gathered values and the errors: None, or {node index or HANDLER: errors}.
        gather_head, gather_body: the same in two steps, without and with the body, whose values are the last.
        body: what of the body is read before `gather` is called.
        invalid: makes the exception to raise from the context and the errors.
        shares_reply: the handler or a dependency is given a response object, so its headers must reach the answer.
        about: what documentation needs to know of the parameters; opaque here.
        resources: what has to be made when the application starts, each after what it depends on.
        handler: called in the place of the route's handler, in its mode.
    """

    arguments: tuple[Argument, ...] = ()
    nodes: tuple[Node, ...] = ()
    gather: Gather | None = None
    gather_head: Gather | None = None
    gather_body: Gather | None = None
    body: BodyNeed = BodyNeed.NONE
    invalid: Callable[[RequestContext, Mapping[int, Any]], Exception] | None = None
    shares_reply: bool = False
    about: Any = None
    resources: tuple[Resource, ...] = ()
    handler: Callable[..., Any] | None = None

    def touched_by(self, overrides: Mapping[Any, Any]) -> bool:
        """Say whether one of its dependencies is replaced."""
        return any(node.user in overrides for node in self.nodes) or any(
            resource.user in overrides for resource in self.resources
        )


def joined(shared: Binding, own: Binding) -> Binding:
    """Return a handler's own binding with the dependencies of the whole application before it.

    For dialects whose handlers have no dependencies themselves: nothing that is counted from 0 may meet.
    """
    if own.nodes or own.gather is not None:
        raise ValueError("this binding has dependencies of its own and must take the shared ones in itself")
    return replace(
        shared,
        arguments=own.arguments,
        shares_reply=shared.shares_reply or own.shares_reply,
        body=own.body if shared.body is BodyNeed.NONE else shared.body,
        about=own.about if own.about is not None else shared.about,
        handler=own.handler,
    )
