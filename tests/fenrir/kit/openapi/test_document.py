"""The document of routes that validate nothing, and what holds for all of them."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from openapi_spec_validator import validate
from pydantic import BaseModel

import fenrir.fastapi
from fenrir import Fenrir
from fenrir.core.declare import DeclarationError
from fenrir.kit.openapi import DocsOptions, openapi_document
from tests.fenrir.kit.openapi.oracle_apps import APPS
from tests.fenrir.kit.openapi.plain import add, plain_app


def documented(path: str, *args: Any, **options: Any) -> dict[str, Any]:
    """Return the Path Item of one route."""
    engine = plain_app()
    add(engine, path, *args, **options)
    document = openapi_document(engine, DocsOptions())
    validate(document)
    (item,) = document["paths"].values()
    return dict(item)


@pytest.mark.parametrize(
    ("spelled", "schema"),
    [
        ("x", {"type": "string"}),
        ("x:path", {"type": "string"}),
        ("x:int", {"type": "integer"}),
        ("x:int(min=1, max=9)", {"type": "integer", "minimum": 1, "maximum": 9}),
        ("x:float", {"type": "number"}),
        ("x:uuid", {"type": "string", "format": "uuid"}),
        ("x:any(a,b.c)", {"type": "string", "enum": ["a", "b.c"]}),
        ("x:str(length=2)", {"type": "string", "pattern": "^[^/]{2}$"}),
        ("x:re([a-z]+)", {"type": "string", "pattern": "^(?:[a-z]+)$"}),
        ("x:re((?i)[a-z]+)", {"type": "string"}),
    ],
)
def test_a_converter_is_the_schema_of_its_parameter(spelled: str, schema: dict[str, Any]) -> None:
    (parameter,) = documented(f"/a/{{{spelled}}}")["get"]["parameters"]
    assert parameter == {"name": "x", "in": "path", "required": True, "schema": {**schema, "title": "X"}}


def test_a_converter_says_what_an_annotation_leaves_open() -> None:
    app = Fenrir(__name__)

    @app.get("/{bare:int}/{typed:uuid}/{other:path}")
    def show(bare, typed: str, other: int | str): ...  # type: ignore[no-untyped-def]

    (operation,) = app.openapi()["paths"].values()
    schemas = {parameter["name"]: parameter["schema"] for parameter in operation["get"]["parameters"]}
    assert schemas == {
        "bare": {"type": "integer", "title": "Bare"},
        "typed": {"type": "string", "format": "uuid", "title": "Typed"},
        "other": {"anyOf": [{"type": "integer"}, {"type": "string"}], "title": "Other"},
    }


def test_a_path_keeps_its_fixed_text_and_its_slash() -> None:
    engine = plain_app()
    add(engine, "/a/{name}.{kind:any(txt,md)}/")
    assert list(openapi_document(engine, DocsOptions())["paths"]) == ["/a/{name}.{kind}/"]


def test_a_route_that_validates_nothing_promises_nothing() -> None:
    operation = documented("/a/{x}")["get"]
    assert operation["responses"] == {
        "200": {"description": "Successful Response"},
        "default": {"description": "Any other answer"},
    }


def test_text_is_promised_where_the_annotation_says_so() -> None:
    def show() -> str: ...

    response = documented("/a", show)["get"]["responses"]["200"]
    assert response["content"] == {"text/html": {"schema": {"type": "string"}}}


def test_names_and_descriptions_come_from_the_function() -> None:
    def show_it(first: int) -> None:
        """Show it.

        And more.
        \f
        Hidden."""

    found = documented("/a/{x}", functools.partial(show_it, 1), name=None)["get"]
    assert found["summary"] == "Show It"
    assert found["operationId"] == "show_it_a__x__get"
    assert found["description"] == "Show it.\n\nAnd more."


def test_a_callable_object_has_no_description_of_its_class() -> None:
    class Handler:
        """Internal."""

        def __call__(self) -> None: ...

    found = documented("/a", Handler(), name=None)["get"]
    assert found["summary"] == "Handler"
    assert "description" not in found


def test_an_adapter_is_named_and_described_by_what_the_user_wrote() -> None:
    class ThingResource:
        def on_get(self) -> str:
            """Get it."""
            return ""

    found = documented("/a", lambda: "", name=None, user=ThingResource().on_get)["get"]
    assert found["summary"] == "Thing Resource On Get"
    assert found["operationId"] == "ThingResource_on_get_a_get"
    assert found["description"] == "Get it."
    assert "text/html" in found["responses"]["200"]["content"]


def test_methods_of_a_view_class_describe_themselves() -> None:
    class View:
        """All of it."""

        def post(self) -> None:
            """Add one."""

    def view() -> None: ...

    view.view_class = View  # type: ignore[attr-defined]
    item = documented("/a", view, frozenset({"GET", "POST"}))
    assert (item["get"]["description"], item["post"]["description"]) == ("All of it.", "Add one.")


def test_operation_ids_are_unique() -> None:
    engine = plain_app()
    add(engine, "/a", methods=frozenset({"GET", "POST"}), operation_id="same")
    add(engine, "/b", operation_id="same")
    add(engine, "/c-d", name="x")
    add(engine, "/c.d", name="x")
    document = openapi_document(engine, DocsOptions())
    validate(document)
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert ids == ["same", "same_post", "same_get", "x_c_d_get", "x_c_d_get_2"]


def test_only_declared_methods_are_documented() -> None:
    assert set(documented("/a")) == {"get"}
    assert set(documented("/a", methods=frozenset({"HEAD", "PURGE"}))) == {"head"}
    assert set(documented("/a", methods=frozenset({"HEAD", "GET", "OPTIONS"}))) == {"get", "options"}
    assert set(documented("/a", methods=None)) == {"get", "put", "post", "delete", "patch"}


def test_hidden_routes_channels_and_unknown_methods_are_left_out() -> None:
    engine = plain_app()
    add(engine, "/hidden", document=False)
    add(engine, "/purge", methods=frozenset({"PURGE"}))

    async def chat(channel: Any) -> None: ...

    add(engine, "/chat", chat, frozenset(), name="chat", websocket=True)
    assert openapi_document(engine, DocsOptions())["paths"] == {}


def test_the_first_of_two_routes_with_one_template_is_described() -> None:
    engine = plain_app()
    add(engine, "/a/{x:int}", name="by_number")
    add(engine, "/a/{x}", name="by_name")
    (item,) = openapi_document(engine, DocsOptions())["paths"].values()
    assert item["get"]["summary"] == "By Number"


def test_responses_with_a_model_of_a_route_that_validates_nothing() -> None:
    class Problem(BaseModel):
        code: int

    found = documented("/a", responses={404: {"model": Problem}, "default": {"description": "Else"}})["get"]
    assert found["responses"]["404"] == {
        "description": "Not Found",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    assert found["responses"]["default"] == {"description": "Else"}


@pytest.mark.parametrize("responses", [{"soon": {}}, {404: "gone"}])
def test_responses_that_make_no_sense_name_the_line(responses: Any) -> None:
    engine = plain_app()
    add(engine, "/a", responses=responses)
    with pytest.raises(DeclarationError, match=r"plain\.py:\d+: responses"):
        openapi_document(engine, DocsOptions())


def test_the_document_says_what_the_application_says() -> None:
    document = openapi_document(
        plain_app(), DocsOptions(title="T", version="3", terms_of_service="https://a.example/", tags=[{"name": "t"}])
    )
    assert document["info"] == {"title": "T", "version": "3", "termsOfService": "https://a.example/"}
    assert document["tags"] == [{"name": "t"}]
    assert document["openapi"] == "3.1.0"


# The stream's `itemSchema` is of OpenAPI 3.2; upstream writes it under 3.1 all the same.
# `repeated` has a parameter of the path that no path has.
@pytest.mark.parametrize("name", [name for name in APPS if name not in ("streams", "repeated")])
def test_documents_are_valid(name: str) -> None:
    validate(APPS[name](fenrir.fastapi).openapi())
