"""The same work on Fenrir and its peers, side by side in one run; writes JSON and ranks nothing.

What counts is CPU time of the server's process tree per request, as a ratio within one run: on a small machine requests
per second are capped by whoever makes the load. Rounds are interleaved, so that a slow minute hits all alike, and the
median is kept. Each contender first answers every request once and is checked. A contender that is not installed, or
does not start, is in the result with the reason. The load comes from wrk if it is there, else from a thread of this
program (which then takes its share of the cores: compare such figures only with each other).
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib.util
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APPS = Path(__file__).resolve().parent / "apps"
TICKS = os.sysconf("SC_CLK_TCK")

UVICORN = ("-m", "uvicorn", "--no-access-log", "--log-level", "warning", "--host", "127.0.0.1", "--port", "{port}")
CONTENDERS = {
    "fenrir-asteri": ("-m", "asteri", "fenrir_app:app", "-b", "127.0.0.1:{port}", "-w", "1", "--no-access-log"),
    "fenrir-uvicorn": (*UVICORN, "fenrir_app:app"),
    "fastapi-uvicorn": (*UVICORN, "fastapi_app:app"),
}
NEEDS = {
    "fenrir-asteri": ("fenrir",),
    "fenrir-uvicorn": ("fenrir", "uvicorn"),
    "fastapi-uvicorn": ("fastapi", "uvicorn"),
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One request, and what its answer must be."""

    path: str
    expected: object
    body: bytes = b""


USER = {"id": 1, "name": "Ada", "tags": ["a", "b"]}
SCENARIOS = {
    "plaintext": Scenario("/", "Hello, World!"),
    "json": Scenario("/json", {"message": "Hello, World!"}),
    "params": Scenario("/items/42?q=x", {"item_id": 42, "q": "x", "limit": 5}),
    "body": Scenario("/users", USER, json.dumps(USER).encode()),
}


@dataclass(slots=True)
class Result:
    """The figures of one contender on one scenario, the median of its rounds."""

    contender: str
    scenario: str
    cpu_us_per_request: float | None = None
    requests_per_second: float | None = None
    requests: int = 0
    reason: str = ""
    rounds: list[tuple[float, float]] = field(default_factory=list)


def processes(pid: int) -> Iterator[int]:
    """Yield a process and its descendants (Linux)."""
    yield pid
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in listing.read_text().split():
            yield from processes(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants, in seconds (Linux)."""
    total = 0
    for one in processes(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def ask(port: int, scenario: Scenario) -> object:
    """Send the scenario's request once; return the decoded answer."""
    headers = {"content-type": "application/json"} if scenario.body else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{scenario.path}", scenario.body or None, headers)
    with urllib.request.urlopen(request, timeout=5) as response:
        content: bytes = response.read()
    return content.decode() if isinstance(scenario.expected, str) else json.loads(content)


@contextmanager
def serving(contender: str) -> Iterator[tuple[int, int]]:
    """Start a contender; yield its process id and port, and stop it afterwards.

    Raises:
        RuntimeError: it did not answer within ten seconds.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, *(part.format(port=port) for part in CONTENDERS[contender])]
    process = subprocess.Popen(command, cwd=APPS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(100):
            time.sleep(0.1)
            if process.poll() is not None:
                output = process.stdout.read() if process.stdout else ""
                raise RuntimeError(f"it stopped with {process.returncode}: {output.strip()[-300:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 0.5).close()
                break
            except OSError:
                continue
        else:
            raise RuntimeError("it did not listen within ten seconds")
        yield process.pid, port
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


async def load_by_hand(port: int, scenario: Scenario, seconds: float, connections: int) -> int:
    """Send requests over keep-alive connections until the time is up; return how many were answered."""
    method = "POST" if scenario.body else "GET"
    head = f"{method} {scenario.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    if scenario.body:
        head += f"content-type: application/json\r\ncontent-length: {len(scenario.body)}\r\n"
    request = head.encode() + b"\r\n" + scenario.body
    end = time.perf_counter() + seconds

    async def client() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = 0
        while time.perf_counter() < end:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", answer, re.IGNORECASE)
            if not answer.startswith(b"HTTP/1.1 200") or length is None:
                raise RuntimeError(f"unexpected answer {answer[:60]!r}")
            await reader.readexactly(int(length[1]))
            answered += 1
        writer.close()
        return answered

    return sum(await asyncio.gather(*(client() for _ in range(connections))))


def load_by_wrk(port: int, scenario: Scenario, seconds: float, connections: int) -> int:
    """Let wrk send the requests; return how many were answered."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    if scenario.body:
        script = ROOT / "build" / "bench.lua"
        script.parent.mkdir(exist_ok=True)
        body = scenario.body.decode()
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = [[{body}]]\nwrk.headers["content-type"] = "application/json"\n'
        )
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{port}{scenario.path}")
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answered = re.search(r"(\d+) requests in", output)
    if answered is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk: {output.strip()[-300:]}")
    return int(answered[1])


