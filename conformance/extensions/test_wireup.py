"""Services that are injected by rewriting the dependants of routes, whenever the application starts."""

from typing import Annotated

import wireup
import wireup.integration.fastapi
from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.testclient import TestClient
from wireup import Injected, injectable


@injectable
class Greeter:
    def greet(self, name):
        return f"hello {name}"


@injectable(lifetime="scoped")
class Visit:
    def __init__(self, request: Request):
        self.path = request.url.path


@injectable(lifetime="scoped")
class Counter:
    def __init__(self):
        self.count = 0


class Handlers:
    router = APIRouter(prefix="/handlers")

    def __init__(self, greeter: Greeter):
        self.greeter = greeter

    @router.get("/greet")
    async def greet(self, name: str = "you"):
        return self.greeter.greet(name)


def number(n: int = 3) -> int:
    return n


def application(**options):
    app = FastAPI()
    router = APIRouter(prefix="/in")

    @app.get("/greet/{name}")
    async def greet(name: str, greeter: Injected[Greeter], n: Annotated[int, Depends(number)]):
        return [greeter.greet(name), n]

    @app.get("/plain")
    def plain():
        return "plain"

    @router.get("/visit")
    async def visit(visit: Injected[Visit]):
        return visit.path

    @app.websocket("/ws")
    async def ws(websocket: WebSocket, greeter: Injected[Greeter], counter: Injected[Counter]):
        await websocket.accept()
        counter.count += 1
        await websocket.send_json([greeter.greet("ws"), counter.count])
        await websocket.close()

    app.include_router(router)
    container = wireup.create_async_container(injectables=[Greeter, Visit, Counter, wireup.integration.fastapi])
    wireup.integration.fastapi.setup(container, app, class_based_handlers=[Handlers], **options)
    return app


def test_services():
    for options in ({}, {"middleware_mode": True}):
        with TestClient(application(**options)) as client:
            assert client.get("/greet/me?n=5").json() == ["hello me", 5]
            assert client.get("/greet/me?n=x").status_code == 422
            assert client.get("/plain").json() == "plain"
            assert client.get("/in/visit").json() == "/in/visit"


def test_a_class_of_handlers():
    with TestClient(application()) as client:
        assert client.get("/handlers/greet", params={"name": "class"}).json() == "hello class"
        assert "/handlers/greet" in client.get("/openapi.json").json()["paths"]


def test_a_websocket():
    with TestClient(application()) as client, client.websocket_connect("/ws") as websocket:
        assert websocket.receive_json() == ["hello ws", 1]
