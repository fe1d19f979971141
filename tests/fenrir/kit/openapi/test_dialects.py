"""One document of an application whose routes are spoken in several dialects."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

from fenrir.core.application import Application
from fenrir.fastapi import FastAPIDoor
from fenrir.flask import FlaskDoor
from fenrir.flask.views import MethodView
from fenrir.hybrid._dialect import NATIVE
from fenrir.kit.openapi import DocsOptions, install_docs, openapi_document
from fenrir.sanic.door import SanicDoor
from fenrir.testing import Client


class Thing(BaseModel):
    name: str


@pytest.fixture
def engine() -> Application:
    engine = Application(NATIVE)
    fastapi = FastAPIDoor(engine, engine.scope)
    flask = FlaskDoor(engine, engine.scope, import_name=__name__)
    sanic = SanicDoor(engine, engine.scope)

    @fastapi.post("/fastapi/{number}")
    def with_models(number: int, thing: Thing) -> Thing: ...

    @flask.route("/flask/<int:number>/<any(a,b):letter>", methods=["GET", "POST"])
    def with_words(number: int, letter: str) -> str:
        """Flask's."""
        return ""

    class Words(MethodView):
        def get(self) -> str:
            """All words."""
            return ""

    flask.add_url_rule("/flask/words", view_func=Words.as_view("words"))

    @sanic.get("/sanic/<day:ymd>/<number:float>")
    async def with_request(request: Any, day: Any, number: float) -> Any:
        """Sanic's."""

    install_docs(engine, DocsOptions())
    return engine


def test_every_dialect_is_documented(engine: Application) -> None:
    document = openapi_document(engine, DocsOptions())
    validate(document)
    methods = {path: set(item) for path, item in document["paths"].items()}
    assert methods == {
        "/fastapi/{number}": {"post"},
        "/flask/{number}/{letter}": {"get", "post"},
        "/flask/words": {"get"},
        "/sanic/{day}/{number}": {"get"},
    }
    described = {operation.get("description") for item in document["paths"].values() for operation in item.values()}
    assert described == {None, "Flask's.", "All words.", "Sanic's."}


def test_only_routes_that_validate_answer_422(engine: Application) -> None:
    paths = openapi_document(engine, DocsOptions())["paths"]
    answers = {path: {code for op in item.values() for code in op["responses"]} for path, item in paths.items()}
    assert answers.pop("/fastapi/{number}") == {"200", "422"}
    assert all(codes == {"200"} for codes in answers.values())


def test_types_of_a_path_are_those_of_its_dialect(engine: Application) -> None:
    paths = openapi_document(engine, DocsOptions())["paths"]

    def kinds(path: str) -> list[str]:
        operation = next(iter(paths[path].values()))
        return [parameter["schema"]["type"] for parameter in operation["parameters"]]

    assert kinds("/fastapi/{number}") == ["integer"]
    assert kinds("/flask/{number}/{letter}") == ["integer", "string"]
    assert kinds("/sanic/{day}/{number}") == ["string", "number"]


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_it_is_served(engine: Application, door: Any) -> None:
    with Client(engine, door=door) as client:
        assert len(client.get("/openapi.json").json()["paths"]) == 4
        assert client.get("/docs").status_code == 200
