"""Figures as text: the tables, and the section of README.md, always made from the record of a run and never by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.contenders import CONTENDERS
from bench.plot import plot
from bench.scenarios import SCENARIOS

__all__ = ["page", "publish", "readme", "section", "table"]

Record = dict[str, Any]
BASELINE = "fastapi-uvicorn"
LIMIT = "limit-c"
# What README shows of it all.
README_CONTENDERS = (
    "limit-c",
    "fenrir-asteri",
    "fenrir-uvicorn",
    "raw-asgi-asteri",
    "raw-asgi-uvicorn",
    "raw-asgi-granian",
    "blacksheep-granian",
    "starlette-uvicorn",
    "falcon-uvicorn",
    "sanic",
    "litestar-granian",
    "fastapi-uvicorn",
    "flask-gunicorn",
)
README_SCENARIOS = ("plaintext", "json", "params", "body", "routes1000", "ws")
HEADING = "## Performance\n"
SECTION = """\
{heading}
CPU microseconds per request of the whole server process tree; in brackets, how many times less than FastAPI on uvicorn
in the same run ({conditions}):

{table}
![CPU microseconds per request, by scenario](docs/performance.svg)

Absolute values move by a quarter from hour to hour on a virtual machine; compare within a run only. `limit-c` is a
loop in C that parses nothing: no server can need less. All contenders, all scenarios, memory and latencies are in
[docs/performance.md](docs/performance.md). `make bench` measures again; every contender's answers are checked first.
This section is written by `make bench ARGS=--publish` from the record of one run, and a test compares the two.
"""
PREFACE = """\
The server has one core and the load another. CPU time is that of the server's whole process tree. Every contender was
first asked each request, and its answer compared. Contenders stand in the order of `bench/contenders.py`.
"""


def figures(record: Record, key: str = "cpu_us") -> dict[tuple[str, str], float]:
    """Return one figure of all results that have it, by contender and scenario."""
    return {(one["contender"], one["scenario"]): one[key] for one in record["results"] if one[key] is not None}


def shown(value: float) -> str:
    """Return a figure with three digits that mean something."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def grid(
    record: Record,
    cell: Callable[[str, str], str],
    contenders: Sequence[str] = tuple(CONTENDERS),
    scenarios: Sequence[str] = tuple(SCENARIOS),
) -> str:
    """Return a table of contenders by scenarios, without those that have no figure at all."""
    known = figures(record)
    rows = [name for name in contenders if any((name, scenario) in known for scenario in scenarios)]
    columns = [name for name in scenarios if any((contender, name) in known for contender in rows)]
    body = [[contender, *(cell(contender, scenario) for scenario in columns)] for contender in rows]
    return markdown(["", *(SCENARIOS[name].title for name in columns)], body)


def table(
    record: Record, contenders: Sequence[str] = tuple(CONTENDERS), scenarios: Sequence[str] = tuple(SCENARIOS)
) -> str:
    """Return CPU microseconds per request; in brackets how many times less than FastAPI on uvicorn."""
    known = figures(record)

    def cell(contender: str, scenario: str) -> str:
        value, baseline = known.get((contender, scenario)), known.get((BASELINE, scenario))
        if value is None:
            return ""
        if not value or baseline is None or contender == BASELINE:
            return shown(value)
        return f"{shown(value)} ({shown(baseline / value)}x)"

    return grid(record, cell, contenders, scenarios)


def multiples(record: Record) -> str:
    """Return CPU per request as a multiple of the C limit's plain text; "" if the limit was not measured."""
    known = figures(record)
    limit = known.get((LIMIT, "plaintext"))
    if not limit:
        return ""
    return grid(record, lambda who, what: f"{known[who, what] / limit:.2f}" if (who, what) in known else "")


def plain(record: Record, key: str) -> str:
    """Return a table of one figure as it is."""
    known = figures(record, key)
    return grid(record, lambda who, what: shown(known[who, what]) if (who, what) in known else "")


def conditions(record: Record) -> str:
    """Return in one sentence what the figures depend on."""
    machine = record["machine"]
    forms = record["compiled"].values()
    form = "all modules compiled" if all(forms) else "no module compiled" if not any(forms) else "partly compiled"
    return (
        f"commit {record['commit']}, {record['python']}, {form}, {machine['processor']}, {machine['cores']} cores, "
        f"{machine['system']}, load by {record['load']}, median of {record['rounds']} interleaved rounds of "
        f"{record['seconds']:g} s, {record['date'][:10]}"
    )


def section(record: Record) -> str:
    """Return README's section, heading included."""
    return SECTION.format(
        heading=HEADING, conditions=conditions(record), table=table(record, README_CONTENDERS, README_SCENARIOS)
    )


def page(record: Record) -> str:
    """Return docs/performance.md."""
    reasons = [one for one in record["results"] if one["reason"]]
    parts = [
        "# Performance\n",
        f"One run of `make bench`: {conditions(record)}.\n",
        PREFACE,
        "![CPU microseconds per request, by scenario](performance.svg)\n",
        "## CPU microseconds per request\n",
        "In brackets: how many times less than FastAPI on uvicorn.\n",
        table(record),
    ]
    if multiple := multiples(record):
        parts += ["## As a multiple of the C limit's plain text\n", multiple]
    parts += [
        "## Requests per second\n",
        "Capped by the one core that makes the load, so the fastest are alike here.\n",
        plain(record, "per_second"),
        "## 99th percentile of the latency, milliseconds, under full load\n",
        plain(record, "p99_ms"),
        "## Memory of the process tree after the rounds, MiB (PSS)\n",
        plain(record, "memory_mib"),
    ]
    if reasons:
        parts.append("## Not measured\n")
        parts.append("".join(f"* {one['contender']}, {one['scenario']}: {one['reason']}\n" for one in reasons))
    return "\n".join(parts)


def readme(text: str, record: Record) -> str:
    """Return README's text with its section replaced.

    Raises:
        ValueError: it has no such section.
    """
    written, count = re.subn(rf"^{HEADING}.*?(?=^## )", lambda _: section(record) + "\n", text, flags=re.M | re.S)
    if count != 1:
        raise ValueError(f"README.md has {count} sections {HEADING.strip()!r}")
    return written


def publish(record: Record, root: Path) -> list[Path]:
    """Write the record, the page, the plot and README's section; return the files."""
    documents = {
        "docs/performance.json": json.dumps(record, indent=1) + "\n",
        "docs/performance.md": page(record),
        "docs/performance.svg": plot(record),
        "README.md": readme((root / "README.md").read_text(encoding="utf-8"), record),
    }
    for name, text in documents.items():
        (root / name).write_text(text, encoding="utf-8")
    return [root / name for name in documents]
