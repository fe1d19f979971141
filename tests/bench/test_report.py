"""bench: tables, plot and README's section from a record; README shows the record that is in the repository."""

from __future__ import annotations

import json
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

from bench import report
from bench.plot import plot
from bench.run import Result

ROOT = Path(__file__).resolve().parents[2]


def result(contender: str, scenario: str, cpu_us: float | None, reason: str = "") -> dict[str, Any]:
    figures = {"cpu_us": cpu_us, "per_second": 1000.0, "p99_ms": 1.5, "memory_mib": 20.0}
    return {"contender": contender, "scenario": scenario, "reason": reason, "rounds": [], **figures}


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "date": "2026-11-25T12:00:00+00:00",
        "commit": "0123456789ab",
        "python": "CPython 3.11.7",
        "compiled": {"a_cy": True},
        "machine": {"processor": "A <fast> one", "cores": 2, "memory_gib": 4, "system": "Linux 6.1"},
        "load": "wrk",
        "rounds": 3,
        "seconds": 3.0,
        "results": [
            result("limit-c", "plaintext", 5.0),
            result("fenrir-asteri", "plaintext", 10.0),
            result("fastapi-uvicorn", "plaintext", 200.0),
            result("fenrir-asteri", "json", 11.04),
            result("sanic", "json", None, "it ended"),
        ],
    }


def test_the_table_has_figures_and_ratios(record: dict[str, Any]) -> None:
    assert report.table(record) == (
        "|  | plain text | JSON |\n"
        "| --- | ---: | ---: |\n"
        "| limit-c | 5.0 (40.0x) |  |\n"
        "| fenrir-asteri | 10.0 (20.0x) | 11.0 |\n"
        "| fastapi-uvicorn | 200 |  |\n"
    )


def test_the_page_says_what_was_not_measured_and_under_which_conditions(record: dict[str, Any]) -> None:
    page = report.page(record)
    assert "* sanic, json: it ended\n" in page
    assert "commit 0123456789ab, CPython 3.11.7, all modules compiled, A <fast> one, 2 cores" in page
    assert "| fenrir-asteri | 2.00 | 2.21 |" in page  # multiples of the limit


def test_the_plot_is_a_picture_with_a_bar_for_each_figure(record: dict[str, Any]) -> None:
    tree = xml.etree.ElementTree.fromstring(plot(record))
    namespace = "{http://www.w3.org/2000/svg}"
    bars = tree.findall(f"{namespace}rect")[1:]  # the first is the ground
    widths = [float(bar.get("width") or 0) for bar in bars]
    assert len(bars) == 4
    assert widths[1] / widths[2] == pytest.approx(10 / 200, abs=0.001)  # of plain text: one linear scale from zero
    assert "sanic" not in {text.text for text in tree.findall(f"{namespace}text")}


def test_readme_is_changed_in_its_section_only(record: dict[str, Any]) -> None:
    text = "# Title\n\n## Performance\n\nold figures\n\n### more\n\n## State\n\nend\n"
    written = report.readme(text, record)
    assert written.startswith("# Title\n\n## Performance\n")
    assert written.endswith("\n\n## State\n\nend\n")
    assert "old figures" not in written and "### more" not in written
    assert "| fenrir-asteri | 10.0 (20.0x) |" in written
    assert report.readme(written, record) == written


def test_a_readme_without_the_section_is_an_error(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="0 sections"):
        report.readme("# Title\n", record)


def test_publishing_writes_everything_from_one_record(record: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("## Performance\n\n## State\n")
    written = report.publish(record, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "README.md",
        "docs/performance.json",
        "docs/performance.md",
        "docs/performance.svg",
    }
    assert json.loads((tmp_path / "docs/performance.json").read_text()) == record


def test_readme_shows_the_record_in_the_repository() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    published = ROOT / "docs" / "performance.json"
    assert published.exists() == ("ARGS=--publish" in text)
    if published.exists():
        assert report.readme(text, json.loads(published.read_text())) == text


def test_a_result_is_the_median_of_its_rounds() -> None:
    from bench.load import Load

    one = Result("fenrir-asteri", "json")
    for cpu, rate in ((0.5, 10.0), (0.1, 30.0), (0.2, 20.0)):
        one.add(Load(10_000, rate, 1.0, 2.0), cpu)
    assert (one.cpu_us, one.per_second, len(one.rounds)) == (20.0, 20.0, 3)
