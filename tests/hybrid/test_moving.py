"""What docs/migration promises of applications that are adopted into a `Fenrir` one, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MIGRATION = ROOT / "docs" / "migration"
BLOG = ROOT / "examples" / "blog"

MAIN = """\
from fastapi import FastAPI

from app.routers import users

app = FastAPI()
app.include_router(users.router)
"""
USERS = """\
from fastapi import APIRouter, Depends

router = APIRouter(prefix="/users", tags=["users"])


def limit(limit: int = 10) -> int:
    return limit


@router.get("/{number}")
def read(number: int, limit: int = Depends(limit)) -> dict[str, int]:
    return {"number": number, "limit": limit}
"""


def said(program: str, cwd: Path, **environ: str) -> Any:
    """Run a program and return what it prints last, as JSON."""
    given = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"} | environ
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def code(page: str, heading: str, number: int = 0) -> str:
    """Return the code of a page below a heading."""
    text = (MIGRATION / page).read_text(encoding="utf-8")
    section = re.split(r"(?m)^## ", text[text.index(f"## {heading}") + 3 :])[0]
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", section)
    return str(blocks[number])


@pytest.mark.slow
def test_a_fastapi_application_with_other_routes_beside(tmp_path: Path) -> None:
    for name, text in {"main.py": MAIN, "routers/users.py": USERS}.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "beside.py").write_text(code("fastapi.md", "New routes beside"))
    seen = said(
        """
        import json
        from beside import app
        from fenrir.testing import Client

        with Client(app) as client:
            paths = "/users/7?limit=2 /v1/users/7 /users/x /v1/users/x /hello/you".split()
            asked = [client.get(path) for path in paths]
            print(json.dumps([
                [answer.status_code for answer in asked],
                [answer.json() for answer in asked[:2]],
                asked[2].json() == asked[3].json(),
                asked[4].text,
                sorted(client.get("/openapi.json").json()["paths"]),
            ]))
        """,
        tmp_path,
    )
    assert seen == [
        [200, 200, 422, 422, 200],
        [{"number": 7, "limit": 2}, {"number": 7, "limit": 10}],
        True,
        "<h1>Hello, you</h1>",
        ["/hello/{name}", "/users/{number}"],
    ]


def test_the_pages_show_what_the_examples_do() -> None:
    shown = code("flask.md", "1. Mounted")
    example = (BLOG / "mounted.py").read_text(encoding="utf-8")
    for line in filter(None, map(str.strip, shown.splitlines())):
        assert line in example, line
    shown = code("flask.md", "3. Beside")
    example = (BLOG / "beside.py").read_text(encoding="utf-8")
    for line in filter(None, map(str.strip, shown.splitlines())):
        assert line in example or line.startswith("from "), line


@pytest.mark.slow
def test_blueprints_move_from_the_old_application_to_the_new(tmp_path: Path) -> None:
    seen = said(
        """
        import json
        import fenrir
        fenrir.adopt("flask")
        from blog import accounts, create_app, posts
        from fenrir import Fenrir, g
        from fenrir.testing import Client

        old = create_app()
        app = Fenrir("blog", secret_key=old.secret_key)
        app.config["DATABASE"] = old.config["DATABASE"]
        app.register_blueprint(accounts.bp)
        app.register_blueprint(posts.bp)

        with Client(app) as client:
            form = {"name": "ada", "password": "lovelace"}
            made = client.post("/accounts/register", data=form)
            logged_in = client.post("/accounts/login", data=form)
            written = client.post("/write", data={"title": "One", "body": ""})
            page = client.get("/").text
            print(json.dumps([made.status_code, logged_in.status_code, written.status_code, "One" in page]))
        """,
        BLOG,
        BLOG_DATABASE=str(tmp_path / "blog.db"),
    )
    assert seen == [302, 302, 302, True]
