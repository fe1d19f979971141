"""`fenrir new NAME`: a project that runs and has tests."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from fenrir.cli.target import Mistake

__all__ = ["new"]

APP = '''\
"""{name}: three ways of speaking in one application."""

from typing import Annotated

from pydantic import BaseModel

from fenrir import Depends, Fenrir, g, render_template, request

app = Fenrir(__name__, title="{name}")


class Note(BaseModel):
    title: str
    text: str = ""


@app.listener("before_server_start")
async def open_store(app):
    app.ctx.notes = []


def store() -> list[Note]:
    return request.app.ctx.notes


Store = Annotated[list[Note], Depends(store)]


@app.before_request
def who():
    g.user = request.args.get("user", "you")


@app.get("/")
def index():
    """A page, rendered with Jinja2; `g` was filled by the hook above."""
    return render_template("index.html", user=g.user)


@app.post("/notes", status_code=201)
async def add(note: Note, notes: Store) -> Note:
    """A validated JSON API; see /docs."""
    notes.append(note)
    return note


@app.get("/notes")
async def all_notes(notes: Store, limit: int = 10) -> list[Note]:
    return notes[:limit]


class Health:
    """A resource with a method per verb."""

    async def on_get(self, req, resp):
        resp.media = {{"status": "ok", "notes": len(app.ctx.notes)}}


app.add_route("/health", Health())
'''

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<h1>Hello, {{{{ user }}}}!</h1>
<p>The API is documented at <a href="/docs">/docs</a>.</p>
</html>
"""

TESTS = '''\
"""Tests of {name}."""

import pytest

from app import app
from fenrir.testing import Client


@pytest.fixture
def client():
    with Client(app) as client:
        yield client


def test_the_page_greets_and_escapes(client):
    page = client.get("/", params={{"user": "<b>"}})
    assert page.status_code == 200
    assert "Hello, &lt;b&gt;!" in page.text


def test_notes_are_validated_and_kept(client):
    assert client.post("/notes", json={{"title": "first"}}).status_code == 201
    assert client.post("/notes", json={{"text": "no title"}}).status_code == 422
    assert client.get("/notes").json() == [{{"title": "first", "text": ""}}]


def test_health(client):
    assert client.get("/health").json() == {{"status": "ok", "notes": 0}}
'''

README = """\
# {name}

In an environment with Fenrir and pytest:

    fenrir run --reload      # http://127.0.0.1:8000, the API at /docs
    pytest
    fenrir explain GET /notes
"""

FILES = {
    "app.py": APP,
    "templates/index.html": PAGE,
    "tests/test_app.py": TESTS,
    "README.md": README,
    "pytest.ini": "[pytest]\npythonpath = .\n",
    ".gitignore": "__pycache__/\n.venv/\n",
}


@click.command()
@click.argument("name")
def new(name: str) -> None:
    """Make a project in a new directory NAME."""
    plain = Path(name).name.replace("-", "_")
    if not plain.isidentifier() or keyword.iskeyword(plain):
        raise Mistake(f"{name!r} is no name for a project: use letters, digits, - and _")
    root = Path(name)
    if root.exists():
        raise Mistake(f"{name} is there already")
    try:
        for file, text in FILES.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(name=root.name), encoding="utf-8")
    except OSError as error:
        raise Mistake(f"{error.filename} can not be written: {error.strerror}") from error
    click.echo(f"{name} is ready:\n  cd {name}\n  fenrir run --reload")
