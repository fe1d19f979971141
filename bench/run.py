"""One run: every contender on every scenario, in interleaved rounds."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import importlib.util
import os
import platform
import re
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import programs
from bench.contenders import APPS, CONTENDERS, Contender
from bench.load import Load, make_load, tool
from bench.measure import cpu_seconds, memory
from bench.scenarios import SCENARIOS, Scenario
from bench.serving import SERVER_CPU, Server, serving

__all__ = ["Result", "record", "run"]

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 1.0


@dataclass(slots=True)
class Result:
    """What one contender needed for one scenario; medians of the rounds.

    Attributes:
        cpu_us: CPU microseconds of the process tree per request.
        memory_mib: proportional memory of the process tree after the rounds.
        reason: why there are no figures.
    """

    contender: str
    scenario: str
    cpu_us: float | None = None
    per_second: float | None = None
    p99_ms: float | None = None
    memory_mib: float | None = None
    reason: str = ""
    rounds: list[dict[str, float]] = field(default_factory=list)

    def add(self, load: Load, cpu: float) -> None:
        """Add one round."""
        self.rounds.append({"cpu_us": round(cpu / load.requests * 1e6, 3), **asdict(load)})
        for name in ("cpu_us", "per_second", "p99_ms"):
            # wrk has no latency of pipelined requests: 0, which is none.
            setattr(self, name, statistics.median(one[name] for one in self.rounds) or None)


def check(port: int, scenario: Scenario) -> None:
    """Ask twice on one connection and compare the answers.

    Raises:
        RuntimeError: an answer is wrong, or the connection is not kept.
    """
    if scenario.websocket:
        return  # the client compares every echo
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        for _ in range(2):
            connection.request(scenario.method, scenario.path, scenario.body or None, scenario.headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or not scenario.is_answered_by(body):
                raise RuntimeError(f"wrong answer: {response.status} {body[:100]!r}")
            if response.will_close:
                raise RuntimeError("it does not keep the connection")


def run(
    contenders: Sequence[Contender],
    scenarios: Sequence[Scenario],
    *,
    rounds: int,
    seconds: float,
    report: Callable[[Result], None],
) -> list[Result]:
    """Measure; `report` is called with each result when its rounds are over."""
    results: list[Result] = []
    for routes in dict.fromkeys(scenario.routes for scenario in scenarios):
        alike = [scenario for scenario in scenarios if scenario.routes == routes]
        results += measure(contenders, alike, {"BENCH_ROUTES": str(routes)}, rounds, seconds, report)
    return results


def measure(
    contenders: Sequence[Contender],
    scenarios: Sequence[Scenario],
    environment: dict[str, str],
    rounds: int,
    seconds: float,
    report: Callable[[Result], None],
) -> list[Result]:
    """Start every contender once and let them take turns; only the one whose turn it is has anything to do."""
    results = []
    with contextlib.ExitStack() as stack:
        servers: dict[str, Server] = {}
        reasons: dict[str, str] = {}
        for contender in contenders:
            if not any(scenario.name in contender.scenarios for scenario in scenarios):
                continue
            reasons[contender.name] = programs.missing(contender.program)
            if not reasons[contender.name]:
                try:
                    servers[contender.name] = stack.enter_context(start(contender, environment))
                except (OSError, RuntimeError) as error:
                    reasons[contender.name] = f"{type(error).__name__}: {error}"
        for scenario in scenarios:
            turns = [Result(name, scenario.name, reason=why) for name, why in reasons.items() if takes(name, scenario)]
            take_turns(turns, scenario, servers, rounds, seconds)
            for result in turns:
                report(result)
            results += turns
    return results


def takes(contender: str, scenario: Scenario) -> bool:
    """Tell whether a contender has an application for a scenario."""
    return scenario.name in CONTENDERS[contender].scenarios


def start(contender: Contender, environment: dict[str, str]) -> contextlib.AbstractContextManager[Server]:
    """Start one contender."""
    return serving(
        contender.name,
        contender.command,
        folder=APPS,
        environment={"PYTHONPATH": str(APPS), **contender.environment, **environment},
        cpu=SERVER_CPU,
    )


def take_turns(
    results: list[Result], scenario: Scenario, servers: dict[str, Server], rounds: int, seconds: float
) -> None:
    """Check and warm up all, then let them take turns, every other round in the opposite order."""
    for number in range(rounds + 1):
        for result in results if number % 2 else results[::-1]:
            if result.reason:
                continue
            server = servers[result.contender]
            try:
                if number == 0:
                    check(server.port, scenario)
                    make_load(server.port, scenario, min(WARM_UP, seconds))
                    continue
                pids = server.family
                before = cpu_seconds(pids)
                load = make_load(server.port, scenario, seconds)
                result.add(load, cpu_seconds(pids) - before)
                result.memory_mib = round(sum(memory(pid).proportional for pid in pids) / 2**20, 1)
            except (OSError, RuntimeError, http.client.HTTPException, subprocess.SubprocessError) as error:
                result.reason = f"{type(error).__name__}: {error}"


# What the figures depend on


def record(results: Iterable[Result], *, rounds: int, seconds: float) -> dict[str, Any]:
    """Return the run as it is written to build/bench.json."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "script": "python -m bench",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiled": compiled(),
        "machine": machine(),
        "load": tool(),
        "rounds": rounds,
        "seconds": seconds,
        "results": [asdict(result) for result in results],
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on; never the machine's name."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(size / 2**30),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
    }


def commit() -> str:
    """Return the commit, with `+` when the tree has changes."""
    if shutil.which("git") is None:
        return "unknown"
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def compiled() -> dict[str, bool]:
    """Return which `*_cy` modules this interpreter would run compiled."""
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in ROOT.glob("src/**/*_cy.py")]
    specs = {name: importlib.util.find_spec(name) for name in sorted(names)}
    return {name: bool(spec and spec.origin and not spec.origin.endswith(".py")) for name, spec in specs.items()}


def chosen(names: str, known: dict[str, Any], what: str) -> list[Any]:
    """Return what a comma-separated list names.

    Raises:
        ValueError: a name is unknown.
    """
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"unknown {what} {', '.join(unknown)}; known are {', '.join(known)}")
    return [known[name] for name in known if name in wanted]


def contenders(names: str) -> list[Contender]:
    """Return contenders by name."""
    return chosen(names, CONTENDERS, "contender")


def scenarios(names: str) -> list[Scenario]:
    """Return scenarios by name."""
    return chosen(names, SCENARIOS, "scenario")
