"""The built-in keys of the configuration beside a real Flask: the same answers, through every door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import flask as upstream
import pytest
from werkzeug.exceptions import Forbidden

from fenrir import flask as ours
from fenrir.testing import Client

FORM = {"content-type": "application/x-www-form-urlencoded"}
PARTS = {"content-type": "multipart/form-data; boundary=b"}


def part(name: str, value: str) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def make(flask: Any, config: dict[str, Any]) -> Any:
    app = flask.Flask("tests.fenrir.flask.twin")
    app.config.update(config)

    @app.get("/")
    def index() -> list[str]:
        return [flask.url_for("index", _external=True), flask.request.host, flask.request.root_path]

    @app.post("/form")
    def form() -> list[Any]:
        return [sorted(flask.request.form.items()), flask.request.content_length]

    @app.post("/body")
    def body() -> str:
        return str(len(flask.request.get_data()))

    @app.get("/forbidden")
    def forbidden() -> str:
        raise Forbidden

    @app.get("/key")
    def key() -> str:
        return str(flask.request.args["missing"])

    @app.get("/fail")
    def fail() -> str:
        raise ValueError("told")

    @app.get("/file")
    def file() -> Any:
        return flask.send_file("static/site.css")

    @app.errorhandler(ValueError)
    def handled(error: Exception) -> Any:
        return f"handled {error}", 418

    @app.errorhandler(Exception)
    def any_other(error: Exception) -> Any:
        return f"any {type(error).__name__}", getattr(error, "code", 500)

    return app


REQUESTS: list[tuple[str, str, dict[str, str], bytes]] = [
    ("GET", "/", {}, b""),
    ("GET", "/", {"host": "b.example.org"}, b""),
    ("GET", "/", {"host": "evil.example"}, b""),
    ("OPTIONS", "/", {}, b""),
    ("POST", "/form", FORM, b"a=" + b"x" * 30),
    ("POST", "/form", PARTS, part("a", "x" * 30) + part("b", "y") + b"--b--\r\n"),
    ("POST", "/body", {"content-type": "text/plain"}, b"x" * 40),
    ("GET", "/forbidden", {}, b""),
    ("GET", "/key", {}, b""),
    ("GET", "/fail", {}, b""),
    ("GET", "/nowhere", {}, b""),
    ("GET", "/file", {}, b""),
    ("GET", "/static/site.css", {}, b""),
]

CONFIGS: list[dict[str, Any]] = [
    {},
    {"MAX_CONTENT_LENGTH": 20},
    {"MAX_FORM_MEMORY_SIZE": 10},
    {"MAX_FORM_MEMORY_SIZE": None, "MAX_FORM_PARTS": 1},
    {"SERVER_NAME": "example.org", "PREFERRED_URL_SCHEME": "https"},
    {"TRUSTED_HOSTS": [".example.org", "localhost"]},
    {"TRAP_HTTP_EXCEPTIONS": True},
    {"TRAP_BAD_REQUEST_ERRORS": True},
    {"PROVIDE_AUTOMATIC_OPTIONS": False},
    {"SEND_FILE_MAX_AGE_DEFAULT": 60},
    {"SEND_FILE_MAX_AGE_DEFAULT": timedelta(minutes=5)},
    {"USE_X_SENDFILE": True},
    {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False},
]

HEADERS = ("content-type", "location", "allow", "cache-control", "x-sendfile")


def shown(status: int, headers: Any, body: bytes) -> Any:
    found = {name: headers.get(name) for name in HEADERS}
    if found["allow"]:
        found["allow"] = ", ".join(sorted(found["allow"].split(", ")))
    return status, found, body


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: ",".join(config) or "none")
@pytest.mark.parametrize("door", ["direct", "asgi", "wsgi"])
def test_answers_are_the_same(config: dict[str, Any], door: Any) -> None:
    theirs, mine = make(upstream, config).test_client(), make(ours, config)
    client = mine.test_client() if door == "wsgi" else Client(mine, door=door, base_url="http://localhost")
    for method, path, headers, content in REQUESTS:
        headers = {"host": "localhost", **headers}
        options = {"method": method, "headers": headers, "data": content, "base_url": "http://localhost"}
        expected = theirs.open(path, buffered=True, **options)
        if door == "wsgi":
            got = client.open(path, buffered=True, **options)
            answer = shown(got.status_code, got.headers, got.data)
        else:
            got = client.request(method, path, headers=headers, content=content)
            answer = shown(got.status_code, got.headers, got.content)
        assert answer == shown(expected.status_code, expected.headers, expected.data), (method, path, headers)
    if door != "wsgi":
        client.close()
