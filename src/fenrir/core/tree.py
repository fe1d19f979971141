"""The tree in which a path finds its route, and the records that stand in it.

A path without parameters is a key of one dictionary. All others are branches of a tree over segments: at each node
first the fixed text (a dictionary), then the mixed segments, then the typed parameters by weight, then those that
take several segments, then the end of the path, then a mount. Walking the tree in this order meets the most specific
route first, so the first end that serves the method wins; the cost depends on the path and on the number of
*different* parameters at its nodes, not on the number of routes.

Bounded work. Without parameters that take several segments a node is reached at one place of the path only, so
nothing is tried twice. Such a parameter tries the ends that leave a number of segments which the branch behind it can
take. If that number has no bound (a second one follows), every end is tried once for the whole path, and paths of
more than `MOST_OPEN_SEGMENTS` segments are not found there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from fenrir.core.mixed import Mixed
from fenrir.core.pattern import Parameter, Pattern, Segment, Static, takes_segments

__all__ = ["MOST_OPEN_SEGMENTS", "Choice", "Entry", "Found", "Leaf", "Place", "Slashes", "Tree"]

MOST_OPEN_SEGMENTS = 500
"""Of a path that is compared with two parameters of several segments in a row; about a millisecond of work."""


class Slashes(Enum):
    """What a route does with a path that differs from its pattern only in the slash at the end."""

    STRICT = "strict"  # nothing
    REDIRECT_308 = "redirect 308"  # to the spelling of the pattern
    REDIRECT_307 = "redirect 307"
    APPEND_308 = "append 308"  # redirect to a pattern with a slash; a pattern without one is strict
    EITHER = "either"  # both match
    IGNORE = "ignore"  # any number of slashes at the end matches


class Place(Protocol):
    """A place in the user's code."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One route, as the router needs it.

    Attributes:
        methods: upper-case; None for every method.
        target: what `Found` gives back.
        slashes: what happens to the other spelling of the path's end.
        source: the user's line.
        label: what listings call it.
        head: GET answers HEAD too, unless HEAD is registered for the same path.
        options: OPTIONS is answered with the methods, unless it is registered.
        prefix: matches every path below the pattern, and yields the rest of the path as the last value.
        ordered: its own dialect lets the first registered route win; only for reports.
    """

    pattern: Pattern
    methods: frozenset[str] | None
    target: Any
    slashes: Slashes = Slashes.STRICT
    source: Place | None = None
    label: str = ""
    head: bool = False
    options: bool = False
    prefix: bool = False
    ordered: bool = False


@dataclass(slots=True)
class Found:
    """A route; of a path without parameters the same object every time: leave it as it is.

    Attributes:
        values: converted, in the order of the pattern; a mount adds the rest of the path, "" or from its slash on.
    """

    target: Any
    values: tuple[Any, ...]


class Choice:
    """An entry at one end of the tree, with the answer for paths without parameters."""

    __slots__ = ("entry", "found", "leaf", "target")

    def __init__(self, entry: Entry, leaf: Leaf) -> None:
        self.entry = entry
        self.leaf = leaf
        self.target = entry.target
        self.found = Found(entry.target, ())


class Leaf:
    """The end of a path: what serves which method."""

    __slots__ = ("automatic", "choices", "every", "rank")

    def __init__(self) -> None:
        self.choices: dict[str, Choice] = {}
        self.every: Choice | None = None  # serves the methods that have no choice of their own
        self.automatic = False  # OPTIONS is answered by itself
        self.rank = 0  # the lower, the more specific, within one tree

    def add(self, entry: Entry) -> None:
        """Register an entry for the methods that are still free."""
        choice = Choice(entry, self)
        if entry.methods is None:
            self.every = self.every or choice
        for method in entry.methods or ():
            self.choices.setdefault(method, choice)
        self.automatic = self.automatic or entry.options

    def complete(self) -> None:
        """Let GET answer HEAD where its entry says so and no other does."""
        choice = self.choices.get("GET")
        if choice is not None and choice.entry.head:
            self.choices.setdefault("HEAD", choice)

    def allowed(self) -> set[str]:
        """Return the methods that are answered."""
        methods = set(self.choices)
        if self.automatic:
            methods.add("OPTIONS")
        return methods


class _Node:
    __slots__ = ("ends", "high", "leaf", "low", "mount", "only_fixed", "shapes", "single", "statics")

    def __init__(self) -> None:
        self.statics: dict[str, _Node] = {}
        self.shapes: dict[Any, _Edge] = {}
        self.single: tuple[_Edge, ...] = ()
        self.ends: tuple[_Edge, ...] = ()  # of parameters that take several segments
        self.leaf: Leaf | None = None
        self.mount: Leaf | None = None
        self.only_fixed = False  # nothing but fixed text goes on from here
        self.low: float = 0  # how many segments the branch takes
        self.high: float = 0

    def freeze(self, rank: int) -> int:
        """Order the branch, number its leaves from `rank` on, and return the next number."""
        edges = sorted(self.shapes.values(), key=lambda edge: edge.key)
        self.single = tuple(edge for edge in edges if not edge.several)
        self.ends = tuple(edge for edge in edges if edge.several)
        self.only_fixed = not edges and self.mount is None
        bounds: list[tuple[float, float]] = []
        for child in self.statics.values():
            rank = child.freeze(rank)
            bounds.append((1 + child.low, 1 + child.high))
        for edge in (*self.single, *self.ends):
            rank = edge.child.freeze(rank)
            bounds.append((1 + edge.child.low, math.inf if edge.several else 1 + edge.child.high))
        for leaf, most in ((self.leaf, 0.0), (self.mount, math.inf)):
            if leaf is not None:
                leaf.rank = rank
                rank += 1
                bounds.append((0, most))
        self.low = min((low for low, _ in bounds), default=math.inf)
        self.high = max((high for _, high in bounds), default=-1)
        return rank


class _Edge:
    """A branch for one segment with parameters."""

    __slots__ = ("begins", "child", "convert", "fullmatch", "key", "match", "non_empty", "several")

    def __init__(self, segment: Segment) -> None:
        self.child = _Node()
        self.several = takes_segments(segment)
        self.key = _key(segment)
        self.match: Callable[[str], list[Any] | None] | None = None
        self.fullmatch: Callable[[str], re.Match[str] | None] | None = None
        self.convert: Callable[[str], Any] | None = None
        # Of several segments of any text: the first must not be empty / the whole must not be empty.
        self.begins = self.non_empty = False
        first = segment[0]
        if len(segment) > 1 or not isinstance(first, Parameter):
            self.match = Mixed(segment).match
            return
        converter = first.converter
        self.convert = None if converter.plain else converter.convert
        if not converter.free:
            self.fullmatch = converter.compiled.fullmatch
        elif converter.multi_segment:
            self.begins = converter.regex.startswith("[")
            self.non_empty = converter.regex.startswith(".+")
        elif converter.regex.startswith(".*"):
            self.fullmatch = converter.compiled.fullmatch

    @property
    def free(self) -> bool:
        """True if only the first segment decides whether several match."""
        return self.match is None and self.fullmatch is None and self.convert is None

    def values(self, text: str) -> list[Any] | None:
        """Return the values of a text, the last one first, or None."""
        if self.match is not None:
            return self.match(text)
        if self.fullmatch is not None and self.fullmatch(text) is None:
            return None
        if (self.begins and (not text or text[0] == "/")) or (self.non_empty and not text):
            return None
        if self.convert is None:
            return [text]
        try:
            return [self.convert(text)]
        except ValueError:
            return None


def _key(segment: Segment) -> tuple[int, int, int, int]:
    """Return what orders segments with parameters, the most specific first; equals keep their order."""
    weights = sum(part.converter.weight for part in segment if isinstance(part, Parameter))
    fixed = sum(len(part.text) for part in segment if isinstance(part, Static))
    return (takes_segments(segment), len(segment) == 1, -fixed, weights)


def shape_of(segment: Segment) -> tuple[object, ...]:
    """Return what is equal for segments that differ only in the names of parameters."""
    return tuple(part.text if isinstance(part, Static) else part.converter for part in segment)


@dataclass(slots=True)
class _Split:
    end: int
    result: Result | None
    missed: tuple[Leaf, ...]


Result = list[Any]  # the choice, then the values from the last to the first
Splits = dict[_Edge, list[_Split]]


class Tree:
    """Ends of paths. Built by `add` and `freeze`, then only read."""

    __slots__ = ("_frozen", "_root", "fixed")

    def __init__(self) -> None:
        self.fixed: dict[str, Leaf] = {}
        self._root = _Node()

    def leaf(self, pattern: Pattern, prefix: bool = False) -> Leaf:
        """Return the end of a pattern, made if there is none."""
        fixed = pattern.fixed
        if fixed is not None and not prefix:
            return self.fixed.setdefault(fixed, Leaf())
        node = self._root
        for segment in pattern.segments if prefix else pattern.steps:
            first = segment[0]
            if len(segment) == 1 and isinstance(first, Static):
                node = node.statics.setdefault(first.text, _Node())
            else:
                shape = shape_of(segment)
                edge = node.shapes.get(shape)
                if edge is None:
                    edge = node.shapes[shape] = _Edge(segment)
                node = edge.child
        if prefix:
            node.mount = node.mount or Leaf()
            return node.mount
        node.leaf = node.leaf or Leaf()
        return node.leaf

    def freeze(self) -> None:
        """Order everything; fixed paths keep rank 0."""
        self._root.freeze(1)

    def search(self, method: str, path: str, missed: list[Leaf]) -> Result | None:
        """Return the best choice that is not a fixed path, followed by its values from the last to the first.

        Ends of the path that do not serve the method are added to `missed`.
        """
        root = self._root
        if not path.startswith("/"):  # "*", the target of a server-wide OPTIONS
            return None
        parts = path[1:].split("/")
        if not root.low <= len(parts) <= root.high:
            return None
        return _walk(root, 0, parts, method, missed, {})


def _walk(node: _Node, place: int, parts: list[str], method: str, missed: list[Leaf], splits: Splits) -> Result | None:
    count = len(parts)
    while node.only_fixed and place < count:
        child = node.statics.get(parts[place])
        if child is None:
            return None
        node = child
        place += 1
    if place == count:
        leaf = node.leaf
        if leaf is not None:
            choice = leaf.choices.get(method, leaf.every)
            if choice is not None:
                return [choice]
            missed.append(leaf)
    else:
        part = parts[place]
        child = node.statics.get(part)
        if child is not None:
            result = _walk(child, place + 1, parts, method, missed, splits)
            if result is not None:
                return result
        for edge in node.single:
            match = edge.match
            if match is not None:
                values = match(part)
                if values is None:
                    continue
                result = _walk(edge.child, place + 1, parts, method, missed, splits)
                if result is not None:
                    result += values
                    return result
                continue
            if edge.fullmatch is not None:
                if edge.fullmatch(part) is None:
                    continue
            elif not part:
                continue
            value: Any = part
            if edge.convert is not None:
                try:
                    value = edge.convert(part)
                except ValueError:
                    continue
            child = edge.child
            if place + 1 == count and child.mount is None:
                # The most frequent end of a path, here without one more call.
                leaf = child.leaf
                if leaf is not None:
                    choice = leaf.choices.get(method, leaf.every)
                    if choice is not None:
                        return [choice, value]
                    missed.append(leaf)
                continue
            result = _walk(child, place + 1, parts, method, missed, splits)
            if result is not None:
                result.append(value)
                return result
        for edge in node.ends:
            result = _take(edge, place, parts, method, missed, splits)
            if result is not None:
                return result
    mount = node.mount
    if mount is not None:
        choice = mount.choices.get(method, mount.every)
        if choice is None:
            missed.append(mount)
        elif method != "OPTIONS" or not any(leaf.automatic for leaf in missed):
            # A more specific route that answers OPTIONS by itself is not hidden by the mount around it.
            return [choice, "/" + "/".join(parts[place:]) if place < count else ""]
    return None


def _take(edge: _Edge, place: int, parts: list[str], method: str, missed: list[Leaf], splits: Splits) -> Result | None:
    """Match several segments from `place` on, up to the end with the most specific rest, then to the first."""
    if edge.begins and not parts[place]:
        return None
    if edge.child.high == math.inf:
        if len(parts) > MOST_OPEN_SEGMENTS:
            return None
        return _take_open(edge, place, parts, method, missed, splits)
    child = edge.child
    best: Result | None = None
    for end in range(max(place + 1, len(parts) - int(child.high)), len(parts) - int(child.low) + 1):
        values = edge.values("/".join(parts[place:end]))
        if values is not None:
            result = _walk(child, end, parts, method, missed, splits)
            if result is not None and (best is None or result[0].leaf.rank < best[0].leaf.rank):
                best = [*result, *values]
    return best


def _take_open(
    edge: _Edge, place: int, parts: list[str], method: str, missed: list[Leaf], splits: Splits
) -> Result | None:
    """Do the same where the rest has no bound: each end is tried once, however often the parameter is reached."""
    table = splits.get(edge)
    if table is None:
        table = splits[edge] = _splits(edge, parts, method, splits)
    if edge.free:
        # Any text will do, so the table holds the best of all ends from one on.
        first = table[place + 2 if edge.non_empty and not parts[place] else place + 1]
        missed += first.missed
        return None if first.result is None else [*first.result, "/".join(parts[place : first.end])]
    best: Result | None = None
    for split in table[place + 1 : -1]:
        if split.result is None and not split.missed:
            continue
        values = edge.values("/".join(parts[place : split.end]))
        if values is not None:
            missed += split.missed
            if split.result is not None and (best is None or split.result[0].leaf.rank < best[0].leaf.rank):
                best = [*split.result, *values]
    return best


def _splits(edge: _Edge, parts: list[str], method: str, splits: Splits) -> list[_Split]:
    """Return for each end what the rest of the path finds; if any text will do, the best of this end and all later."""
    count = len(parts)
    nothing = _Split(count + 1, None, ())
    table = [nothing] * (count + 3)
    for end in range(count, 0, -1):
        missed: list[Leaf] = []
        split = _Split(end, _walk(edge.child, end, parts, method, missed, splits), tuple(missed))
        if edge.free:
            later = table[end + 1]
            if missed and later.missed:
                split.missed = tuple(dict.fromkeys(later.missed + split.missed))
            elif later.missed:
                split.missed = later.missed
            if later.result is not None and (
                split.result is None or later.result[0].leaf.rank < split.result[0].leaf.rank
            ):
                split.end, split.result = later.end, later.result
        table[end] = split
    return table
