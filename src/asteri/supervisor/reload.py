"""The file watcher of `--reload`: a child process which reports changed source files.

It is a process and not a thread, because the supervisor forks, and a fork is only safe with one thread. It watches
with watchfiles where that is importable, else by comparing modification times twice a second; it ends when its
supervisor does.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import os
import select
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from asteri.supervisor import notify

__all__ = ["IGNORED", "changes_by_polling", "main", "snapshot"]

IGNORED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".venv",
        "venv",
        "node_modules",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)
"""Directories that are never looked into."""

_INTERVAL = 0.5


def main(directories: Sequence[str], patterns: Sequence[str], end: notify.End) -> int:
    """Report changed files until the supervisor is gone."""
    if importlib.util.find_spec("watchfiles") is not None:
        batches = _changes_by_watchfiles(directories, patterns, end)
    else:
        batches = changes_by_polling(directories, patterns, end)
    for paths in batches:
        end.changed(", ".join(sorted(paths)))
    return 0


def _wanted(path: str, patterns: Sequence[str]) -> bool:
    where = Path(path)
    return IGNORED.isdisjoint(where.parts) and any(fnmatch.fnmatch(where.name, pattern) for pattern in patterns)


def _changes_by_watchfiles(directories: Sequence[str], patterns: Sequence[str], end: notify.End) -> Iterator[set[str]]:
    from watchfiles import watch

    roots = [str(Path(directory).resolve()) for directory in directories]
    # Below a watched root only: a project that itself lives under a directory called "venv" is watched all the same.
    stop = threading.Event()
    threading.Thread(target=_set_at_end, args=(end, stop), daemon=True).start()

    def wanted(change: object, path: str) -> bool:
        root = next((root for root in roots if path.startswith(root)), "")
        return _wanted(os.path.relpath(path, root) if root else path, patterns)

    for batch in watch(*roots, watch_filter=wanted, stop_event=stop, raise_interrupt=False):
        yield {path for _, path in batch}


def _set_at_end(end: notify.End, stop: threading.Event) -> None:
    _gone(end, None)
    stop.set()


def _gone(end: notify.End, wait: float | None) -> bool:
    """Return whether the supervisor is gone, after waiting for it for at most `wait` seconds."""
    return bool(select.select([end], [], [], wait)[0])


def changes_by_polling(
    directories: Sequence[str], patterns: Sequence[str], end: notify.End, interval: float = _INTERVAL
) -> Iterator[set[str]]:
    """Yield sets of paths that appeared, vanished or were modified, until the supervisor is gone."""
    before = snapshot(directories, patterns)
    while not _gone(end, interval):
        now = snapshot(directories, patterns)
        changed = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
        before = now
        if changed:
            yield changed


def snapshot(directories: Iterable[str], patterns: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return modification time and size of each watched file below the directories."""
    found: dict[str, tuple[int, int]] = {}
    waiting = [os.fspath(directory) for directory in directories]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in IGNORED:
                            waiting.append(entry.path)
                    elif any(fnmatch.fnmatch(entry.name, pattern) for pattern in patterns):
                        status = entry.stat()
                        found[entry.path] = (status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            continue  # removed while we looked: its absence is the change
    return found
