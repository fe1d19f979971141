"""The peers' environment: the same interpreter as ours, and what requirements.txt pins."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

__all__ = ["PEERS", "prepare"]

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
FOLDER = HERE.parent / "build" / f"bench-env-{sys.version_info.major}.{sys.version_info.minor}"
PEERS = str(FOLDER / "bin" / "python")


def prepare() -> None:
    """Make the environment, or make it again when the requirements have changed.

    Raises:
        subprocess.CalledProcessError: pip failed; its message was printed.
    """
    mark = FOLDER / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return
    print(f"bench: installing the peers into build/{FOLDER.name}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    pip = [PEERS, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq", "-r", str(REQUIREMENTS)]
    subprocess.run(pip, check=True)
    mark.write_text(wanted)
