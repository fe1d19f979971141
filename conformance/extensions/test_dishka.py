"""Handlers that a container provides for, by decorator and by a route class."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient


def test_dishka():
    from dishka import Provider, Scope, make_async_container, provide
    from dishka.integrations.fastapi import DishkaRoute, FastapiProvider, FromDishka, inject, setup_dishka

    class P(Provider):
        @provide(scope=Scope.REQUEST)
        def n(self, request: Request) -> int:
            return len(request.url.path)

    router = APIRouter(route_class=DishkaRoute)

    @router.get("/abc")
    async def abc(n: FromDishka[int], q: str = "x") -> list:
        return [n, q]

    app = FastAPI()

    @app.get("/d")
    @inject
    async def d(n: FromDishka[int]):
        return n

    app.include_router(router)
    setup_dishka(make_async_container(P(), FastapiProvider()), app)
    c = TestClient(app)
    assert c.get("/abc?q=1").json() == [4, "1"]
    assert c.get("/d").json() == 2
