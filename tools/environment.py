"""Make the development environment, or bring it up to date: what `make` calls before everything else.

Runs on a Python with nothing but its standard library. Two records say what has been done, and both hold digests of
*contents*, so that a switch of branch does not reinstall and an edit does:

* `VENV/fenrir-environment.json`: which interpreter made the environment, and which requirements it has. Another
  interpreter makes it anew; other requirements are installed into it.
* `build/extensions-<ABI>.json`: what the compiled modules were made from, and with which compiler. An editable install
  leaves them beside their sources, where every environment of one interpreter version sees them; so their record
  belongs to the tree and not to an environment. A stale one would hide the edited source: it is deleted first.

Cython is deliberately not installed: the build brings its own, and a `*_cy.py` must run without it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
SWITCHES = ("CC", "CFLAGS", "LDFLAGS", "LDSHARED", "ASTERI_PURE", "ASTERI_REQUIRE_EXT")


def digest(*parts: object) -> str:
    """Return a digest of the parts' JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def remembered(path: Path) -> dict[str, Any]:
    """Return a record, or an empty one when there is none or its writing was cut short."""
    try:
        record = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def remember(path: Path, record: dict[str, Any]) -> None:
    """Write a record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def group(project: dict[str, Any], name: str) -> list[str]:
    """Return the requirements of a dependency group, its included groups resolved.

    Read here because pip knows `--group` only from 25.1 on and the interpreter may bring an older one.
    """
    requirements: list[str] = []
    for entry in project["dependency-groups"][name]:
        requirements += [entry] if isinstance(entry, str) else group(project, entry["include-group"])
    return requirements


def create(venv: Path, interpreter: str) -> None:
    """Make the virtual environment, unless it is there and this interpreter made it."""
    record = venv / "fenrir-environment.json"
    if venv.exists():
        if remembered(record).get("interpreter") == interpreter:
            return
        if not (venv / "pyvenv.cfg").exists():
            sys.exit(f"error: {venv} is there and is no virtual environment; move it away or give VENV=")
        shutil.rmtree(venv)
    print(f"environment: making {venv} with Python {sys.version.split()[0]}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        sys.exit(
            f"error: {sys.executable} -m venv failed:\n{made.stdout}{made.stderr}"
            "On Debian and Ubuntu the venv module is a package of its own: apt-get install python3-venv"
        )
    remember(record, {"interpreter": interpreter})


def compiled() -> list[Path]:
    """Return the compiled modules that this interpreter would load, in the order of their paths."""
    return sorted(ROOT.glob(f"src/**/*_cy{sysconfig.get_config_var('EXT_SUFFIX')}"))


def sources() -> dict[str, str]:
    """Return the digest of everything that the compiled modules are made from, by path."""
    paths = [ROOT / "setup.py", *ROOT.glob("src/**/*_cy.py"), *ROOT.glob("src/**/*.pxd")]
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def pip(venv: Path, *arguments: str) -> None:
    """Run pip of the environment; its error is ours."""
    command = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        sys.exit(f"error: pip {arguments[0]} failed (its message is above)")


def install(venv: Path, groups: list[str]) -> bool:
    """Install the project and the groups where a record says that something changed; return whether it did."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    record_path = venv / "fenrir-environment.json"
    record = remembered(record_path)
    metadata = {key: value for key, value in project.items() if key not in ("tool", "dependency-groups")}
    wanted = {"project": digest(metadata, project["tool"]["setuptools"], str(ROOT))}
    wanted |= {name: digest(group(project, name)) for name in groups}
    missing = [name for name, key in wanted.items() if record.get("installed", {}).get(name) != key]

    build_path = ROOT / "build" / f"extensions-{sysconfig.get_config_var('SOABI')}.json"
    made_from = digest(sources(), project["build-system"], {name: os.environ.get(name, "") for name in SWITCHES})
    built = remembered(build_path)
    present = [path.relative_to(ROOT).as_posix() for path in compiled()]
    rebuild = built.get("made_from") != made_from or built.get("compiled") != present
    if not missing and not rebuild:
        return False

    requirements = [requirement for name in missing if name != "project" for requirement in group(project, name)]
    if rebuild:
        build_path.unlink(missing_ok=True)
        for stale in [*compiled(), *ROOT.glob("src/**/*_cy.c")]:
            stale.unlink()
    if rebuild or "project" in missing:
        requirements = ["--editable", ".[standard]", *requirements]
    print(f"environment: installing {', '.join(missing) or 'the project'} into {venv.name}", flush=True)
    pip(venv, "install", "-qq", *requirements)

    record["installed"] = record.get("installed", {}) | wanted
    remember(record_path, record)
    present = [path.relative_to(ROOT).as_posix() for path in compiled()]
    remember(build_path, {"made_from": made_from, "compiled": present})
    if rebuild:
        names = [path.name.split(".")[0] for path in compiled()]
        total = len(list(ROOT.glob("src/**/*_cy.py")))
        print(f"environment: {len(names)} of {total} *_cy modules compiled {' '.join(names)}".rstrip(), flush=True)
    return True


def main() -> None:
    """Bring the environment up to date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("venv", type=Path, help="the folder of the virtual environment")
    parser.add_argument("--group", action="append", default=[], help="a dependency group of pyproject.toml")
    options = parser.parse_args()
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: Fenrir needs Python 3.11 or newer, this is {found}; choose one with PYTHON=")
    venv = options.venv.absolute()
    create(venv, f"{sys.version} {sys.base_prefix}")
    if install(venv, options.group):
        # Convenience, not need: without the assets the documentation pages load them from their CDN.
        subprocess.run([str(venv / "bin" / "python"), str(ROOT / "tools" / "docs_ui.py"), "--optional"], check=True)


if __name__ == "__main__":
    main()
