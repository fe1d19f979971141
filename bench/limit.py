"""What a server can not be faster than: an epoll loop in C, compiled here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["LIMIT", "build"]

SOURCE = Path(__file__).resolve().parent / "limit.c"
LIMIT = SOURCE.parents[1] / "build" / "bench" / "limit"


def build() -> None:
    """Compile it where there is a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or (LIMIT.exists() and LIMIT.stat().st_mtime >= SOURCE.stat().st_mtime):
        return
    LIMIT.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(LIMIT), str(SOURCE)], check=True)
