"""Importing an application, and telling what kind it is."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asteri.errors import ApplicationError
from asteri.settings import Settings
from asteri.worker.loader import detect, load


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


class AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class AsgiInPlain:
    def __call__(self, scope: Any, receive: Any, send: Any) -> Any: ...


class Direct:
    def __asteri__(self, version: int) -> None: ...


class WsgiClass:
    def __init__(self, environ: Any, start_response: Any) -> None: ...


@functools.wraps(wsgi)
def decorated(*args: Any) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    ("application", "interface"),
    [
        (asgi, "asgi"),
        (functools.partial(asgi), "asgi"),
        (AsgiObject(), "asgi"),
        (AsgiInPlain(), "asgi"),
        (wsgi, "wsgi"),
        (decorated, "wsgi"),
        (lambda *args: [], "wsgi"),
        (WsgiClass, "wsgi"),
        (Direct(), "direct"),
    ],
)
def test_detect(application: Any, interface: str) -> None:
    assert detect(application) == interface


@pytest.mark.parametrize(
    ("application", "interface", "message"),
    [
        ("text", "auto", "str is not callable"),
        (lambda: wsgi, "auto", "is --factory missing"),
        (lambda a: wsgi, "auto", "neither"),
        (asgi, "direct", "no __asteri__"),
    ],
)
def test_no_application(application: Any, interface: str, message: str) -> None:
    with pytest.raises(ApplicationError, match=message):
        detect(application, interface)


def test_explicit_interface_wins() -> None:
    assert detect(wsgi, "asgi") == "asgi"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def settings(directory: Path, target: str, **more: Any) -> Settings:
    return Settings(target=target, app_dir=str(directory), **more)


def test_attribute_path_and_factory(directory: Path) -> None:
    (directory / "loader_a.py").write_text(
        "class box:\n    def app(environ, start_response): ...\ndef make():\n    return box.app\n"
    )
    assert load(settings(directory, "loader_a:box.app")).interface == "wsgi"
    loaded = load(settings(directory, "loader_a:make", factory=True))
    assert loaded.call is sys.modules["loader_a"].box.app


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("", "loader_missing:app", "no module named 'loader_missing'"),
        ("", "loader_b:app", "'loader_b' has no attribute 'app'"),
        ("x = 1", "loader_b:x.y", "'loader_b.x' has no attribute 'y'"),
        ("import loader_nothing", "loader_b:app", "No module named 'loader_nothing'"),
        ("def f(:", "loader_b:app", "SyntaxError"),
        ("import sys\nsys.exit(1)", "loader_b:app", "SystemExit"),
    ],
)
def test_what_can_be_wrong_is_named(directory: Path, source: str, target: str, message: str) -> None:
    (directory / "loader_b.py").write_text(source)
    with pytest.raises(ApplicationError, match=message):
        load(settings(directory, target))


def test_the_traceback_begins_in_the_users_file(directory: Path) -> None:
    file = directory / "loader_c.py"
    file.write_text("def fail():\n    raise ValueError('mine')\n\nfail()\n")
    with pytest.raises(ApplicationError) as raised:
        load(settings(directory, "loader_c:app"))
    lines = str(raised.value).splitlines()
    assert lines[0] == "importing 'loader_c' failed:"
    assert lines[2].strip().startswith(f'File "{file}", line 4')
    assert lines[-1] == "ValueError: mine"


def test_a_failing_factory(directory: Path) -> None:
    (directory / "loader_d.py").write_text("def make():\n    return 1 / 0\nnumber = 1\n")
    with pytest.raises(ApplicationError, match="ZeroDivisionError"):
        load(settings(directory, "loader_d:make", factory=True))
    with pytest.raises(ApplicationError, match="is no factory"):
        load(settings(directory, "loader_d:number", factory=True))
