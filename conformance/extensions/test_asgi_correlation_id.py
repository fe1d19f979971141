"""A number for every request, in the logs and in the answer."""

import logging

import pytest
from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware, correlation_id
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import HTTPException
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

GIVEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def app():
    app = FastAPI()
    app.add_middleware(CorrelationIdMiddleware)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], expose_headers=["X-Request-ID"])
    logger = logging.getLogger("test.correlation")

    @app.get("/async")
    async def on_loop():
        logger.warning("async")
        return correlation_id.get()

    @app.get("/sync")
    def in_thread(tasks: BackgroundTasks):
        logger.warning("sync")
        tasks.add_task(logger.warning, "task")
        return correlation_id.get()

    @app.get("/broken")
    async def broken():
        raise RuntimeError("broken")

    @app.exception_handler(Exception)
    async def unhandled(request: Request, error: Exception):
        return await http_exception_handler(
            request, HTTPException(500, "sorry", headers={"X-Request-ID": correlation_id.get() or ""})
        )

    @app.exception_handler(404)
    async def missing(request: Request, error: HTTPException):
        return JSONResponse({"id": correlation_id.get()}, 404)

    return app


@pytest.fixture
def client(app):
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_a_number_is_made_or_taken(client, path):
    made = client.get(path)
    assert made.json() == made.headers["x-request-id"]
    assert len(made.json()) == 32
    assert client.get(path).json() != made.json()
    given = client.get(path, headers={"x-request-id": GIVEN})
    assert given.json() == given.headers["x-request-id"] == GIVEN
    assert client.get(path, headers={"x-request-id": "no number"}).json() != "no number"


def test_the_log_has_it_in_threads_and_tasks(client, caplog):
    caplog.handler.addFilter(CorrelationIdFilter())
    client.get("/async", headers={"x-request-id": GIVEN})
    client.get("/sync", headers={"x-request-id": GIVEN})
    seen = [(r.message, r.correlation_id) for r in caplog.records if r.name == "test.correlation"]
    assert seen == [("async", GIVEN), ("sync", GIVEN), ("task", GIVEN)]


def test_errors_have_it(client):
    answer = client.get("/nowhere", headers={"x-request-id": GIVEN})
    assert (answer.json(), answer.headers["x-request-id"]) == ({"id": GIVEN}, GIVEN)
    answer = client.get("/broken", headers={"x-request-id": GIVEN})
    assert (answer.status_code, answer.headers["x-request-id"], answer.json()) == (500, GIVEN, {"detail": "sorry"})


def test_beside_cors(client):
    answer = client.get("/async", headers={"origin": "http://other"})
    assert answer.headers["access-control-expose-headers"] == "X-Request-ID"
