"""Versions of an API, each a mounted application; the document of the whole has notes below the mounts."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from fastapi_versioning import VersionedFastAPI, version


def test_versions():
    app = FastAPI(title="Shop")

    @app.get("/greet")
    @version(1, 0)
    def first():
        return "hello"

    @app.get("/greet")
    @version(1, 1)
    def second():
        return "hi"

    app = VersionedFastAPI(app, enable_latest=True)
    client = TestClient(app)
    found = [client.get(f"/{prefix}/greet").json() for prefix in ("v1_0", "v1_1", "latest")]
    assert found == ["hello", "hi", "hi"]
    document = client.get("/v1_1/openapi.json").json()
    assert (document["info"]["version"], list(document["paths"])) == ("1.1", ["/greet"])
    assert "Swagger UI" in client.get("/v1_0/docs").text
    assert "/v1_0/openapi.json" in client.get("/openapi.json").json()["paths"]
