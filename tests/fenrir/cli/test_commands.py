"""`fenrir new`, `shell`, `info` and the command line as a whole; serving is tested in tests/e2e."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

import asteri
from fenrir.cli import COMMANDS
from tests.fenrir.cli.conftest import Fenrir


def test_every_command_has_help(fenrir: Fenrir) -> None:
    overview = fenrir("-h").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in overview
        assert "..." not in overview.partition(f"\n  {name} ")[2].partition("\n")[0]
        assert f"fenrir {name}" in fenrir(name, "--help").stdout


@pytest.mark.parametrize("flag", ["-v", "--version"])
def test_version(fenrir: Fenrir, flag: str) -> None:
    assert fenrir(flag).stdout.startswith("fenrir, version ")


def test_unknown_command(fenrir: Fenrir) -> None:
    result = fenrir("rnu")
    assert result.exit_code == 2
    assert "No such command 'rnu'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "no application was named"),
        (["run", "nothing:app"], "there is no module 'nothing'"),
        (["run", "--dev", "nothing:app"], "there is no module 'nothing'"),
        (["run", "-p", "65536"], "65536"),
        (["run", "-w", "0"], "0"),
        (["run", "--log-level", "loud"], "loud"),
    ],
)
def test_run_refuses(fenrir: Fenrir, arguments: list[str], message: str) -> None:
    result = fenrir(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_info(fenrir: Fenrir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asteri, "compiled_modules", lambda: {"asteri.wire.a_cy": True, "asteri.wire.b_cy": False})
    rows = dict(line.rsplit("  ", 1) for line in fenrir("info").stdout.splitlines())
    rows = {name.rstrip(): value for name, value in rows.items()}
    assert rows["python"].endswith(".".join(map(str, sys.version_info[:3])))
    assert rows["pydantic"] == importlib.metadata.version("pydantic")
    assert {"uvloop (optional)", "orjson (optional)", "redis (optional)"} <= set(rows)
    assert (rows["asteri.wire.a_cy"], rows["asteri.wire.b_cy"]) == ("compiled", "interpreted")


def test_info_of_a_library_that_is_not_there(fenrir: Fenrir, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "not installed" in fenrir("info").stdout


@pytest.mark.slow
def test_shell(here: Path, fenrir: Fenrir) -> None:
    (here / "app.py").write_text(
        "from fenrir import Fenrir\n\napp = Fenrir(__name__)\nstarted = []\n\n"
        "@app.before_server_start\nasync def begin(app): app.ctx.ready = 'started'\n\n"
        "@app.get('/')\ndef index(): return app.ctx.ready\n\n"
        "@app.flask.shell_context_processor\ndef names(): return {'number': 42}\n"
    )
    result = fenrir("shell", input="print(client.get('/').text, number, app.title)\n")
    assert result.exit_code == 0, result.output
    assert "started 42 Fenrir" in result.stdout
    assert "app, g, number, client are here" in result.stderr


def test_new_makes_what_it_says(here: Path, fenrir: Fenrir) -> None:
    result = fenrir("new", "my-shop")
    assert result.exit_code == 0
    assert "cd my-shop" in result.stdout
    files = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    assert files == {
        f"my-shop/{name}"
        for name in ("app.py", "templates/index.html", "tests/test_app.py", "README.md", "pytest.ini", ".gitignore")
    }
    listed = fenrir("routes", "my-shop/app.py")
    assert listed.exit_code == 0, listed.output
    assert "!" not in listed.stdout


@pytest.mark.parametrize("name", ["there", "no name", "1st", "class", "..", "a{b}"])
def test_new_refuses(here: Path, fenrir: Fenrir, name: str) -> None:
    (here / "there").mkdir()
    (here / "there" / "precious").write_text("mine")
    result = fenrir("new", name)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["there"]
