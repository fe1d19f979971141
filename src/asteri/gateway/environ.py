"""The environ of PEP 3333, made from an exchange."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from asteri.exchange import Exchange

__all__ = ["Environ", "FileWrapper", "build_environ"]

Environ: TypeAlias = dict[str, Any]


class _File(Protocol):
    def read(self, size: int, /) -> bytes: ...


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an iterable of blocks."""

    def __init__(self, file: _File, block_size: int = 65536) -> None:
        self.file = file
        self._block_size = block_size
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        block = self.file.read(self._block_size)
        if not block:
            raise StopIteration
        return block


_CONSTANT: Environ = {
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": FileWrapper,
}


def build_environ(exchange: Exchange, body: io.BufferedIOBase, script_name: str = "") -> Environ:
    """Return the WSGI environ of an exchange.

    SECURITY: a request header `Proxy` is left out, since CGI programs take HTTP_PROXY for their own setting; so are
    names with an underscore, which would be indistinguishable from the ones with a hyphen that a proxy has vouched
    for.
    """
    connection = exchange.connection
    path, query = exchange.path, exchange.query.decode("latin-1")
    uri = exchange.raw_path.decode("latin-1")
    scheme, client, server = connection.scheme, connection.client, connection.server
    environ = _CONSTANT.copy()
    environ["REQUEST_METHOD"] = exchange.method
    environ["SCRIPT_NAME"] = _recode(connection.root_path + script_name)
    environ["PATH_INFO"] = _recode(path.removeprefix(script_name))
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = f"{uri}?{query}" if query else uri
    environ["SERVER_PROTOCOL"] = f"HTTP/{connection.http_version}"
    if server is not None and server[1] is not None:
        environ["SERVER_NAME"], environ["SERVER_PORT"] = server[0], str(server[1])
    else:
        environ["SERVER_NAME"], environ["SERVER_PORT"] = "localhost", "443" if scheme == "https" else "80"
    if client is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    else:
        environ["REMOTE_ADDR"] = ""
    environ["wsgi.url_scheme"] = scheme
    environ["wsgi.input"] = body
    environ["wsgi.errors"] = sys.stderr
    for name, raw_value in exchange.headers.raw:
        key = _key(name)
        if key:
            value = raw_value.decode("latin-1")
            if key in environ:
                value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
            environ[key] = value
    return environ


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """Return the environ's key for a request header, "" for one that is left out."""
    if b"_" in name or name == b"proxy":
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _recode(path: str) -> str:
    """Return a decoded path the way PEP 3333 wants it: each byte as the character of the same number."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("latin-1")
