"""OpenAPI and AsyncAPI of Flask applications: there on request, served where the application says."""

import re
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from fenrir import Depends, Fenrir, Header, Query, WebSocket
from fenrir.flask import Blueprint, Flask, abort, request
from fenrir.flask.views import MethodView
from fenrir.testing import Client


class Item(BaseModel):
    name: str


def application(**options: Any) -> Flask:
    app = Flask(__name__, **options)
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    def guard(key: Annotated[str, Header()]) -> None: ...

    @shop.post("/<int:number>", tags=["shop"], summary="Make one", dependencies=[Depends(guard)])
    def make(number: int, item: Item, q: int = 0) -> Item:
        """Make an item."""
        return item

    @shop.get("/old/<name>")
    def old(name: str) -> str:
        """What it always was."""
        return name

    class Things(MethodView):
        def get(self, number: int, q: Annotated[int, Query()]) -> Any:
            """Find it."""

        def delete(self, number: int) -> Any:
            """Drop it."""

    shop.add_url_rule("/things/<int:number>", view_func=Things.as_view("things"))

    @shop.get("/hidden", include_in_schema=False)
    def hidden() -> str:
        return ""

    @shop.websocket("/live/<int:number>")
    async def live(socket: WebSocket, number: int, q: str = "") -> None:
        """Tell."""

    app.register_blueprint(shop)
    return app


def test_the_document() -> None:
    document = application(title="Shop", version="7").openapi()
    assert document["info"] == {"title": "Shop", "version": "7"}
    assert document["paths"].keys() == {"/shop/{number}", "/shop/old/{name}", "/shop/things/{number}"}
    make = document["paths"]["/shop/{number}"]["post"]
    assert (make["tags"], make["summary"], make["description"]) == (["shop"], "Make one", "Make an item.")
    named = {(item["in"], item["name"]): item for item in make["parameters"]}
    assert named.keys() == {("path", "number"), ("query", "q"), ("header", "key")}
    assert named["path", "number"]["schema"]["type"] == "integer"
    reference = {"$ref": "#/components/schemas/Item"}
    assert make["requestBody"]["content"]["application/json"]["schema"] == reference
    assert make["responses"]["200"]["content"]["application/json"]["schema"] == reference
    assert "422" in make["responses"]
    old = document["paths"]["/shop/old/{name}"]["get"]
    assert old["description"] == "What it always was." and "422" not in old["responses"]
    things = document["paths"]["/shop/things/{number}"]
    assert things.keys() == {"get", "delete"}
    assert [item["name"] for item in things["get"]["parameters"]] == ["number", "q"]
    assert [item["name"] for item in things["delete"]["parameters"]] == ["number"]
    assert (things["get"]["description"], things["delete"]["description"]) == ("Find it.", "Drop it.")


def test_the_document_of_channels() -> None:
    document = application().asyncapi()
    channel = document["channels"]["shop_live"]
    assert channel["address"] == "/shop/live/{number}"
    assert channel["bindings"]["ws"]["query"]["properties"]["q"]["type"] == "string"


def test_the_document_follows_the_application() -> None:
    app = application()
    assert "/late" not in app.openapi()["paths"]
    app.get("/late")(lambda: "")
    assert "/late" in app.openapi()["paths"]


def test_of_an_application_that_somebody_else_has_made() -> None:
    app = application()
    app.serve_documents(title="Theirs")
    client = app.test_client()
    assert client.get("/openapi.json").get_json()["info"]["title"] == "Theirs"
    assert "Theirs - Swagger UI" in client.get("/docs").text
    assert client.get("/redoc").status_code == 404
    with pytest.raises(TypeError, match="'docs'"):
        application().serve_documents(docs="/docs")


@pytest.mark.parametrize("door", ["wsgi", "direct"])
def test_served_where_the_application_says(door: str) -> None:
    app = application(
        openapi_url="/api.json", asyncapi_url="/channels.json", docs_url="/help", redoc_url="/more", static_folder=None
    )

    @app.before_request
    def members_only() -> None:
        if request.headers.get("key") is None:
            abort(401)

    def check(get: Any, status: Any) -> None:
        assert status(get("/api.json")) == 401
        key = {"key": "k"}
        assert get("/api.json", headers=key).text == get("/api.json", headers=key).text
        found = re.findall(r'(?:src|href)="(/[^"]+)"', get("/help", headers=key).text + get("/more", headers=key).text)
        assert found
        for path in ["/api.json", "/channels.json", "/help/oauth2-redirect", *found]:
            assert status(get(path, headers=key)) == 200, path
        assert status(get("/docs", headers=key)) == 404

    if door == "wsgi":
        check(app.test_client().get, lambda answer: answer.status_code)
    else:
        with Client(app) as client:
            check(client.get, lambda answer: answer.status_code)
    assert not [path for path in app.openapi()["paths"] if not path.startswith("/shop")]


def test_beside_other_dialects() -> None:
    app = Fenrir(__name__, openapi_url=None)
    app.get("/native")(lambda: "")
    app.flask.get("/old/<name>")(lambda name: "")
    app.flask.serve_documents("/all.json", docs_url="/see")
    with Client(app) as client:
        assert client.get("/all.json").json()["paths"].keys() == {"/native", "/old/{name}"}
        assert client.get("/see").status_code == 200


def test_nothing_is_served_by_itself() -> None:
    client = application().test_client()
    for path in ("/docs", "/redoc", "/openapi.json", "/asyncapi.json"):
        assert client.get(path).status_code == 404
    with pytest.raises(ValueError, match="openapi_url"):
        Flask(__name__, docs_url="/docs")
