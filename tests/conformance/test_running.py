"""Runs of pytest in an environment: every kind of outcome, on the original and on ours, and what a lost test does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conformance import __main__ as command
from conformance import failing, identifiers
from conformance.environment import Environment
from conformance.extension import Extension, Result
from conformance.running import Outcome, again, run
from conformance.suite import Suite

pytestmark = pytest.mark.slow

QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

TESTS = """\
import flask
import pytest


def test_passes():
    assert flask.Flask(__name__)


def test_ours_only():
    assert flask.__name__ == "fenrir.flask", "the original"


def test_original_only():
    assert flask.__name__ == "flask", "ours"


@pytest.mark.parametrize("n", [1, 2])
def test_with(n):
    assert n == 1


def test_skipped():
    pytest.skip("no")


@pytest.mark.xfail(strict=True)
def test_expected():
    assert False


@pytest.fixture
def broken():
    raise RuntimeError("the fixture")


def test_error(broken):
    pass
"""


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    tree = tmp_path / "tree"
    (tree / "tests").mkdir(parents=True)
    (tree / "tests" / "test_it.py").write_text(TESTS)
    (tree / "tests" / "test_missing.py").write_text("import flask.nothing_of_this_name\n")
    return Environment(Path(sys.executable), tree, tmp_path)


def test_what_a_run_tells(environment: Environment) -> None:
    files = ["tests/test_it.py", "tests/test_missing.py"]
    ours = run(environment, files, adopts="flask", variables=QUICK)
    assert ours.complete and ours.foreign == []
    assert {test.partition("::")[2]: outcome for test, outcome in ours.outcomes.items()} == {
        "test_passes": "passed",
        "test_ours_only": "passed",
        "test_original_only": "failed",
        "test_with[1]": "passed",
        "test_with[2]": "failed",
        "test_skipped": "skipped",
        "test_expected": "xfailed",
        "test_error": "error",
    }
    assert ours.why("tests/test_it.py::test_original_only").startswith("AssertionError: ours")
    assert ours.why("tests/test_it.py::test_error") == "RuntimeError: the fixture"
    assert "it is adopted, and there is no 'fenrir.flask.nothing_of_this_name'" in ours.why(
        "tests/test_missing.py::test_x"
    )
    assert ours.why("tests/test_it.py::test_gone") == "it was not run"
    real = run(environment, files, adopts=None, variables=QUICK)
    assert real.passed - ours.passed == {"tests/test_it.py::test_original_only"}


def test_a_run_that_tells_nothing_is_not_complete(environment: Environment) -> None:
    (environment.tree / "tests" / "test_it.py").write_text("import os\nos._exit(0)\n")
    assert not run(environment, ["tests/test_it.py"], adopts="flask", variables=QUICK).complete


def test_alone_is_alone(environment: Environment) -> None:
    (environment.tree / "tests" / "test_it.py").write_text(
        "seen = []\ndef test_a(): seen.append(1)\ndef test_b(): assert not seen\ndef test_c(): assert seen\n"
    )
    tests = [f"tests/test_it.py::test_{letter}" for letter in "abc"]
    assert run(environment, ["tests/test_it.py"], adopts="flask", variables=QUICK).passed == {tests[0], tests[2]}
    assert again(environment, tests, [], adopts="flask", variables=QUICK) == {tests[0], tests[1]}


@pytest.fixture
def suite(environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A suite of its own in place of those that are committed."""
    folder = tmp_path / "suites" / "little"
    folder.mkdir(parents=True)
    total = [f"tests/test_it.py::{name}" for name in ("test_passes", "test_original_only", "test_with[1]")]
    (folder / "baseline.txt").write_text(identifiers.dump(total))
    monkeypatch.setattr("conformance.suite.SUITES", tmp_path / "suites")
    made = Suite("little", "little", "1", "flask", environment=QUICK)
    monkeypatch.setattr(command, "suites", lambda names=(): [made])
    monkeypatch.setattr(command, "extensions", lambda names=(): [])
    monkeypatch.setattr(command, "of_suite", lambda suite: environment)
    monkeypatch.setattr(command, "PAGE", tmp_path / "RESULTS.md")
    (environment.tree / "tests" / "test_missing.py").unlink()
    return made


