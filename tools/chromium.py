"""Find a Chromium for the browser tests, or install it from the system's packages; print where it is.

The browser of the distribution and not one that the driver downloads: it gets its security updates from there, and a
machine that reaches only its package mirror has it too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """Return the path of an installed Chromium: `CHROMIUM=` wins, then the usual names."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        return chosen
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Install Chromium by apt-get, or exit with what to do instead."""
    if shutil.which("apt-get") is None:
        sys.exit("error: no Chromium found; install it with this system's package manager or give CHROMIUM=/path/to/it")
    if os.geteuid() != 0:
        sys.exit("error: no Chromium found; as root: apt-get update && apt-get install -y chromium (or give CHROMIUM=)")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
        print(f"chromium: {' '.join(command)}", flush=True)
        if subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"error: {' '.join(command)} failed (its message is above)")


def main() -> None:
    """Make sure that there is a Chromium."""
    if find() is None:
        install()
    path = find()
    if path is None:
        sys.exit("error: the package chromium is installed but no chromium is on PATH")
    print(f"chromium: {path}", flush=True)


if __name__ == "__main__":
    main()
