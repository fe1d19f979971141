"""What a user may name, and what is found when nothing is named; nothing is imported for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fenrir.cli.target import Mistake, find_target

APP = "from fenrir import Fenrir\n\napp = Fenrir(__name__)\n"


def write(directory: Path, **files: str) -> None:
    for name, text in files.items():
        path = directory / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("named", "folder", "target"),
    [
        ("shop.py", "", "shop:app"),
        ("shop.py:app", "", "shop:app"),
        ("./shop.py", "", "shop:app"),
        ("shop:app", "", "shop:app"),
        ("shop", "", "shop:app"),
        ("shop:app.inner", "", "shop:app.inner"),
        ("src/shop.py:app", "src", "shop:app"),
        ("src/inner/shop.py", "src/inner", "shop:app"),
        ("goods.shop:app", "", "goods.shop:app"),
        ("goods.shop", "", "goods.shop:app"),
        ("goods/shop.py", "", "goods.shop:app"),
        ("goods", "", "goods:app"),
        ("goods/", "", "goods:app"),
        ("loose.shop:app", "", "loose.shop:app"),
        # Names that Python has given away: the folder makes them others.
        ("src/site.py:app", "", "src.site:app"),
        ("src/click.py:app", "", "src.click:app"),
    ],
)
def test_what_may_be_named(here: Path, named: str, folder: str, target: str) -> None:
    write(here, shop=APP, src__shop=APP, src__inner__shop=APP, src__site=APP, src__click=APP, loose__shop=APP)
    write(here, goods__shop=APP)
    (here / "goods" / "__init__.py").write_text("from goods.shop import app\n")
    found = find_target(named)
    assert str(found) == target
    assert found.directory == here / folder


def test_a_module_is_called_what_the_user_calls_it(here: Path) -> None:
    write(here, shop=APP, site=APP)
    (here / "__init__.py").touch()
    assert find_target("shop:app")[:2] == (here, "shop")
    assert find_target("shop.py:app")[:2] == (here.parent, f"{here.name}.shop")
    assert find_target("site:app")[:2] == (here.parent, f"{here.name}.site")


@pytest.mark.parametrize("name", ["app", "main", "wsgi", "asgi"])
def test_the_usual_files_are_found(here: Path, name: str) -> None:
    write(here, **{name: APP})
    assert str(find_target(None)) == f"{name}:app"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("app = application = None", "app"),
        ("application = None", "application"),
        ("def app(environ, start_response): ...", "app"),
        ("async def app(scope, receive, send): ...", "app"),
        ("from elsewhere import create as app", "app"),
        ("import fenrir\napi = fenrir.Fenrir()", "api"),
        ("from fenrir import Fenrir\napi: Fenrir = Fenrir()", "api"),
        ("try:\n    app = None\nexcept ImportError:\n    app = 1", "app"),
        ("if True:\n    with open('x'):\n        app = None", "app"),
        ("app = (", "app"),  # not yet Python: importing it will say so
    ],
)
def test_what_the_application_is_called(here: Path, source: str, name: str) -> None:
    write(here, shop=source)
    assert find_target("shop.py").attribute == name


@pytest.mark.parametrize(
    ("named", "target", "arguments"),
    [
        ("shop", "shop:create_app", ""),
        ("shop.py", "shop:create_app", ""),
        ("shop:create_app", "shop:create_app", ""),
        ("shop:create_app()", "shop:create_app", ""),
        ("shop:create_app('testing', debug=True)", "shop:create_app", "'testing', debug=True"),
        ("shop:build", "shop:build", ""),
        ("shop:wsgi", "shop:wsgi", None),
        ("shop:asgi", "shop:asgi", None),
        ("other", "other:make_app", ""),
        ("both", "both:app", None),
    ],
)
def test_factories(here: Path, named: str, target: str, arguments: str | None) -> None:
    write(
        here,
        shop="def create_app(config=None, *, debug=False): ...\ndef build(): ...\n"
        "def wsgi(environ, start_response): ...\nasync def asgi(scope, receive, send): ...",
        other="def make_app(): ...",
        both="app = Flask()\ndef create_app(): ...",
    )
    found = find_target(named)
    assert (str(found), found.arguments) == (target, arguments)


def test_the_environment_names_an_application(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, app=APP, shop=APP)
    monkeypatch.setenv("FLASK_APP", "shop.py")
    assert str(find_target(None)) == "shop:app"
    assert str(find_target("app.py")) == "app:app"


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (None, "no application was named, and none of app.py, main.py, wsgi.py, asgi.py is here; "),
        (None, "for example shop.py"),
        ("shpo.py", "there is no file shpo.py; did you mean shop.py?"),
        ("src/shop.py", "there is no file src/shop.py"),
        ("shpo:app", "there is no module 'shpo' in"),
        ("shpo:app", "did you mean shop?"),
        ("shop.nothing:app", "there is no module 'shop.nothing'"),
        ("shop:", "'shop:': write it as module:app or file.py:app"),
        (":app", "':app': write it as"),
        ("shop:app(", "'shop:app(': write it as"),
        ("shop:app(x)", "(x): a factory's arguments must be literals"),
        ("shop:app(1", "'shop:app(1': write it as"),
        ("my-shop:app", "'my-shop' is no name of a module"),
        ("my-shop.py", "'my-shop' is no name in Python; rename it"),
        ("plain.py", "plain.py has no `app` and no `application`; say what it is called: plain.py:NAME"),
        ("pair.py", "pair.py has several applications; say which: pair.py:one or pair.py:two"),
        ("email/shop.py", "another module is called 'email'; rename it"),
    ],
)
def test_mistakes(here: Path, named: str | None, message: str) -> None:
    write(here, shop=APP, plain="x = 1", pair="one = Flask()\ntwo = Sanic()", email__shop=APP)
    (here / "email" / "__init__.py").touch()
    (here / "my-shop.py").write_text(APP)
    with pytest.raises(Mistake) as caught:
        find_target(named)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == 2


def test_nothing_is_executed(here: Path) -> None:
    write(here, shop="raise SystemExit\napp = 1")
    write(here, goods__inner="raise SystemExit\napp = 1")
    (here / "goods" / "__init__.py").write_text("raise SystemExit")
    before = set(sys.modules)
    assert str(find_target("shop")) == "shop:app"
    assert str(find_target("goods.inner")) == "goods.inner:app"
    assert not {"shop", "goods"} & (set(sys.modules) - before)
