"""Names of files that came from outside, made harmless. Purely lexical: nothing here touches a file system.

A name from an upload is never a path (`secure_filename`); a path from a URL is either inside the root by its
spelling or it is None (`safe_join`). Symbolic links are the business of whoever opens the file.
"""

from __future__ import annotations

import os
import re
import unicodedata

__all__ = ["MAX_FILENAME", "safe_join", "secure_filename"]

MAX_FILENAME = 255
"""Bytes in a name: NAME_MAX of Linux, macOS and Windows."""

_SEPARATORS = re.compile(r"[\s/\\]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"]
    + [f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"]
)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


def _is_device(name: str) -> bool:
    return name.partition(".")[0].rstrip(" ").upper() in _DEVICES


def secure_filename(name: str, *, max_length: int = MAX_FILENAME) -> str:
    """Return an ASCII file name without directories, devices and surprises; possibly "".

    Accents are dropped, separators and white space become `_`, a Windows device name gets a leading `_`, and
    a name that is too long keeps its extension.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    safe = _UNSAFE.sub("", _SEPARATORS.sub("_", ascii_name.strip().strip("/\\"))).strip("._")
    if _is_device(safe):
        safe = f"_{safe}"
    if len(safe) > max_length:
        stem, dot, extension = safe.rpartition(".")
        tail = f"{dot}{extension}" if stem and len(extension) < min(32, max_length) else ""
        safe = safe[: max_length - len(tail)] + tail
    return safe


def safe_join(root: str, path: str, *, windows: bool = os.name == "nt") -> str | None:
    """Return `path`, a URL path decoded once, below `root`; None if its spelling could lead elsewhere.

    `path` is relative and uses `/`. Refused are: a leading slash, a `..` segment, backslashes, control characters
    and bytes that were not UTF-8 (lone surrogates); with `windows` also drives, streams, device names and names
    that Windows would trim. Empty and `.` segments are dropped; an empty path is the root itself.

    Raises:
        ValueError: `root` is empty; the result would be absolute.
    """
    if not root:
        raise ValueError("the root is empty")
    if path.startswith("/") or _FORBIDDEN.search(path) is not None:
        return None
    segments = []
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            return None
        if windows and (":" in segment or segment[-1] in ". " or _is_device(segment)):
            return None
        segments.append(segment)
    return "/".join([root.rstrip("/") if segments else root, *segments])
