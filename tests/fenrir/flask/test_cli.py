"""The command line beyond upstream's own tests: what a user does in a shell, and what a client may see."""

from __future__ import annotations

import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from werkzeug import serving as werkzeug

from fenrir.flask import Flask, serving
from fenrir.flask.tracebacks import traceback_reply
from fenrir.testing import Client

SOURCES = os.fspath(Path(__file__).parents[3] / "src")

APP = """
from flask import Flask, current_app, session

def create_app(word="plain"):
    app = Flask(__name__)
    app.secret_key = "key"

    @app.get("/")
    def index():
        session["seen"] = word
        return f"{word} {current_app.name}"

    @app.get("/fail")
    def fail():
        raise ValueError("<told>")

    @app.cli.command("hello")
    def hello():
        print("hello from", current_app.name)

    return app

if __name__ == "__main__":
    create_app("script").run(port=0)
"""


class Command:
    """A command in a process of its own."""

    def __init__(self, directory: Path, *arguments: str, **variables: str) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("FLASK_", "FENRIR_"))}
        environ |= {"PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **variables}
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=directory,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def url(self) -> str:
        """Wait until it listens."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            found = re.search(r"listening on (http://[\d.]+:\d+)", line)
            if found:
                return found[1]
        raise AssertionError(self.output)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        self.output += self.process.communicate(timeout=30)[0]
        return self.process.returncode


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def get(url: str, accept: str = "*/*") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "variables", "answer"),
    [
        (("-m", "flask", "run", "-p", "0"), {"FLASK_APP": "shop:create_app('named')"}, "named shop"),
        (("-m", "flask", "-A", "shop.py", "run", "-p", "0"), {}, "plain shop"),
        (("shop.py",), {}, "script shop"),
        (("-m", "fenrir", "run", "-p", "0", "shop"), {}, "plain shop"),
        (("-m", "fenrir", "run", "-p", "0", "shop:create_app('argument')"), {}, "argument shop"),
        (("-m", "fenrir", "run", "-p", "0"), {"FLASK_APP": "shop.py"}, "plain shop"),
    ],
)
def test_an_application_written_for_flask_is_served(
    directory: Path, line: tuple[str, ...], variables: dict[str, str], answer: str
) -> None:
    adopted = (
        (*line[:2], "run", "--adopt", "flask", *line[3:])
        if "fenrir" in line
        else ("-m", "fenrir.adopt", "flask", *line)
    )
    command = Command(directory, *adopted, **variables)
    try:
        url = command.url()
        assert get(url) == (200, answer)
        assert get(f"{url}/fail")[0] == 500
    finally:
        code = command.end()
    assert code == 0, command.output
    assert "ValueError: <told>" in command.output


@pytest.mark.slow
def test_the_reloader_restarts_what_changed(directory: Path) -> None:
    command = Command(
        directory, "-m", "fenrir.adopt", "flask", "-m", "flask", "-A", "shop", "run", "-p", "0", "--debug"
    )
    try:
        url = command.url()
        assert get(url) == (200, "plain shop")
        status, page = get(f"{url}/fail", "text/html")
        assert (status, "&lt;told&gt;" in page, "<told>" in page) == (500, True, False)
        changed = directory / "shop.py"
        changed.write_text(APP.replace('"plain"', '"changed"'))
        later = time.time() + 5  # file systems keep whole seconds
        os.utime(changed, (later, later))
        assert get(command.url()) == (200, "changed shop")
    finally:
        command.end(signal.SIGTERM)


@pytest.mark.slow
def test_commands_of_the_application(directory: Path) -> None:
    command = Command(directory, "-m", "fenrir.adopt", "flask", "-m", "flask", "-A", "shop:create_app", "hello")
    assert command.process.communicate(timeout=30)[0] == "hello from shop\n"
    assert command.process.returncode == 0


@pytest.fixture
def failing() -> Iterator[Flask]:
    app = Flask(__name__)

    @app.get("/fail")
    def fail() -> str:
        secret = "<script>"
        raise ValueError(secret)

    yield app


def test_tracebacks_are_shown_by_the_development_server_only(failing: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(serving.asteri, "run", lambda app, **options: served.append(options) or 0)
    failing.debug = True
    with Client(failing, raise_server_exceptions=False) as client:
        assert "ValueError" not in client.get("/fail").text
        assert serving.run_simple("localhost", 0, failing, use_debugger=True) == 0
        page = client.get("/fail", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
        assert "raise ValueError(secret)" in page.text and "<script>" not in page.text
        # There is no console: what the interactive debugger would execute is a request like any other.
        asked = client.get("/fail?__debugger__=yes&cmd=1%2B1&frm=0&s=x", headers={"accept": "text/plain"})
        assert asked.text.startswith("Traceback")
    assert served == [{"bind": ("localhost:0",), "access_log": True}]


def test_a_page_of_a_message_that_is_no_text() -> None:
    reply = traceback_reply(ValueError("\ud800"), "GET", "/\ud800", "text/html")
    assert reply.status == 500 and b"ValueError" in reply.body


def test_what_only_werkzeugs_server_has_is_served_by_it(
    failing: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    called: dict[str, Any] = {}
    theirs = lambda host, port, app, **options: called.update(options, host=host)  # noqa: E731
    monkeypatch.setattr(werkzeug, "run_simple", theirs)
    monkeypatch.setattr(serving, "_functions", (theirs, werkzeug.make_server))
    serving.run_simple("localhost", 0, failing, ssl_context="adhoc", use_evalex=True)
    assert (called["ssl_context"], called["use_evalex"], called["host"]) == ("adhoc", False, "localhost")
    assert "serving on its development server" in caplog.text


def test_a_thread_beside_the_main_one_is_served_by_werkzeugs_server(
    failing: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[int] = []
    theirs = lambda host, port, app, **options: called.append(port)  # noqa: E731
    monkeypatch.setattr(werkzeug, "run_simple", theirs)
    monkeypatch.setattr(serving, "_functions", (theirs, werkzeug.make_server))
    thread = threading.Thread(target=failing.run, kwargs={"port": 7})
    thread.start()
    thread.join()
    assert called == [7]


def test_who_looks_into_werkzeugs_server_is_served_by_it(failing: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bound(Exception):
        """Raised with the port that the system picked; nothing needs to be served."""

    original = socketserver.TCPServer.server_bind

    def server_bind(self: socketserver.TCPServer) -> None:
        original(self)
        port = self.socket.getsockname()[1]
        self.server_close()
        raise Bound(port)

    monkeypatch.setattr(socketserver.TCPServer, "server_bind", server_bind)
    monkeypatch.delenv("WERKZEUG_SERVER_FD", raising=False)
    with pytest.raises(Bound) as bound:
        failing.run(port=0, use_reloader=False)
    assert bound.value.args[0] > 0


def test_a_call_of_run_while_a_command_imports_the_module(
    failing: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    failing.run()
    assert "Ignoring a call to 'app.run()'" in capsys.readouterr().out


def test_a_command_with_arguments_and_its_runner(failing: Flask) -> None:
    @failing.cli.command("add")
    @click.argument("numbers", nargs=-1, type=int)
    def add(numbers: tuple[int, ...]) -> None:
        click.echo(sum(numbers))

    result = failing.test_cli_runner().invoke(args=["add", "1", "2"])
    assert (result.exit_code, result.output) == (0, "3\n")
