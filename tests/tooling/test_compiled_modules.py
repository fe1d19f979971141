"""The build of the compiled modules: which they are, the two switches, and that they run without Cython."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(ROOT.glob("src/**/*_cy.py"))


class FailingBuild:
    """Stands for setuptools' command: "builds" empty files, all but those that it is told to fail at."""

    def __init__(self, folder: Path, fails: str) -> None:
        self.extensions = [SimpleNamespace(name=name) for name in ("a_cy", "b_cy", "c_cy")]
        self._folder = folder
        self._fails = fails

    def get_ext_fullpath(self, name: str) -> str:
        return str(self._folder / f"{name}.so")

    def run(self) -> None:
        for extension in self.extensions:
            if extension.name[0] not in self._fails:
                Path(self.get_ext_fullpath(extension.name)).touch()


class _Recorder:
    """Stands for setuptools and Cython while setup.py runs: keeps what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: dict[str, Any] = {}
        setuptools, cython, build = ModuleType("setuptools"), ModuleType("Cython"), ModuleType("Cython.Build")
        setuptools.Extension = lambda name, sources, **options: SimpleNamespace(  # type: ignore[attr-defined]
            name=name, sources=sources, **options
        )
        setuptools.setup = self.given.update  # type: ignore[attr-defined]
        # As the real one: new objects, which do not have every attribute of the old.
        build.cythonize = lambda modules, **options: [  # type: ignore[attr-defined]
            SimpleNamespace(name=module.name, sources=module.sources, optional=False) for module in modules
        ]
        command, build_ext = ModuleType("setuptools.command"), ModuleType("setuptools.command.build_ext")
        build_ext.build_ext = FailingBuild  # type: ignore[attr-defined]
        for module in (setuptools, command, build_ext, cython, build):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.chdir(ROOT)
        for name in ("ASTERI_PURE", "ASTERI_REQUIRE_EXT"):
            monkeypatch.delenv(name, raising=False)

    def run(self) -> list[Any]:
        source = (ROOT / "setup.py").read_text()
        exec(compile(source, "setup.py", "exec"), {"__name__": "setup", "__file__": str(ROOT / "setup.py")})
        extensions: list[Any] = self.given["ext_modules"]
        return extensions


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> _Recorder:
    return _Recorder(monkeypatch)


def test_every_cy_module_is_built_and_no_other(setup: _Recorder) -> None:
    extensions = setup.run()
    assert [ROOT / source for extension in extensions for source in extension.sources] == MODULES
    expected = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in MODULES]
    assert [extension.name for extension in extensions] == expected
    assert all(extension.optional for extension in extensions)


def test_asteri_pure_builds_nothing(setup: _Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTERI_PURE", "1")
    assert setup.run() == []


def test_asteri_require_ext_makes_a_failed_build_fatal(setup: _Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTERI_REQUIRE_EXT", "1")
    assert not any(extension.optional for extension in setup.run())


@pytest.mark.parametrize(("fails", "left"), [("", 3), ("b", 0), ("abc", 0)])
def test_all_or_none_is_compiled(setup: _Recorder, tmp_path: Path, fails: str, left: int) -> None:
    setup.run()
    setup.given["cmdclass"]["build_ext"](tmp_path, fails).run()
    assert len(list(tmp_path.iterdir())) == left


@pytest.mark.slow
def test_the_sources_run_without_cython() -> None:
    names = [".".join(path.relative_to(ROOT / "src").with_suffix("").parts) for path in MODULES]
    if not names:
        pytest.skip("no compiled modules in this tree")
    # Reading an attribute executes a module that is only registered for later.
    program = (
        "import importlib, sys\n"
        "sys.modules['cython'] = sys.modules['Cython'] = None\n"
        f"for name in {names}:\n"
        "    module = importlib.import_module(name)\n"
        "    assert module.__doc__ and module.__all__ and module.__file__.endswith('.py'), name\n"
    )
    environment = os.environ | {"ASTERI_PURE": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
