"""Flask-CORS: as an extension, for blueprints and for single views."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, abort, jsonify
from flask_cors import CORS, cross_origin


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__)
    CORS(
        app,
        resources={r"/api/*": {"origins": ["https://a.example", r"https://.*\.b\.example"]}},
        supports_credentials=True,
        expose_headers=["X-Total"],
        max_age=600,
    )

    @app.get("/api/items")
    def items() -> object:
        return jsonify([1])

    @app.get("/api/broken")
    def broken() -> object:
        raise ValueError("broken")

    @app.get("/api/denied")
    def denied() -> object:
        abort(403)

    @app.get("/own")
    @cross_origin(origins="*", methods=["GET"], allow_headers=["X-Key"])
    def own() -> str:
        return "own"

    @app.get("/none")
    def none() -> str:
        return "none"

    open_to_all = Blueprint("open", __name__, url_prefix="/open")
    CORS(open_to_all)

    @open_to_all.route("/", methods=["GET", "POST"])
    def root() -> str:
        return "open"

    app.register_blueprint(open_to_all)
    return app


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/items", "https://a.example", "https://a.example"),
        ("/api/items", "https://x.b.example", "https://x.b.example"),
        ("/api/items", "https://c.example", None),
        ("/api/broken", "https://a.example", "https://a.example"),
        ("/api/denied", "https://a.example", "https://a.example"),
        ("/api/unknown", "https://a.example", "https://a.example"),
        ("/own", "https://c.example", "https://c.example"),
        ("/none", "https://a.example", None),
        ("/open/", "https://c.example", "https://c.example"),
    ],
)
def test_who_may_read_the_answer(app: Flask, path: str, origin: str, allowed: str | None) -> None:
    answer = app.test_client().get(path, headers={"Origin": origin})
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    if path == "/api/items" and allowed:
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Expose-Headers"] == "X-Total"
        assert "Origin" in answer.headers["Vary"]


def test_questions_before_a_request(app: Flask) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    answer = app.test_client().options("/api/items", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    asked["Access-Control-Request-Headers"] = "X-Key, X-Other"
    assert app.test_client().options("/own", headers=asked).headers["Access-Control-Allow-Headers"] == "X-Key"
