"""An API that is measured: counters and histograms by route, on /metrics."""

import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator, metrics


@pytest.fixture
def client():
    app = FastAPI()
    router = APIRouter(prefix="/items")

    @router.get("/{number}")
    def read(number: int):
        if number == 0:
            raise HTTPException(404)
        return {"number": number}

    @router.post("/")
    async def write(body: dict):
        return body

    app.include_router(router)
    registry = CollectorRegistry()
    instrumentator = Instrumentator(should_group_status_codes=False, excluded_handlers=["/metrics"], registry=registry)
    instrumentator.add(metrics.default(registry=registry)).instrument(app).expose(app, include_in_schema=False)
    with TestClient(app) as client:
        yield client


def lines(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text.splitlines()


def test_requests_are_counted_by_the_route_s_path(client):
    for number in (1, 2, 0):
        client.get(f"/items/{number}")
    found = lines(client)
    assert 'http_requests_total{handler="/items/{number}",method="GET",status="200"} 2.0' in found
    assert 'http_requests_total{handler="/items/{number}",method="GET",status="404"} 1.0' in found


def test_what_has_no_route_is_not_a_label_of_its_own(client):
    client.get("/nowhere/1")
    assert not any("/nowhere/1" in line for line in lines(client))


def test_sizes_are_measured(client):
    client.post("/items/", json={"a": 1})
    found = lines(client)
    assert any(line.startswith('http_request_size_bytes_sum{handler="/items/"} ') for line in found)
    assert any(line.startswith('http_response_size_bytes_sum{handler="/items/"} ') for line in found)


def test_validation_errors_are_measured(client):
    assert client.get("/items/x").status_code == 422
    assert 'http_requests_total{handler="/items/{number}",method="GET",status="422"} 1.0' in lines(client)


def test_the_exposition_is_not_in_the_schema(client):
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]
