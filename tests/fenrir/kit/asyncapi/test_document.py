"""The AsyncAPI document of WebSockets and event streams in every dialect."""

# No postponed annotations here: those of the handlers name what is local.

import json
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Annotated, Any

import pytest
from jsonschema import Draft7Validator
from pydantic import BaseModel

from fenrir import Fenrir
from fenrir.fastapi import APIRouter, FastAPI, Header, Query, Security, WebSocket
from fenrir.fastapi.security import APIKeyQuery, OAuth2PasswordBearer
from fenrir.fastapi.sse import EventSourceResponse
from fenrir.kit.asyncapi import messages
from fenrir.testing import Client

SPECS = "@asyncapi/specs@6.11.1"


class Said(BaseModel):
    text: str


class Joined(BaseModel):
    who: str


def everything() -> Fenrir:
    """Return an application with channels in every dialect that has any."""
    app = Fenrir(
        __name__,
        title="Talk",
        description="*Text*",
        servers=[{"url": "https://talk.example/v1", "description": "ours"}, {"url": "/relative"}],
        tags=[{"name": "talk"}],
        contact={"name": "A"},
    )
    token = OAuth2PasswordBearer("token", scopes={"talk": "to talk"})
    key = APIKeyQuery(name="k")

    @app.fastapi.websocket("/chat/{room}")
    @messages(receives=Said, sends=Said | Joined)
    async def chat(
        websocket: WebSocket,
        room: str,
        many: Annotated[int, Query(ge=1, description="how many")],
        x_name: Annotated[str | None, Header()] = None,
        t: str = Security(token, scopes=["talk"]),
        k: str = Security(key),
    ) -> None:
        """Talk to a room.

        \f
        Not for readers."""

    @app.fastapi.get("/events", response_class=EventSourceResponse, tags=["talk"])
    async def events(since: int = 0) -> AsyncIterable[Said]:
        yield Said(text="")

    @app.fastapi.get("/hidden", response_class=EventSourceResponse, include_in_schema=False)
    async def hidden() -> AsyncIterable[Said]:
        yield Said(text="")

    @app.fastapi.get("/plain")
    async def plain() -> Said: ...

    @app.sanic.websocket("/sanic/<name>")
    async def feed(request: Any, ws: Any, name: str) -> None: ...

    class Resource:
        async def on_websocket(self, req: Any, ws: Any, kind: str) -> None:
            """Falcon's."""

    app.falcon.add_route("/falcon/{kind}", Resource())

    @app.flask.route("/flask/<any(a,b):letter>")
    @messages(sends=Joined)
    def stream(letter: str) -> Any: ...

    return app


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return everything().asyncapi()


