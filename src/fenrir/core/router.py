"""The router: from a method and a path to the route that serves it, whatever the number of routes.

The rule (paradigms 23): the most specific route *that serves the method* wins. More specific is, segment by segment
from the left: fixed text, then a mixed segment (more fixed text first), then a typed parameter (by the weight of its
converter), then any text, then a parameter of several segments, then a mount. Order of registration counts only
between equals. A less specific route with the wanted method beats a more specific one without it; only when no route
has the method, the answer is the list of those that exist.

Slashes at the end are decided per route (`Slashes`). The other spelling of a path is looked for only when its own
spelling found nothing, and never in favour of another path than the one with or without the slash.

A router is built once and then only read; paths come percent-decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fenrir.core.conflicts import Conflict, Report, Shadowed, reports_on
from fenrir.core.pattern import Pattern, quote_path
from fenrir.core.tree import Choice, Entry, Found, Leaf, Place, Slashes, Tree

__all__ = [
    "Answer",
    "Conflict",
    "Entry",
    "Found",
    "NotAllowed",
    "Options",
    "Place",
    "Redirected",
    "Report",
    "Router",
    "Shadowed",
    "Slashes",
]


@dataclass(frozen=True, slots=True)
class Redirected:
    """The route has the other spelling of the path's end.

    Attributes:
        path: percent-encoded, of the same origin; the query is the caller's to add.
    """

    path: str
    status: int


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The path exists, the method does not (405)."""

    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Options:
    """OPTIONS of a path that leaves the answer to the framework."""

    methods: frozenset[str]


Answer = Found | Redirected | NotAllowed | Options
_REDIRECTS = {Slashes.REDIRECT_308: 308, Slashes.APPEND_308: 308, Slashes.REDIRECT_307: 307}


class Router:
    """All routes of an application.

    Attributes:
        entries: in order of registration.
        reports: what is doubtful in them; whether that is an error is for the caller to say.
    """

    __slots__ = ("_fixed", "_lenient", "_redirects", "_tree", "entries", "reports")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)
        self.reports: tuple[Report, ...] = reports_on(self.entries)
        self._tree = _tree(self.entries, [entry for entry in self.entries if _matches_both(entry)])
        self._fixed = self._tree.fixed
        # Asked only after the tree itself has found nothing.
        self._redirects = _tree([entry for entry in self.entries if _redirects(entry)])
        lenient = [entry for entry in self.entries if entry.slashes is Slashes.IGNORE and not entry.prefix]
        self._lenient = _tree(lenient, [entry for entry in lenient if _matches_both(entry)]) if lenient else None

    def find(self, method: str, path: str) -> Answer | None:
        """Return what a path is, or None if it is nothing (404).

        Args:
            method: as it arrived; methods are case-sensitive (RFC 9110 §9.1).
            path: percent-decoded.
        """
        leaf = self._fixed.get(path)
        if leaf is not None:
            choice = leaf.choices.get(method, leaf.every)
            if choice is not None:
                return choice.found
        missed: list[Leaf] = [] if leaf is None else [leaf]
        result = self._tree.search(method, path, missed)
        if result is not None:
            return Found(result[0].target, tuple(result[:0:-1]))
        return self._otherwise(method, path, missed)

    def _otherwise(self, method: str, path: str, missed: list[Leaf]) -> Answer | None:
        """Find the other spellings of a path, or say which methods it has."""
        if self._lenient is not None and path.endswith("//"):
            choice, values = _lookup(self._lenient, method, path.rstrip("/") + "/", missed)
            if choice is not None:
                return Found(choice.target, values)
        automatic = method == "OPTIONS" and any(leaf.automatic for leaf in missed)
        if not automatic:
            other = path[:-1] if path.endswith("/") else path + "/"
            there: list[Leaf] = []
            choice, _ = _lookup(self._redirects, method, other, there)
            if choice is None and not missed:
                choice = next((one for leaf in there for one in leaf.choices.values() if _before_method(one)), None)
            if choice is not None:
                # SECURITY: "//evil.example/" would name another host (CVE-2021-21330); tabs and backslashes are quoted.
                return Redirected("/" + quote_path(other).lstrip("/"), _REDIRECTS[choice.entry.slashes])
        if not missed:
            return None
        methods = frozenset().union(*(leaf.allowed() for leaf in missed))
        return Options(methods) if automatic else NotAllowed(methods)

    def explain(self, method: str, path: str) -> list[str]:
        """Return which routes match a path, the most specific first, and why the winner wins; for people, not fast."""
        lines = [f"{method} {path}"]
        chosen = self._choose(method, path)
        passed = False
        for entry, leaf, note in self._candidates(path):
            if chosen is not None and entry is chosen.entry:
                passed = True
                verdict = "wins: the most specific route that serves the method"
                if entry.methods is not None and method not in entry.methods:
                    verdict += " (GET answers HEAD)"
            elif leaf.choices.get(method, leaf.every) is None:
                verdict = f"matches, but serves only {', '.join(sorted(leaf.allowed()))}"
            else:
                verdict = "less specific, or registered later" if passed else "matches, but a nearer one has the method"
            lines.append(f"  {_title(entry)}: {verdict}{note}")
        answer = self.find(method, path)
        match answer:
            case Redirected():
                lines.append(f"  redirect {answer.status} to {answer.path}")
            case NotAllowed():
                lines.append(f"  405: the path serves {', '.join(sorted(answer.methods))}")
            case Options():
                lines.append(f"  answered by itself with {', '.join(sorted(answer.methods))}")
            case None:
                lines.append("  404: no route matches")
        return lines

    def _choose(self, method: str, path: str) -> Choice | None:
        choice, _ = _lookup(self._tree, method, path, [])
        if choice is None and self._lenient is not None and path.endswith("//"):
            choice, _ = _lookup(self._lenient, method, path.rstrip("/") + "/", [])
        return choice

    def _candidates(self, path: str) -> Iterator[tuple[Entry, Leaf, str]]:
        """Iterate over the entries that match a path whatever the method, in the order in which they are considered."""
        found: list[tuple[tuple[bool, int, bool, bool, int], Entry, Leaf, str]] = []
        for order, entry in enumerate(self.entries):
            many = entry.slashes is Slashes.IGNORE and path.endswith("//")
            for wanted in {path, path.rstrip("/") + "/"} if many else {path}:
                for exact in (True, False) if _matches_both(entry) else (True,):
                    pattern = entry.pattern if exact else _other(entry)
                    alone = Tree()
                    leaf = alone.leaf(pattern, entry.prefix)
                    leaf.add(entry)
                    leaf.complete()
                    alone.freeze()
                    if _reaches(alone, wanted):
                        rank = self._tree.leaf(pattern, entry.prefix).rank
                        key = (wanted != path, rank, not exact, entry.methods is None, order)
                        found.append((key, entry, leaf, "" if exact else " (either slash)"))
        for _, entry, leaf, note in sorted(found, key=lambda item: item[0]):
            yield entry, leaf, note


