"""Spans of requests and of what writes their answers, with the path of the route, in routers and below mounts."""

import os

os.environ.update(
    DD_INSTRUMENTATION_TELEMETRY_ENABLED="false", DD_REMOTE_CONFIGURATION_ENABLED="false", DD_TRACE_ENABLED="true"
)

from ddtrace import patch
from ddtrace.trace import TraceFilter, tracer
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import BaseModel

SPANS = []


class Keep(TraceFilter):
    def process_trace(self, trace):
        SPANS.extend(trace)


tracer.configure(trace_processors=[Keep()])
patch(fastapi=True, starlette=True)


class Item(BaseModel):
    n: int


def build():
    app, router, sub = FastAPI(), APIRouter(), FastAPI()

    @app.get("/items/{n}")
    async def read(n: int) -> Item:
        return Item(n=n)

    @app.get("/refused")
    async def refused():
        raise HTTPException(418)

    @router.get("/inner")
    def inner():
        return {"inner": 1}

    @sub.get("/below/{n}")
    def below(n: int):
        return n

    app.include_router(router, prefix="/p")
    app.mount("/sub", sub)
    return app


def seen(path, status):
    SPANS.clear()
    assert TestClient(build()).get(path).status_code == status
    return sorted((span.name, span.resource, span.get_tag("http.status_code")) for span in SPANS)


def test_requests_and_answers_have_spans():
    serialized = ("fastapi.serialize_response", "fastapi.serialize_response", None)
    assert seen("/items/3", 200) == [("fastapi.request", "GET /items/{n}", "200"), serialized]
    assert seen("/p/inner", 200) == [("fastapi.request", "GET /p/inner", "200"), serialized]
    assert seen("/items/x", 422) == [("fastapi.request", "GET /items/{n}", "422")]
    assert seen("/refused", 418) == [("fastapi.request", "GET /refused", "418")]
    assert ("fastapi.request", "GET /nothing", "404") in seen("/nothing", 404)


def test_mounted_applications_have_spans():
    found = seen("/sub/below/3", 200)
    assert ("fastapi.request", "GET /sub/below/{n}", "200") in found
    assert [name for name, _, _ in found].count("fastapi.request") == 2