def test_a_lost_test_fails_the_run_until_it_is_accepted(
    suite: Suite, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = "tests/test_it.py::test_original_only"
    assert command.main(["little"]) == 1
    assert "little: 2/3" in (told := capsys.readouterr().out)
    assert f"lost: {lost}: AssertionError: ours" in told
    assert not (suite.folder / "failing.toml").exists()

    assert command.main(["little", "--accept"]) == 0
    assert failing.load((suite.folder / "failing.toml").read_text()) == {lost: ""}
    assert command.main(["little"]) == 0
    assert "**no reason is recorded**" in command.PAGE.read_text()

    (suite.folder / "failing.toml").write_text(failing.dump({lost: "a reason"}))
    assert command.main(["little"]) == 0
    assert failing.load((suite.folder / "failing.toml").read_text()) == {lost: "a reason"}

    file = environment.tree / "tests" / "test_it.py"
    file.write_text(TESTS.replace('__name__ == "flask", "ours"', '__name__ != "x"'))
    assert command.main(["little"]) == 0
    assert (suite.folder / "failing.toml").read_text() == ""


def test_what_fails_once_is_not_lost(suite: Suite, environment: Environment, tmp_path: Path) -> None:
    mark = tmp_path / "been-here"
    (environment.tree / "tests" / "test_it.py").write_text(
        TESTS.replace(
            "assert flask.Flask(__name__)",
            f"p = __import__('pathlib').Path({str(mark)!r}); was = p.exists(); p.touch(); assert was",
        ).replace('__name__ == "flask", "ours"', '__name__ != "x"')
    )
    assert command.main(["little"]) == 0


def test_a_part_of_a_suite_changes_no_record(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["little", "-k", "test_passes"]) == 0
    assert "little: 1/1" in capsys.readouterr().out
    assert os.listdir(suite.folder) == ["baseline.txt"]  # noqa: PTH208
    assert not command.PAGE.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "nowhere"], "no test file 'nowhere'"),
        (["-k", "nowhere"], "nothing that passes on the original was run"),
        (["--loud"], "nothing that passes on the original was run"),
    ],
)
def test_nothing_is_no_success(
    suite: Suite, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert command.main(["little", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_gone_loses_its_tests(suite: Suite, environment: Environment) -> None:
    failing_before = failing.dump({"tests/test_it.py::test_original_only": "a reason"})
    (suite.folder / "failing.toml").write_text(failing_before)
    (environment.tree / "tests" / "test_it.py").rename(environment.tree / "tests" / "test_other.py")
    assert command.main(["little"]) == 1
    assert (suite.folder / "failing.toml").read_text() == failing_before
    (environment.tree / "tests" / "test_other.py").unlink()
    assert command.main(["little"]) == 2
    assert (suite.folder / "failing.toml").read_text() == failing_before


def test_the_original_must_not_be_imported(
    suite: Suite, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    sneaked = "import sys, types\nsys.modules['flask.sneaked'] = types.ModuleType('flask.sneaked')\n"
    file = environment.tree / "tests" / "test_it.py"
    file.write_text(sneaked + TESTS.replace('__name__ == "flask", "ours"', '__name__ != "x"'))
    assert command.main(["little"]) == 2
    assert "the original was imported: flask.sneaked" in capsys.readouterr().err


def test_an_extension_of_which_less_is_run_is_no_success(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extension = Extension("thing", "Thing", "1", "flask", "all", total=3, passed=3)
    test = frozenset({"t.py::test_a"})
    ran = Outcome(outcomes={"t.py::test_a": "passed"})
    monkeypatch.setattr(command, "extensions", lambda names=(): [extension])
    monkeypatch.setattr(command, "measure", lambda extension: Result(ran, ran, test, test))
    assert command.main(["extensions", "thing"]) == 2
    assert "only 1 of 3 tests pass on the original" in capsys.readouterr().err


def test_the_original_is_run_when_it_is_asked_for(suite: Suite, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["little", "--real"]) == 0
    assert "little: 3/3" in capsys.readouterr().out
