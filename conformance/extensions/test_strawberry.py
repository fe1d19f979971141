"""GraphQL beside REST: queries, mutations, dependencies, subscriptions over WebSocket, the page to try it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import pytest
import strawberry
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from strawberry.fastapi import BaseContext, GraphQLRouter
from strawberry.types import Info


class Context(BaseContext):
    def __init__(self, shop: dict):
        super().__init__()
        self.shop = shop


@strawberry.type
class Item:
    name: str
    price: float


@strawberry.type
class Query:
    @strawberry.field
    def items(self, info: Info) -> list[Item]:
        return [Item(name=name, price=price) for name, price in info.context.shop.items()]

    @strawberry.field
    async def path(self, info: Info) -> str:
        return info.context.request.url.path


@strawberry.type
class Mutation:
    @strawberry.mutation
    def add(self, info: Info, name: str, price: float) -> Item:
        info.context.shop[name] = price
        info.context.background_tasks.add_task(info.context.shop.__setitem__, "told", 1.0)
        info.context.response.headers["x-added"] = name
        return Item(name=name, price=price)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number
            await asyncio.sleep(0)


@pytest.fixture
def client():
    shop = {"tea": 2.5}

    def get_shop() -> dict:
        return shop

    async def get_context(shop: Annotated[dict, Depends(get_shop)]) -> Context:
        return Context(shop)

    schema = strawberry.Schema(Query, Mutation, Subscription)
    app = FastAPI()
    app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/graphql")

    @app.get("/items")
    def rest(shop: Annotated[dict, Depends(get_shop)]):
        return shop

    return TestClient(app)


def ask(client, query, **variables):
    return client.post("/graphql", json={"query": query, "variables": variables})


def test_a_query(client):
    assert ask(client, "{ items { name price } path }").json() == {
        "data": {"items": [{"name": "tea", "price": 2.5}], "path": "/graphql"}
    }
    answer = client.get("/graphql", params={"query": "{ items { name } }"})
    assert answer.json() == {"data": {"items": [{"name": "tea"}]}}


def test_a_mutation_with_a_task_and_a_header(client):
    answer = ask(client, "mutation ($n: String!) { add(name: $n, price: 1) { name } }", n="rice")
    assert answer.json() == {"data": {"add": {"name": "rice"}}}
    assert answer.headers["x-added"] == "rice"
    assert client.get("/items").json() == {"tea": 2.5, "rice": 1.0, "told": 1.0}


def test_errors(client):
    answer = ask(client, "{ nothing }")
    assert answer.status_code == 200
    assert "Cannot query field 'nothing'" in answer.json()["errors"][0]["message"]
    assert client.post("/graphql", content=b"{").status_code == 400
    assert client.put("/graphql").status_code == 405


def test_the_page_to_try_it(client):
    answer = client.get("/graphql", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("protocol", ["graphql-transport-ws"])
def test_a_subscription(client, protocol):
    with client.websocket_connect("/graphql", subprotocols=[protocol]) as websocket:
        assert websocket.accepted_subprotocol == protocol
        websocket.send_json({"type": "connection_init"})
        assert websocket.receive_json()["type"] == "connection_ack"
        websocket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "subscription { count(to: 3) }"}})
        told = [websocket.receive_json() for _ in range(4)]
    assert [message["payload"]["data"]["count"] for message in told[:3]] == [0, 1, 2]
    assert told[3]["type"] == "complete"


def test_the_schema_beside(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/graphql", "/items"}
