"""What is doubtful in a set of routes: two that are the same, and some that their own dialect would have hidden.

The router always lets the most specific route win (paradigms rule 23), so order matters only between equals: two
routes of the same shape and method are a `Conflict`, of which the first wins. A route of a dialect in which the first
registered wins is `Shadowed` if an earlier, more general one of such a dialect matches all its paths: here it works,
there it would not. A route for every method beside one for some is neither, the named method is the more specific.

Both lists come from one pass over the routes in order of registration; the second walks a tree of what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fenrir.core.mixed import Mixed
from fenrir.core.pattern import Parameter, Segment, Static, takes_segments
from fenrir.core.tree import Entry, shape_of

__all__ = ["Conflict", "Report", "Shadowed", "reports_on"]


def _place(entry: Entry) -> str:
    name = entry.label or entry.pattern.text
    return f"{name} ({entry.source.file}:{entry.source.line})" if entry.source is not None else name


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two entries of the same shape for the same method; the first one wins."""

    first: Entry
    second: Entry

    def __str__(self) -> str:
        return f"{_place(self.second)} is never reached: {_place(self.first)} has the same path and method"


@dataclass(frozen=True, slots=True)
class Shadowed:
    """An entry that wins here, as the more specific, and that its own dialect would have hidden."""

    route: Entry
    by: Entry

    def __str__(self) -> str:
        return (
            f"{_place(self.route)} is more specific than {_place(self.by)} and wins; "
            "in its own dialect the earlier one would have hidden it"
        )


Report = Conflict | Shadowed


def reports_on(entries: Sequence[Entry]) -> tuple[Report, ...]:
    """Return the conflicts and the shadowed routes, in order of registration."""
    same: dict[object, list[Entry]] = {}
    earlier = _Earlier()
    reports: list[Report] = []
    for order, entry in enumerate(entries):
        steps = _steps(entry)
        rivals = same.setdefault((entry.prefix, tuple(_key(step) for step in steps)), [])
        first = next((rival for rival in rivals if _same_method(rival, entry)), None)
        rivals.append(entry)
        if first is not None:
            reports.append(Conflict(first, entry))
        elif entry.ordered:
            by = earlier.covering(entry, steps)
            if by is not None:
                reports.append(Shadowed(entry, by))
        if entry.ordered:
            earlier.add(order, entry, steps)
    return tuple(reports)


def _key(step: Segment) -> tuple[object, ...]:
    """Return what is equal for segments that match the same texts, whatever their dialects call the converters."""
    return tuple(
        part.text
        if isinstance(part, Static)
        else (part.converter.regex, part.converter.multi_segment, part.converter.weight)
        for part in step
    )


def _steps(entry: Entry) -> tuple[Segment, ...]:
    return entry.pattern.segments if entry.prefix else entry.pattern.steps


def _same_method(one: Entry, other: Entry) -> bool:
    if one.methods is None or other.methods is None:
        return one.methods is other.methods
    return not one.methods.isdisjoint(other.methods)


def _takes_method(general: Entry, entry: Entry) -> bool:
    return general.methods is None or entry.methods is None or not general.methods.isdisjoint(entry.methods)


class _Node:
    __slots__ = ("ends", "mounts", "open_ends", "others", "statics")

    def __init__(self) -> None:
        self.statics: dict[str, _Node] = {}
        self.others: dict[object, tuple[Segment, _Node]] = {}
        self.ends: list[tuple[int, Entry]] = []
        self.mounts: list[tuple[int, Entry]] = []
        self.open_ends: list[tuple[int, Entry]] = []  # after a parameter that takes the rest of the path


class _Earlier:
    """The routes so far, asked for one that matches whatever a later one matches."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, order: int, entry: Entry, steps: tuple[Segment, ...]) -> None:
        """Remember an entry; one with a parameter of several segments in its middle only hides what has its shape."""
        node = self._root
        for place, step in enumerate(steps):
            text = _text(step)
            if text is not None:
                node = node.statics.setdefault(text, _Node())
            elif takes_segments(step) and len(step) == 1 and place == len(steps) - 1 and _converter_is_free(step):
                node.open_ends.append((order, entry))
                return
            else:
                node = node.others.setdefault(shape_of(step), (step, _Node()))[1]
        (node.mounts if entry.prefix else node.ends).append((order, entry))

    def covering(self, entry: Entry, steps: tuple[Segment, ...]) -> Entry | None:
        """Return the first earlier entry that covers all paths of an entry, and one of its methods."""
        best: tuple[int, Entry] | None = None
        nodes = [(self._root, 0)]
        while nodes:
            node, place = nodes.pop()
            candidates = list(node.mounts)
            if place == len(steps):
                # What lies below a mount is more than the end of a route.
                candidates += [] if entry.prefix else node.ends
            else:
                step = steps[place]
                text = _text(step)
                if text != "":
                    candidates += node.open_ends
                if text is not None and text in node.statics:
                    nodes.append((node.statics[text], place + 1))
                for general, child in node.others.values():
                    if _covers(general, step):
                        nodes.append((child, place + 1))
            for candidate in candidates:
                if _takes_method(candidate[1], entry) and (best is None or candidate[0] < best[0]):
                    best = candidate
        return None if best is None else best[1]


def _text(segment: Segment) -> str | None:
    first = segment[0]
    return first.text if len(segment) == 1 and isinstance(first, Static) else None


def _converter_is_free(segment: Segment) -> bool:
    return isinstance(segment[0], Parameter) and segment[0].converter.free


def _covers(general: Segment, segment: Segment) -> bool:
    """Return whether one segment, with parameters, matches whatever another matches; False if that is not known."""
    if shape_of(general) == shape_of(segment):
        return True
    if takes_segments(general) or takes_segments(segment):
        return False
    text = _text(segment)
    if text is not None:
        return Mixed(general).match(text) is not None
    return len(general) == 1 and _converter_is_free(general)
