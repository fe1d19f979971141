"""Static files: a path of a URL to a file below a root, or nothing.

Three checks, each enough for a class of attacks. The spelling is checked before the disk is asked at all (`safe_join`:
no `..`, no absolute path, no backslash, no control character), so nothing outside the root is even looked at. The file
is opened, and where it really lies is compared with the root, so a symbolic link can not lead out. What was opened must
be the file at that real place, so that swapping a link in between changes nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from fenrir.http.filenames import safe_join

__all__ = ["StaticFile", "StaticFiles"]


class StaticFile(NamedTuple):
    """A file that may be sent.

    Attributes:
        path: where it really lies.
        status: of the file that was opened there.
    """

    path: str
    status: os.stat_result


class StaticFiles:
    """The files below a directory.

    Args:
        follow_symlinks: links may lead out of the directory.
    """

    def __init__(self, root: str | os.PathLike[str], *, follow_symlinks: bool = False) -> None:
        self.root = os.fspath(Path(root).absolute())
        self._follow = follow_symlinks

    def find(self, path: str) -> StaticFile | None:
        """Return the file of a decoded path without its leading slash, None if there is none to be sent. Blocks."""
        joined = safe_join(self.root, path)
        if joined is None:
            return None
        try:
            # O_NONBLOCK: opening a pipe would wait for its writer.
            opened = os.open(joined, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError):
            return None
        try:
            status = os.fstat(opened)
            if not stat.S_ISREG(status.st_mode):
                return None
            real = os.path.realpath(joined)
            # SECURITY: the real place, not the spelling, decides; and it must be the file that was opened.
            if not self._follow and not self._inside(real):
                return None
            there = Path(real).lstat()
            return StaticFile(real, status) if os.path.samestat(there, status) else None
        except OSError:
            return None
        finally:
            os.close(opened)

    def _inside(self, real: str) -> bool:
        root = os.path.realpath(self.root)
        return real.startswith(root if root.endswith(os.sep) else root + os.sep)
