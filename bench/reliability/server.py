"""Asteri with one of the applications in apps/, in the form and on the loop that a measurement asks for."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.serving import Server, serving

__all__ = ["APPS", "asteri", "get", "get_json"]

APPS = Path(__file__).resolve().parent / "apps"


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
