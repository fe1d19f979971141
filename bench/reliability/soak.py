"""A long time of everything: whether memory, descriptors, tasks or threads grow."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import time

from bench.client import http_request
from bench.measure import memory
from bench.reliability.holdings import compare, look
from bench.reliability.peer import Peer
from bench.reliability.report import Report
from bench.reliability.server import asteri
from bench.reliability.traffic import Account, drive

__all__ = ["fill_threads", "measure", "traffic"]

PARTS = 10


def measure(
    *,
    requests: int = 1_000_000,
    warm_up: int = 50_000,
    connections: int = 32,
    interface: str = "direct",
    loop: str = "auto",
    pure: bool = False,
) -> Report:
    """Send mixed requests, and compare what the worker holds after a warm-up and at the end."""
    conditions = {"requests": requests, "warm_up": warm_up, "connections": connections}
    course: list[int] = []
    report = Report("soak", {**conditions, "interface": interface, "loop": loop, "pure": pure})
    with asteri("mixed:app", name="soak", interface=interface, loop=loop, pure=pure) as server:
        fill_threads(server.port)
        account = traffic(server.port, warm_up, connections)
        before = look(server)
        began = time.monotonic()
        total = account
        for _ in range(PARTS):
            if not total.errors:
                total += traffic(server.port, requests // PARTS, connections)
                course.append(memory(server.worker).resident)
        took = time.monotonic() - began
        report.figures["requests per second"] = round((total.done - account.done) / took)
        compare(report, before, look(server))
    report.figures["account"] = {
        name: getattr(total, name) for name in ("requests", "messages", "connections", "vanished", "errors")
    }
    report.figures["course of memory"] = course  # a leak goes on, what is filled once stays
    report.exactly("wrong or missing answers", len(total.errors), 0)
    return report


def fill_threads(port: int, together: int = 64) -> None:
    """Occupy more threads than the pool has, so that it does not grow later."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(port)) for _ in range(together)]
        for peer in peers:
            peer.socket.sendall(http_request("GET", "/hold", {}))
        for peer in peers:
            if peer.answer()[0] != 200:
                raise RuntimeError("GET /hold was not answered")


def traffic(port: int, requests: int, connections: int) -> Account:
    """Drive mixed traffic on the fastest loop that there is."""
    factory = importlib.import_module("uvloop").new_event_loop if importlib.util.find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(drive(port, requests, connections))
