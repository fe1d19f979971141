"""Spans of requests: arguments, their errors, the endpoint's time, mounted applications, WebSockets."""

import logfire
import pytest
from fastapi import APIRouter, BackgroundTasks, Body, Depends, FastAPI, HTTPException, Response, WebSocket
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient
from logfire.testing import TestExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pydantic import BaseModel

EXPORTER = TestExporter()


@pytest.fixture(autouse=True)
def spans():
    EXPORTER.clear()
    yield EXPORTER


logfire.configure(
    send_to_logfire=False,
    console=False,
    additional_span_processors=[SimpleSpanProcessor(EXPORTER)],
    inspect_arguments=False,
)


class Item(BaseModel):
    name: str


left = []


def token(key: str = "none"):
    yield f"token {key}"
    left.append(key)


def build():
    app = FastAPI()
    router = APIRouter(prefix="/inner")

    @app.get("/items/{n}")
    async def read(n: int, q: str = "q", t: str = Depends(token)):
        return {"n": n, "q": q, "t": t}

    @app.get("/thread/{n}")
    def thread(n: int):
        return {"n": n}

    @app.post("/items", status_code=201, response_model=Item)
    async def create(item: Item, tasks: BackgroundTasks, response: Response, twice: int = Body(1, embed=True)):
        tasks.add_task(left.append, item.name)
        response.headers["x-set"] = "set"
        return {"name": item.name * twice, "more": 1}

    @app.get("/text", response_class=PlainTextResponse)
    def text():
        return "text"

    @app.get("/refused")
    async def refused():
        raise HTTPException(418, "teapot")

    @app.get("/boom")
    def boom():
        raise ZeroDivisionError("boom")

    @app.get("/stream")
    async def stream():
        yield {"n": 1}
        yield {"n": 2}

    @router.get("/{n}")
    async def inner(n: int):
        return n

    @app.websocket("/ws/{n}")
    async def ws(websocket: WebSocket, n: int, t: str = Depends(token)):
        await websocket.accept()
        await websocket.send_json([n, t])
        await websocket.close()

    app.include_router(router)
    sub = FastAPI()

    @sub.get("/below/{n}")
    def below(n: int):
        return n

    app.mount("/sub", sub)
    return app


def names():
    return [span["name"] for span in EXPORTER.exported_spans_as_dict()]


def attributes(name):
    found = [span for span in EXPORTER.exported_spans_as_dict() if span["name"] == name]
    assert found, names()
    return found[-1]["attributes"]


def test_requests_are_recorded():
    app = build()
    logfire.instrument_fastapi(app, extra_spans=True)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.get("/items/3?key=k").json() == {"n": 3, "q": "q", "t": "token k"}
    assert left.pop() == "k"
    seen = attributes("GET /items/{n}")
    assert '"n":3' in seen["fastapi.arguments.values"] and "fastapi.endpoint_function.start_timestamp" in seen
    assert seen["fastapi.route.name"] == "read"
    assert client.get("/thread/4").json() == {"n": 4}
    assert "fastapi.endpoint_function.end_timestamp" in attributes("GET /thread/{n}")
    assert "FastAPI arguments" in names() and "{method} {http.route} ({code.function})" in names()
    refused = client.get("/items/x")
    assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["path", "n"]
    assert "int_parsing" in attributes("GET /items/{n}")["fastapi.arguments.errors"]
    assert client.get("/inner/5").json() == 5
    assert '"n":5' in attributes("GET /inner/{n}")["fastapi.arguments.values"]


def test_answers_are_the_same():
    app = build()
    logfire.instrument_fastapi(app)
    client = TestClient(app, raise_server_exceptions=False)
    made = client.post("/items", json={"item": {"name": "ab"}, "twice": 2})
    assert (made.status_code, made.json(), made.headers["x-set"]) == (201, {"name": "abab"}, "set")
    assert left.pop() == "ab"
    assert client.post("/items", content=b"{").status_code == 422
    text = client.get("/text")
    assert (text.text, text.headers["content-type"]) == ("text", "text/plain; charset=utf-8")
    assert client.get("/refused").json() == {"detail": "teapot"}
    assert client.get("/boom").status_code == 500
    assert client.get("/stream").text.replace(" ", "").split() == ['{"n":1}', '{"n":2}']
    assert client.get("/sub/below/7").json() == 7
    assert client.get("/nothing").status_code == 404
    with client.websocket_connect("/ws/1?key=w") as session:
        assert session.receive_json() == [1, "token w"]
    assert left.pop() == "w"


def test_arguments_are_the_mappers():
    app = build()
    logfire.instrument_fastapi(
        app,
        request_attributes_mapper=lambda request, found: {
            "sum": len(found["values"]),
            "kind": type(request).__name__,
        },
    )
    client = TestClient(app)
    client.get("/items/3")
    seen = attributes("GET /items/{n}")
    assert (seen["sum"], seen["kind"]) == (3, "Request")
    with client.websocket_connect("/ws/1") as session:
        session.receive_json()
    assert attributes("HTTP /ws/{n}")["kind"] == "WebSocket"


def test_applications_that_are_not_instrumented():
    client = TestClient(build())
    assert client.get("/items/3?key=k").json()["n"] == 3
    assert EXPORTER.exported_spans_as_dict() == []
