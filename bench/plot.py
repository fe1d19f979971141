"""The plot: for every scenario a panel, in it a horizontal bar per contender as long as its CPU time per request.

Written as SVG by hand, because a plotting library would be the largest dependency of the repository. All bars of a
panel begin at zero and have one linear scale; panels have their own.
"""

from __future__ import annotations

from html import escape
from typing import Any

from bench.contenders import CONTENDERS
from bench.scenarios import SCENARIOS

__all__ = ["plot"]

COLUMNS = 2
WIDTH, LABEL, BAR, VALUE = 470, 130, 265, 60  # of a panel, and of its three parts, in pixels
ROW, HEAD, GAP = 17, 30, 24
OURS, PEER, REFERENCE = "#b3261e", "#7a8794", "#2f7d4f"
STYLE = "text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:13px}.value{fill:#57606a}"


def plot(record: dict[str, Any]) -> str:
    """Return the SVG of a run."""
    panels = []
    for name, scenario in SCENARIOS.items():
        bars = [
            (one["contender"], float(one["cpu_us"]))
            for contender in CONTENDERS
            for one in record["results"]
            if one["contender"] == contender and one["scenario"] == name and one["cpu_us"] is not None
        ]
        if bars:
            panels.append((scenario.title, bars))
    body, top = [], 44
    for index in range(0, len(panels), COLUMNS):
        row = panels[index : index + COLUMNS]
        for column, (title, bars) in enumerate(row):
            body += panel(title, bars, column * (WIDTH + GAP) + GAP, top)
        top += HEAD + ROW * max(len(bars) for _, bars in row) + GAP
    width = COLUMNS * (WIDTH + GAP) + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}" height="{top}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{width}" height="{top}" fill="#fff"/>\n'
        f'<text class="title" x="{GAP}" y="26">CPU microseconds per request (shorter is less); '
        f"commit {escape(str(record['commit']))}, {escape(str(record['python']))}</text>\n"
    )
    return head + "\n".join(body) + "\n</svg>\n"


def panel(title: str, bars: list[tuple[str, float]], left: int, top: int) -> list[str]:
    """Return the elements of one panel."""
    longest = max(value for _, value in bars) or 1.0
    elements = [f'<text class="title" x="{left}" y="{top + 14}">{escape(title)}</text>']
    for number, (name, value) in enumerate(bars):
        y = top + HEAD + number * ROW
        length = max(1.0, value / longest * BAR)
        start = left + LABEL
        elements += [
            f'<text x="{start - 6}" y="{y + 4}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{start}" y="{y - 6}" width="{length:.1f}" height="{ROW - 5}" fill="{colour(name)}"/>',
            f'<text class="value" x="{start + length + 5:.1f}" y="{y + 4}">{shown(value)}</text>',
        ]
    return elements


def colour(contender: str) -> str:
    """Return the colour of a contender: ours, the limits, or a peer."""
    known = CONTENDERS.get(contender)
    if known is not None and known.ours:
        return OURS
    return REFERENCE if known is not None and known.program else PEER


def shown(value: float) -> str:
    """Return a figure as it stands beside its bar."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