def _before_method(choice: Choice) -> bool:
    """Say whether a slash is redirected whatever the method: the answer to that is then found at the right path."""
    return choice.entry.slashes is Slashes.REDIRECT_307


def _reaches(tree: Tree, path: str) -> bool:
    missed: list[Leaf] = []
    choice, _ = _lookup(tree, "", path, missed)
    return choice is not None or bool(missed)


def _lookup(tree: Tree, method: str, path: str, missed: list[Leaf]) -> tuple[Choice | None, tuple[object, ...]]:
    leaf = tree.fixed.get(path)
    if leaf is not None:
        choice: Choice | None = leaf.choices.get(method, leaf.every)
        if choice is not None:
            return choice, ()
        missed.append(leaf)
    result = tree.search(method, path, missed)
    return (None, ()) if result is None else (result[0], tuple(result[:0:-1]))


def _other(entry: Entry) -> Pattern:
    return entry.pattern.with_slash(not entry.pattern.trailing_slash)


def _has_other(entry: Entry) -> bool:
    return not entry.prefix and bool(entry.pattern.segments) and not entry.pattern.ends_open


def _matches_both(entry: Entry) -> bool:
    return entry.slashes in (Slashes.EITHER, Slashes.IGNORE) and _has_other(entry)


def _redirects(entry: Entry) -> bool:
    if entry.slashes is Slashes.APPEND_308 and not entry.pattern.trailing_slash:
        return False
    return entry.slashes in _REDIRECTS and _has_other(entry)


def _tree(entries: Iterable[Entry], others: Iterable[Entry] = ()) -> Tree:
    """Build a tree of entries, and of some in their other spelling where no entry stands for itself."""
    tree = Tree()
    leaves: dict[Leaf, None] = {}
    for entry in entries:
        leaf = tree.leaf(entry.pattern, entry.prefix)
        leaf.add(entry)
        leaves[leaf] = None
    complete = {leaf for leaf in leaves if leaf.every is not None}
    for leaf in leaves:
        leaf.complete()
    added: dict[Leaf, None] = {}
    for entry in others:
        leaf = tree.leaf(_other(entry))
        if leaf not in complete:
            leaf.add(entry)
            added[leaf] = None
    for leaf in added:
        leaf.complete()
    tree.freeze()
    return tree


def _title(entry: Entry) -> str:
    verbs = ",".join(sorted(entry.methods)) if entry.methods else "*"
    title = f"{verbs} {entry.pattern.text}{'/...' if entry.prefix else ''}"
    place = f" {entry.source.file}:{entry.source.line}" if entry.source is not None and entry.source.file else ""
    return f"{title}{place}{' ' + entry.label if entry.label not in ('', title) else ''}"
