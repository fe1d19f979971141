"""Find programs that some tests need, or install them from the system's packages; print where they are.

The programs of the distribution and not ones that a driver downloads: they get their security updates from there, and a
machine that reaches only its package mirror has them too. `CHROMIUM=`, `NGINX=`, `WRK=` and so on name others.
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
    "wrk": (("wrk",), "wrk"),
    "slowhttptest": (("slowhttptest",), "slowhttptest"),
}


class InstallError(Exception):
    """A program is missing and can not be installed here; the text says what to do instead."""


def find(program: str) -> str | None:
    """Return the path of an installed program: its variable wins, then the usual names, also where only root looks."""
    chosen = os.environ.get(program.upper())
    if chosen:
        return chosen
    path = os.environ.get("PATH", "") + os.pathsep + SYSTEM_PATHS
    return next((found for name in PROGRAMS[program][0] if (found := shutil.which(name, path=path))), None)


def install(*programs: str) -> None:
    """Install by apt-get what is missing.

    Raises:
        InstallError: that is not possible here, or failed.
    """
    wanted = [program for program in programs if find(program) is None]
    if not wanted:
        return
    packages = " ".join(PROGRAMS[program][1] for program in wanted)
    names = ", ".join(f"{program.upper()}=" for program in wanted)
    if shutil.which("apt-get") is None:
        raise InstallError(f"install {packages} with this system's package manager, or say where they are ({names})")
    if os.geteuid() != 0:
        raise InstallError(f"as root: apt-get update && apt-get install -y {packages} (or say where they are: {names})")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", *packages.split()]):
        print(f"programs: {' '.join(command)}", flush=True)
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            raise InstallError(f"{' '.join(command)} failed (its message is above)")
    for program in wanted:
        if find(program) is None:
            raise InstallError(f"the package {PROGRAMS[program][1]} is installed but {program} is not on PATH")


def main() -> None:
    """Make sure that the named programs are there."""
    wanted = sys.argv[1:]
    if not wanted or not set(wanted) <= set(PROGRAMS):
        sys.exit(f"usage: programs.py {' | '.join(PROGRAMS)} ...")
    try:
        install(*wanted)
    except InstallError as error:
        sys.exit(f"error: {error}")
    for program in wanted:
        print(f"programs: {program}: {find(program)}", flush=True)


if __name__ == "__main__":
    main()
