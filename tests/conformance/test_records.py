"""The records: what is committed can be read, agrees with what the drop-ins say, and a run changes only its part."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from conformance import extension as extension_module
from conformance import failing, identifiers, page
from conformance.environment import needs
from conformance.extension import Extension, aligned, extensions
from conformance.running import Outcome
from conformance.suite import LeftOut, RecordError, Suite, suites
from fenrir.adopt import FRAMEWORKS

ALL = suites()


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.name)
def test_a_suite_has_the_version_that_adoption_promises(suite: Suite) -> None:
    assert FRAMEWORKS[suite.adopts].version == suite.version
    requirements = (suite.folder / "requirements.txt").read_text().split()
    assert [line for line in requirements if line.count("==") != 1] == []
    assert [line for line in requirements if line.lower().startswith(f"{suite.package.lower()}==")] == []


@pytest.mark.parametrize("suite", ALL, ids=lambda suite: suite.name)
def test_what_is_recorded_as_failing_is_in_the_total(suite: Suite) -> None:
    total = identifiers.load((suite.folder / "baseline.txt").read_text())
    record = suite.folder / "failing.toml"
    reasons = failing.load(record.read_text()) if record.exists() else {}
    assert set(reasons) <= total
    assert not any(suite.is_left_out(test.partition("::")[0]) for test in total)
    assert failing.dump(reasons) == (record.read_text() if record.exists() else "")


@pytest.mark.parametrize("extension", extensions(), ids=lambda extension: extension.name)
def test_an_extension_counts_what_it_lists(extension: Extension) -> None:
    assert extension.total is not None and extension.passed is not None
    assert extension.total - extension.passed == len(extension.failing)
    assert extension.adopts in FRAMEWORKS
    for name in extension.own:
        text = (extension_module.EXTENSIONS / name).read_text()
        assert "fenrir" not in text  # it is written for the original


def test_the_page_is_what_the_records_say() -> None:
    assert page.PAGE.read_text() == page.render(ALL, extensions())


def test_a_page_shows_what_has_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.suite.SUITES", tmp_path)
    (tmp_path / "flask").mkdir()
    (tmp_path / "flask" / "baseline.txt").write_text(identifiers.dump(["t.py::a", "t.py::b[x|y]", "t.py::c"]))
    (tmp_path / "flask" / "failing.toml").write_text(failing.dump({"t.py::a": "because", "t.py::b[x|y]": ""}))
    suite = Suite("flask", "Flask", "3.1.3", "flask", left_out=(LeftOut("they measure", ("bench/*",)),))
    text = page.render([suite], [])
    assert "| Flask | 3.1.3 | 1 | 3 | 2, 1 without a reason |" in text
    assert "| `t.py::a` | because |\n| `t.py::b[x\\|y]` | **no reason is recorded** |" in text
    assert "| `bench/*` | they measure |" in text


def test_reasons_are_kept_and_losses_have_none() -> None:
    before = {"a": "one", "b": "one", "c": ""}
    after = failing.settle(before, passed=["b", "x"], lost=["c", "d"])
    assert after == {"a": "one", "c": "", "d": ""}
    text = failing.dump({**after, 'q"\\\x7f\n': 'say "no"'})
    assert failing.load(text) == {**after, 'q"\\\x7f\n': 'say "no"'}
    assert [row["reason"] for row in tomllib.loads(text)["failing"]] == ["one", 'say "no"', ""]
    assert failing.dump({}) == ""


def test_a_folder_decides_what_is_run(tmp_path: Path) -> None:
    for name in ("tests/test_a.py", "tests/deep/test_b.py", "tests/bench/test_c.py", "tests/other.py", "test_d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    suite = Suite("x", "x", "1", "flask", left_out=(LeftOut("they measure", ("bench/*",)),))
    assert suite.select(tmp_path) == ["tests/deep/test_b.py", "tests/test_a.py"]
    assert suite.select(tmp_path, ["deep", "nowhere"]) == ["tests/deep/test_b.py"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("package = 'x'\n", "missing 2 required"),
        ("package = 'x'\nversion = '1'\nadopts = 'flask'\ncolour = 'red'\n", "colour"),
        ("package = \n", "Invalid value"),
        ("package = 'x'\nversion = '1'\nadopts = 'flask'\n[[left_out]]\nfiles = []\n", "reason"),
    ],
)
def test_a_wrong_record_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "suite.toml").write_text(text)
    with pytest.raises(RecordError, match=rf"^thing/suite\.toml: .*{complaint}"):
        Suite.read(folder)


def test_a_suite_that_is_not_there() -> None:
    with pytest.raises(RecordError, match=r"there is no suite 'fask'; there are .*flask"):
        suites(["fask"])


RECORD = """\
package = "Flask-Thing"
version = "1.0"   # the newest
adopts = "flask"
own = ["test_thing.py"]
ran = "a small application"
"""


def test_a_run_of_an_extension_writes_its_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension_module, "EXTENSIONS", tmp_path)
    path = tmp_path / "thing.toml"
    path.write_text(RECORD)
    made = Extension.read(path)
    assert (made.name, made.total, made.own) == ("thing", None, ("test_thing.py",))
    made.write(3, {"test_thing.py::test_a": ""})
    first = path.read_text()
    assert first.startswith(RECORD)
    read = Extension.read(path)
    assert (read.total, read.passed, read.failing) == (3, 2, {"test_thing.py::test_a": ""})
    read.write(3, {"test_thing.py::test_a": ""})
    assert path.read_text() == first
    read.write(4, {})
    assert (Extension.read(path).total, Extension.read(path).failing) == (4, {})
    assert path.read_text().startswith(RECORD)


def test_a_record_without_tests_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thing.toml").write_text(RECORD.replace("own", "arguments"))
    with pytest.raises(RecordError, match="nothing would be run"):
        Extension.read(tmp_path / "thing.toml")


def test_tests_with_ids_of_one_run_are_counted() -> None:
    real = Outcome({"t::a": "passed", "t::b[x1]": "passed", "t::b[x2]": "passed", "t::c": "passed", "t::d": "failed"})
    ours = Outcome({"t::a": "passed", "t::b[y1]": "passed", "t::b[y2]": "failed", "t::c": "failed", "t::d": "passed"})
    total, passing = aligned(real, ours)
    assert total == {"t::a", "t::c", "t::b[1 of a run]", "t::b[2 of a run]"}
    assert total - passing == {"t::c", "t::b[2 of a run]"}


def test_what_is_not_collected_is_lost() -> None:
    real = Outcome({"t::a": "passed", "t::b[x]": "passed"})
    total, passing = aligned(real, Outcome({}, uncollected={"t": "no module"}))
    assert (len(total), passing) == (2, set())


def test_an_extra_that_names_another_is_what_that_requires() -> None:
    required = needs("standard")
    assert [line for line in required if line.startswith("fenrir")] == []
    assert any(line.startswith("orjson") for line in required) and any(line.startswith("pydantic") for line in required)
