"""Whether a request sees a ContextVar of another one: bodies large enough to pause reading, on one connection.

On asyncio's own loop `resume_reading` registers the reader again in the context of whoever resumes (cpython#140947), so
that a later request would run in the context of an earlier one. Peers have shipped that.
"""

from __future__ import annotations

import json
from collections import Counter

from bench.client import http_request
from bench.reliability.peer import Peer
from bench.reliability.report import Report
from bench.reliability.server import asteri

__all__ = ["measure"]

DOORS = ("direct", "asgi", "wsgi")
LOOPS = ("asyncio", "uvloop")
SMALL, LARGE = b"x" * 100, b"x" * (1 << 20)


def measure(*, rounds: int = 10, connections: int = 4) -> Report:
    """Ask as different users on the same connections; each door, on both loops, compiled and interpreted."""
    report = Report("context", {"rounds": rounds, "connections": connections})
    for loop in LOOPS:
        for pure in (False, True):
            for door in DOORS:
                case = f"{door}, {loop}, {'interpreted' if pure else 'compiled'}"
                with asteri(f"doors:{door}", name="context", loop=loop, pure=pure) as server:
                    seen = probe(server.port, rounds, connections)
                report.figures[case] = dict(seen)
                asked = 5 * rounds * connections
                report.exactly(f"{case}: requests that saw what is theirs", seen["own"], asked)
    return report


def probe(port: int, rounds: int, connections: int) -> Counter[str]:
    """Return how many requests saw only their own values, and which foreign values were seen."""
    seen: Counter[str] = Counter()
    peers = [Peer(port) for _ in range(connections)]
    number = 0
    try:
        for _ in range(rounds):
            for peer in peers:
                names = [f"u{number + n}" for n in range(5)]
                number += 5
                requests = (plain(names[0], LARGE), chunked(names[1], LARGE), plain(names[2], SMALL))
                answers = [peer.ask(request) for request in requests]
                peer.socket.sendall(plain(names[3], LARGE) + plain(names[4], SMALL))  # pipelined
                answers += [peer.answer(), peer.answer()]
                for name, (status, body) in zip(names, answers, strict=True):
                    seen[judge(name, status, body)] += 1
    finally:
        for peer in peers:
            peer.close()
    return seen


def judge(name: str, status: int, body: bytes) -> str:
    """Return "own", or what was wrong."""
    if status != 200:
        return f"status {status}"
    found = json.loads(body)
    if found == {"before": "-", "after": name}:
        return "own"
    return f"{name} saw {found['before']} before and {found['after']} after"


def plain(name: str, body: bytes) -> bytes:
    """Return a request with a content-length."""
    return http_request("POST", "/context", {"x-user": name}, body)


def chunked(name: str, body: bytes) -> bytes:
    """Return a request with a chunked body."""
    head = http_request("POST", "/context", {"x-user": name, "transfer-encoding": "chunked"})
    half = len(body) // 2
    return head + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:])) + b"0\r\n\r\n"
