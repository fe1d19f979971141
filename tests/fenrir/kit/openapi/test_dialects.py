"""One document of an application whose routes are spoken in several dialects."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from fenrir import Fenrir
from fenrir.flask.views import MethodView
from fenrir.testing import Client


class Thing(BaseModel):
    name: str


@pytest.fixture
def app() -> Fenrir:
    app = Fenrir(__name__, title="All")

    @app.get("/native/<int:number>")
    def native(number: int, thing: str = "") -> dict[str, int]:
        """Native."""
        return {}

    @app.fastapi.post("/fastapi/{number}")
    def with_models(number: int, thing: Thing) -> Thing: ...

    @app.flask.route("/flask/<int:number>/<any(a,b):letter>", methods=["GET", "POST"])
    def with_words(number: int, letter: str) -> str:
        """Flask's."""
        return ""

    class Words(MethodView):
        def get(self) -> str:
            """All words."""
            return ""

    app.flask.add_url_rule("/flask/words", view_func=Words.as_view("words"))

    class Resource:
        def on_put(self, req: Any, resp: Any, number: int) -> None:
            """Falcon's."""

    app.falcon.add_route("/falcon/{number:int(min=2)}", Resource())

    @app.sanic.get("/sanic/<day:ymd>/<number:float>")
    async def with_request(request: Any, day: Any, number: float) -> Any:
        """Sanic's."""

    @app.bottle.delete("/bottle/<word:re:[a-z]+>")
    def with_filter(word: str) -> str:
        """Bottle's."""
        return ""

    return app


def test_every_dialect_is_documented(app: Fenrir) -> None:
    document = app.openapi()
    validate(document)
    methods = {path: set(item) for path, item in document["paths"].items()}
    assert methods == {
        "/native/{number}": {"get"},
        "/fastapi/{number}": {"post"},
        "/flask/{number}/{letter}": {"get", "post"},
        "/flask/words": {"get"},
        "/falcon/{number}": {"put"},
        "/sanic/{day}/{number}": {"get"},
        "/bottle/{word}": {"delete"},
    }
    described = {operation.get("description") for item in document["paths"].values() for operation in item.values()}
    assert described == {None, "Native.", "Flask's.", "All words.", "Falcon's.", "Sanic's.", "Bottle's."}


def test_only_routes_that_validate_answer_422(app: Fenrir) -> None:
    paths = app.openapi()["paths"]
    answers = {path: {code for op in item.values() for code in op["responses"]} for path, item in paths.items()}
    validating = {path for path, codes in answers.items() if "422" in codes}
    assert validating == {"/native/{number}", "/fastapi/{number}"}


def test_a_return_annotation_is_the_answer(app: Fenrir) -> None:
    paths = app.openapi()["paths"]
    native = paths["/native/{number}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert native["additionalProperties"] == {"type": "integer"}
    fastapi = paths["/fastapi/{number}"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert fastapi == {"$ref": "#/components/schemas/Thing"}


def test_types_of_a_path_are_those_of_its_dialect(app: Fenrir) -> None:
    kinds = {
        path: [parameter["schema"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"]
        for path, item in app.openapi()["paths"].items()
        for operation in item.values()
    }
    assert kinds == {
        "/native/{number}": [{"type": "integer", "title": "Number"}],
        "/fastapi/{number}": [{"type": "integer", "title": "Number"}],
        "/flask/{number}/{letter}": [
            {"type": "integer", "title": "Number"},
            {"type": "string", "enum": ["a", "b"], "title": "Letter"},
        ],
        "/flask/words": [],
        "/falcon/{number}": [{"type": "integer", "minimum": 2, "title": "Number"}],
        "/sanic/{day}/{number}": [
            {"type": "string", "format": "date", "title": "Day"},
            {"type": "number", "title": "Number"},
        ],
        "/bottle/{word}": [{"type": "string", "pattern": "^(?:[a-z]+)$", "title": "Word"}],
    }


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_it_is_served(app: Fenrir, door: Any) -> None:
    with Client(app, door=door) as client:
        assert len(client.get("/openapi.json").json()["paths"]) == 7
        assert "<title>All - Swagger UI</title>" in client.get("/docs").text
