"""A mounted application keeps its paths: what is registered below it afterwards is never reached, as upstream."""

import importlib
from typing import Any

import pytest


@pytest.fixture(params=["fastapi", "fenrir.fastapi"])
def fastapi(request: pytest.FixtureRequest) -> Any:
    importlib.import_module(f"{request.param}.testclient")
    return importlib.import_module(request.param)


def test_what_comes_after_a_mount(fastapi: Any) -> None:
    below = fastapi.FastAPI(title="below")

    @below.get("/item")
    def item() -> str:
        return "mounted"

    app = fastapi.FastAPI()

    @app.get("/v1/before")
    def before() -> str:
        return "before"

    app.mount("/v1", below)
    router = fastapi.APIRouter()

    @app.get("/v1/openapi.json")
    @app.get("/v1/item")
    @app.get("/v1/{anything}")
    @router.get("/v1/included")
    def noop() -> None:
        """Be documented only."""

    @app.get("/v10")
    def other() -> str:
        return "other"

    app.include_router(router)
    client = fastapi.testclient.TestClient(app)
    assert client.get("/v1/openapi.json").json()["info"]["title"] == "below"
    found = [client.get(f"/{path}") for path in ("v1/item", "v1/before", "v10", "v1/included", "v1/nothing")]
    assert [(answer.status_code, answer.json()) for answer in found] == [
        (200, "mounted"),
        (200, "before"),
        (200, "other"),
        (404, {"detail": "Not Found"}),
        (404, {"detail": "Not Found"}),
    ]
    assert "/v1/item" in app.openapi()["paths"]
