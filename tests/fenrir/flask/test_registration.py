"""What registration refuses, the configuration, converters, and the client for tests."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask as upstream
import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BaseConverter, BuildError, Rule, ValidationError

from fenrir import flask as ours
from fenrir.flask import Blueprint, Flask, jsonify, request, session
from fenrir.testing import Client


@pytest.fixture
def app() -> Flask:
    made = Flask(__name__)
    made.secret_key = "k"
    return made


def test_rules_that_make_no_sense(app: Flask) -> None:
    with pytest.raises(LookupError, match="'integer' does not exist"):
        app.get("/<integer:n>")(lambda n: "")
    with pytest.raises(ValueError, match="slash"):
        app.add_url_rule("x", "x", lambda: "")
    with pytest.raises(TypeError, match="unexpected keyword argument 'metods'"):
        app.route("/x", metods=["GET"])(lambda: "")
    with pytest.raises(TypeError, match="'methods' argument"):
        app.get("/x", methods=["POST"])
    with pytest.raises(TypeError, match="must be a list of strings"):
        app.route("/x", methods="GET")(lambda: "")
    app.add_url_rule("/a", "same", lambda: "")
    with pytest.raises(AssertionError, match="overwriting an existing endpoint function: same"):
        app.add_url_rule("/b", "same", lambda: "")


def test_error_handlers_that_make_no_sense(app: Flask) -> None:
    for key, kind in ((499, ValueError), (int, ValueError), ("x", TypeError), (KeyError("x"), TypeError)):
        with pytest.raises(kind):
            app.errorhandler(key)(lambda e: "")


def test_blueprints_that_make_no_sense(app: Flask) -> None:
    for name in ("", "a.b"):
        with pytest.raises(ValueError):
            Blueprint(name, __name__)
    part = Blueprint("part", __name__)
    with pytest.raises(ValueError):
        part.add_url_rule("/x", "a.b", lambda: "")
    with pytest.raises(ValueError):
        part.register_blueprint(part)
    app.register_blueprint(part)
    with pytest.raises(ValueError, match="already registered for this blueprint"):
        app.register_blueprint(part)
    with pytest.raises(ValueError, match="already registered for a different blueprint"):
        app.register_blueprint(Blueprint("part", __name__))
    with pytest.raises(AssertionError, match="can no longer be called on the blueprint"):
        part.get("/late")(lambda: "")


def test_record_once(app: Flask) -> None:
    part = Blueprint("part", __name__)
    seen: list[str] = []
    part.record(lambda state: seen.append(f"record {state.name} {state.url_prefix}"))
    part.record_once(lambda state: seen.append("once"))
    app.register_blueprint(part, url_prefix="/a")
    app.register_blueprint(part, url_prefix="/b", name="again")
    assert seen == ["record part /a", "once", "record again /b"]


def test_converters_of_the_user(app: Flask) -> None:
    class Words(BaseConverter):
        def __init__(self, map: Any, separator: str = ",") -> None:
            super().__init__(map)
            self.separator = separator

        def to_python(self, value: str) -> list[str]:
            if value == "none":
                raise ValidationError
            return value.split(self.separator)

        def to_url(self, value: list[str]) -> str:
            return super().to_url(self.separator.join(value))

    app.url_map.converters["words"] = Words

    @app.get("/words/<words('+'):w>")
    def words(w: list[str]) -> Any:
        return jsonify(w, ours.url_for("words", w=["a b", "c"]))

    client = app.test_client()
    assert client.get("/words/a+b").json == [["a", "b"], "/words/a%20b+c"]
    assert client.get("/words/none").status_code == 404


def test_endpoints_without_a_view_until_later(app: Flask) -> None:
    app.add_url_rule("/late", endpoint="late")

    @app.endpoint("late")
    def view() -> str:
        return "late"

    client = app.test_client()
    assert client.get("/late").text == "late"
    assert [str(rule) for rule in app.url_map.iter_rules("late")] == ["/late"]


def test_build_errors(app: Flask) -> None:
    app.add_url_rule("/user/<int:n>", "user", lambda n: "")
    with app.test_request_context():
        with pytest.raises(BuildError, match=r"Did you forget to specify values \['n'\]\?"):
            app.url_for("user")
        with pytest.raises(BuildError, match="Did you mean 'user' instead"):
            app.url_for("usr")
        app.url_build_error_handlers.append(lambda error, endpoint, values: f"/built/{endpoint}")
        assert app.url_for("usr") == "/built/usr"


def test_unhandled_exceptions_reach_handlers_as_500(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    ended: list[Any] = []
    app.teardown_request(lambda exc: ended.append(exc))

    @app.get("/fail")
    def fail() -> str:
        raise ValueError("inside")

    @app.errorhandler(HTTPException)
    def handler(error: Any) -> Any:
        return jsonify(type(error).__name__, repr(getattr(error, "original_exception", None))), error.code

    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    with caplog.at_level(logging.ERROR):
        answer = client.get("/fail")
    assert (answer.status_code, answer.json) == (500, ["InternalServerError", "ValueError('inside')"])
    assert "Exception on /fail [GET]" in caplog.text
    assert client.get("/nowhere").json == ["NotFound", "None"]
    assert isinstance(ended[0], ValueError) and ended[1] is None


def test_limits_of_bodies(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 10
    app.add_url_rule("/", "x", lambda: request.get_data(as_text=True), methods=["POST"])
    client = app.test_client()
    assert client.post("/", data="0123456789").text == "0123456789"
    assert client.post("/", data="0123456789x").status_code == 413


def test_untrusted_hosts(app: Flask) -> None:
    app.config["TRUSTED_HOSTS"] = ["example.org", ".example.com"]
    app.add_url_rule("/", "x", lambda: request.host)
    with Client(app) as direct, Client(app, door="asgi") as asgi:
        for client in (app.test_client(), direct, asgi):
            assert client.get("/", headers={"Host": "evil.org"}).status_code == 400
            assert client.get("/", headers={"Host": "a.example.com"}).text == "a.example.com"


def test_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "settings.py").write_text("A = 1\nb = 2\n")
    (tmp_path / "settings.json").write_text(json.dumps({"J": [1], "low": 2}))
    monkeypatch.setenv("SETTINGS", str(tmp_path / "settings.py"))
    for name, value in (("T_N", "1"), ("T_S", "text"), ("T_D__X__Y", "true"), ("T_F", "1.5")):
        monkeypatch.setenv(name, value)

    class Object:
        O = 1  # noqa: E741
        p = 2

    def run(flask: Any) -> Any:
        config = flask.Config(tmp_path)
        seen: list[Any] = [config.from_pyfile("settings.py"), config.from_envvar("SETTINGS")]
        seen += [config.from_pyfile("none.py", silent=True), config.from_envvar("NONE", silent=True)]
        config.from_object(Object)
        config.from_object("datetime")
        config.from_file("settings.json", json.load)
        config.from_mapping({"M": 1, "n": 2}, K=3)
        config.from_prefixed_env("T")
        for call in (lambda: config.from_pyfile("none.py"), lambda: config.from_envvar("NONE")):
            with pytest.raises((OSError, RuntimeError)) as caught:
                call()
            seen.append(type(caught.value))
        config["IMAGE_TYPE"] = "x"
        return dict(config), seen, config.get_namespace("IMAGE_"), config.get_namespace("IMAGE_", False, False)

    assert run(ours) == run(upstream)


def test_default_configuration_and_attributes() -> None:
    mine, real = Flask("x"), upstream.Flask("x")
    assert {**mine.config} == {**real.config}
    for attribute in ("name", "debug", "testing", "secret_key", "static_url_path", "has_static_folder", "import_name"):
        assert getattr(mine, attribute) == getattr(real, attribute), attribute
    assert mine.permanent_session_lifetime == timedelta(days=31)
    assert mine.static_folder == real.static_folder and mine.root_path == real.root_path
    own, theirs = Flask(__name__), upstream.Flask(__name__)
    assert (own.root_path, own.instance_path) == (theirs.root_path, own.instance_path)
    with pytest.raises(ValueError, match="must be absolute"):
        Flask("x", instance_path="relative")


def test_the_client(app: Flask) -> None:
    @app.post("/upload")
    def upload() -> Any:
        file = request.files["f"]
        return jsonify(file.filename, file.read().decode(), request.form["x"])

    @app.get("/count")
    def count() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    @app.get("/go")
    def go() -> Any:
        return ours.redirect("/count")

    @app.get("/fail")
    def fail() -> str:
        raise ValueError("seen by the test")

    with app.test_client() as client:
        answer = client.post("/upload", data={"f": (io.BytesIO(b"abc"), "a.txt"), "x": "1"})
        assert answer.json == ["a.txt", "abc", "1"]
        assert client.get("/count").text == "1"
        with client.session_transaction() as changed:
            assert changed["n"] == 1
            changed["n"] = 10
        followed = client.get("/go", follow_redirects=True)
        assert followed.text == "11" and [r.status_code for r in followed.history] == [302]
        with client.session_transaction() as changed:
            changed.clear()
        assert client.get("/count").text == "1"
        client.set_cookie("a", "b")
        assert client.get_cookie("a").value == "b"
    app.testing = True
    with Client(app) as client, pytest.raises(ValueError, match="seen by the test"):
        client.get("/fail")


def test_run_refuses_what_the_server_does_not_know(app: Flask) -> None:
    with pytest.raises(Exception, match="no_such_option"):
        app.run(no_such_option=1)


def test_the_view_of_static_files_is_a_function(app: Flask) -> None:
    view = app.view_functions["static"]  # extensions ask every view for its name
    assert (view.__name__, view.__module__.partition(".")[0]) == ("static", "fenrir")
    assert view.__qualname__


def test_a_rule_that_comes_late_is_seen() -> None:
    """Werkzeug's map may be changed at any time, and by anybody."""
    app = Flask(__name__)
    app.add_url_rule("/<name>", "any", lambda name: name)
    with Client(app) as client:
        assert client.get("/late").text == "late"
        app.view_functions["late"] = lambda: "it was added"
        app.url_map.add(Rule("/late", endpoint="late"))
        assert client.get("/late").text == "it was added"
        assert client.post("/late").text == "it was added"
        assert client.get("/other").text == "other"
