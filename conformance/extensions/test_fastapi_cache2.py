"""Answers that are remembered, in memory."""

from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from fastapi_cache import FastAPICache
from fastapi_cache.backends.inmemory import InMemoryBackend
from fastapi_cache.decorator import cache
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    count: int


@pytest.fixture
def client():
    calls = {"n": 0}

    @asynccontextmanager
    async def lifespan(app):
        FastAPICache.init(InMemoryBackend(), prefix="test")
        yield
        FastAPICache.reset()

    app = FastAPI(lifespan=lifespan)

    @app.get("/async")
    @cache(expire=60)
    async def on_loop(name: str = "x") -> Item:
        calls["n"] += 1
        return Item(name=name, count=calls["n"])

    @app.get("/sync")
    @cache(expire=60)
    def in_thread(request: Request, response: Response):
        calls["n"] += 1
        return {"count": calls["n"]}

    @app.get("/clear")
    async def clear():
        return await FastAPICache.clear()

    with TestClient(app) as client:
        yield client


def test_the_second_answer_is_remembered(client):
    first, second = client.get("/async"), client.get("/async")
    assert first.json() == second.json() == {"name": "x", "count": 1}
    assert [answer.headers["x-fastapi-cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert first.headers["cache-control"] == "max-age=60"
    assert first.headers["etag"] == second.headers["etag"]


def test_parameters_make_another_answer(client):
    assert client.get("/async?name=a").json()["count"] == 1
    assert client.get("/async?name=b").json()["count"] == 2
    assert client.get("/async?name=a").json()["count"] == 1


def test_def_and_the_injected_request(client):
    assert client.get("/sync").json() == client.get("/sync").json() == {"count": 1}


def test_not_modified(client):
    etag = client.get("/async").headers["etag"]
    assert client.get("/async", headers={"if-none-match": etag}).status_code == 304


def test_no_cache_and_no_store_are_obeyed(client):
    client.get("/sync")
    assert client.get("/sync", headers={"cache-control": "no-cache"}).json() == {"count": 2}
    assert client.get("/sync", headers={"cache-control": "no-store"}).json() == {"count": 3}


def test_clearing(client):
    client.get("/async")
    assert client.get("/clear").json() >= 1
    assert client.get("/async").json()["count"] == 2


def test_the_added_parameters_are_not_documented(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert [row["name"] for row in paths["/async"]["get"]["parameters"]] == ["name"]
    assert "parameters" not in paths["/sync"]["get"]
