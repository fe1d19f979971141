"""What is told when the application can not be imported or compiled: the user's file and line, and exit code 3."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fenrir.cli.conftest import Fenrir

HEAD = "from fenrir import Fenrir\n\napp = Fenrir(__name__)\n\n"


@pytest.mark.parametrize("command", ["routes", "shell", "explain"])
@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("app = (\n", ["shop can not be imported:", 'shop.py", line 1', "SyntaxError: '(' was never closed"]),
        ("app = 1 / 0\n", ["Traceback", 'shop.py", line 1', "app = 1 / 0", "ZeroDivisionError: division by zero"]),
        ("import nowhere\napp = 1\n", ['shop.py", line 1', "ModuleNotFoundError: No module named 'nowhere'"]),
        ("raise SystemExit('no')\napp = 1\n", ['shop.py", line 1', "SystemExit: no"]),
        ("import broken\napp = 1\n", ['shop.py", line 1', 'broken.py", line 1', "RuntimeError: deep"]),
        (
            HEAD + "@app.get('/<int:path>')\ndef read(path): ...\n",
            ['shop.py", line 5', "DeclarationError: shop.py:5: ", "use app.flask.route"],
        ),
        (
            HEAD + "@app.get('/a')\ndef one(): ...\n\n@app.get('/b', name='one')\ndef two(): ...\n",
            ["Error: shop.py:8: the name 'one' is taken by another handler; give one", "(the other is at shop.py:5)"],
        ),
    ],
)
def test_a_broken_application(here: Path, fenrir: Fenrir, command: str, source: str, shown: list[str]) -> None:
    (here / "shop.py").write_text(source)
    (here / "broken.py").write_text("raise RuntimeError('deep')\n")
    result = fenrir(command, *(["GET", "/"] if command == "explain" else []), "shop:app")
    assert result.exit_code == 3, result.output
    for text in shown:
        assert text in result.stderr
    # The traceback begins in the user's file, and none of the framework's is in it.
    assert "importlib" not in result.stderr
    assert "fenrir/" not in result.stderr
    assert result.stdout == ""


def test_an_attribute_that_is_not_there(here: Path, fenrir: Fenrir) -> None:
    (here / "shop.py").write_text("class app: ...\n")
    result = fenrir("routes", "shop:app.inner")
    assert (result.exit_code, result.stderr) == (3, "Error: shop.app has no attribute 'inner'\n")


def test_an_application_of_another_kind(here: Path, fenrir: Fenrir) -> None:
    (here / "shop.py").write_text("def app(environ, start_response): ...\n")
    result = fenrir("routes", "shop")
    assert (result.exit_code, result.stderr) == (2, "Error: this is no Fenrir application but builtins.function\n")


def test_nothing_to_load(fenrir: Fenrir) -> None:
    result = fenrir("routes")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: no application was named")
    assert result.stderr.count("\n") == 1


def test_siblings_are_found_in_both_ways(here: Path, fenrir: Fenrir) -> None:
    (here / "goods").mkdir()
    for name in ("__init__", "hats", "coats"):
        (here / "goods" / f"{name}.py").touch()
    (here / "goods" / "shop.py").write_text("import coats\nfrom . import hats\n" + HEAD)
    result = fenrir("routes", "goods/shop.py")
    assert result.exit_code == 0, result.output


def test_a_dropin_is_loaded_from_its_folder(here: Path, fenrir: Fenrir) -> None:
    (here / "src").mkdir()
    (here / "src" / "site.py").write_text(
        "from goods import GOODS\nfrom fenrir.flask import Flask\n\napi = Flask(__name__)\n\n"
        "@api.get('/goods')\ndef goods(): return GOODS\n"
    )
    (here / "src" / "goods.py").write_text("GOODS = ['hat']\n")
    result = fenrir("routes", "src/site.py")
    assert result.exit_code == 0, result.output
    assert re.search(r"/goods +goods +flask +src/site.py:6\n", result.stdout)
