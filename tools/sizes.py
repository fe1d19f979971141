"""Hold the source tree to its budget: no file over 600 lines, a report of those over 400, no file without a subject.

Also the rules for compiled modules that no other tool can see: the name ends in `_cy`, the file is Python, and the list
of those whose bodies mypy leaves out (pyproject.toml) is exactly these modules, so that no other file hides there.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HARD, SOFT = 600, 400
SUBJECTLESS = ("utils", "util", "helpers", "helper", "misc", "common", "manager")
TESTS_FOR_A_NUMBER = ("_more", "_extra", "_coverage", "_misc")


def lines(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def faults(root: Path) -> list[str]:
    """Return what breaks the rules in the tree, one sentence each."""
    found: list[str] = []
    for path in sorted(root.glob("src/**/*.py")):
        name = path.relative_to(root).as_posix()
        if (count := lines(path)) > HARD:
            found.append(f"{name}: {count} lines, more than {HARD}; split it along a noun")
        subjectless = path.stem.strip("_") in SUBJECTLESS or path.parent.name.strip("_") in SUBJECTLESS
        if subjectless and not passes_on(path):
            found.append(f"{name}: the name says nothing; call it what it is about")
    for path in sorted(root.glob("tests/**/test_*.py")):
        if path.stem.endswith(TESTS_FOR_A_NUMBER):
            found.append(f"{path.relative_to(root).as_posix()}: tests are named after what they test")
    for path in sorted([*root.glob("src/**/*.pyx"), *root.glob("src/**/*.c")]):
        if not path.with_suffix(".py").exists():
            found.append(f"{path.relative_to(root).as_posix()}: compiled modules are Python files named *_cy.py")
    return found


def passes_on(path: Path) -> bool:
    """Say whether a module has nothing of its own: a drop-in passes names on under upstream's module names."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    return len(statements) > 1 and all(
        isinstance(statement, (ast.Import, ast.ImportFrom))
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in ("__all__", "__getattr__"))
        for statement in statements
    )


def unlisted(root: Path) -> list[str]:
    """Return the differences between the compiled modules and pyproject.toml's list of files that mypy leaves out."""
    overrides = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["mypy"].get("overrides", [])
    listed = {name for override in overrides if override.get("ignore_errors") for name in override["module"]}
    present = {".".join(path.relative_to(root / "src").with_suffix("").parts) for path in root.glob("src/**/*_cy.py")}
    return [
        *(f'pyproject.toml: add "{name}" to the compiled modules of tool.mypy' for name in sorted(present - listed)),
        *(f'pyproject.toml: "{name}" in tool.mypy is no compiled module' for name in sorted(listed - present)),
    ]


def long(root: Path) -> list[str]:
    """Return the files over the soft limit, the longest first."""
    counted = sorted(((lines(path), path) for path in root.glob("src/**/*.py")), reverse=True)
    return [f"{path.relative_to(root).as_posix()}: {count} lines" for count, path in counted if SOFT < count <= HARD]


def main() -> int:
    """Print the report; return 1 when a rule is broken."""
    for line in long(ROOT):
        print(f"over {SOFT}: {line}")
    broken = faults(ROOT) + unlisted(ROOT)
    for line in broken:
        print(f"error: {line}")
    counts = sorted(lines(path) for path in ROOT.glob("src/**/*.py"))
    print(f"{len(counts)} files, {sum(counts)} lines, median {counts[len(counts) // 2]}, longest {counts[-1]}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
