"""Adoption, in processes of their own: it changes what `import` means for all that follows."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest

import fenrir
from fenrir.adopt import FRAMEWORKS

SOURCES = str(Path(fenrir.__file__).parent.parent)


def python(*arguments: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    given = os.environ | {"PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"} | environ
    return subprocess.run([sys.executable, *arguments], cwd=cwd, env=given, capture_output=True, text=True, timeout=60)


def said(program: str, *arguments: str, cwd: Path | None = None) -> Any:
    """Run a program and return what it prints as JSON."""
    done = python("-c", "import json, sys\n" + textwrap.dedent(program), *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", sorted(set(FRAMEWORKS) - {"starlette"}))
def test_there_is_one_module_under_both_names(name: str) -> None:
    seen = said(
        f"""
        import fenrir
        fenrir.adopt({name!r})
        import {name}, fenrir.{name} as ours
        below = [known for known in sys.modules if known.partition(".")[0] == {name!r}]
        theirs = [known for known in below if sys.modules[known] is not sys.modules["fenrir." + known]]
        print(json.dumps([{name} is ours, {name}.__name__, {name}.__spec__.name, theirs]))
        """
    )
    assert seen == [True, f"fenrir.{name}", f"fenrir.{name}", []]


def test_modules_below_are_found_under_either_name_first() -> None:
    assert said(
        """
        from fenrir.adopt import adopt
        adopt("flask")
        import fenrir.flask.views, flask.views
        import flask.json.provider, fenrir.flask.json.provider
        from flask import json
        import importlib, flask
        again = importlib.reload(flask.views)
        print(json.dumps([
            flask.views is fenrir.flask.views, flask.json.provider is fenrir.flask.json.provider,
            json is fenrir.flask.json,
            again is fenrir.flask.views and sys.modules["flask.views"] is again,
        ]))
        """
    ) == [True, True, True, True]


def test_a_module_that_the_drop_in_lacks_is_missing() -> None:
    program = """
        import fenrir, importlib.util, pathlib
        fenrir.adopt("flask")
        import flask
        said = []
        for name in ("flask.nothing_of_this_name", "flask.views.deeper"):
            try:
                __import__(name)
            except ModuleNotFoundError as error:
                said.append([str(error), error.name])
        print(json.dumps(said))
        """
    assert said(program) == [
        [
            "No module named 'flask.nothing_of_this_name': it is adopted, and there is no "
            "'fenrir.flask.nothing_of_this_name'",
            "flask.nothing_of_this_name",
        ],
        ["No module named 'flask.views.deeper'; 'flask.views' is not a package", "flask.views.deeper"],
    ]


def test_a_module_that_only_the_original_has_is_not_taken_from_there(tmp_path: Path) -> None:
    """The original may stand first on the path, and its finder may know every name below it."""
    (tmp_path / "bottle").mkdir()
    (tmp_path / "bottle" / "__init__.py").write_text("original = True\n")
    (tmp_path / "bottle" / "only_there.py").write_text("original = True\n")
    done = python("-c", "import bottle.only_there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = python("-c", "import fenrir; fenrir.adopt('bottle'); import bottle.only_there", cwd=tmp_path)
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: No module named 'bottle.only_there'")


def test_it_is_too_late_when_the_original_is_there() -> None:
    message, adopted, name = said(
        """
        import flask, fenrir
        from fenrir.adopt import AdoptionError, adopted
        try:
            fenrir.adopt("bottle", "flask")
        except AdoptionError as error:
            print(json.dumps([str(error), sorted(adopted()), flask.Flask.__module__]))
        """
    )
    assert message.startswith("flask has been imported already, from ")
    assert message.endswith(
        "adopt 'flask' before anything imports it (or start the program with `python -m fenrir.adopt flask`)"
    )
    assert adopted == []
    assert name == "flask.app"


def test_adopting_twice_and_what_is_not_known() -> None:
    assert said(
        """
        import fenrir
        from fenrir.adopt import adopted, AdoptionError
        fenrir.adopt("flask")
        import flask
        fenrir.adopt("flask", "bottle")
        finders = [f for f in sys.meta_path if type(f).__module__ == "fenrir.adopt"]
        try:
            fenrir.adopt("django")
        except AdoptionError as error:
            print(json.dumps([len(finders), sorted(adopted()), str(error)]))
        """
    ) == [1, ["bottle", "flask"], f"'django' can not be adopted; there are {', '.join(FRAMEWORKS)}"]


def test_fastapi_brings_starlette() -> None:
    assert said(
        """
        import fenrir
        from fenrir.adopt import adopted
        fenrir.adopt("fastapi")
        print(json.dumps(sorted(adopted())))
        """
    ) == ["fastapi", "starlette"]


def test_the_module_and_its_function_are_called_alike() -> None:
    assert said(
        """
        import fenrir.adopt
        fenrir.adopt("bottle")
        from fenrir.adopt import adopt
        adopt("falcon")
        print(json.dumps(sorted(fenrir.adopt.adopted())))
        """
    ) == ["bottle", "falcon"]


def test_the_version_is_that_of_the_behaviour() -> None:
    versions, there, listed = said(
        """
        from importlib import metadata
        import fenrir
        fenrir.adopt("flask", "fastapi")
        versions = [metadata.version(name) for name in ("flask", "Flask", "FASTAPI", "starlette")]
        listed = [d.metadata["Summary"] for d in metadata.distributions() if d.name.lower() == "flask"]
        print(json.dumps([versions, metadata.distribution("flask").metadata["Summary"], listed]))
        """
    )
    flask, fastapi, starlette = (FRAMEWORKS[name].version for name in ("flask", "fastapi", "starlette"))
    assert versions == [flask, flask, fastapi, starlette]
    assert there == "fenrir.flask, adopted"
    assert listed == [importlib.metadata.distribution("flask").metadata["Summary"]]
    assert (
        said("from importlib import metadata\nimport fenrir.adopt\nprint(json.dumps(metadata.version('werkzeug')))")
    ) == importlib.metadata.version("werkzeug")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_module_says_the_same_version(name: str) -> None:
    module = importlib.import_module(f"fenrir.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Flask's, as upstream's
        assert module.__version__ == FRAMEWORKS[name].version


# ------------------------------------------------------- programs, unchanged
PROGRAM = """\
import json, sys
import flask

