"""`fenrir` as its users start it: a new project with its own tests, served by real processes, reloaded, broken."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_asteri_process import PATIENCE, SOURCES, Process, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timing]

HELLO = """\
from fenrir import Fenrir

{name} = Fenrir(__name__)


@{name}.get("/")
def index():
    return {{"version": {version}, "module": __name__}}
"""

Run = Callable[..., Process]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Start `fenrir run ARGUMENTS` in the directory, on a free port."""
    started: list[Process] = []
    # What `python -m fenrir` does, in the form that a script has: the current directory is not on the path by itself.
    script = tmp_path.parent / f"{tmp_path.name}-fenrir.py"
    script.write_text("from fenrir.cli import main\n\nmain(prog_name='fenrir')\n")

    def start(*arguments: str, folder: str = "") -> Process:
        started.append(Process(tmp_path / folder, "run", "-p", "0", *arguments, command=str(script)))
        return started[-1]

    yield start
    for process in started:
        process.close()


def fenrir(directory: Path, *arguments: str, module: str = "fenrir") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=60)


def write(path: Path, version: object = 1, name: str = "app") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HELLO.format(version=version, name=name))


def test_a_new_project_passes_its_tests_and_is_served(tmp_path: Path, run: Run) -> None:
    made = fenrir(tmp_path, "new", "demo")
    assert (made.returncode, made.stderr) == (0, "")
    tested = fenrir(tmp_path / "demo", "-q", "-W", "error", "-p", "no:cacheprovider", module="pytest")
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout
    server = run(folder="demo")
    assert "Hello, you!" in server.get("/")
    assert json.loads(server.get("/health")) == {"status": "ok", "notes": 0}
    assert json.loads(server.get("/openapi.json"))["info"]["title"] == "demo"
    server.said(r'"GET /health HTTP/1.1" 200')
    server.send(signal.SIGINT)
    assert server.wait() == 0
    assert "Traceback" not in server.output


@pytest.mark.parametrize(
    ("file", "named", "module"),
    [
        ("src/site.py", "src/site.py:app", "src.site"),
        ("src/shop.py", "src/shop.py:app", "shop"),
        ("package/shop.py", "package.shop:app", "package.shop"),
    ],
)
def test_workers_find_what_was_named(tmp_path: Path, run: Run, file: str, named: str, module: str) -> None:
    write(tmp_path / file)
    if file.startswith("package"):
        (tmp_path / "package" / "__init__.py").touch()
    server = run(named, "-w", "2", "--no-access-log", "-H", "127.0.0.1")
    assert json.loads(server.get()) == {"version": 1, "module": module}
    server.said("is ready", 2)
    server.send(signal.SIGTERM)
    assert server.wait() == 0
    assert "GET /" not in server.output


def test_reload_of_an_application_that_was_found(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "main.py"
    write(file, name="api")
    server = run("--reload")
    assert json.loads(server.get())["version"] == 1

    def save(text: str, sign: str) -> None:
        """Save until it is seen: the watcher does not tell when it has begun to look."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(sign, server.output):
            assert time.monotonic() < deadline, server.output
            file.write_text(text)
            time.sleep(1)

    save("api = Fenrir(\n", "the new version does not start: the old one goes on serving")
    assert "SyntaxError: '(' was never closed" in server.output
    assert json.loads(server.get())["version"] == 1
    save(HELLO.format(version=2, name="api"), r"(?s)old one goes on serving.*worker \d+ is ready")
    eventually(lambda: json.loads(server.get())["version"] == 2)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("app = (\n", ['app.py", line 1', "SyntaxError"]),
        ("app = 1 / 0\n", ["failed:\nTraceback (most recent call last):\n  File ", 'app.py", line 1', "ZeroDivision"]),
        (
            "from fenrir import Fenrir\napp = Fenrir(__name__)\n@app.get('/<int:path>')\ndef read(path): ...\n",
            ['app.py", line 3', "app.py:3: ", "use app.flask.route"],
        ),
        (
            "from fenrir import Fenrir\napp = Fenrir(__name__)\n@app.get('/a')\ndef one(): ...\n"
            "@app.get('/b', name='one')\ndef two(): ...\n",
            ["app.py:5: the name 'one' is taken", "(the other is at app.py:3)"],
        ),
    ],
)
def test_a_broken_application_ends_with_code_3(tmp_path: Path, run: Run, source: str, shown: list[str]) -> None:
    (tmp_path / "app.py").write_text(source)
    server = run()
    assert server.wait() == 3
    for text in shown:
        assert text in server.output


def test_the_frameworks_log_is_seen(tmp_path: Path, run: Run) -> None:
    (tmp_path / "app.py").write_text(
        "from fenrir import Fenrir\n\napp = Fenrir(__name__)\n\n\nclass Around:\n"
        "    def __init__(self, app): self.app = app\n"
        "    async def __call__(self, *call): await self.app(*call)\n\n\napp.add_middleware(Around)\n\n\n"
        "@app.get('/')\ndef index(): raise RuntimeError('seen')\n"
    )
    server = run()
    server.get()
    server.said(r"INFO +app.py:11: Around is ASGI middleware, so requests go through ASGI")
    server.said("RuntimeError: seen")


def test_mistakes_end_with_one_line_and_code_2(tmp_path: Path) -> None:
    result = fenrir(tmp_path, "run")
    assert result.returncode == 2
    assert result.stderr == (
        "Error: no application was named, and none of app.py, main.py, wsgi.py, asgi.py is here; "
        "say which, for example package.module:app\n"
    )


def test_python_m_fenrir_says_its_version(tmp_path: Path) -> None:
    result = fenrir(tmp_path, "-v")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("fenrir, version ")
