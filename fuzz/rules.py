"""Known differences between a parser of ours and an independent one, each a predicate with its reason.

A rule is about a *kind* of input, never about one input: it names the section of the standard (or the habit of the
peer) that decides, and it looks at the input for evidence that it is the matter. Rules that a campaign never used are
suspicious; `Judge.unused` tells them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Judge", "Rule"]

Difference = TypeVar("Difference")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Difference]):
    """A known difference.

    Attributes:
        name: what it is about.
        source: section that decides, or where the peer says so.
        reason: why we differ.
        covers: whether a difference is of this kind.
    """

    name: str
    source: str
    reason: str
    covers: Callable[[Difference], Any]


class Judge(Generic[Difference]):
    """Applies a table of rules and counts how often each was needed."""

    def __init__(self, rules: Sequence[Rule[Difference]]) -> None:
        self.rules = rules
        self.uses = dict.fromkeys((rule.name for rule in rules), 0)
        assert len(self.uses) == len(rules), "two rules have the same name"

    def excuse(self, difference: Difference) -> Rule[Difference] | None:
        """Return the first rule that covers a difference."""
        for rule in self.rules:
            if rule.covers(difference):
                self.uses[rule.name] += 1
                return rule
        return None

    def unused(self) -> list[str]:
        """Return the names of the rules that were never needed."""
        return [name for name, uses in self.uses.items() if not uses]