print(json.dumps([flask.__name__, sys.argv[1:], __name__]))
"""


@pytest.mark.parametrize("form", ["module", "file", "file elsewhere"])
def test_another_program_is_run_with_it(form: str, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "neighbour.py").write_text("")
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "inner" / "program.py").write_text("import neighbour\n" + PROGRAM)
    target = {"module": ["-m", "program"], "file": ["program.py"], "file elsewhere": ["inner/program.py"]}[form]
    done = python("-m", "fenrir.adopt", "flask", *target, "-m", "--help", "x", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["fenrir.flask", ["-m", "--help", "x"], "__main__"]


def test_the_exit_code_and_the_traceback_are_the_programs(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nsys.exit(7)\n")
    assert python("-m", "fenrir.adopt", "flask", "program.py", cwd=tmp_path).returncode == 7
    (tmp_path / "program.py").write_text("1 / 0\n")
    done = python("-m", "fenrir.adopt", "flask", "program.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("arguments", [[], ["flask"], ["-m", "flask"], ["flask", "-m"], ["flask", "--loud", "x"]])
def test_what_is_no_call_shows_the_usage(arguments: list[str]) -> None:
    done = python("-m", "fenrir.adopt", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: python -m fenrir.adopt NAME")


def test_an_unknown_framework_is_one_line() -> None:
    done = python("-m", "fenrir.adopt", "django", "-m", "this")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: 'django' can not be adopted; there are bottle, ")


SPAWNING = """\
import json, multiprocessing, subprocess, sys
import flask


def seen(pipe):
    import flask

    pipe.send(flask.__name__)


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    ours, theirs = context.Pipe()
    process = context.Process(target=seen, args=(theirs,))
    process.start()
    found = [flask.__name__, ours.recv()]
    process.join()
    command = [sys.executable, "-c", "import flask; print(flask.__name__)"]
    print(json.dumps([*found, subprocess.run(command, capture_output=True, text=True).stdout.strip()]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_that_the_program_starts_adopt_as_it_does(method: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SPAWNING)
    done = python("-W", "ignore", "-m", "fenrir.adopt", "flask", "program.py", method, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["fenrir.flask"] * 3


def test_in_code_the_children_are_left_alone() -> None:
    assert said(
        """
        import fenrir, subprocess
        fenrir.adopt("bottle")
        command = [sys.executable, "-c", "import bottle; print(bottle.__name__)"]
        alone = subprocess.run(command, capture_output=True, text=True).stdout.strip()
        fenrir.adopt("bottle", children=True)
        print(json.dumps([alone, subprocess.run(command, capture_output=True, text=True).stdout.strip()]))
        """
    ) == ["bottle", "fenrir.bottle"]


def test_the_next_sitecustomize_runs_as_well(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.customized = __file__\n")
    program = "import sys, falcon; print(falcon.__name__, sys.customized, sys.modules['sitecustomize'].__file__)"
    path = os.pathsep.join([SOURCES, str(tmp_path)])
    done = python("-m", "fenrir.adopt", "falcon", "-m", "timeit", "-n1", "-r1", "pass", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    startup = os.pathsep.join([str(Path(SOURCES, "fenrir", "startup")), path])
    done = python("-c", program, PYTHONPATH=startup, FENRIR_ADOPT="falcon")
    file = tmp_path / "sitecustomize.py"
    assert (done.stdout.split(), done.stderr) == (["fenrir.falcon", str(file), str(file)], "")


def test_an_interpreter_without_fenrir_starts_as_ever(tmp_path: Path) -> None:
    startup = str(Path(SOURCES, "fenrir", "startup"))
    done = python("-I", "-c", f"import sys; sys.path.insert(0, {startup!r}); import sitecustomize; print('well')")
    # Where the project is installed into the interpreter, Fenrir is found; then nothing is to be inherited.
    assert (done.stdout, done.stderr) == ("well\n", "")
