"""GraphQL, mounted and called from a handler."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient


def test_ariadne():
    from ariadne import QueryType, make_executable_schema
    from ariadne.asgi import GraphQL

    q = QueryType()

    @q.field("hello")
    def hello(_, info):
        return info.context["request"].headers.get("x-a", "none")

    schema = make_executable_schema("type Query { hello: String! }", q)
    app = FastAPI()
    app.mount("/graphql", GraphQL(schema, debug=True))
    g = GraphQL(schema)

    @app.post("/other")
    async def other(request: Request):
        return await g.handle_request(request)

    app.add_route(
        "/raw",
        GraphQL(schema).http_handler.handle_request if hasattr(GraphQL(schema), "http_handler") else g,
        methods=["POST"],
    )
    c = TestClient(app)
    assert c.post("/graphql/", json={"query": "{ hello }"}, headers={"x-a": "b"}).json() == {"data": {"hello": "b"}}
    assert c.post("/other", json={"query": "{ hello }"}).json() == {"data": {"hello": "none"}}
    assert c.get("/graphql/", headers={"accept": "text/html"}).status_code == 200
