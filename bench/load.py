"""Load on one scenario: wrk for HTTP where it is installed, our own client otherwise."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import programs
from bench.scenarios import Scenario
from bench.serving import LOAD_CPU, pinned

__all__ = ["Load", "make_load", "read_wrk", "tool", "wrk_script"]

ROOT = Path(__file__).resolve().parent.parent
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one round of load saw.

    Attributes:
        busy: the share of its core that making the load took; near 1, requests per second say nothing of the server.
    """

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    busy: float = 0.0


def tool() -> str:
    """Return the name of what makes the load on HTTP."""
    return "wrk" if programs.find("wrk") else "bench.client"


def make_load(port: int, scenario: Scenario, seconds: float) -> Load:
    """Send requests until the time is up.

    Raises:
        RuntimeError: something other than success was answered.
    """
    own = scenario.websocket or programs.find("wrk") is None
    command = [sys.executable, "-m", "bench.client"] if own else wrk_command(port, scenario, seconds)
    options = client_options(port, scenario, seconds) if own else ""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        cwd=ROOT,
        input=options,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        preexec_fn=pinned(LOAD_CPU),
    )
    after, took = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr).strip()[-300:]}")
    busy = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / took
    return (read_client if own else read_wrk)(done.stdout, round(busy, 3))


def client_options(port: int, scenario: Scenario, seconds: float) -> str:
    """Return what our own client is told."""
    options = {
        "port": port,
        "seconds": seconds,
        "connections": scenario.connections,
        "method": scenario.method,
        "path": scenario.path,
        "headers": scenario.headers,
        "body": (scenario.expected if scenario.websocket else scenario.body).decode("latin-1"),
        "pipelined": scenario.pipelined,
        "websocket": scenario.websocket,
    }
    return json.dumps(options)


def read_client(output: str, busy: float) -> Load:
    """Read what our own client printed."""
    found = json.loads(output)
    if found["error"] or not found["requests"]:
        raise RuntimeError(f"bench.client: {found['error'] or 'nothing was answered'}")
    rate = found["requests"] / found["seconds"]
    return Load(found["requests"], round(rate, 1), round(found["p50_ms"], 3), round(found["p99_ms"], 3), busy)


def wrk_command(port: int, scenario: Scenario, seconds: float) -> list[str]:
    """Write the script of wrk and return its command line."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    body, script = folder / f"{scenario.name}.body", folder / f"{scenario.name}.lua"
    body.write_bytes(scenario.body)
    script.write_text(wrk_script(scenario, body))
    path = programs.find("wrk") or "wrk"
    options = ["-t1", f"-c{scenario.connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s", "--latency"]
    return [path, *options, "-s", str(script), f"http://127.0.0.1:{port}{scenario.path}"]


def wrk_script(scenario: Scenario, body: Path) -> str:
    """Return the Lua that has wrk send the scenario's request."""
    lines = [f'wrk.method = "{scenario.method}"']
    lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in scenario.headers.items()]
    if scenario.body:
        lines.append(f'local file = io.open("{body}", "rb"); wrk.body = file:read("*a"); file:close()')
    if scenario.pipelined > 1:
        one = f"wrk.format(nil, {json.dumps(scenario.path)})"
        lines += [
            "local requests",
            f"init = function() requests = string.rep({one}, {scenario.pipelined}) end",
            "request = function() return requests end",
        ]
    return "\n".join(lines) + "\n"


def read_wrk(output: str, busy: float = 0.0) -> Load:
    """Read what wrk printed.

    Raises:
        RuntimeError: it saw errors, or answers other than 2xx and 3xx.
    """
    answered = re.search(r"(\d+) requests in ", output)
    rate = re.search(r"Requests/sec: +([\d.]+)", output)
    if answered is None or rate is None or not int(answered[1]):
        raise RuntimeError(f"wrk: {output.strip()[-300:] or 'it printed nothing'}")
    for error in ("Non-2xx or 3xx responses", "Socket errors"):
        if found := re.search(rf"{error}: .*", output):
            raise RuntimeError(f"wrk: {found[0]}")
    times = {
        part: float(value) * UNITS[unit] for part, value, unit in re.findall(r"(\d+)% +([\d.]+)(us|ms|s|m)\b", output)
    }
    return Load(int(answered[1]), float(rate[1]), times.get("50", 0.0), times.get("99", 0.0), busy)
