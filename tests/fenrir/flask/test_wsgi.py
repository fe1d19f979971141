"""A Flask application is a WSGI application too, and WSGI middleware stands in every way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from fenrir.flask import Flask, request
from fenrir.testing import Client


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)

    @app.post("/echo")
    def echo() -> dict[str, Any]:
        return {"host": request.host, "got": request.get_json()}

    @app.get("/who")
    def who() -> str:
        return request.environ.get("HTTP_X_WHO", "nobody") + request.headers.get("X-Who", "")

    return app


def call(app: Any, path: str) -> tuple[str, bytes]:
    environ: dict[str, Any] = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""}
    setup_testing_defaults(environ)
    seen: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        seen.append(status)
        return lambda data: None

    answer = validator(app)(environ, start_response)
    try:
        return seen[0], b"".join(answer)
    finally:
        answer.close()


def test_a_wsgi_server_can_call_it(app: Flask) -> None:
    assert call(app, "/who") == ("200 OK", b"nobody")
    assert call(app, "/nowhere")[0] == "404 NOT FOUND"


class Who:
    """Middleware that says who the caller is."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["HTTP_X_WHO"] = "ann"
        answer: Iterable[bytes] = self.application(environ, start_response)
        return answer


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_wsgi_middleware_is_never_passed_by(app: Flask, door: str) -> None:
    app.wsgi_app = Who(app.wsgi_app)
    assert call(app, "/who")[1] == b"annann"
    with Client(app, door=door) as client:
        assert client.get("/who").text == "annann"
