"""Find programs that some tests need, or install them from the system's packages; print where they are.

The programs of the distribution and not ones that a driver downloads: they get their security updates from there, and a
machine that reaches only its package mirror has them too. `CHROMIUM=`, `NGINX=` and `HAPROXY=` name others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

SYSTEM_PATHS = "/usr/local/sbin:/usr/sbin:/sbin"
# The names that a program goes by, and the package that has it.
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "nginx": (("nginx",), "nginx-light"),
    "haproxy": (("haproxy",), "haproxy"),
}


def find(program: str) -> str | None:
    """Return the path of an installed program: its variable wins, then the usual names, also where only root looks."""
    chosen = os.environ.get(program.upper())
    if chosen:
        return chosen
    path = os.environ.get("PATH", "") + os.pathsep + SYSTEM_PATHS
    return next((found for name in PROGRAMS[program][0] if (found := shutil.which(name, path=path))), None)


def install(programs: list[str]) -> None:
    """Install programs by apt-get, or exit with what to do instead."""
    packages = " ".join(PROGRAMS[program][1] for program in programs)
    names = ", ".join(f"{program.upper()}=" for program in programs)
    if shutil.which("apt-get") is None:
        sys.exit(f"error: install {packages} with this system's package manager, or say where they are ({names})")
    if os.geteuid() != 0:
        sys.exit(f"error: as root: apt-get update && apt-get install -y {packages} (or say where they are: {names})")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *packages.split()]):
        print(f"programs: {' '.join(command)}", flush=True)
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"error: {' '.join(command)} failed (its message is above)")


def main() -> None:
    """Make sure that the named programs are there."""
    wanted = sys.argv[1:]
    if not wanted or not set(wanted) <= set(PROGRAMS):
        sys.exit(f"usage: programs.py {' | '.join(PROGRAMS)} ...")
    missing = [program for program in wanted if find(program) is None]
    if missing:
        install(missing)
    for program in wanted:
        path = find(program)
        if path is None:
            sys.exit(f"error: the package {PROGRAMS[program][1]} is installed but {program} is not on PATH")
        print(f"programs: {program}: {path}", flush=True)


if __name__ == "__main__":
    main()
