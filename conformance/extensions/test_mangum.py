"""An application behind a gateway that calls functions: no length of the body is told."""

import json
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


def test_mangum():
    from mangum import Mangum

    @asynccontextmanager
    async def lifespan(app):
        yield {"s": 1}

    app = FastAPI(lifespan=lifespan)

    @app.post("/a")
    async def a(request: Request, b: dict):
        return [b, request.state.s, request.url.query]

    h = Mangum(app)
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a",
        "rawQueryString": "q=1",
        "headers": {"content-type": "application/json", "host": "x"},
        "requestContext": {
            "http": {"method": "POST", "path": "/a", "sourceIp": "1.1.1.1", "protocol": "HTTP/1.1"},
            "domainName": "x",
        },
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    }
    r = h(event, {})
    assert r["statusCode"] == 200 and json.loads(r["body"]) == [{"a": 1}, 1, "q=1"], r
