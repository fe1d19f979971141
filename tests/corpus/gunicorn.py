"""gunicorn's corpus of requests, read from its source distribution, which is fetched from the package index.

Each request is a `.http` file beside a `.py` file with what gunicorn makes of it. The first is text: line ends of the
file mean nothing, `\\r \\n \\t \\0 \\xHH` stand for bytes. The second assigns to `request` an error or one dictionary a
request, and sometimes sets options of gunicorn, which we do not have.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["VERSION", "Foreign", "load", "with_host"]

VERSION = "27.0.1"
TOOL = Path(__file__).parents[2] / "tools" / "sdist.py"
ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([rnt0]))")
PLAIN = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0"}


@dataclass(frozen=True, slots=True)
class Foreign:
    """One request file of gunicorn.

    Attributes:
        settings: options of gunicorn that its outcome depends on.
        requests: what gunicorn makes of it: method, target, headers, body; nothing if it refuses it.
    """

    name: str
    data: bytes
    settings: tuple[str, ...]
    requests: tuple[tuple[str, str, tuple[tuple[str, str], ...], bytes], ...]


@functools.cache
def load(kind: str) -> tuple[Foreign, ...]:
    """Return the requests in `valid` or `invalid`."""
    done = subprocess.run([sys.executable, str(TOOL), "gunicorn", VERSION], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    folder = Path(done.stdout.strip()) / "tests" / "requests" / kind
    return tuple(_read(path) for path in sorted(folder.glob("*.http")))


def with_host(data: bytes) -> bytes:
    """Return the same with a Host in every request of HTTP/1.1: many of these files lack one besides their fault."""
    return data.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nHost: a\r\n")


def _read(path: Path) -> Foreign:
    data = ESCAPE.sub(
        lambda match: bytes.fromhex(match[1].decode()) if match[1] else PLAIN[match[2]],
        path.read_bytes().replace(b"\n", b""),
    )
    settings: list[str] = []
    # The files are Python; what is evaluated of them are literals and `uri("...")`, without any builtin.
    values: dict[str, Any] = {"__builtins__": {}, "uri": str}
    for node in ast.parse(path.with_suffix(".py").read_text()).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            settings.append(ast.literal_eval(node.value.args[0]))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            with contextlib.suppress(NameError):  # an error's class, or the settings
                values[node.targets[0].id] = eval(compile(ast.Expression(node.value), path.stem, "eval"), values)
    found = values.get("request", [])
    return Foreign(path.stem, data, tuple(settings), tuple(map(_request, found if type(found) is list else [found])))


def _request(fields: dict[str, Any]) -> tuple[str, str, tuple[tuple[str, str], ...], bytes]:
    body = fields["body"]
    return fields["method"], fields["uri"], tuple(map(tuple, fields["headers"])), body if body else b""
