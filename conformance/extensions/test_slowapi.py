"""An API with limits by client and route."""

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.testclient import TestClient
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_remote_address


def application(middleware=None, **options):
    limiter = Limiter(key_func=get_remote_address, **options)
    app = FastAPI()
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
    if middleware is not None:
        app.add_middleware(middleware)
    return app, limiter


def test_a_decorated_route_has_its_limit():
    app, limiter = application(headers_enabled=True)

    @app.get("/few")
    @limiter.limit("2/minute")
    async def few(request: Request, response: Response):
        return {"seen": True}

    @app.get("/free")
    async def free():
        return "free"

    client = TestClient(app)
    first = client.get("/few")
    assert (first.status_code, first.json()) == (200, {"seen": True})
    assert first.headers["x-ratelimit-limit"] == "2"
    assert first.headers["x-ratelimit-remaining"] == "1"
    assert client.get("/few").status_code == 200
    refused = client.get("/few")
    assert refused.status_code == 429
    assert refused.json() == {"error": "Rate limit exceeded: 2 per 1 minute"}
    assert "retry-after" in refused.headers
    assert all(client.get("/free").status_code == 200 for _ in range(5))


def test_a_def_route_and_a_key_of_its_own():
    app, limiter = application()
    router = APIRouter(prefix="/users")

    @router.get("/{name}")
    @limiter.limit("1/minute", key_func=lambda request: request.path_params["name"])
    def read(request: Request, name: str):
        return name

    app.include_router(router)
    client = TestClient(app)
    assert [client.get(f"/users/{name}").status_code for name in ("ada", "grace", "ada")] == [200, 200, 429]


@pytest.mark.parametrize("middleware", [SlowAPIMiddleware, SlowAPIASGIMiddleware])
def test_the_middleware_limits_every_route_by_default(middleware):
    app, limiter = application(middleware, default_limits=["2/minute"])

    @app.get("/a")
    async def a():
        return "a"

    @app.get("/exempt")
    @limiter.exempt
    async def exempt(request: Request):
        return "exempt"

    client = TestClient(app)
    assert [client.get("/a").status_code for _ in range(3)] == [200, 200, 429]
    assert [client.get("/exempt").status_code for _ in range(4)] == [200] * 4


def test_a_shared_limit_counts_both_routes():
    app, limiter = application()
    shared = limiter.shared_limit("2/minute", scope="both")

    @app.get("/a")
    @shared
    async def a(request: Request):
        return "a"

    @app.get("/b")
    @shared
    async def b(request: Request):
        return "b"

    client = TestClient(app)
    assert [client.get(path).status_code for path in ("/a", "/b", "/a")] == [200, 200, 429]


def test_a_route_without_request_is_refused_where_it_is_declared():
    app, limiter = application()
    with pytest.raises(Exception, match="request"):

        @app.get("/")
        @limiter.limit("1/minute")
        async def index():
            return ""