@pytest.mark.slow
def test_it_is_valid_by_the_schema_of_the_specification(document: dict[str, Any], tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which brings the schema, is not here")
    packed = subprocess.run([npm, "pack", "--silent", SPECS], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if packed.returncode:
        pytest.skip(f"npm does not bring {SPECS}: {packed.stderr[-200:]}")
    with tarfile.open(tmp_path / packed.stdout.strip()) as archive:
        schema = json.load(archive.extractfile("package/schemas/3.0.0-without-$id.json"))  # type: ignore[arg-type]
    assert [error.message for error in Draft7Validator(schema).iter_errors(document)] == []


def test_channels_of_every_dialect(document: dict[str, Any]) -> None:
    addresses = {name: channel["address"] for name, channel in document["channels"].items()}
    assert addresses == {
        "chat": "/chat/{room}",
        "events": "/events",
        "feed": "/sanic/{name}",
        "Resource_on_websocket": "/falcon/{kind}",
        "stream": "/flask/{letter}",
    }
    assert {name for name, channel in document["channels"].items() if "bindings" in channel} == {
        "chat",
        "feed",
        "Resource_on_websocket",
    }


def test_messages_are_the_types_that_the_handler_names(document: dict[str, Any]) -> None:
    chat = document["channels"]["chat"]
    assert chat["messages"]["Said"] == {
        "name": "Said",
        "title": "Said",
        "contentType": "application/json",
        "payload": {"$ref": "#/components/schemas/Said"},
    }
    operations = document["operations"]

    def named(operation: str) -> list[str]:
        return [reference["$ref"].rpartition("/")[2] for reference in operations[operation]["messages"]]

    assert named("receive_chat") == ["Said"]
    assert named("send_chat") == ["Said", "Joined"]
    assert named("send_events") == ["Said"]
    assert named("send_stream") == ["Joined"]
    assert set(document["components"]["schemas"]) == {"Said", "Joined"}
    assert document["channels"]["feed"]["messages"]["message"]["payload"] == {}
    assert not {"receive_events", "receive_stream"} & operations.keys()


def test_parameters_are_those_of_the_signature(document: dict[str, Any]) -> None:
    chat = document["channels"]["chat"]
    assert set(chat["parameters"]) == {"room"}
    binding = chat["bindings"]["ws"]
    assert binding["query"]["properties"]["many"] == {
        "type": "integer",
        "minimum": 1,
        "title": "Many",
        "description": "how many",
    }
    assert binding["query"]["required"] == ["many"]
    assert set(binding["headers"]["properties"]) == {"x-name"}
    assert document["operations"]["send_events"]["bindings"]["http"]["query"]["properties"]["since"]["default"] == 0
    assert document["channels"]["stream"]["parameters"] == {"letter": {"enum": ["a", "b"]}}


def test_security_is_that_of_the_signature(document: dict[str, Any]) -> None:
    token, key = document["operations"]["receive_chat"]["security"]
    assert (token["type"], token["scopes"]) == ("oauth2", ["talk"])
    assert token["flows"]["password"]["availableScopes"] == {"talk": "to talk"}
    assert key == {"$ref": "#/components/securitySchemes/APIKeyQuery"}
    assert document["components"]["securitySchemes"]["APIKeyQuery"]["type"] == "httpApiKey"


def test_what_the_application_and_the_functions_say(document: dict[str, Any]) -> None:
    assert document["info"] == {
        "title": "Talk",
        "version": "0.1.0",
        "description": "*Text*",
        "contact": {"name": "A"},
        "tags": [{"name": "talk"}],
    }
    assert document["channels"]["chat"]["description"] == "Talk to a room."
    assert document["operations"]["send_events"]["tags"] == [{"name": "talk"}]


def test_servers_are_those_that_speak_the_protocol(document: dict[str, Any]) -> None:
    assert document["servers"] == {
        "https_1": {"host": "talk.example", "protocol": "https", "pathname": "/v1", "description": "ours"},
        "wss_1": {"host": "talk.example", "protocol": "wss", "pathname": "/v1", "description": "ours"},
    }
    assert document["channels"]["chat"]["servers"] == [{"$ref": "#/servers/wss_1"}]
    assert document["channels"]["events"]["servers"] == [{"$ref": "#/servers/https_1"}]


def test_handlers_of_one_name_have_channels_of_their_own() -> None:
    app = Fenrir(__name__)

    def add(path: str) -> None:
        @app.fastapi.websocket(path)
        async def same(websocket: WebSocket) -> None: ...

    add("/a")
    add("/b")
    document = app.asyncapi()
    assert set(document["channels"]) == {"same", "same_2"}
    assert set(document["operations"]) == {"receive_same", "send_same", "receive_same_2", "send_same_2"}


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_it_is_served(door: Any) -> None:
    with Client(everything(), door=door) as client:
        assert client.get("/asyncapi.json").json()["asyncapi"] == "3.0.0"
    with Client(Fenrir(__name__, asyncapi_url=None), door=door) as client:
        assert client.get("/asyncapi.json").status_code == 404


@pytest.mark.parametrize("door", ["direct", "asgi"])
def test_an_application_of_fastapi_serves_it_where_it_wants(door: Any) -> None:
    app = FastAPI(title="Feed", asyncapi_url="/channels.json", servers=[{"url": "https://a.example"}])
    router = APIRouter(prefix="/part", tags=["part"])

    @router.websocket("/live/{room}")
    @messages(receives=Said)
    async def live(websocket: WebSocket, room: str, since: int = 0) -> None: ...

    @router.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterable[Said]:
        yield Said(text="")

    app.include_router(router)
    with Client(app, door=door) as client:
        document = client.get("/channels.json").json()
    assert {channel["address"] for channel in document["channels"].values()} == {"/part/live/{room}", "/part/events"}
    assert document["operations"]["send_events"]["tags"] == [{"name": "part"}]
    assert document["channels"]["live"]["bindings"]["ws"]["query"]["properties"].keys() == {"since"}
    assert set(document["servers"]) == {"https_1", "wss_1"}
    with Client(FastAPI(), door=door) as client:
        assert client.get("/asyncapi.json").status_code == 404
