"""The `Host` header: its two parts, and which hosts an application answers for.

A host is compared literally, in lower case and without one trailing dot: no pattern but `*.`, no regular expression
in which a dot is any character. What is configured is checked when it is configured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["AllowedHosts", "split_host"]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}[A-Za-z0-9_.])?)(?::([0-9]{1,5}))?")


def split_host(host: str) -> tuple[str, int | None]:
    """Return the name and the port of a `Host` header, the name in lower case without its trailing dot.

    Raises:
        ValueError: there is a user, a path, a list, a malformed name or port.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        raise ValueError(f"{host[:80]!r} is not a host")
    port = int(match[2]) if match[2] else None
    if port is not None and port > 65535:
        raise ValueError(f"port {port} is above 65535")
    return match[1].lower().removesuffix("."), port


class AllowedHosts:
    """The hosts that an application answers for.

    Args:
        entries: names, names with a port that must then be the same, `*.name` for any subdomain of a name (but not
            the name itself), or `*` for every well-formed host.

    Raises:
        ValueError: an entry is none of these.
    """

    __slots__ = ("_any", "_exact", "_suffixes")

    def __init__(self, entries: Iterable[str]) -> None:
        exact: set[tuple[str, int | None]] = set()
        suffixes: list[str] = []
        self._any = False
        for entry in entries:
            if entry == "*":
                self._any = True
            elif entry.startswith("*."):
                name, port = split_host(entry[2:])
                if port is not None:
                    raise ValueError(f"{entry[:80]!r}: a wildcard has no port")
                suffixes.append(f".{name}")
            else:
                exact.add(split_host(entry))
        self._exact = frozenset(exact)
        self._suffixes = tuple(suffixes)

    def allows(self, host: str) -> bool:
        """Say whether a `Host` header names an allowed host; a malformed one never does."""
        try:
            name, port = split_host(host)
        except ValueError:
            return False
        if self._any or (name, None) in self._exact or (name, port) in self._exact:
            return True
        return bool(self._suffixes) and name.endswith(self._suffixes)
