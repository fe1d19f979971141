"""Sessions on the server."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


def test_starsessions():
    from starsessions import InMemoryStore, SessionAutoloadMiddleware, SessionMiddleware

    app = FastAPI()
    app.add_middleware(SessionAutoloadMiddleware)
    app.add_middleware(SessionMiddleware, store=InMemoryStore(), cookie_https_only=False, lifetime=100)

    @app.get("/set")
    async def s(request: Request):
        request.session["a"] = 1
        return "ok"

    @app.get("/get")
    def g(request: Request):
        return request.session

    c = TestClient(app)
    c.get("/set")
    assert c.get("/get").json() == {"a": 1}
