"""Slow attackers: that they are dropped in time, and that nobody else notices them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import programs
from bench.client import http_request, percentile
from bench.measure import descriptors
from bench.reliability.peer import Peer
from bench.reliability.report import Report
from bench.reliability.server import served
from bench.serving import LOAD_CPU, Server, pinned

__all__ = ["measure"]

ROOT = Path(__file__).resolve().parents[2]
BODY_GRACE = 10.0  # asteri.protocol.timeouts.Timeouts.body_grace, which is no option of the server
SLACK = 1.0
REQUEST = http_request("GET", "/", {})
PERIOD = 0.005  # between two requests of normal traffic
FRESH = 10  # every so many requests on a new connection


def measure(
    *,
    connections: int = 1000,
    rate: int = 200,
    header_timeout: float = 10.0,
    write_timeout: float = 10.0,
    interval: float = 1.0,
    baseline: float = 8.0,
    modes: str = "header,body,range,read",
    tool: str = "own",
    server: str = "asteri",
    door: str = "direct",
    loop: str = "auto",
) -> Report:
    """Attack in four ways while normal traffic goes on; `--tool slowhttptest` lets that program attack."""
    conditions = {
        "connections": connections,
        "rate": rate,
        "header_timeout": header_timeout,
        "write_timeout": write_timeout,
    }
    report = Report(
        "attackers",
        {
            **conditions,
            "interval": interval,
            "modes": modes,
            "tool": tool,
            "server": server,
            "door": door,
            "loop": loop,
        },
    )
    deadlines = {"header": header_timeout, "body": BODY_GRACE, "read": write_timeout}
    options = ("--header-timeout", str(header_timeout), "--write-timeout", str(write_timeout), "--log-level", "error")
    for mode in modes.split(","):
        with served(server, f"doors:{door}", *options, name=f"attackers-{mode}", loop=loop) as running:
            calm = watch(running.port, until=time.monotonic() + baseline)
            deadline = deadlines.get(mode)
            seconds = (deadline or 5.0) + 5.0
            if tool == "own":
                found, busy = by_own(running, mode, connections, rate, interval, seconds)
            else:
                found, busy = by_slowhttptest(running, mode, connections, rate, interval, seconds)
        report.figures[mode] = {**found, "p99 before, ms": calm.p99, "p99 meanwhile, ms": busy.p99}
        report.figures[mode]["normal requests"] = len(busy.latencies)
        if deadline is not None:
            report.at_least(f"{mode}: open at the same time", found["opened"], 0.9 * connections)
            report.exactly(f"{mode}: not dropped", found["left"], 0)
            report.at_most(f"{mode}: longest life", found["longest"], deadline + SLACK, "s")
        report.at_most(f"{mode}: p99 of normal traffic, as a multiple", busy.p99 / calm.p99, 2.0)
        report.exactly(f"{mode}: normal requests that failed", calm.failed + busy.failed, 0)
    return report


@dataclass(slots=True)
class Normal:
    """What normal traffic saw."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def p99(self) -> float:
        """The 99th percentile in milliseconds."""
        return round(percentile(self.latencies, 0.99) * 1000, 3)


def watch(port: int, *, until: float = 0.0, process: subprocess.Popen[str] | None = None) -> Normal:
    """Send a request every few milliseconds until a time, or until a process ends."""
    normal = Normal()
    kept = Peer(port)
    number = 0
    following = time.monotonic()
    while time.monotonic() < until or (process is not None and process.poll() is None):
        number += 1
        following = max(following + PERIOD, time.monotonic())
        time.sleep(max(0.0, following - time.monotonic()))
        began = time.monotonic()
        try:
            if number % FRESH:
                right = kept.ask(REQUEST)[0] == 200
            else:
                with Peer(port) as fresh:
                    right = fresh.ask(REQUEST)[0] == 200
        except OSError:
            right = False
            kept.close()
            kept = Peer(port)
        normal.latencies.append(time.monotonic() - began)
        normal.failed += not right
    kept.close()
    return normal


def by_own(
    server: Server, mode: str, connections: int, rate: int, interval: float, seconds: float
) -> tuple[dict[str, Any], Normal]:
    """Attack by our own program."""
    options = {"port": server.port, "mode": mode, "connections": connections, "rate": rate}
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bench.reliability.attack",
            json.dumps({**options, "interval": interval, "seconds": seconds}),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned(LOAD_CPU),
    )
    try:
        busy = watch(server.port, process=process)
        output = process.communicate(timeout=10)[0]
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"the attacker ended with exit code {process.returncode}")
    found = json.loads(output)
    lives = found.pop("lives")
    found["shortest"], found["longest"] = (round(lives[0], 2), round(lives[-1], 2)) if lives else (0.0, 0.0)
    return found, busy


PATHS = {"read": f"stream?{1 << 30}", "body": "context"}
FLAGS = {
    "header": ["-H"],
    "body": ["-B", "-s", "8192"],
    "range": ["-R", "-a", "5", "-b", "1000"],
    "read": ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32"],
}


def by_slowhttptest(
    server: Server, mode: str, connections: int, rate: int, interval: float, seconds: float
) -> tuple[dict[str, Any], Normal]:
    """Attack by slowhttptest, and follow the worker's descriptors: the program does not say when each was dropped."""
    path = programs.find("slowhttptest")
    if path is None:
        raise RuntimeError("slowhttptest is not installed (Debian's package of that name)")
    target = f"http://127.0.0.1:{server.port}/" + PATHS.get(mode, "")
    opening = connections / rate
    command = [path, *FLAGS[mode], "-c", str(connections), "-r", str(rate), "-i", str(max(1, round(interval)))]
    command += ["-l", str(round(opening + seconds)), "-p", "5", "-u", target]
    before = descriptors(server.worker)
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, preexec_fn=pinned(LOAD_CPU)
    )
    most, opened_at, dropped_at = before, time.monotonic(), 0.0
    busy = Normal()
    try:
        while process.poll() is None:
            part = watch(server.port, until=time.monotonic() + 0.1)
            busy.latencies += part.latencies
            busy.failed += part.failed
            count, now = descriptors(server.worker), time.monotonic()
            if count > most:
                most, opened_at, dropped_at = count, now, 0.0
            elif count > before + 2:
                dropped_at = 0.0
            elif not dropped_at:
                dropped_at = now
    finally:
        process.kill()
        process.wait()
    left = 0 if dropped_at else descriptors(server.worker) - before
    longest = round((dropped_at or time.monotonic()) - opened_at, 2)
    return {"opened": most - before, "left": left, "longest": longest}, busy
