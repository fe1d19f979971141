"""Clients that ask for an endless answer and never read it: what each makes the server keep."""

from __future__ import annotations

import contextlib
import socket
import time

from bench.client import http_request
from bench.measure import memory
from bench.reliability.report import Report
from bench.reliability.server import get, served

__all__ = ["measure"]

LIMIT = 512 * 1024  # bytes a client


def measure(
    *,
    clients: int = 100,
    mebibytes: int = 1024,
    seconds: float = 5.0,
    server: str = "asteri",
    doors: str = "direct,asgi,wsgi",
    loop: str = "auto",
) -> Report:
    """Let clients ask for a long stream through each door, read nothing, and look at the worker's memory."""
    conditions = {"clients": clients, "mebibytes": mebibytes, "seconds": seconds, "server": server, "loop": loop}
    report = Report("slow readers", conditions)
    request = http_request("GET", f"/stream?{mebibytes << 20}", {})
    for door in doors.split(","):
        threads = str(clients + 8)  # each of these clients keeps a thread of a WSGI application
        with (
            served(server, f"doors:{door}", "--threads", threads, name=f"readers-{door}", loop=loop) as running,
            contextlib.ExitStack() as stack,
        ):
            get(running.port)
            before = memory(running.worker).resident
            for _ in range(clients):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
                client.sendall(request)
            most = 0
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                most = max(most, memory(running.worker).resident)
                time.sleep(0.05)
            began = time.monotonic()
            get(running.port)
            report.figures[f"{door}: seconds for another client's request"] = round(time.monotonic() - began, 4)
            report.at_most(f"{door}: bytes each (RSS, at the most)", (most - before) / clients, LIMIT, "bytes")
    return report
