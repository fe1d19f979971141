"""`Depends(scope="app")`: made once when the application starts, left when it stops."""

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest

from fenrir.fastapi import Depends, FastAPI, Request
from fenrir.fastapi.exceptions import DependencyScopeError
from fenrir.starlette.routing import Host, Router
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS


def build(log: list[str]) -> tuple[FastAPI, Any]:
    app = FastAPI()

    async def settings() -> dict[str, str]:
        log.append("settings")
        return {"url": "here"}

    async def pool(known: Annotated[dict[str, str], Depends(settings, scope="app")]) -> AsyncIterator[str]:
        log.append(f"pool in {known['url']}")
        yield f"pool of {known['url']}"
        log.append("pool out")

    def model(p: str = Depends(pool, scope="app")) -> Iterator[tuple[str, int]]:
        log.append("model in")
        yield p, threading.get_ident()
        log.append("model out")

    def connection(p: str = Depends(pool, scope="app")) -> str:
        return f"connection of {p}"

    @app.get("/")
    async def index(c: str = Depends(connection), m: Any = Depends(model, scope="app")) -> Any:
        log.append("request")
        return [c, m[0]]

    @app.get("/sync", dependencies=[Depends(pool, scope="app")])
    def sync(m: Any = Depends(model, scope="app")) -> Any:
        return m[0]

    return app, pool


@pytest.mark.parametrize("door", DOORS)
def test_made_once_and_left_in_reverse(door: Any) -> None:
    log: list[str] = []
    app, _ = build(log)
    for _ in range(2):  # a test client starts and stops an application several times
        with Client(app, door=door) as client:
            assert log == ["settings", "pool in here", "model in"]
            assert client.get("/").json() == ["connection of pool of here", "pool of here"]
            assert client.get("/sync").json() == client.get("/sync").json() == "pool of here"
        assert log == ["settings", "pool in here", "model in", "request", "model out", "pool out"]
        log.clear()


def test_overrides_take_the_place() -> None:
    log: list[str] = []
    app, pool = build(log)
    app.dependency_overrides[pool] = lambda: "fake"
    with Client(app) as client:
        assert client.get("/").json() == ["connection of fake", "fake"]
        app.dependency_overrides[pool] = lambda: "later"  # of the running application: made when it is asked for
        assert client.get("/").json()[0] == "connection of later"
    assert "pool in here" not in log


def test_what_fails_at_the_start_stops_it() -> None:
    left: list[int] = []

    async def first() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            left.append(1)

    async def second(n: int = Depends(first, scope="app")) -> int:
        raise OSError("no database")

    app = FastAPI()

    @app.get("/")
    async def index(n: int = Depends(second, scope="app")) -> int:
        return n

    with pytest.raises(OSError, match="no database"), Client(app):
        pass
    assert left == [1]


def test_nothing_of_a_request_goes_in() -> None:
    app = FastAPI()

    def needs_query(q: str) -> str:
        return q

    def needs_request(request: Request) -> str:
        return request.url.path

    def shorter() -> int:
        return 1

    def needs_shorter(n: int = Depends(shorter)) -> int:
        return n

    for dependency, message in (
        (needs_query, "'q' can only be another dependency of this scope"),
        (needs_request, "'request' can only be"),
        (needs_shorter, "it cannot depend on 'n'"),
    ):
        with pytest.raises((AssertionError, DependencyScopeError), match=message):
            app.get("/")(lambda n=Depends(dependency, scope="app"): n)
    with pytest.raises(AssertionError, match="max_concurrency"):
        app.get("/")(lambda n=Depends(shorter, scope="app", max_concurrency=1): n)


def test_before_the_start_there_is_nothing() -> None:
    app, _ = build([])
    with pytest.raises(RuntimeError, match="made when the application starts"):
        Client(app).get("/sync")


@pytest.mark.parametrize("door", DOORS)
def test_those_of_a_mounted_application_live_as_long_as_the_outermost(door: Any) -> None:
    outer = FastAPI()
    middle = FastAPI()
    log: list[str] = []
    app, pool = build(log)
    middle.mount("/inner", app)
    outer.mount("/middle", middle)
    outer.mount("/again", app)
    for _ in range(2):
        with Client(outer, door=door) as client:
            assert log == ["settings", "pool in here", "model in"]
            assert client.get("/middle/inner/").json() == ["connection of pool of here", "pool of here"]
            assert client.get("/again/sync").json() == "pool of here"
        assert log == ["settings", "pool in here", "model in", "request", "model out", "pool out"]
        log.clear()
    app.dependency_overrides[pool] = lambda: "fake"
    with Client(outer, door=door) as client:
        assert client.get("/again/sync").json() == "fake"


def test_an_application_that_mounts_itself_starts() -> None:
    app = FastAPI()
    app.mount("/self", app)
    with Client(app) as client:
        assert client.get("/self/self/docs").status_code == 200


def test_an_application_that_tries_its_routes_one_by_one_has_them() -> None:
    log: list[str] = []
    app, _ = build(log)
    app.router.routes.append(Host("other.example", Router()))
    assert app.__asteri__(1) is None
    with Client(app, door="asgi") as client:
        assert client.get("/sync").json() == "pool of here"
    assert log == ["settings", "pool in here", "model in", "model out", "pool out"]
