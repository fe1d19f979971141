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


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_what_is_replaced_on_the_class_is_never_passed_by(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Monitoring replaces `Flask.wsgi_app`, or a method of dispatching, on the class itself."""
    seen: list[str] = []

    def replace(name: str) -> None:
        before = getattr(Flask, name)

        def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            return before(self, *args, **kwargs)

        monkeypatch.setattr(Flask, name, watched)

    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: "index")
    replace("full_dispatch_request")
    with Client(app, door=door) as client:
        assert client.get("/").text == "index" and seen == ["full_dispatch_request"]
    replace("wsgi_app")
    with Client(app, door=door) as client:
        assert client.get("/").text == "index" and seen[1:] == ["wsgi_app", "full_dispatch_request"]


def test_a_value_of_the_path_may_have_any_name() -> None:
    app = Flask(__name__)
    app.add_url_rule("/<c>/<self>/<int:x>", "all", lambda **values: values)
    with Client(app) as client:
        assert client.get("/a/b/1").json() == {"c": "a", "self": "b", "x": 1}


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_a_body_is_read_as_the_view_reads_it(door: str) -> None:
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 3 << 20

    @app.post("/sum")
    def length() -> str:
        total = 0
        while piece := request.stream.read(100_000):
            total += len(piece)
        return str(total)

    @app.post("/loop")
    async def on_the_loop() -> str:
        return str(len(request.get_data()))

    with Client(app, door=door) as client:
        for path in ("/sum", "/loop"):
            for size in (10, 2 << 20):
                assert client.post(path, content=b"x" * size).text == str(size)
            assert client.post(path, content=b"x" * (4 << 20)).status_code == 413


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_the_environment_has_no_header_that_passes_for_something_else(door: str) -> None:
    app = Flask(__name__)

    @app.get("/")
    def seen() -> dict[str, str]:
        return {key: value for key, value in request.environ.items() if key.startswith("HTTP_")}

    sent = {"proxy": "http://evil.example", "x_forwarded_for": "1.2.3.4", "x-a": "1"}
    with Client(app, door=door) as client:
        assert client.get("/", headers=sent).json() == {"HTTP_HOST": "testserver", "HTTP_X_A": "1"}
