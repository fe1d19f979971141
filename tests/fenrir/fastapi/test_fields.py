"""Fields of routes, and those that packages make, under upstream's names."""

import asyncio
import importlib
import json
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    secret: str = "s"


class Public(BaseModel):
    name: str


@pytest.fixture(params=["fastapi", "fenrir.fastapi"])
def package(request: pytest.FixtureRequest) -> SimpleNamespace:
    def module(name: str) -> Any:
        return importlib.import_module(f"{request.param}{name}")

    return SimpleNamespace(
        fastapi=module(""),
        routing=module(".routing"),
        exceptions=module(".exceptions"),
        make=module(".utils").create_model_field,
        ModelField=module("._compat").ModelField,
        get_dependant=module(".dependencies.utils").get_dependant,
        applications=module(".applications"),
        responses=module(".responses"),
        TestClient=module(".testclient").TestClient,
        exit_stack=module(".middleware.asyncexitstack").AsyncExitStackMiddleware,
    )


def test_a_field_checks_and_writes(package: SimpleNamespace) -> None:
    field = package.make("item", Item, mode="serialization")
    assert isinstance(field, package.ModelField)
    assert (field.name, field.alias, field.mode) == ("item", "item", "serialization")
    value, errors = field.validate({"name": "n"}, loc=("response",))
    assert (value, errors) == (Item(name="n"), [])
    assert field.serialize(value, exclude_unset=True) == {"name": "n"}
    assert json.loads(field.serialize_json(value)) == {"name": "n", "secret": "s"}
    value, errors = field.validate({}, {}, loc=("response",))
    assert value is None
    assert [(error["type"], error["loc"]) for error in errors] == [("missing", ("response", "name"))]


def test_a_type_without_schema(package: SimpleNamespace) -> None:
    class Unknown:
        pass

    with pytest.raises(package.exceptions.FastAPIError, match="Invalid args for response field! Hint"):
        package.make("unknown", Unknown)


def test_the_fields_of_a_route(package: SimpleNamespace) -> None:
    app = package.fastapi.FastAPI()

    @app.post("/one", response_model=Public, responses={404: {"model": Public}})
    def one(item: Item) -> Any:
        return item

    @app.post("/two")
    def two(item: Item, amount: int = package.fastapi.Body(1)) -> None:
        """Take two."""

    @app.get("/none")
    def none():  # type: ignore[no-untyped-def]
        """Take nothing."""

    first, second, third = app.routes[-3:]
    assert first.response_field.field_info.annotation is Public
    assert first.response_field.mode == "serialization"
    assert first.response_fields[404].field_info.annotation is Public
    assert first.body_field.field_info.annotation is Item
    assert first.body_field.field_info.is_required()
    assert list(second.body_field.field_info.annotation.model_fields) == ["item", "amount"]
    assert second.body_field.name == "body"
    assert (third.body_field, third.response_field) == (None, None)


def test_a_response_field_that_is_put_there(package: SimpleNamespace) -> None:
    app = package.fastapi.FastAPI()

    @app.get("/", response_model=Item)
    def index() -> Any:
        return {"name": "n"}

    route = app.routes[-1]
    route.response_field = package.make("Public", Public, mode="serialization")
    assert route.response_field.field_info.annotation is Public


def test_an_endpoint_outside_a_route(package: SimpleNamespace) -> None:
    async def later(n: int) -> dict[str, Any]:
        return {"name": n}

    def now(n: int) -> dict[str, Any]:
        return {"name": str(n)}

    async def run() -> list[Any]:
        field = package.make("item", Item, mode="serialization")
        found: list[Any] = []
        for call, is_coroutine in ((now, False), (later, True)):
            value = await package.routing.run_endpoint_function(
                dependant=package.get_dependant(path="", call=call), values={"n": 1}, is_coroutine=is_coroutine
            )
            found.append(await package.routing.serialize_response(response_content=value))
            try:
                found.append(
                    await package.routing.serialize_response(
                        field=field, response_content=value, is_coroutine=is_coroutine, exclude={"secret"}
                    )
                )
            except package.exceptions.ResponseValidationError as error:
                found.append([item["loc"] for item in error.errors()])
        return found

    assert asyncio.run(run()) == [{"name": "1"}, {"name": "1"}, {"name": 1}, [("response", "name")]]


def test_pages_that_are_put_in_the_place_of_ours(package: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(title: str, **given: Any) -> Any:
        return package.responses.HTMLResponse(f"<p>{title} {given['openapi_url']}</p>")

    monkeypatch.setattr(package.applications, "get_swagger_ui_html", page)
    monkeypatch.setattr(package.applications, "get_redoc_html", page)
    client = package.TestClient(package.fastapi.FastAPI(title="T"))
    assert client.get("/docs").text == "<p>T - Swagger UI /openapi.json</p>"
    assert client.get("/redoc").text == "<p>T - ReDoc /openapi.json</p>"


def test_an_exit_stack_in_the_scope(package: SimpleNamespace) -> None:
    left: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["mine"].callback(left.append, "left")
        left.append("inside")

    asyncio.run(package.exit_stack(app, context_name="mine")({}, None, None))
    assert left == ["inside", "left"]


def test_parameters_that_are_described_outside_a_route(package: SimpleNamespace) -> None:
    fastapi = package.fastapi
    compat = importlib.import_module(f"{fastapi.__name__}._compat")
    utils = importlib.import_module(f"{fastapi.__name__}.openapi.utils")

    class Colour(Enum):
        RED = "red"

    def take(
        size: int = fastapi.Query(ge=1, description="how many"),
        colour: Colour = Colour.RED,
        hidden: int = fastapi.Query(1, include_in_schema=False),
    ) -> None:
        """Take some."""

    dependant = package.get_dependant(path="", call=take)
    fields = list(dependant.query_params)
    models = compat.get_flat_models_from_fields(fields, known_models=set())
    names = compat.get_model_name_map(models)
    assert names == {Colour: "Colour"}
    mapping, definitions = compat.get_definitions(fields=fields, model_name_map=names)
    assert mapping[fields[0], "validation"]["minimum"] == 1
    assert definitions == {"Colour": {"enum": ["red"], "title": "Colour", "type": "string"}}
    found = utils._get_openapi_operation_parameters(
        dependency_data=utils._get_openapi_dependency_data(dependant), model_name_map=names, field_mapping=mapping
    )
    assert [(one["name"], one["in"], one["required"], one["schema"]) for one in found] == [
        (
            "size",
            "query",
            True,
            {"type": "integer", "minimum": 1, "description": "how many", "title": "Size"},
        ),
        ("colour", "query", False, {"$ref": "#/components/schemas/Colour", "default": "red"}),
    ]
