"""WSGI inside, and the application as WSGI."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


def test_a2wsgi():
    from a2wsgi import ASGIMiddleware, WSGIMiddleware

    app = FastAPI()

    @app.get("/a")
    def a(request: Request):
        return request.url.path

    def wsgi(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["SCRIPT_NAME"].encode(), b"|", environ["PATH_INFO"].encode()]

    app.mount("/w", WSGIMiddleware(wsgi))
    c = TestClient(app)
    assert c.get("/w/x").text == "/w|/x"
    from werkzeug.test import Client

    w = Client(ASGIMiddleware(app))
    assert w.get("/a").json == "/a"
