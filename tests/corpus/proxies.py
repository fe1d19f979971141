"""nginx and haproxy in front of our server, and what they say that they have forwarded.

Each is configured to be as lenient as it can be, because what it lets through is what the test is about: nginx passes
headers that it calls invalid and bodies as they arrive, haproxy what it calls an invalid request.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["KINDS", "Entry", "Proxy", "running"]

KINDS = ("nginx-keep-alive", "nginx-one-shot", "haproxy-keep-alive", "haproxy-one-shot")
TOOL = Path(__file__).parents[2] / "tools" / "programs.py"
PATIENCE = 10.0

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    log_format entry escape=none '$request_method\t$upstream_addr\t$status\t$request_uri';
    access_log {folder}/access.log entry;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; large_client_header_buffers 8 64k;
    client_max_body_size 0; proxy_next_upstream off;
    upstream application {{ server 127.0.0.1:{upstream}; {pool} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://application; {forward} proxy_set_header Host $http_host; }}
    }}
}}
"""
NGINX_MODES = {
    "keep-alive": (
        "keepalive 4;",
        'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;',
    ),
    "one-shot": ("", "proxy_http_version 1.0; proxy_set_header Connection close;"),
}
HAPROXY = """
global
    nbthread 1
    tune.bufsize 131072
    tune.http.maxhdr 1000
    tune.http.logurilen 65535
    log stdout len 65535 format raw local0
defaults
    mode http
    timeout connect 2s
    timeout client 2s
    timeout server 2s
    retries 0
    log global
    option accept-invalid-http-request
    {mode}
frontend front
    bind 127.0.0.1:{port}
    log-format "%HM\\t%s %Tc\\t%ST\\t%HU"
    default_backend back
backend back
    http-reuse {reuse}
    server application 127.0.0.1:{upstream}
"""
HAPROXY_MODES = {"keep-alive": ("option http-keep-alive", "always"), "one-shot": ("option httpclose", "never")}


class Entry(NamedTuple):
    """One request in a proxy's log: method and target as the client sent them, and the status it got."""

    method: str
    target: bytes
    status: str


class Proxy:
    """A running proxy."""

    def __init__(self, port: int, log: Path, server: str) -> None:
        self.port = port
        self._log = log
        self._read = 0
        self._server = server

    def forwarded(self) -> list[Entry]:
        """Return what it has forwarded since the last call, in the order of its log."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            lines = file.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines[:-1])
        entries = []
        for line in lines[:-1]:
            method, server, status, target = line.split(b"\t")  # the target is last: haproxy cuts lines of 64 KiB
            if server.decode().startswith(self._server) and not server.endswith(b" -1"):
                shown = re.sub(rb"#([0-9A-F]{2})", lambda match: bytes.fromhex(match[1].decode()), target)
                entries.append(Entry(method.decode("latin-1"), shown, status.decode()))
        return entries


def find(program: str) -> str:
    """Return the path of a program. Raises `RuntimeError`: `make proxies` installs it."""
    spec = importlib.util.spec_from_file_location("programs", TOOL)
    assert spec is not None and spec.loader is not None
    programs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(programs)
    path = programs.find(program)
    if path is None:
        raise RuntimeError(f"{program} is not installed; `make proxies` does it")
    return str(path)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(kind: str, folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run a proxy in front of a port."""
    program, _, mode = kind.partition("-")
    port = free_port()
    log, configuration = folder / "access.log", folder / "configuration"
    values = {"folder": folder, "port": port, "upstream": upstream}
    if program == "nginx":
        pool, forward = NGINX_MODES[mode]
        configuration.write_text(NGINX.format(pool=pool, forward=forward, **values))
        command = [find("nginx"), "-c", str(configuration), "-p", str(folder), "-e", str(folder / "error.log")]
        server = f"127.0.0.1:{upstream}"
    else:
        option, reuse = HAPROXY_MODES[mode]
        configuration.write_text(HAPROXY.format(mode=option, reuse=reuse, **values))
        command = [find("haproxy"), "-db", "-f", str(configuration)]
        server = "application "
    errors = folder / "errors.log"
    with (
        log.open("wb") as out,
        errors.open("wb") as err,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err) as process,
    ):
        try:
            _await(process, port, errors)
            yield Proxy(port, log, server)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _await(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{process.args} does not listen:\n{output.read_text()}")
