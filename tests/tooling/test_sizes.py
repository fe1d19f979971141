"""tools/sizes.py: what the budget refuses, on small trees; that our own tree keeps it is `make lint`'s work."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "sizes.py"


@pytest.fixture(scope="module")
def sizes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sizes", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plant(root: Path, name: str, lines: int = 1) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n" * lines)


def test_our_tree_keeps_the_budget(sizes: ModuleType) -> None:
    assert sizes.faults(TOOL.parents[1]) == []


@pytest.mark.parametrize(("lines", "faulty", "reported"), [(400, 0, 0), (401, 0, 1), (600, 0, 1), (601, 1, 0)])
def test_the_limits_are_400_and_600_lines(
    sizes: ModuleType, tmp_path: Path, lines: int, faulty: int, reported: int
) -> None:
    plant(tmp_path, "src/asteri/server.py", lines)
    assert len(sizes.faults(tmp_path)) == faulty
    assert len(sizes.long(tmp_path)) == reported


@pytest.mark.parametrize(
    "name",
    [
        "src/fenrir/utils.py",
        "src/fenrir/_helpers.py",
        "src/fenrir/kit/misc.py",
        "src/fenrir/utils/dates.py",
        "src/asteri/wire/scan.pyx",
        "src/asteri/wire/scan.c",
        "tests/asteri/test_server_extra.py",
    ],
)
def test_a_name_that_says_nothing_is_refused(sizes: ModuleType, tmp_path: Path, name: str) -> None:
    plant(tmp_path, name)
    assert [fault.split(":")[0] for fault in sizes.faults(tmp_path)] == [name]


def test_a_generated_c_file_beside_its_python_is_fine(sizes: ModuleType, tmp_path: Path) -> None:
    plant(tmp_path, "src/asteri/wire/scan_cy.py")
    plant(tmp_path, "src/asteri/wire/scan_cy.c")
    assert sizes.faults(tmp_path) == []


def test_the_list_of_compiled_modules_must_be_exact(sizes: ModuleType, tmp_path: Path) -> None:
    plant(tmp_path, "src/asteri/wire/scan_cy.py")
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.mypy.overrides]]\nmodule = ["asteri.wire.old_cy"]\nignore_errors = true\n'
        '[[tool.mypy.overrides]]\nmodule = ["uvloop.*"]\nignore_missing_imports = true\n'
    )
    assert sizes.unlisted(tmp_path) == [
        'pyproject.toml: add "asteri.wire.scan_cy" to the compiled modules of tool.mypy',
        'pyproject.toml: "asteri.wire.old_cy" in tool.mypy is no compiled module',
    ]


def test_a_module_that_only_passes_names_on_may_have_the_name_of_another_project(
    sizes: ModuleType, tmp_path: Path
) -> None:
    plant(tmp_path, "src/fenrir/utils.py")
    (tmp_path / "src/fenrir/utils.py").write_text('"""Names."""\nfrom fenrir.names import first\n__all__ = ["first"]\n')
    assert sizes.faults(tmp_path) == []
    (tmp_path / "src/fenrir/utils.py").write_text('"""Names."""\nfrom fenrir.names import first\nsecond = first\n')
    assert len(sizes.faults(tmp_path)) == 1
