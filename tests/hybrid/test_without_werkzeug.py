"""A hybrid application without the extra of Flask's dialect: all but that works, and that says what is missing."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PROGRAM = textwrap.dedent("""
    import sys


    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in ("werkzeug", "blinker"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])


    sys.meta_path.insert(0, Missing())

    import importlib.util

    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name: None if name in ("werkzeug", "blinker") else find(name)

    from fenrir import Fenrir
    from fenrir.testing import Client

    app = Fenrir("x")


    @app.get("/native/{n:int}")
    def native(n: int) -> dict[str, int]:
        return {"n": n}


    with Client(app) as client:
        print(client.get("/native/7").json())
    try:
        app.flask
    except ImportError as error:
        print(error)
    try:
        Fenrir("x", secret_key="k")
    except ImportError as error:
        print(error.name)
""")


@pytest.mark.slow
def test_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "{'n': 7}",
        "Flask's dialect, templates, sessions and static files need werkzeug: pip install 'fenrir[flask]'",
        "werkzeug",
    ], done.stderr
