"""Integrations replace `solve_dependencies` and `run_endpoint_function` in `fastapi.routing`: requests call them."""

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import quiet


class Item(BaseModel):
    name: str


log: list[Any] = []


def held(key: str = "none") -> Iterator[str]:
    yield f"held {key}"
    log.append(f"left {key}")


def build(f: Any) -> Any:
    app = f.FastAPI()
    router = f.APIRouter()

    @app.get("/plain/{n}")
    async def plain(n: int, key: str = f.Depends(held)) -> Any:
        return [n, key]

    @app.post("/body", status_code=201, response_model=Item)
    def body(item: Item, tasks: f.BackgroundTasks, response: f.Response) -> Any:
        tasks.add_task(log.append, "task")
        response.headers["x-a"] = "set"
        return {"name": item.name, "more": 1}

    @router.get("/inner/{n}")
    def inner(n: int) -> Any:
        return n

    @app.get("/boom")
    def boom() -> Any:
        raise f.HTTPException(418)

    @app.websocket("/socket/{n}")
    async def socket(websocket: f.WebSocket, n: int, key: str = f.Depends(held)) -> None:
        await websocket.accept()
        await websocket.send_text(f"{n} {key}")
        await websocket.close()

    app.include_router(router, prefix="/p")
    return app


def answers(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    f, routing = importlib.import_module(name), importlib.import_module(f"{name}.routing")
    solve, run = routing.solve_dependencies, routing.run_endpoint_function
    app = build(f)

    async def solving(*, request: Any, **options: Any) -> Any:
        found = await solve(request=request, **options)
        log.append(("solved", type(request).__name__, request.scope["path"], len(found.errors)))
        if not found.errors:
            log.append(sorted(found.values))
        return dataclasses.replace(found, values={**found.values, **({"n": 70} if found.values.get("n") == 7 else {})})

    async def running(*, dependant: Any, values: Any, is_coroutine: bool) -> Any:
        log.append(("run", dependant.call.__name__, is_coroutine))
        return await run(dependant=dependant, values=values, is_coroutine=is_coroutine)

    serialize = routing.serialize_response

    async def serializing(**options: Any) -> Any:
        log.append(("serialized", options["response_content"], options["is_coroutine"], options["field"] is None))
        return await serialize(**options)

    monkeypatch.setattr(routing, "serialize_response", serializing)
    monkeypatch.setattr(routing, "solve_dependencies", solving)
    monkeypatch.setattr(routing, "run_endpoint_function", running)
    found: list[Any] = []
    with Client(quiet(app), door="asgi") as client:
        for path in ("/plain/3?key=k", "/plain/7", "/p/inner/4", "/p/inner/x", "/boom", "/nothing"):
            answer = client.get(path)
            found.append((path, answer.status_code, answer.json(), list(log)))
            log.clear()
        for content in ({"name": "a"}, {}):
            answer = client.post("/body", json=content)
            found.append((answer.status_code, answer.json(), answer.headers.get("x-a"), list(log)))
            log.clear()
        for path in ("/socket/3",):
            with client.websocket(path) as session:
                found.append(session.rejected is not None or session.receive())
            found.append([*log])
            log.clear()
    return found


def test_they_are_called_as_upstream_does(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers("fastapi", monkeypatch)
    assert answers("fenrir.fastapi", monkeypatch) == expected
    assert ("run", "plain", True) in expected[0][3]


def test_a_proxy_that_calls_itself_equal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    routing = importlib.import_module("fenrir.fastapi.routing")
    log.clear()

    class Proxy:
        """As wrapt makes them."""

        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped

        def __eq__(self, other: object) -> bool:
            return bool(self.wrapped == other)

        def __hash__(self) -> int:
            return hash(self.wrapped)

        def __call__(self, **options: Any) -> Any:
            log.append("called")
            return self.wrapped(**options)

    monkeypatch.setattr(routing, "run_endpoint_function", Proxy(routing.run_endpoint_function))
    with Client(build(importlib.import_module("fenrir.fastapi"))) as client:
        assert client.get("/p/inner/4").json() == 4
    assert log == ["called"]
