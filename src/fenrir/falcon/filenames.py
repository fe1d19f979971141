"""File names of clients, made harmless in upstream's spelling."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["secure_filename"]

_UNSAFE = re.compile(r"[^A-Za-z0-9.\-]")


def secure_filename(filename: str, max_length: int | None = None) -> str:
    """Return a name of ASCII letters, digits, dots and hyphens that is neither hidden nor in another directory.

    Raises:
        ValueError: the name is empty.
    """
    if not filename:
        raise ValueError("filename may not be an empty string")
    name = unicodedata.normalize("NFKD", filename)
    if name.startswith("."):
        name = "_" + name[1:]
    if max_length is not None and len(name) > max_length:
        stem, dot, ending = name.rpartition(".")
        kept = max_length - len(dot + ending)
        name = stem[:kept] + dot + ending if dot and kept > 0 else name[:max_length]
    return _UNSAFE.sub("_", name)
