"""The environ of PEP 3333, made from an exchange."""

# mypy: ignore-errors

import sys
from collections.abc import Iterator
from typing import Any

try:
    import cython
except ImportError:
    from asteri.wire.interpreted import cython

__all__ = ["FileWrapper", "build_environ"]


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an iterable of blocks."""

    def __init__(self, file: Any, block_size: int = 65536) -> None:
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


_CONSTANT: dict = {
    "wsgi.version": (1, 0),
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.file_wrapper": FileWrapper,
}
KEYS = cython.declare(cython.Py_ssize_t, 1024)  # names of request headers whose keys are kept
_keys: dict = {}


def build_environ(exchange: Any, body: Any, script_name: str = "") -> dict[str, Any]:
    """Return the WSGI environ of an exchange.

    SECURITY: a request header `Proxy` is left out, since CGI programs take HTTP_PROXY for their own setting; so are
    names with an underscore, which would be indistinguishable from the ones with a hyphen that a proxy has vouched
    for.

    Args:
        exchange: an `asteri.exchange.Exchange`.
        body: what `wsgi.input` is to be, a binary stream.
    """
    connection = exchange.connection
    path: str = exchange.path
    query: str = exchange.query.decode("latin-1")
    uri: str = exchange.raw_path.decode("latin-1")
    scheme = connection.scheme
    client = connection.client
    server = connection.server
    environ: dict = _CONSTANT.copy()
    environ["REQUEST_METHOD"] = exchange.method
    environ["SCRIPT_NAME"] = _recode(connection.root_path + script_name)
    environ["PATH_INFO"] = _recode(path.removeprefix(script_name) if script_name else path)
    environ["QUERY_STRING"] = query
    environ["REQUEST_URI"] = f"{uri}?{query}" if query else uri
    environ["SERVER_PROTOCOL"] = "HTTP/1.1" if connection.http_version == "1.1" else f"HTTP/{connection.http_version}"
    if server is not None and server[1] is not None:
        environ["SERVER_NAME"] = server[0]
        environ["SERVER_PORT"] = str(server[1])
    else:
        environ["SERVER_NAME"] = "localhost"
        environ["SERVER_PORT"] = "443" if scheme == "https" else "80"
    if client is not None:
        environ["REMOTE_ADDR"] = client[0]
        environ["REMOTE_PORT"] = str(client[1])
    else:
        environ["REMOTE_ADDR"] = ""
    environ["wsgi.url_scheme"] = scheme
    environ["wsgi.input"] = body
    environ["wsgi.errors"] = sys.stderr
    name: bytes
    raw: bytes
    for name, raw in exchange.headers.raw:
        key = _keys.get(name)
        if key is None:
            key = _key(name)
        if key:
            value: str = raw.decode("latin-1")
            if key in environ:
                value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
            environ[key] = value
    return environ


@cython.cfunc
def _key(name: bytes) -> str:
    """Return the environ's key for a request header, "" for one that is left out."""
    key: str = ""
    if name.find(b"_") < 0 and name != b"proxy":
        key = name.decode("latin-1").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
    if len(_keys) >= KEYS:
        _keys.clear()
    _keys[name] = key
    return key


@cython.cfunc
def _recode(path: str) -> str:
    """Return a decoded path the way PEP 3333 wants it: each byte as the character of the same number."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("latin-1")