def measure(result: Result, seconds: float, connections: int) -> None:
    """Add one round to a result, or the reason why there is none."""
    scenario = SCENARIOS[result.scenario]
    try:
        with serving(result.contender) as (pid, port):
            answer = ask(port, scenario)
            if answer != scenario.expected:
                raise RuntimeError(f"it answered {answer!r} and not {scenario.expected!r}")
            before, began = cpu_seconds(pid), time.perf_counter()
            if shutil.which("wrk"):
                answered = load_by_wrk(port, scenario, seconds, connections)
            else:
                answered = asyncio.run(load_by_hand(port, scenario, seconds, connections))
            cpu, took = cpu_seconds(pid) - before, time.perf_counter() - began
    except (OSError, RuntimeError) as error:
        result.reason = f"{type(error).__name__}: {error}"
        return
    result.requests += answered
    result.rounds.append((round(cpu / answered * 1e6, 2), round(answered / took, 1)))
    result.cpu_us_per_request = statistics.median(cost for cost, _ in result.rounds)
    result.requests_per_second = statistics.median(rate for _, rate in result.rounds)


def machine() -> dict[str, object]:
    """Return what the figures depend on; never the machine's name."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
    }


def commit() -> str:
    """Return the commit, with `+` when the tree has changes."""
    if shutil.which("git") is None:
        return "unknown"
    run = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def compiled() -> dict[str, bool]:
    """Return which `*_cy` modules this interpreter would run compiled."""
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in ROOT.glob("src/**/*_cy.py")]
    specs = {name: importlib.util.find_spec(name) for name in sorted(names)}
    return {name: bool(spec and spec.origin and not spec.origin.endswith(".py")) for name, spec in specs.items()}


def main() -> int:
    """Measure, write the JSON and print the figures; return 1 when our own contender gave none."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="%(default)s")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="%(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json")
    options = parser.parse_args()
    results = [Result(who, what) for what in options.scenarios.split(",") for who in options.contenders.split(",")]
    for result in results:
        missing = [name for name in NEEDS[result.contender] if importlib.util.find_spec(name) is None]
        if missing:
            result.reason = f"not installed: {', '.join(missing)}"
    for _ in range(options.rounds):
        for result in results:
            if not result.reason:
                measure(result, options.seconds, options.connections)
    for result in results:
        figures = f"{result.cpu_us_per_request} us CPU/request, {result.requests_per_second} requests/s"
        print(f"{result.scenario:10} {result.contender:16} {result.reason or figures}", flush=True)
    record = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "script": "bench/run.py",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiled": compiled(),
        "machine": machine(),
        "load": "wrk" if shutil.which("wrk") else "standard library",
        "seconds": options.seconds,
        "connections": options.connections,
        "results": [asdict(result) for result in results],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written: {options.output}")
    return 1 if any(result.reason for result in results if result.contender == "fenrir-asteri") else 0


if __name__ == "__main__":
    sys.exit(main())
