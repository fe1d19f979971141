"""A server with one of the applications in apps/: Asteri, in the form and on the loop that a measurement asks for, or a
peer, which is measured with the same instruments through ASGI.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.contenders import granian, gunicorn, uvicorn
from bench.peers import prepare
from bench.serving import Server, serving

__all__ = ["APPS", "asteri", "get", "get_json", "served"]

APPS = Path(__file__).resolve().parent / "apps"
PEERS = {"uvicorn": uvicorn, "granian": granian, "gunicorn": gunicorn}  # the last one takes WSGI only
SOURCE = APPS.parents[2] / "src"  # apps/doors.py imports the interface, which needs nothing else


@contextlib.contextmanager
def asteri(
    target: str, *options: str, name: str, interface: str = "auto", loop: str = "auto", pure: bool = False
) -> Iterator[Server]:
    """Serve `target` with one worker for as long as the context lasts."""
    fixed = ("-b", "127.0.0.1:{port}", "-w", "1", "--interface", interface, "--loop", loop)
    command = (sys.executable, "-m", "asteri", target, *fixed, *options)
    environment = {"ASTERI_PURE": "1" if pure else "0"}
    with serving(f"reliability-{name}", command, folder=APPS, environment=environment) as server:
        yield server


@contextlib.contextmanager
def served(
    server: str, target: str, *options: str, name: str, loop: str = "auto", pure: bool = False
) -> Iterator[Server]:
    """Serve `target` on a server by its name; options, loop and form are Asteri's.

    Raises:
        ValueError: there is no such server.
    """
    if server == "asteri":
        with asteri(target, *options, name=name, loop=loop, pure=pure) as one:
            yield one
        return
    if server not in PEERS:
        raise ValueError(f"unknown server {server!r}; known are asteri, {', '.join(PEERS)}")
    prepare()
    environment = {"PYTHONPATH": str(SOURCE)}
    with serving(f"reliability-{name}-{server}", PEERS[server](target), folder=APPS, environment=environment) as one:
        yield one


def get(port: int, path: str = "/", timeout: float = 10.0) -> bytes:
    """Return the body of one answer, on a connection of its own.

    Raises:
        RuntimeError: it is not 200.
    """
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("GET", path, headers={"connection": "close"})
        response = connection.getresponse()
        body = response.read()
    if response.status != 200:
        raise RuntimeError(f"GET {path}: {response.status} {body[:100]!r}")
    return body


def get_json(port: int, path: str) -> Any:
    """Return one answer, decoded."""
    return json.loads(get(port, path))
