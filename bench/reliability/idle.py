"""Connections that do nothing: what each costs in memory, and that all together cost no CPU."""

from __future__ import annotations

import contextlib
import time

from bench.client import http_request
from bench.measure import cpu_seconds, memory
from bench.reliability.peer import Peer
from bench.reliability.report import Report
from bench.reliability.server import asteri
from bench.serving import Server

__all__ = ["measure"]

LIMIT = 8192  # bytes a connection
REQUEST = http_request("GET", "/", {})
WARM_UP = 50  # connections before the first look


def measure(
    *, connections: int = 10_000, seconds: float = 5.0, door: str = "direct", loop: str = "auto", pure: bool = False
) -> Report:
    """Open keep-alive connections with one request each, look, and ask all of them again; then WebSockets."""
    report = Report("idle", {"connections": connections, "seconds": seconds, "door": door, "loop": loop, "pure": pure})
    for kind in ("keep-alive", "websocket"):
        with asteri(f"doors:{door}", name=f"idle-{kind}", loop=loop, pure=pure) as server:
            look(report, server, kind, connections, seconds)
    return report


def look(report: Report, server: Server, kind: str, connections: int, seconds: float) -> None:
    """Measure one kind of connection."""
    for _ in range(WARM_UP):
        with opened(server.port, kind):
            pass
    time.sleep(0.2)
    before = memory(server.worker).proportional
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(opened(server.port, kind)) for _ in range(connections)]
        time.sleep(0.5)
        idle = memory(server.worker).proportional
        cpu = cpu_seconds(server.family)
        time.sleep(seconds)
        cpu = cpu_seconds(server.family) - cpu
        alive = 0
        for peer in peers:
            with contextlib.suppress(OSError):
                alive += is_answered(peer, kind)
        used = memory(server.worker).proportional
    report.figures[f"{kind}: bytes each after a second request"] = round((used - before) / connections)
    report.at_most(f"{kind}: bytes each (PSS)", (idle - before) / connections, LIMIT, "bytes")
    report.at_most(f"{kind}: share of a core while idle", cpu / seconds, 0.005)
    report.exactly(f"{kind}: answered afterwards", alive, connections)


def opened(port: int, kind: str) -> Peer:
    """Return a connection that was used once."""
    peer = Peer(port)
    if kind == "websocket":
        peer.upgrade()
    if not is_answered(peer, kind):
        raise RuntimeError(f"{kind}: wrong answer")
    return peer


def is_answered(peer: Peer, kind: str) -> bool:
    """Send one request or message, and tell whether its answer is right."""
    return peer.echo(b"hello") == b"hello" if kind == "websocket" else peer.ask(REQUEST) == (200, b"ok")
