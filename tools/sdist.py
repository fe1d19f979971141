"""Fetch a source distribution from the package index, unpacked, for tests that run another project's test material.

Nothing of it is committed, built or installed. It lands in `build/sdists/NAME-VERSION` and stays there: a second call
finds it. The path is printed, and is what `fetch` returns.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "build" / "sdists"


class FetchError(Exception):
    """The distribution could not be had; the message says why."""


def fetch(name: str, version: str) -> Path:
    """Return the folder of an unpacked source distribution.

    Raises:
        FetchError: the package index does not give it.
    """
    folder = STORE / f"{name}-{version}"
    if folder.exists():
        return folder
    STORE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=STORE) as scratch:
        archive = download(name, version, Path(scratch))
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        unpacked = [path for path in Path(scratch).iterdir() if path.is_dir()]
        if len(unpacked) != 1:
            raise FetchError(f"{archive.name} holds {len(unpacked)} folders, not one")
        try:
            unpacked[0].rename(folder)
        except OSError:  # another process was faster
            if not folder.exists():
                raise
            shutil.rmtree(unpacked[0])
    return folder


def download(name: str, version: str, folder: Path) -> Path:
    """Return the archive, downloaded by pip into the folder.

    Raises:
        FetchError: pip could not get it.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--quiet"]
    command += ["--no-deps", "--no-binary", name, "--dest", str(folder), f"{name}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        raise FetchError(f"pip did not get the source of {name} {version}:\n{done.stdout}{done.stderr}")
    return archives[0]


def main() -> None:
    """Print where the distribution is."""
    if len(sys.argv) != 3:
        sys.exit("usage: sdist.py NAME VERSION")
    try:
        print(fetch(*sys.argv[1:]))
    except FetchError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
