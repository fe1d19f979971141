"""The request parser beside httptools and h11: the same requests, or a rule that says why not."""

from __future__ import annotations

from random import Random
from typing import Any

from asteri.wire.limits import Limits
from fuzz.grammar import pipeline, seeds
from fuzz.peer_rules import RULES, Difference
from fuzz.peers import PEERS, read_ours
from fuzz.rules import Judge
from tests.asteri.forms import family

__all__ = ["RequestPeers"]


class RequestPeers:
    """The compiled parser against its peers."""

    name = "peers"

    def __init__(self) -> None:
        self.executions = 0
        self.rules = Judge(RULES)
        self._parser = family("compiled")["request_cy"].RequestParser
        self._corpus = seeds()

    def sample(self, chance: Random) -> Any:
        return pipeline(chance, self._corpus)

    def judge(self, sample: Any) -> str | None:
        self.executions += 1
        ours = read_ours(self._parser(Limits()), sample)
        for peer, read in PEERS.items():
            theirs = read(sample)
            if ours.requests == theirs.requests and bool(ours.refused) == bool(theirs.refused):
                continue
            difference = Difference.between(peer, sample, ours, theirs)
            if difference is not None and self.rules.excuse(difference) is None:
                return f"{peer}, {difference.kind}, no rule: {difference}"
        return None

    def close(self) -> None:
        """Hold nothing."""
