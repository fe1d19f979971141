"""Connections that do nothing: what each costs in memory, and that all together cost no CPU."""

from __future__ import annotations

import contextlib
import time

from bench.client import http_request
from bench.measure import cpu_seconds, memory
from bench.reliability.peer import Peer
from bench.reliability.report import Report
from bench.reliability.server import served
from bench.serving import Server

__all__ = ["measure"]

LIMIT = 8192  # bytes a connection
REQUEST = http_request("GET", "/", {})
WARM_UP = 50  # connections before the first look


def measure(
    *,
    connections: int = 10_000,
    seconds: float = 5.0,
    server: str = "asteri",
    door: str = "direct",
    loop: str = "auto",
    pure: bool = False,
) -> Report:
    """Open keep-alive connections with one request each, look, and ask all of them again; then WebSockets."""
    conditions = {"connections": connections, "seconds": seconds, "server": server, "door": door}
    report = Report("idle", {**conditions, "loop": loop, "pure": pure})
    for kind in ("keep-alive", "websocket") if door != "wsgi" else ("keep-alive",):
        with served(server, f"doors:{door}", name=f"idle-{kind}", loop=loop, pure=pure) as running:
            look(report, running, kind, connections, seconds)
    return report


def look(report: Report, server: Server, kind: str, connections: int, seconds: float) -> None:
    """Measure one kind of connection."""
    for _ in range(WARM_UP):
        with opened(server.port, kind):
            pass
    time.sleep(0.2)
    before = memory(server.worker).proportional
    with contextlib.ExitStack() as stack:
        peers: list[Peer] = []
        with contextlib.suppress(OSError):  # a server may have a limit; what is open is counted below
            while len(peers) < connections:
                peers.append(stack.enter_context(opened(server.port, kind)))
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
    report.figures[f"{kind}: bytes each after a second request"] = round((used - before) / len(peers))
    report.at_most(f"{kind}: bytes each (PSS)", (idle - before) / len(peers), LIMIT, "bytes")
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
