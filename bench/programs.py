"""What is not Python: wrk and nginx from the system's packages, and the C limit, compiled here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["LIMIT", "build_limit", "find", "install", "missing"]

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
LIMIT = BUILD / "limit"
SYSTEM_PATHS = "/usr/local/sbin:/usr/sbin:/sbin"
PACKAGES = {"wrk": "wrk", "nginx": "nginx-light", "slowhttptest": "slowhttptest"}


def find(name: str) -> str | None:
    """Return the path of a program, also where only root's PATH has it."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_PATHS)


def install(*names: str) -> None:
    """Install what is missing by apt-get, if that is possible here; say what will be missing otherwise."""
    wanted = [PACKAGES[name] for name in names if find(name) is None]
    if not wanted:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"bench: not installed, and only root could by apt-get: {' '.join(wanted)}", flush=True)
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", *wanted],
    ):
        print(f"bench: {' '.join(command)}", flush=True)
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            print(f"bench: {' '.join(command)} failed (its message is above)", flush=True)
            return


def build_limit() -> None:
    """Compile the C limit where there is a compiler."""
    source = HERE / "limit.c"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or (LIMIT.exists() and LIMIT.stat().st_mtime >= source.stat().st_mtime):
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(LIMIT), str(source)], check=True)


def missing(name: str) -> str:
    """Return why a program can not be used here, "" if it can."""
    if name == "limit-c":
        return "" if LIMIT.exists() else "no C compiler"
    return "" if not name or find(name) else f"{name} is not installed"
