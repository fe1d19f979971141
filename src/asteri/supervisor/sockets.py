"""Listening sockets, bound once, before the first fork.

The workers inherit them, so a connection that waits in the kernel's queue survives the death or the replacement of a
worker. A Unix socket's file is removed at the end, and a stale one (nobody listens on it) is replaced at the start.
"""

from __future__ import annotations

import errno
import socket
import stat
from collections.abc import Iterable
from pathlib import Path

from asteri.errors import BindError
from asteri.settings import Address
from asteri.wire.limits import UNSENT

__all__ = ["bind", "close", "url"]

_REASONS = {
    errno.EADDRINUSE: "another process is listening there",
    errno.EACCES: "no permission (ports below 1024 need a privilege)",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def bind(addresses: Iterable[Address], backlog: int) -> list[socket.socket]:
    """Return one listening socket per address.

    Raises:
        BindError: an address is taken, not permitted or not of this machine; none is left open then.
    """
    addresses = tuple(addresses)
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            bound.append(_listen(address, backlog))
    except BindError:
        close(bound, addresses)
        raise
    return bound


def _listen(address: Address, backlog: int) -> socket.socket:
    try:
        family, name = _resolve(address)
    except OSError as error:
        raise BindError(f"cannot listen on {address}: {error.strerror}") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if address.path:
            _remove_stale(address.path)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # accepted connections inherit it
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(name)
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, error.strerror)
        raise BindError(f"cannot listen on {address}: {reason}") from error
    return listener


def _resolve(address: Address) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if address.path:
        return socket.AF_UNIX, address.path
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, name = found[0]
    return family, (str(name[0]), int(name[1]))


def _remove_stale(path: str) -> None:
    """Remove a Unix socket that nobody listens on; anything else in its place is left for `bind` to complain about."""
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()


def close(listeners: Iterable[socket.socket], addresses: Iterable[Address]) -> None:
    """Close what `bind` has returned for these addresses, and remove the files of Unix sockets."""
    for listener, address in zip(listeners, addresses, strict=False):
        listener.close()
        if address.path:
            Path(address.path).unlink(missing_ok=True)


def url(listener: socket.socket) -> str:
    """Return where a socket listens, as a person would type it."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"http://{Address(host=name[0], port=name[1])}"
