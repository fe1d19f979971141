"""Asteri as its users start it: real processes, real signals, real sockets."""

from __future__ import annotations

import gc
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import asteri
from asteri.worker.process import YOUNG

pytestmark = [pytest.mark.slow, pytest.mark.timing]

PATIENCE = 15.0
SOURCES = str(Path(asteri.__file__).parent.parent)

APPLICATION = """
import asyncio, os

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shutdown of", os.getpid(), flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/slow":
        print("slow one began", flush=True)
        await asyncio.sleep(0.5)
    if scope["path"] == "/stuck":
        print("stuck one began", flush=True)
        await asyncio.sleep(1000)
    text = f"VERSION {os.getpid()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"path "
    yield environ["PATH_INFO"].encode("latin-1")
"""


def write_version(directory: Path, version: str) -> None:
    (directory / "main.py").write_text(APPLICATION.replace("VERSION", version))


class Process:
    """One running `asteri`, with what it has said so far."""

    def __init__(self, directory: Path, *arguments: str, command: str = "") -> None:
        if command:
            line = [sys.executable, command, *arguments]
        else:
            line = [sys.executable, "-m", "asteri", *arguments]
            line += [] if "-b" in arguments else ["-b", "127.0.0.1:0"]
        environ = {k: v for k, v in os.environ.items() if not k.startswith("ASTERI_")}
        environ |= {"PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            line, cwd=directory, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.pid = self._process.pid
        self.output = ""
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._more:
                self.output += line
                self._more.notify_all()

    def said(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until it has said this so often, and return the last of these matches."""

        def matches() -> list[re.Match[str]]:
            return list(re.finditer(pattern, self.output))

        with self._more:
            assert self._more.wait_for(lambda: len(matches()) >= times, PATIENCE), f"{pattern!r} not in:\n{self.output}"
            return matches()[times - 1]

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return its exit code."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    @property
    def port(self) -> int:
        return int(self.said(r"listening on http://127\.0\.0\.1:(\d+)")[1])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path: str = "/") -> str:
        connection = self.connect()
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    write_version(tmp_path, "one")
    started: list[Process] = []

    def start_one(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield start_one
    for process in started:
        process.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_and_stop(start: Start, loop: str, number: signal.Signals) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    process = start("main:app", "--access-log", "--loop", loop)
    assert process.get("/a?b=c").startswith("one ")
    process.said(r'127\.0\.0\.1:\d+ - "GET /a\?b=c HTTP/1\.1" 200 \d+ 0\.\d+')
    process.send(number)
    assert process.wait() == 0
    assert process.output.count("shutdown of") == 1
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", process.port)):
        pass


def test_wsgi(start: Start) -> None:
    assert start("main:wsgi").get("/caf%C3%A9") == "path /café"


def test_respawn_after_sigkill(start: Start) -> None:
    process = start("main:app", "-w", "2")
    process.said("is ready", 2)
    killed = int(process.said(r"worker (\d+) is ready")[1])
    os.kill(killed, signal.SIGKILL)
    process.said(f"worker {killed} was killed by SIGKILL")
    process.said("is ready", 3)
    assert process.get().startswith("one ")


def test_stop_finishes_the_request_in_flight(start: Start) -> None:
    process = start("main:app")
    connection = process.connect()
    connection.request("GET", "/slow")
    process.said("slow one began")
    process.send(signal.SIGTERM)
    response = connection.getresponse()
    assert (response.status, response.getheader("connection")) == (200, "close")
    connection.close()
    assert process.wait() == 0
    assert process.output.count("shutdown of") == 1


def test_a_second_signal_does_not_wait(start: Start) -> None:
    process = start("main:app")
    connection = process.connect()
    connection.request("GET", "/stuck")
    process.said("stuck one began")
    process.send(signal.SIGINT)
    process.said("again to stop at once")
    process.send(signal.SIGINT)
    assert process.wait() == 0
    assert "requests cut" in process.output
    assert process.output.count("shutdown of") == 1
    connection.close()


def test_the_graceful_timeout_ends_what_is_stuck(start: Start) -> None:
    process = start("main:app", "--graceful-timeout", "0.2")
    connection = process.connect()
    connection.request("GET", "/stuck")
    process.said("stuck one began")
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert "requests cut" in process.output
    connection.close()


def test_hangup_replaces_the_workers_when_the_new_ones_are_ready(start: Start, tmp_path: Path) -> None:
    process = start("main:app", "-w", "2")
    process.said("is ready", 2)
    write_version(tmp_path, "second")
    process.send(signal.SIGHUP)
    process.said("shutdown of", 2)
    assert process.output.index("shutdown of") > process.said("is ready", 4).start()
    assert process.get().startswith("second ")
    # A version that does not start is given up, and the running one goes on.
    (tmp_path / "main.py").write_text("def app(:")
    process.send(signal.SIGHUP)
    process.said("the old one goes on serving")
    assert process.get().startswith("second ")
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def test_reload(start: Start, tmp_path: Path) -> None:
    process = start("main:app", "--reload")
    process.said("is ready")
    process.said("watching")
    time.sleep(0.3)  # the watcher says nothing when it has begun to look
    write_version(tmp_path, "second")
    process.said("is ready", 2)
    eventually(lambda: process.get().startswith("second "))
    (tmp_path / "main.py").write_text("def app(:")
    process.said("SyntaxError")
    process.said("the old one goes on serving")
    assert process.get().startswith("second ")
    write_version(tmp_path, "third")
    process.said("is ready", 3)
    eventually(lambda: process.get().startswith("third "))


def test_reload_watches_modules_outside_of_the_directory(
    start: Start, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "outside.py").write_text("")
    (tmp_path / "main.py").write_text(f"import sys; sys.path.append({str(elsewhere)!r}); import outside" + APPLICATION)
    process = start("main:app", "--reload", "-w", "2")
    process.said("is ready", 2)
    process.said(f"watching .*{elsewhere}")
    time.sleep(0.3)
    (elsewhere / "outside.py").write_text("x = 1")
    process.said("changed: .*outside.py")
    process.said("is ready", 4)
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def test_reload_begins_with_a_broken_version(start: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def app(:")
    process = start("main:app", "--reload")
    process.said("waiting for a change")
    write_version(tmp_path, "second")
    process.said("is ready")
    assert process.get().startswith("second ")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing:app", "no module named 'nothing'"),
        ("main:nothing", "'main' has no attribute 'nothing'"),
        ("broken:app", 'broken.py", line 2'),
        ("refuses:app", "startup failed: no database"),
    ],
)
def test_an_application_that_does_not_start(start: Start, tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "broken.py").write_text("\n1 / 0\n")
    (tmp_path / "refuses.py").write_text(
        "async def app(scope, receive, send):\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.failed', 'message': 'no database'})\n"
    )
    process = start(target, "-w", "2")
    assert process.wait() == 3
    assert message in process.output


def test_a_crash_loop_before_the_first_request_pauses_and_gives_up(start: Start, tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text("import os\nos._exit(7)\n")
    process = start("crash:app")
    process.said("ended with exit code 7", 4)
    process.said("the next one starts in")
    assert process.wait() == 3
    assert process.output.count("ended with exit code 7") == 5


def test_a_taken_port(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("main:app", "-b", f"127.0.0.1:{taken.getsockname()[1]}")
        assert process.wait() == 4
        assert "another process is listening there" in process.output
        assert "Traceback" not in process.output


def test_a_unix_socket(start: Start, tmp_path: Path) -> None:
    process = start("main:app", "-b", "unix:a.sock")
    process.said("is ready")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "a.sock"))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    assert not (tmp_path / "a.sock").exists()


def test_workers_end_when_the_supervisor_dies(start: Start) -> None:
    process = start("main:app", "-w", "2")
    process.said("is ready", 2)
    workers = [int(pid) for pid in re.findall(r"worker (\d+) is ready", process.output)]
    process.send(signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in workers))
    process.said("shutdown of", 2)


def test_run_serves_an_object_in_this_process(tmp_path: Path) -> None:
    write_version(tmp_path, "one")
    script = "import asteri, main, sys; sys.exit(asteri.run(main.app, bind='127.0.0.1:0'))"
    process = Process(tmp_path, script, command="-c")
    try:
        assert process.get() == f"one {process.pid}"
        process.send(signal.SIGINT)
        assert process.wait() == 0
        assert process.output.count("shutdown of") == 1
    finally:
        process.close()


def test_more_and_fewer_workers(start: Start) -> None:
    process = start("main:app")
    process.said("is ready")
    process.send(signal.SIGTTIN)
    process.said("is ready", 2)
    process.send(signal.SIGTTOU)
    process.said("shutdown of", 1)
    assert process.get().startswith("one ")


COLLECTED = """
import gc
OWN

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(gc.get_threshold()).encode()]
"""


@pytest.mark.parametrize("own", [None, (3000, 7, 7)])
def test_the_collector_rests_longer_unless_the_application_has_its_say(
    start: Start, tmp_path: Path, own: tuple[int, int, int] | None
) -> None:
    (tmp_path / "main.py").write_text(COLLECTED.replace("OWN", f"gc.set_threshold(*{own})" if own else ""))
    assert start("main:app", "--interface", "wsgi").get() == repr(own or (YOUNG, *gc.get_threshold()[1:]))
