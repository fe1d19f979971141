"""Binding: a handler's signature becomes the engine's `Binding`, once, when it is registered.

`bind_signature` reads the handler and everything that it depends on, flattens the tree into nodes in the order in which
they run (each once, where the cache says so), and hands every value of the request to one `Gathering`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fenrir.core.binding import (
    HANDLER,
    Argument,
    ArgumentSource,
    Binding,
    BodyNeed,
    FromNode,
    Gather,
    Gathered,
    Given,
    Node,
    NodeKind,
    Outcome,
)
from fenrir.core.declare import Mode
from fenrir.core.pattern import Pattern
from fenrir.kit.validation import parameters
from fenrir.kit.validation.about import about_route
from fenrir.kit.validation.body import is_file, read_again, reads_content
from fenrir.kit.validation.errors import RequestValidationError, endpoint_of
from fenrir.kit.validation.fields import Field
from fenrir.kit.validation.gather import Gathering, Slot, embeds
from fenrir.kit.validation.graph import Dependant, Reserved
from fenrir.kit.validation.resources import ResourceReader, called_as, value_of

if TYPE_CHECKING:
    from fenrir.core.context import RequestContext

__all__ = ["Invalid", "bind_signature"]

Invalid = Callable[..., Exception]
"""(errors, body=...) -> the exception to raise for a request that is not what was declared."""


def bind_signature(
    handler: Callable[..., Any],
    pattern: Pattern,
    *,
    reserved: Reserved = lambda name, annotation, position: None,
    overrides: Mapping[Any, Any] | None = None,
    dependencies: Sequence[parameters.Depends] = (),
    strict_content_type: bool = True,
    blocking: Mode = Mode.THREAD,
    invalid: Invalid = RequestValidationError,
    root: Dependant | None = None,
) -> Binding:
    """Return the binding of a handler.

    Args:
        reserved: says which parameters the dialect gives itself (see `graph.Reserved`). If the call of the `Given`
            that it returns has a true attribute `shares_reply`, the binding says so.
        overrides: dependency -> its replacement.
        dependencies: those of the application, the routers and the route, to run first, in this order.
        strict_content_type: a body without a content type is not taken for JSON.
        blocking: how a plain `def` dependency runs.
        invalid: makes the exception for invalid values.
        root: the handler as it has been read before, by whoever has something else to say of it.

    Raises:
        DeclarationError: the signature makes no sense; it names the user's file and line.
    """
    names = frozenset(pattern.names)
    root = root or Dependant.read(handler, path_names=names, reserved=reserved)
    root.depend(dependencies, names, reserved)
    body_fields = _body_fields(root)
    form = bool(body_fields) and isinstance(_leading(body_fields).info, parameters.Form)
    flat = _Flattener(names, reserved, overrides or {}, blocking)
    arguments = flat.arguments(root, HANDLER)
    order = flat.order(root)
    slots = flat.ordered_slots()

    def gathering_of(slots: Sequence[Slot]) -> Gathering:
        return Gathering(
            slots,
            pattern.names,
            embedded=embeds(body_fields),
            form=form,
            strict=strict_content_type,
            invalid=invalid,
        )

    gathering = gathering_of(slots)
    head = [slot for slot in slots if slot.field.location != "body"]

    def refuse(c: RequestContext, bad: Mapping[int, Any]) -> Exception:
        errors = [error for owner in order for error in bad.get(owner, ())]
        return invalid(errors, body=gathering.input_body(c), endpoint_ctx=endpoint_of(c))

    return Binding(
        arguments=tuple(flat.placed(argument) for argument in arguments),
        nodes=tuple(flat.finished()),
        gather=gathering.compiled() if slots else None,
        gather_head=_when_asked(gathering_of(head)) if head else None,
        gather_body=_when_asked(gathering_of(slots[len(head) :])) if len(head) < len(slots) else None,
        body=_need(body_fields, form),
        invalid=refuse if slots else None,
        shares_reply=flat.shares_reply,
        resources=tuple(flat.resources.found.values()),
        about=about_route(root, body_fields, embedded=gathering.embedded, strict=strict_content_type),
    )


def _when_asked(gathering: Gathering) -> Gather:
    """Return what gathers, compiled when it is first needed: few requests wait for their body."""
    made: list[Gather] = []

    def gather(c: RequestContext) -> Outcome:
        if not made:
            made.append(gathering.compiled())
        return made[0](c)

    return gather


def _body_fields(dependant: Dependant) -> list[Field]:
    found = [field for field in dependant.fields if field.location == "body"]
    for child in dependant.children:
        found += _body_fields(child)
    return found


def _leading(fields: Sequence[Field]) -> Field:
    """Return the field that decides what kind of body it is."""
    return next((field for field in fields if isinstance(field.info, parameters.Form)), fields[0])


def _need(fields: Sequence[Field], form: bool) -> BodyNeed:
    if not fields:
        return BodyNeed.NONE
    return BodyNeed.FORM if form else BodyNeed.BYTES


class _Flattener:
    """The tree as a list of nodes; values are numbered when all are known."""

    def __init__(self, names: frozenset[str], reserved: Reserved, overrides: Mapping[Any, Any], blocking: Mode) -> None:
        self.names = names
        self.reserved = reserved
        self.overrides = overrides
        self.blocking = blocking
        self.nodes: list[tuple[Dependant, list[tuple[str | None, Any]], frozenset[int]]] = []
        self.slots: list[Slot] = []
        self.cache: dict[tuple[Any, ...], int] = {}
        self.visits: dict[Dependant, list[int]] = {}
        self.shares_reply = False
        self.resources = ResourceReader(self._replacement, blocking)
        self._places: dict[Field, int] = {}
        self._takes_body: set[int] = set()
        self._uploads: set[str] = set()

    def arguments(self, dependant: Dependant, owner: int) -> list[tuple[str | None, Any]]:
        """Visit the children of a callable and return where its arguments come from; fields are placed later."""
        children = self._children(dependant)
        made: list[tuple[str | None, Any]] = []
        for name, positional, part in dependant.parts:
            source: Any = children[part] if isinstance(part, Dependant) else part
            if isinstance(part, Given) and getattr(part.call, "shares_reply", False):
                self.shares_reply = True
            made.append((None if positional else name, source))
        if owner == HANDLER:
            self._own(dependant, HANDLER)
        return made

    def _children(self, dependant: Dependant) -> dict[Dependant, ArgumentSource]:
        children: dict[Dependant, ArgumentSource] = {}
        order: list[int] = []
        for child in dependant.children:
            if child.scope == "app":
                children[child] = Given(value_of(self.resources.of(child, self._replacement(child))))
            else:
                children[child] = FromNode(self._visit(child, order))
        self.visits[dependant] = order
        return children

    def _replacement(self, declared: Dependant) -> Dependant:
        replacement = self.overrides.get(declared.call)
        if replacement is None:
            return declared
        return Dependant.read(
            replacement,
            path_names=self.names,
            reserved=self.reserved,
            scope=declared.scope,
            parent_scopes=declared.scopes,
            concurrency=declared.concurrency,
        )

    def _visit(self, declared: Dependant, order: list[int]) -> int:
        """Add a dependency after what it depends on; return its node, a cached one where that is allowed."""
        used = self._replacement(declared)
        made = self.arguments(used, len(self.nodes))
        order += self.visits[used]
        key = declared.cache_key
        index = self.cache.get(key) if declared.use_cache else None
        if index is None:
            index = len(self.nodes)
            needs = frozenset([index, *(need for number in self.visits[used] for need in self.nodes[number][2])])
            self.nodes.append((used, made, needs))
            self.cache.setdefault(key, index)
            self._own(used, index)
        order.append(index)
        return index

    def _own(self, dependant: Dependant, owner: int) -> None:
        self.slots.extend(Slot(field, owner) for field in dependant.fields)

    def order(self, root: Dependant) -> list[int]:
        """Return the owners of errors in upstream's order: a dependency that is used twice reports twice."""
        return [*self.visits[root], HANDLER]

    def ordered_slots(self) -> list[Slot]:
        """Return the slots, the body last, and remember their places."""
        ordered = sorted(self.slots, key=lambda slot: slot.field.location == "body")
        self._places = {slot.field: place for place, slot in enumerate(ordered)}
        self._uploads = {alias for slot in ordered if is_file(slot.field) for alias, _ in slot.field.aliases}
        return ordered

    def placed(self, argument: tuple[str | None, Any]) -> Argument:
        """Return an argument with its place among the values."""
        name, part = argument
        source: ArgumentSource = part
        if isinstance(part, Field):
            # A dependency that was given the same file as an object may have read some of it: the rest is wanted.
            again = reads_content(part) and any(alias in self._uploads for alias, _ in part.aliases)
            source = Given(partial(read_again, part)) if again else Gathered(self._places[part])
        return Argument(name, source)

    def finished(self) -> list[Node]:
        """Return the nodes."""
        fallible = {slot.owner for slot in self.slots}
        self._takes_body = {slot.owner for slot in self.slots if slot.field.location == "body"}
        return [
            self._node(dependant, made, frozenset(need for need in needs if need in fallible), needs)
            for dependant, made, needs in self.nodes
        ]

    def _node(
        self,
        dependant: Dependant,
        made: Sequence[tuple[str | None, Any]],
        needs: frozenset[int],
        closure: frozenset[int],
    ) -> Node:
        call, kind, mode = called_as(dependant, self.blocking)
        return Node(
            call=call,
            mode=mode,
            arguments=tuple(self.placed(argument) for argument in made),
            kind=kind,
            needs=needs,
            early=dependant.lifetime == "function" and kind is not NodeKind.CALL,
            reads_body=not self._takes_body.isdisjoint(closure),
            limit=dependant.concurrency.get_semaphore if dependant.concurrency is not None else None,
            user=dependant.call,
        )
