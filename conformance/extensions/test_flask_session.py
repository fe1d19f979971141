"""Flask-Session: sessions kept on the server, in files and in a table; only an id goes to the client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cachelib import FileSystemCache, SimpleCache
from flask import Flask, flash, get_flashed_messages, session
from flask_session import Session
from flask_sqlalchemy import SQLAlchemy


@pytest.fixture(params=["files", "memory", "table"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "key"
    if request.param == "table":
        app.config.update(SESSION_TYPE="sqlalchemy", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/sessions.db")
        app.config["SESSION_SQLALCHEMY"] = database = SQLAlchemy(app)
        Session(app)
        with app.app_context():
            database.create_all()
    else:
        cache = FileSystemCache(str(tmp_path)) if request.param == "files" else SimpleCache()
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=cache)
        Session(app)

    @app.get("/set/<value>")
    def put(value: str) -> str:
        session["value"] = value
        return value

    @app.get("/get")
    def get() -> str:
        return str(session.get("value"))

    @app.get("/append")
    def append() -> str:
        session.setdefault("list", []).append(1)
        session.modified = True
        return str(len(session["list"]))

    @app.get("/clear")
    def clear() -> str:
        session.clear()
        return ""

    @app.get("/regenerate")
    def regenerate() -> str:
        app.session_interface.regenerate(session)  # type: ignore[attr-defined]
        return session.sid  # type: ignore[no-any-return, attr-defined]

    @app.get("/flash")
    def message() -> str:
        flash("told")
        return ""

    @app.get("/flashed")
    def messages() -> list[Any]:
        return get_flashed_messages()

    return app


def test_a_value_stays_on_the_server(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/get").text == "None"
    client.get("/set/hello")
    cookie = client.get_cookie("session")
    assert cookie is not None and "hello" not in cookie.value
    assert client.get("/get").text == "hello"
    assert app.test_client().get("/get").text == "None"


def test_changes_inside_a_value_are_kept(app: Flask) -> None:
    client = app.test_client()
    assert [client.get("/append").text for _ in range(3)] == ["1", "2", "3"]


def test_a_session_gets_a_new_id(app: Flask) -> None:
    client = app.test_client()
    client.get("/set/hello")
    before = client.get_cookie("session")
    client.get("/regenerate")
    after = client.get_cookie("session")
    assert before is not None and after is not None and before.value != after.value
    assert client.get("/get").text == "hello"


def test_an_emptied_session_is_deleted(app: Flask) -> None:
    client = app.test_client()
    client.get("/set/hello")
    client.get("/clear")
    assert client.get_cookie("session") is None
    assert client.get("/get").text == "None"


def test_messages_between_two_pages(app: Flask) -> None:
    client = app.test_client()
    client.get("/flash")
    assert client.get("/flashed").json == ["told"]
    assert client.get("/flashed").json == []


def test_the_test_client_opens_the_session(app: Flask) -> None:
    with app.test_client() as client:
        client.get("/set/hello")
        assert session["value"] == "hello"
        with client.session_transaction() as opened:
            assert opened["value"] == "hello"
            opened["value"] = "changed"
        assert client.get("/get").text == "changed"
