"""What a server needs before anybody asks it anything."""

from __future__ import annotations

import time

from bench.measure import memory
from bench.reliability.report import Report
from bench.reliability.server import get, served

__all__ = ["measure"]

MIB = 1 << 20


def measure(*, server: str = "asteri", loop: str = "auto", pure: bool = False) -> Report:
    """Serve the smallest ASGI application, ask it once, and look at supervisor and worker."""
    report = Report("footprint", {"server": server, "loop": loop, "pure": pure})
    with served(server, "plain:app", name="footprint", loop=loop, pure=pure) as running:
        get(running.port)
        time.sleep(0.2)
        supervisor, worker = memory(running.pid), memory(running.worker)
        alone = running.pid == running.worker
    for name, one in (("worker", worker),) if alone else (("supervisor", supervisor), ("worker", worker)):
        for what in ("proportional", "private", "resident"):
            report.figures[f"{name}: {what} MiB"] = round(getattr(one, what) / MIB, 1)
    report.at_most("worker (PSS)", worker.proportional / MIB, 25, "MiB")
    if not alone:
        report.at_most("supervisor (PSS)", supervisor.proportional / MIB, 15, "MiB")
    return report
